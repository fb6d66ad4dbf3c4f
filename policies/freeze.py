"""Freeze: days on which nothing starts or rises.

Whole days, the first and the last among them, by the clock of the zone behind them. Without a zone they are days of
UTC: the cell may be a registry's, whose rows are of many zones, and the because always says which clock is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from policies.dates import read_date, suggest_date
from policies.errors import CellError, Problem, quoted
from policies.gate import Asked, is_open, is_waiting
from policies.wall_clock import instants
from policies.zones import read_zone, suggest_zone
from rollouts.findings import Finding

Days = tuple[date, date]
"""The first and the last day."""

MOST_PARTS = 50
_DAY = timedelta(days=1)
_EXPECTED = 'days as in "2026-12-20" or "2026-12-20..2027-01-03"'
_FROM_TO = re.compile(r" ?(?:\.{2,}|…| to | until |/(?=2[0-9]{3}-)| - |(?<=[0-9]{4}-[0-9]{2}-[0-9]{2})-) ?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeRule:
    """The Freeze cell. frozen: rising, none touching the next."""

    text: str
    frozen: tuple[Days, ...]
    zone: ZoneInfo
    lasting: ClassVar[bool] = True

    def ask(self, asked: Asked) -> Finding:
        """Waiting for the end of the days that are frozen now."""
        now = asked.now
        held = self._held(now)
        if held is None:
            coming = next((days for days in self.frozen if days[0] > now.astimezone(self.zone).date()), None)
            return is_open("freeze", f"not frozen before {coming[0]}" if coming else "not frozen any more")
        midnight = datetime.combine(held[1] + _DAY, time())
        ends = min(instant for instant in instants(midnight, self.zone) if self._held(instant) is None)
        until = f"{ends.astimezone(self.zone):%Y-%m-%d %H:%M} {self.zone.key}"
        return is_waiting("freeze", f"frozen until {until} ({_written(held)})", ends)

    def _held(self, instant: datetime) -> Days | None:
        today = instant.astimezone(self.zone).date()
        return next((days for days in self.frozen if days[0] <= today <= days[1]), None)


def read_freeze(text: str, column: str = "Freeze") -> FreezeRule | None:
    """The rule, None for `none`; raises `CellError` with every problem of the cell."""
    if text.lower() == "none":
        return None
    written, named = _split_zone(text)
    parts = [part.strip() for part in written.split(",")]
    if len(parts) > MOST_PARTS:
        expected = f"at most {MOST_PARTS} parts"
        raise CellError(Problem(column=column, expected=expected, found=str(len(parts))))
    hint = _repaired(written, named)
    problems: list[Problem] = []
    frozen: list[Days] = []
    for part in parts:
        days = _days(part)
        if days is None:
            problems.append(Problem(column=column, expected=_EXPECTED, found=quoted(part), hint=hint))
        elif days[0] > days[1]:
            expected = "a first day that is not after the last"
            problems.append(Problem(column=column, expected=expected, found=quoted(part), hint=hint))
        else:
            frozen.append(days)
    zone = read_zone(named or "UTC")
    if zone is None:
        expected = 'a zone as in "Europe/London", or none for UTC'
        problems.append(Problem(column=column, expected=expected, found=quoted(named), hint=hint))
    if problems or zone is None:
        raise CellError(*problems)
    return FreezeRule(text=text, frozen=_merged(frozen), zone=zone)


def _split_zone(text: str) -> tuple[str, str]:
    """The days, and what stands behind the last digit: a zone's name, "" without one."""
    words = text.split(" ")
    end = len(words)
    while end and not re.search(r"[0-9]", words[end - 1], re.ASCII):
        end -= 1
    return (" ".join(words[:end]), " ".join(words[end:])) if end else (text, "")


def _days(part: str) -> Days | None:
    ends = [read_date(end.strip()) for end in part.split("..")]
    first, last = ends[0], ends[-1]
    return (first, last) if first and last and len(ends) <= 2 else None  # noqa: PLR2004 - a range has two ends


def _written(days: Days) -> str:
    first, last = days
    return f"{first}" if first == last else f"{first}..{last}"


def _merged(ranges: list[Days]) -> tuple[Days, ...]:
    merged: list[Days] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + _DAY:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _repaired(written: str, named: str) -> str:
    """The cell that was probably meant: it reads without a problem, or none is offered."""
    parts: list[str] = []
    for part in filter(None, (part.strip() for part in re.split("[,;]", written))):
        meant = [end if read_date(end) else suggest_date(end) for end in _FROM_TO.split(part)]
        days = _days("..".join(sorted(meant)))
        if days is None:
            return ""
        parts.append(_written(days))
    zone = (named if read_zone(named) else suggest_zone(named)) if named else ""
    return f"{', '.join(parts)} {zone}".strip() if parts and bool(zone) == bool(named) else ""
