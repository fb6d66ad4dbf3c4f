"""Carries what the local cloud's apps write, and what happens to them, into the workspace and the system log."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from localcloud.monitor.console_lines import ConsoleLines
from localcloud.monitor.system_events import SystemEvents, row
from localcloud.monitor.tables import CONSOLE, SYSTEM

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.arm.models import Store
    from localcloud.clock import Clock
    from localcloud.monitor.workspace import Workspace

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 0.25


class Collector:
    """folder: of the data plane's revisions."""

    def __init__(self, store: Store, clock: Clock, folder: Path, workspace: Workspace) -> None:
        self._store, self._clock, self._workspace = store, clock, workspace
        self._console, self._events = ConsoleLines(folder), SystemEvents()

    async def watch(self) -> None:
        """Look again and again, for ever."""
        while True:
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a look that failed is made again: the lines are still there
                _log.exception("localcloud: collecting logs failed; trying again")
            await asyncio.sleep(_EVERY_SECONDS)

    def look(self) -> None:
        """Look once."""
        now, apps = self._clock.now(), list(self._store.apps())
        self._workspace.add(CONSOLE, self._console.look(apps, now))
        events = self._events.look(apps, now)
        self._store.system_log.add(events)
        self._workspace.add(SYSTEM, map(row, events))

    def clear(self) -> None:
        """Forget what is known of revisions: those that are there begin anew."""
        self._events.clear()
