"""The OCI labels of an image, out of its config: read once, since nothing under a digest ever changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from delivery.errors import Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from policies.facts import Manifest

LARGEST = 256 * 1024  # bytes of a config
_PLATFORM = "linux/amd64"  # the one Container Apps runs
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_WITHIN = 3.0  # seconds: labels are told and never decided on, so nothing may wait long for them
_ABOUT = "org.opencontainers.image."
_LONGEST = 512  # characters of a label
_MOST = 32  # labels of an image
_HELD = 256  # images remembered


class Content(Protocol):
    """What a registry answered."""

    @property
    def body(self) -> Mapping[str, object]:
        """Its JSON, {} when that is no object."""
        ...


class Labels:
    """Labels of images by manifest digest; of more than `_HELD` the one read first is forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, str]] = {}

    async def of(
        self,
        found: Manifest,
        digest: str,
        body: Mapping[str, object],
        get: Callable[[str, str], Awaitable[Content | None]],
    ) -> Mapping[str, str]:
        """The labels of an image; {} when they cannot be read, which is tried again only where that may help.

        body: the manifest's JSON. get: what the registry holds as (`manifests` or `blobs`, digest).
        """
        if (known := self._known.get(digest)) is not None:
            return known
        try:
            async with asyncio.timeout(_WITHIN):
                labels = await _read(found, body, get)
        except (Retry, TimeoutError):
            return {}
        except Refused:
            labels = {}
        if len(self._known) >= _HELD:
            del self._known[next(iter(self._known))]
        self._known[digest] = labels
        return labels


async def _read(
    found: Manifest, body: Mapping[str, object], get: Callable[[str, str], Awaitable[Content | None]]
) -> dict[str, str]:
    """Of an index, the labels of the image that would run."""
    if found.children:
        child = found.children.get(_PLATFORM, "")
        inner = await get("manifests", child) if child.startswith("sha256:") else None
        body = inner.body if inner else {}
    config = body.get("config")
    digest = config.get("digest") if isinstance(config, Mapping) and config.get("mediaType") in _CONFIGS else None
    if not isinstance(digest, str) or not digest.startswith("sha256:"):
        return {}
    blob = await get("blobs", digest)
    inside = blob.body.get("config") if blob else None
    return fitting(inside.get("Labels") if isinstance(inside, Mapping) else None)


def fitting(found: object) -> dict[str, str]:
    """The `org.opencontainers.image` labels that are one printable line, whole or not at all."""
    named = found.items() if isinstance(found, Mapping) else ()
    good = ((name, value) for name, value in named if _fits(name) and _fits(value) and name.startswith(_ABOUT))
    return dict(islice(good, _MOST))


def _fits(text: object) -> bool:
    return isinstance(text, str) and len(text) <= _LONGEST and text.isprintable()
