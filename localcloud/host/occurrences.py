"""When a timer is due, and what is remembered of it, so that a time missed while no host ran is made up for once.

The rules are those of ScheduleMonitor.cs, TimerListener.cs and TimerSchedule.cs (azure-webjobs-sdk-extensions); what is
a file here is the blob `azure-webjobs-hosts/timers/<host>/<function>/status` there, with the same members.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from croniter import croniter

from localcloud.host import shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEVER = datetime.min.replace(tzinfo=UTC)
_MEMBERS = ("Last", "Next", "LastUpdated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """last: when it began to run, NEVER: not yet. next: when it is due. updated: what `next` was counted from."""

    last: datetime
    next: datetime
    updated: datetime

    def members(self) -> dict[str, str]:
        """As the blob has it, and as a function gets it."""
        return {name: when.isoformat() for name, when in zip(_MEMBERS, astuple(self), strict=True)}


def due(schedule: str, after: datetime) -> datetime:
    """The first time of the schedule later than this."""
    found: datetime = croniter(schedule, after, second_at_beginning=True).get_next(datetime)
    return found


def remembered(schedule: str, settings: Mapping[str, object], now: datetime) -> bool:
    """Whether a timer has a status: unless `useMonitor` says no, or it comes more than once in every minute."""
    first = due(schedule, now)
    every_minute = set(schedule.split()[1:]) == {"*"}
    often = every_minute and due(schedule, first) - first < timedelta(minutes=1)
    return settings.get("useMonitor") is not False and not often


def begun(known: Status | None, schedule: str, now: datetime) -> tuple[Status, bool]:
    """The status a host begins with, and whether a time was missed. known: what the last host left, None: nothing.

    A schedule that changed since is counted anew, and misses nothing.
    """
    if known is None:
        return Status(last=NEVER, next=due(schedule, now), updated=now), False
    since = known.updated if known.last == NEVER else known.last
    expected = due(schedule, since)
    if known.next != expected:
        if now > expected:
            since, expected = now, due(schedule, now)
        known = Status(last=NEVER, next=expected, updated=since)
    return known, now > known.next


def read(file: Path) -> Status | None:
    """What is remembered of a timer; None: nothing yet."""
    found = shared.read(file)
    if not found:
        return None
    last, following, updated = (datetime.fromisoformat(found[name]) for name in _MEMBERS)
    return Status(last=last, next=following, updated=updated)


def write(file: Path, status: Status) -> None:
    """Remember a timer's status."""
    shared.write(file, status.members())
