"""Timer triggers: NCRONTAB with seconds, in UTC, one run at a time; an exception never ends the schedule."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from croniter import croniter

from localcloud.host.worker import IndexingError, datum, invoke

if TYPE_CHECKING:
    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
LATE = 1.0  # seconds after which a run is past due


def check(function: Function) -> None:
    """Refuse a schedule that the real host would only find wrong when it starts."""
    schedule = str(function.settings.get("schedule"))
    if not croniter.is_valid(schedule, second_at_beginning=True):
        raise IndexingError(f"{function.name}: schedule: expected six NCRONTAB fields, found {schedule!r}")


async def run(function: Function) -> None:
    """Call the function at its times until cancelled."""
    schedule = str(function.settings["schedule"])
    if function.settings.get("runOnStartup"):
        await _call(function, past_due=False)
    while True:
        due = croniter(schedule, datetime.now(UTC), second_at_beginning=True).get_next(datetime)
        await asyncio.sleep(max((due - datetime.now(UTC)).total_seconds(), 0.0))
        await _call(function, past_due=(datetime.now(UTC) - due).total_seconds() > LATE)


async def _call(function: Function, *, past_due: bool) -> None:
    body = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": past_due}
    try:
        await invoke(function, datum(json.dumps(body), "json"), {})
    except Exception:
        # The real host logs what a timer raises and keeps its schedule.
        log.exception("%s", function.name)
