"""Azure Monitor on one machine: one workspace, one Application Insights component, and the platform metrics of apps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from localcloud.arm.errors import ArmError
from localcloud.monitor import responses
from localcloud.monitor.collector import Collector
from localcloud.monitor.log_errors import bad_argument
from localcloud.monitor.metric_query import read_span
from localcloud.monitor.prometheus_store import PrometheusStore
from localcloud.monitor.tables import REQUESTS
from localcloud.monitor.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from aiohttp import web

    from localcloud.arm.metrics import Sampler
    from localcloud.arm.models import Plane, Store
    from localcloud.clock import Clock

WORKSPACE = "law-local"
COMPONENT = "ai-local"
WORKSPACE_ID = "00000000-0000-0000-0000-0000000000dd"
INSTRUMENTATION_KEY = "00000000-0000-0000-0000-0000000000ee"


class Monitor:
    """Beside `localcloud.arm`, whose apps and counts it tells of.

    plane: whose counters are scraped. group: ARM id of the resource group its resources are in. folder: of the data
    plane's revisions. delay: seconds until a row that arrived can be queried.
    """

    def __init__(
        self, *, store: Store, sampler: Sampler, plane: Plane, clock: Clock, folder: Path, group: str, delay: float
    ) -> None:
        self.store, self.sampler, self.clock = store, sampler, clock
        self.workspace_id, self.instrumentation_key = WORKSPACE_ID, INSTRUMENTATION_KEY
        self.workspace_resource = f"{group}/providers/Microsoft.OperationalInsights/workspaces/{WORKSPACE}"
        self.component = f"{group}/providers/Microsoft.Insights/components/{COMPONENT}"
        self.workspace = Workspace(clock, delay)
        self._collector = Collector(store, clock, folder, self.workspace)
        self.prometheus_store = PrometheusStore(store, plane, clock)
        self._watches: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to collect."""
        watches = (self._collector.watch(), self.prometheus_store.watch())
        self._watches = [asyncio.create_task(watch) for watch in watches]

    async def close(self) -> None:
        """Stop collecting. Twice is once."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    def clear(self) -> None:
        """Forget every row and every sample."""
        self._collector.clear()
        self.workspace.clear()
        self.prometheus_store.clear()

    def take(self, requests: Sequence[Mapping[str, object]]) -> None:
        """Rows of `AppRequests` that an app has sent."""
        self.workspace.add(REQUESTS, requests)
        self.prometheus_store.observe(requests)

    def logs(self) -> web.Application:
        """The query API of Log Analytics and Application Insights."""
        return responses.logs(self)

    def metrics(self) -> web.Application:
        """The regional data plane of metrics."""
        return responses.metrics(self)

    def prometheus(self) -> web.Application:
        """The query endpoint of an Azure Monitor workspace."""
        from localcloud.monitor.prometheus_responses import prometheus  # noqa: PLC0415 - it needs this module's names

        return prometheus(self)

    def ingestion(self) -> web.Application:
        """Where Application Insights takes telemetry."""
        return responses.ingestion(self)

    def span(self, text: object) -> tuple[datetime, datetime]:
        """[since, until) of a time span. Raises LogsError."""
        try:
            return read_span(str(text), self.clock.now())
        except ArmError:
            raise bad_argument(f"timespan: expected an ISO 8601 interval or duration, found {text}") from None
