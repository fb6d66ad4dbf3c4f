"""What an image has come to in one app, and what that means to a pipeline that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from cli.rollout_text import app_name, told
from policies.errors import printable

if TYPE_CHECKING:
    from collections.abc import Collection

    from cli.service import Json


class End(Enum):
    """How the waiting may end, with the exit code; the first of several apps' ends is that of them all."""

    ROLLED_BACK = 1  # the image was found wanting, or its revision never became ready
    REFUSED = 3  # a gate closed, or what it waited for did not come in time
    STOPPED = 4  # a person or a newer image ended it
    UNSELECTED = 5
    TIMEOUT = 6
    PROMOTED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One row's word on the image. end None: it may still come. counts False: this row never ships it."""

    app: str
    text: str
    end: End | None = None
    counts: bool = True


_ENDS = {
    "promoted": End.PROMOTED,
    "rolled_back": End.ROLLED_BACK,
    "failed": End.ROLLED_BACK,
    "rejected": End.REFUSED,
    "expired": End.REFUSED,
    "aborted": End.STOPPED,
    "superseded": End.STOPPED,
}


def fate(row: Json, *, since: str, late: bool) -> Fate:
    """What a row of `/api/images` says. Raises KeyError and others for no such answer.

    since: when the waiting began, as the installation's own clock had it. late: so long ago that an event would have
    come. An end from before may be that of an earlier push of the same digest, so it counts only then.
    """
    rollout, app = row["rollout"], app_name(str(row["app"]))
    if row["mode"] != "on":
        word = "only observes" if row["mode"] == "observe" else "is off"
        said = f"; {told(rollout)}" if rollout else ""
        return Fate(app=app, text=printable(f"its row {word}{said}"), counts=False)
    if rollout is None:
        return _without_rollout(row, app)
    text = told(rollout)
    end = _ENDS.get(str(rollout["phase"]))
    if end is None or (str(rollout["finished"]) < since and not late and not row["runs"]):
        return Fate(app=app, text=text)
    if end is End.PROMOTED and not row["runs"] and str(rollout["finished"]) < since:
        return Fate(app=app, text=f"{text}; something else runs now", end=End.STOPPED)
    return Fate(app=app, text=text, end=end)


def _without_rollout(row: Json, app: str) -> Fate:
    if row["selects"] is False:
        return Fate(app=app, text=printable(f"its row leaves it out: {row['because']}"), counts=False)
    if row["runs"]:
        return Fate(app=app, text="it is what runs", end=End.PROMOTED)
    unknown = "" if row["selects"] else f": {row['because']}"
    return Fate(app=app, text=printable(f"not offered yet{unknown}"))


def end_of(fates: Collection[Fate]) -> End | None:
    """How it ended everywhere; None while it has not."""
    ends = [one.end for one in fates if one.counts]
    known = [end for end in ends if end is not None]
    return gravest(known or [End.UNSELECTED]) if len(known) == len(ends) else None


def gravest(ends: Collection[End]) -> End:
    """That of them all: what a pipeline must not overlook."""
    return next(end for end in End if end in ends)
