"""A week's open hours as a wall clock shows them, whatever the zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = 24 * 60  # minutes
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The same hours on some days. opens, closes: minutes since 00:00 of the day it opens on; closes may be past it."""

    days: tuple[int, ...]
    opens: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Open hours. parts: minutes since Monday 00:00, from (inside) to (outside), rising, none touching the next."""

    parts: tuple[tuple[int, int], ...]

    def covers(self, wall: datetime) -> bool:
        """Whether it is open when a clock shows this."""
        minute = wall.weekday() * DAY + wall.hour * 60 + wall.minute
        return any(start <= minute < end for start, end in self.parts)

    def edges(self, weekday: int) -> list[timedelta]:
        """When it may open or close on this day, since its 00:00."""
        begins = weekday * DAY
        marks = {mark % WEEK for part in self.parts for mark in part}
        return [timedelta(minutes=mark - begins) for mark in sorted(marks) if begins <= mark < begins + DAY]

    @property
    def always(self) -> bool:
        """Whether it never closes."""
        return self.parts == ((0, WEEK),)

    @property
    def longest(self) -> timedelta:
        """The longest it is open without a break, in a week without a clock change; a week when it never closes."""
        lengths = [end - start for start, end in self.parts]
        if len(lengths) > 1 and self.parts[0][0] == 0 and self.parts[-1][1] == WEEK:
            lengths.append(lengths[0] + lengths[-1])
        return timedelta(minutes=max(lengths))


def week_of(spans: Iterable[Span]) -> Week:
    """The hours of all spans; those that touch or overlap are one."""
    parts: list[tuple[int, int]] = []
    for span in spans:
        for day in span.days:
            start, end = day * DAY + span.opens, day * DAY + span.closes
            # What runs into the next Monday is the beginning of this week too.
            parts += [(start, min(end, WEEK)), (0, end - WEEK)] if end > WEEK else [(start, end)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return Week(parts=tuple(merged))
