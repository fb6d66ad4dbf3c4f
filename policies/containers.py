"""Which container of an app a row changes."""

from __future__ import annotations

from collections.abc import Mapping

from policies.model import Policy
from rollouts.model import Image


def container_of(policy: Policy, image: Image, images: Mapping[str, str]) -> str:
    """The container the row names, or the one that runs the repository now; "" when neither is there.

    images: container name to image reference, of the app's template.
    """
    if policy.container:
        return policy.container if policy.container in images else ""
    running = running_containers(image, images)
    return running[0] if len(running) == 1 else ""


def running_containers(image: Image, images: Mapping[str, str]) -> tuple[str, ...]:
    """The containers that run the image's repository, whatever its tag or digest."""
    wanted = f"{image.registry}/{image.repository}".lower()
    return tuple(name for name, reference in images.items() if split_reference(reference)[0].lower() == wanted)


def split_reference(reference: str) -> tuple[str, str, str]:
    """An image reference as (registry/repository, tag, digest); "" for what it does not say."""
    named, _, digest = reference.partition("@")
    head, slash, last = named.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag, digest
