"""An image that no event announced, offered by a person or a pipeline as a push of it would have been.

What is there is read from the registry; then it goes the way of every push: kept as evidence, offered to every app
whose rows select it, and judged by their gates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from delivery import image_reference, intake, names
from delivery.errors import Malformed, Refused
from policies.evaluate import short
from policies.evidence import DIGEST
from policies.pushes import PushEvidence

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.ports import Ports
    from policies.facts import TagSeen
    from rollouts.model import Image

Json = dict[str, object]
_MOST_TOLD = 8  # tags of a digest that an error names


async def offer(ports: Ports, reference: str) -> Json:
    """Offer it; answers which apps were woken. Raises `Malformed` for what the registry does not hold so.

    1 HEAD and a listing of the repository's tags (1 call a page of 100), and what `intake.image_pushed` costs.
    """
    asked = image_reference.read(reference)
    tags = await _tags(ports, asked)
    image = await _there(ports, asked, tags)
    pushed_at = _moved_at(image, tags)
    push = PushEvidence(
        registry=image.registry,
        repository=image.repository,
        tag=image.tag,
        digest=image.digest,
        pushed_at=pushed_at or ports.clock.now(),
        listed=True,
    )
    woken = await intake.image_pushed(ports, push)
    unselected = f"no row selects {image.tag} of {image.registry}/{image.repository}"
    return {
        "image": f"{image.registry}/{image.repository}:{image.tag}@{image.digest}",
        "pushed_at": pushed_at.isoformat() if pushed_at else None,
        "apps": [names.resource_id(app) for app in woken],
        "because": "" if woken else unselected,
    }


async def _tags(ports: Ports, asked: Image) -> list[TagSeen]:
    """The listing; where it may not be read, an image that is named by its tag has no time, and no more is missing."""
    try:
        return await ports.registry.tags(asked.registry, asked.repository)
    except Refused:
        if not asked.tag:
            raise
        return []


async def _there(ports: Ports, asked: Image, tags: list[TagSeen]) -> Image:
    """The image with its tag and its digest, both as the registry has them now."""
    named = f"{asked.registry}/{asked.repository}"
    tag = asked.tag or _only_tag(named, asked.digest, tags)
    digest = await ports.registry.digest(asked.registry, asked.repository, tag)
    if not digest or DIGEST.fullmatch(digest) is None:
        raise Malformed(f"image: expected a tag that {named} has, found {tag}, which it has not")
    if asked.digest and asked.digest != digest:
        raise Malformed(f"image: {named}:{tag}: expected {short(asked.digest)}, found {short(digest)} there now")
    return replace(asked, tag=tag, digest=digest)


def _only_tag(named: str, digest: str, tags: list[TagSeen]) -> str:
    """Rows select by tag, so an image without one cannot be offered, and one with several only by one of them."""
    found = [tag.name for tag in tags if tag.digest == digest]
    if len(found) != 1:
        there = ", ".join(found[:_MOST_TOLD]) or "none"
        raise Malformed(
            f"image: {named}@{short(digest)}: expected one tag of it, or the image with its tag; found {there}"
        )
    return found[0]


def _moved_at(image: Image, tags: list[TagSeen]) -> datetime | None:
    """When the registry last moved the tag, where it tells."""
    return next((tag.updated for tag in tags if tag.name == image.tag), None)
