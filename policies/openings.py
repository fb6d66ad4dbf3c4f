"""When a week's hours are open in a zone, across its clock changes.

By definition an instant is open if the zone's wall clock, read at it, shows an open minute. All else follows: hours
that the clock skips never open, an hour that it shows twice is open twice, and a stretch is as long as it really lasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from policies.wall_clock import instants
from policies.week import Week

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_WEEKS = 53  # a year: what has not come by then is not waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Open from `opens` up to, and not at, `closes`; None: for good."""

    opens: datetime
    closes: datetime | None

    def holds(self, takes: timedelta) -> bool:
        """Whether something that starts when it opens is over when it closes."""
        return self.closes is None or takes <= self.closes - self.opens


def covers(week: Week, zone: tzinfo, instant: datetime) -> bool:
    """Whether the week is open in this zone at this instant."""
    return week.covers(instant.astimezone(zone))


def stretches(week: Week, zone: tzinfo, now: datetime) -> Iterator[Stretch]:
    """Every stretch of the coming year in order, in UTC. One that is open now counts from now."""
    opened = now if covers(week, zone, now) else None
    if week.always:
        yield Stretch(opens=now, closes=None)
        return
    for number in range(_WEEKS):
        for instant in _edges(week, zone, now + number * _WEEK, now + (number + 1) * _WEEK):
            is_open = covers(week, zone, instant)
            if is_open and opened is None:
                opened = instant
            elif opened is not None and not is_open:
                yield Stretch(opens=opened, closes=instant)
                opened = None


def _edges(week: Week, zone: tzinfo, after: datetime, until: datetime) -> list[datetime]:
    """The instants in (after, until] at which the week may open or close, in order."""
    # A day more at either end: a clock that is set back over midnight shows a day again, as St. John's did until 2011.
    day, last = after.astimezone(zone).date() - _DAY, until.astimezone(zone).date() + _DAY
    found: set[datetime] = set()
    while day <= last:
        midnight = datetime.combine(day, time())
        for edge in week.edges(day.weekday()):
            found |= instants(midnight + edge, zone)
        day += _DAY
    return sorted(instant for instant in found if after < instant <= until)
