"""The one Log Analytics workspace of this cloud: rows arrive, can be seen after a while, and are asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from localcloud.arm.models import Json
    from localcloud.clock import Clock
    from localcloud.monitor.kql import Engine

_KEEP = timedelta(hours=6)


class Workspace:
    """delay: seconds from a row's arrival until a query sees it."""

    def __init__(self, clock: Clock, delay: float) -> None:
        self._clock = clock
        self._arrived: deque[tuple[datetime, str, Mapping[str, object]]] = deque()
        self._engine: Engine | None = None
        self._asking = asyncio.Lock()
        self.delay = delay

    def add(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Rows of a table of `tables.KEPT`; each has its `TimeGenerated`, and may lack anything else."""
        now = self._clock.now()
        self._arrived.extend((now, table, row) for row in rows)

    async def query(self, kql: str, since: datetime | None, until: datetime | None, *, component: bool = False) -> Json:
        """One table of an answer. Raises LogsError."""
        async with self._asking:  # rows are taken in the order they came
            now = self._clock.now()
            ready = self._ready(now)
            return await asyncio.to_thread(self._answer, ready, kql, since, until, now, component)

    def clear(self) -> None:
        """Forget every row."""
        self._arrived.clear()
        self._engine = None

    def _ready(self, now: datetime) -> dict[str, list[Mapping[str, object]]]:
        seen = now - timedelta(seconds=self.delay)
        ready: dict[str, list[Mapping[str, object]]] = {}
        while self._arrived and self._arrived[0][0] <= seen:
            _, table, row = self._arrived.popleft()
            ready.setdefault(table, []).append(row)
        return ready

    def _answer(
        self,
        ready: Mapping[str, list[Mapping[str, object]]],
        kql: str,
        since: datetime | None,
        until: datetime | None,
        now: datetime,
        component: bool,  # noqa: FBT001 - a thread is given its arguments by place
    ) -> Json:
        from localcloud.monitor.kql import Engine  # noqa: PLC0415 - a cloud nobody queries starts without it

        self._engine = self._engine or Engine()
        for table, rows in ready.items():
            self._engine.keep(table, rows)
        self._engine.forget(now - _KEEP)
        return self._engine.query(kql, since, until, now, component=component)
