"""Timer triggers: NCRONTAB with seconds, in UTC, one run at a time; an exception never ends the schedule.

Unlike the real host's, they have no memory: a time that was missed while no host ran is not made up for.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from croniter import CroniterError, croniter

from localcloud.host.indexing import IndexingError
from localcloud.host.stopping import pause
from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    import asyncio

    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
_LATE = 1.0  # seconds after which a run is past due
# croniter knows more than NCRONTAB: `@hourly`, `L`, `#`, a year. Names are of three letters in both.
_SCHEDULE = re.compile(r"F( F){5}".replace("F", r"(\d|[*,/-]|[A-Za-z]{3})+"))


def check(function: Function) -> None:
    """Refuse a schedule that the real host would only find wrong when it starts."""
    schedule = str(function.settings.get("schedule"))
    if not _SCHEDULE.fullmatch(schedule) or not _comes(schedule):
        raise IndexingError(f"{function.name}: schedule: expected six NCRONTAB fields, found {schedule!r}")


def _comes(schedule: str) -> bool:
    try:
        due(schedule, datetime.now(UTC))
    except CroniterError:
        return False
    return True


def due(schedule: str, after: datetime) -> datetime:
    """The first time of the schedule later than this."""
    found: datetime = croniter(schedule, after, second_at_beginning=True).get_next(datetime)
    return found


async def run(function: Function, stopped: asyncio.Event) -> None:
    """Call the function at its times until stopped; a run in flight is not cut."""
    schedule = str(function.settings["schedule"])
    if function.settings.get("runOnStartup"):
        await _call(function, past_due=False)
    last = datetime.min.replace(tzinfo=UTC)
    while True:
        # Later than the last: a sleep that ends a moment early must not make the same time come twice.
        last = due(schedule, max(datetime.now(UTC), last))
        while (left := (last - datetime.now(UTC)).total_seconds()) > 0:
            if await pause(stopped, left):
                return
        if stopped.is_set():
            return
        await _call(function, past_due=-left > _LATE)


async def _call(function: Function, *, past_due: bool) -> None:
    body = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": past_due}
    try:
        await invoke(function, datum(json.dumps(body), "json"), {})
    except Exception:
        # The real host logs what a timer raises and keeps its schedule.
        log.exception("%s", function.name)
