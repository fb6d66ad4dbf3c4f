"""Timer triggers: NCRONTAB with seconds, in UTC, one run at a time of all hosts; an exception ends no schedule."""

from __future__ import annotations

import json
import logging
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from croniter import CroniterError

from localcloud.host import occurrences, shared
from localcloud.host.indexing import IndexingError
from localcloud.host.occurrences import Status, due
from localcloud.host.stopping import pause
from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
_AGAIN = 1.0  # seconds until the lease of another host is asked for again
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


async def run(function: Function, folder: Path, stopped: asyncio.Event) -> None:
    """Call the function at its times until stopped, if no other host does; a run in flight is not cut.

    folder: what the hosts of the app share.
    """
    name = quote(function.name, safe="")
    while (lease := shared.taken(folder / f"timer.{name}.lease")) is None:
        if await pause(stopped, _AGAIN):
            return
    try:
        await _Timer(function, folder / f"timer.{name}.json").run(stopped)
    finally:
        os.close(lease)


class _Timer:
    """A timer that this host has the lease of. file: of its status."""

    def __init__(self, function: Function, file: Path) -> None:
        self._function = function
        self._schedule = str(function.settings["schedule"])
        now = datetime.now(UTC)
        self._file = file if occurrences.remembered(self._schedule, function.settings, now) else None
        known = None if self._file is None else occurrences.read(self._file)
        status, self._missed = occurrences.begun(known, self._schedule, now)
        self._keep(status)

    async def run(self, stopped: asyncio.Event) -> None:
        if self._missed or self._function.settings.get("runOnStartup"):
            await self._call(datetime.now(UTC), past_due=self._missed)
        while True:
            while (left := (self._status.next - datetime.now(UTC)).total_seconds()) > 0:
                if await pause(stopped, left):
                    return
            if stopped.is_set():
                return
            # Not before its time: a sleep that ends a moment early must not make the same time come twice.
            await self._call(max(datetime.now(UTC), self._status.next), past_due=False)

    async def _call(self, began: datetime, *, past_due: bool) -> None:
        """The next time counts from when this run began, so that a long one is followed at once, by one."""
        status = None if self._file is None else self._status.members()
        body = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
        try:
            await invoke(self._function, datum(json.dumps(body), "json"), {})
        except Exception:
            # The real host logs what a timer raises and keeps its schedule.
            log.exception("%s", self._function.name)
        self._keep(Status(last=began, next=due(self._schedule, began), updated=began))

    def _keep(self, status: Status) -> None:
        self._status = status
        if self._file is not None:
            occurrences.write(self._file, status)
