"""Azure Monitor's answers about one app, where Azure Resource Manager has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm import urls
from localcloud.monitor import metric_calls

if TYPE_CHECKING:
    from localcloud.arm.app_calls import AppCalls
    from localcloud.arm.calls import Call, Reply
    from localcloud.arm.metrics import Sampler
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock


class MetricCalls:
    """Values, definitions and namespaces."""

    def __init__(self, apps: AppCalls, sampler: Sampler, clock: Clock) -> None:
        self._apps, self._sampler, self._clock = apps, sampler, clock

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", urls.METRICS + "/metrics", self.values),
            ("GET", urls.METRICS + "/metricDefinitions", self.definitions),
            ("GET", urls.METRICS + "/metricNamespaces", self.namespaces),
        )

    async def values(self, call: Call) -> Reply:
        """What was measured. Raises ArmError 400, 404, 501."""
        return await metric_calls.metrics(call, self._apps.find(call), self._sampler, self._clock.now())

    async def definitions(self, call: Call) -> Reply:
        """What can be asked for."""
        return await metric_calls.definitions(self._apps.find(call))

    async def namespaces(self, call: Call) -> Reply:
        """The one there is."""
        return await metric_calls.namespaces(self._apps.find(call))
