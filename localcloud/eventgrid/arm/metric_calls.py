"""How many events of a topic were given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.eventgrid.arm.known import TOPIC

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.urls import Route
    from localcloud.eventgrid.arm.known import Known
    from localcloud.eventgrid.service import EventGrid


class MetricCalls:
    """Two counts in one bucket; none is ever dropped here."""

    def __init__(self, grid: EventGrid, known: Known) -> None:
        self._grid, self._known = grid, known

    def routes(self) -> tuple[Route, ...]:
        """Their part of the table."""
        return (("GET", TOPIC + "/providers/Microsoft.Insights/metrics", self.metrics),)

    async def metrics(self, call: Call) -> Reply:
        """Since the beginning, whatever is asked for; raises ArmError 404."""
        topic = self._known.find(call)
        counts = {
            "DeadLetteredCount": sum(one.topic == topic.stream for one in self._grid.dead_letters),
            "DroppedEventCount": 0,
        }
        values = [{"name": {"value": name}, "timeseries": [{"data": [{"total": n}]}]} for name, n in counts.items()]
        return Reply(body={"value": values})
