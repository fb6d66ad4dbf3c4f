"""The calls of Event Grid put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.eventgrid.arm.known import Known
from localcloud.eventgrid.arm.metric_calls import MetricCalls
from localcloud.eventgrid.arm.operations import Operations
from localcloud.eventgrid.arm.places import Places
from localcloud.eventgrid.arm.subscription_calls import SubscriptionCalls
from localcloud.eventgrid.arm.topic_calls import TopicCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.arm.models import Json
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock
    from localcloud.eventgrid.service import EventGrid


class ArmCalls:
    """registry: the id of the one whose pushes are events; stream: the topic it publishes them to.

    seconds: how long it takes to make or change a topic; a subscription takes as long as its endpoint.
    """

    def __init__(self, grid: EventGrid, clock: Clock, *, registry: str, stream: str, seconds: float) -> None:
        known, operations = Known(grid, registry, stream), Operations()
        places = Places(grid, registry.partition("/providers/")[0])
        self._topics = TopicCalls(grid, known, operations, clock, seconds)
        self._families = (
            self._topics,
            SubscriptionCalls(grid, known, operations, places),
            MetricCalls(grid, known),
            operations,
        )

    def routes(self) -> tuple[Route, ...]:
        """Routes as `localcloud.arm.urls` has them."""
        return tuple(route for family in self._families for route in family.routes())

    def bodies(self) -> Iterable[Json]:
        """Every topic, for lists of all resources."""
        return self._topics.bodies()

    def forget(self, home: str) -> None:
        """Topics of a resource group are gone, and who subscribes to them."""
        self._topics.forget(home)
