"""What rows did to a history, or would have done, as a simulation tells it: one happening an edge, in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rollouts.model import Image


class What(StrEnum):
    """What happened to one image by one row."""

    LEFT_OUT = "left out"  # its tag is not the row's
    RUNS = "runs already"
    TAKEN = "taken"
    WAITS = "waits"
    REFUSED = "refused"
    SHIPS = "ships"
    WOULD_SHIP = "would ship"
    SUPERSEDED = "superseded"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    ABORTED = "aborted"


class Trust(StrEnum):
    """What a simulation took on trust, or left off."""

    PEOPLE = "people are taken to approve as soon as they are asked"
    SIGNED = "images are taken to be signed by all whom their rows name"
    CUT = "an image is asked for at most 200 times by the clock alone, and 90 days after the last entry"


STARTS = frozenset({What.SHIPS, What.WOULD_SHIP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One edge. policy: key of the row."""

    at: datetime
    what: What
    policy: str
    image: Image
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Everything that happened, in order of time. notes: each once."""

    happenings: tuple[Happening, ...]
    notes: tuple[Trust, ...] = ()
