"""What an edit of rows changes: two simulations of one history, image by image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from policies.durations import say_duration
from policies.happenings import STARTS, Happening, Simulated, What
from policies.render import moment
from rollouts.model import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of an image by a row. started: when it shipped first, None: never. last: how it stands in the end."""

    started: datetime | None
    last: Happening

    @property
    def text(self) -> str:
        """In words."""
        last = self.last
        if self.started is None or last.what in STARTS:
            return f"{last.what} {moment(last.at)}: {last.because}"
        return f"ships {moment(self.started)}, {last.what} {moment(last.at)}: {last.because}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One image whose fate differs. before, after: None where there is no such row."""

    policy: str
    image: Image
    what: str
    before: Fate | None
    after: Fate | None


Key = tuple[str, str, str, str]


def compare(before: Simulated, after: Simulated) -> tuple[Change, ...]:
    """Every difference, by row and then by when the image was first seen."""
    old, new = _fates(before.happenings), _fates(after.happenings)
    changes: list[Change] = []
    for key in dict.fromkeys([*old, *new]):
        was, now = old.get(key), new.get(key)
        what = _difference(was, now)
        known = was or now
        if what and known:
            changes.append(Change(policy=key[0], image=known.last.image, what=what, before=was, after=now))
    return tuple(sorted(changes, key=lambda change: change.policy))


def _fates(happenings: Iterable[Happening]) -> dict[Key, Fate]:
    fates: dict[Key, Fate] = {}
    for one in happenings:
        key = (one.policy, one.image.repository, one.image.tag, one.image.digest)
        known = fates.get(key)
        started = known.started if known else None
        fates[key] = Fate(started=started or (one.at if one.what in STARTS else None), last=one)
    return fates


def _difference(was: Fate | None, now: Fate | None) -> str:
    """In two or three words; "" when there is none worth telling."""
    before, after = (fate.started if fate else None for fate in (was, now))
    if before is None and after is not None:
        return "ships now"
    if before is not None and after is None:
        return "no longer ships"
    if before is not None and after is not None and before != after:
        return f"ships {_apart(before, after)}"
    if was is None or now is None:
        return "" if _is_nothing(was or now) else "is not looked at" if now is None else "is looked at"
    if was.last.what is not now.last.what:
        return f"{now.last.what}; before: {was.last.what}"
    if before is not None and was.last.at != now.last.at:
        return f"{now.last.what} {_apart(was.last.at, now.last.at)}"
    return "for another reason" if was.last.because != now.last.because else ""


def _apart(before: datetime, after: datetime) -> str:
    return f"{say_duration(abs(after - before))} {'later' if after > before else 'earlier'}"


def _is_nothing(fate: Fate | None) -> bool:
    """Whether a row that is gone, or new, has nothing to do with the image anyway."""
    return fate is None or fate.last.what is What.LEFT_OUT
