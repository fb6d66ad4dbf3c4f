"""What is known about an image when a policy is asked: facts in, never asked for here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the registry holds under a digest.

    config: config media type. artifact: artifactType or "". platforms: "os/arch" of an index's children that
    are images, () for a plain manifest (whose own platform the registry does not tell).
    children: digest per platform.
    """

    digest: str
    media_type: str
    config: str = ""
    artifact: str = ""
    subject: bool = False
    children: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSeen:
    """A tag as the registry lists it. updated: when it last moved, None where the registry does not tell."""

    name: str
    digest: str
    updated: datetime | None
