"""Wall clocks and clock changes: the instants that matter to what is written in a zone's own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from policies.days import DAYS

_SECOND = timedelta(seconds=1)
_NEAR = timedelta(days=6)  # beyond it, a weekday's name alone could mean two days


def instants(wall: datetime, zone: tzinfo) -> set[datetime]:
    """The instants (UTC) at which something that is written as this wall-clock time may begin or end.

    One instant, as a rule. A time that the clock shows twice begins twice, and is interrupted by the change between;
    one that it skips begins at the change. The answer holds the change in both cases.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return {first} if first == second else {first, second, _change(min(first, second), max(first, second), zone)}


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first second after `before` with the offset of `after`; the zone's offset changes once between them."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def say_moment(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The moment as a clock in the zone shows it: `17:00` today, `Tue 09:00` soon, else `Mon 2026-11-30 09:00`."""
    wall, today = at.astimezone(zone), now.astimezone(zone).date()
    if wall.date() == today:
        return f"{wall:%H:%M}"
    soon = abs(wall.date() - today) <= _NEAR
    return f"{DAYS[wall.weekday()]} {wall:%H:%M}" if soon else f"{DAYS[wall.weekday()]} {wall:%Y-%m-%d %H:%M}"
