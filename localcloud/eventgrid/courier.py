"""One event on its way to an endpoint, and the trouble it meets by order.

From Event Grid's page on delivery headers. `aeg-delivery-count` is 0 on the first attempt and the name of a
subscription comes in capitals, as seen in requests people recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.eventgrid.model import QUEUE, Schema, Subscription
from localcloud.eventgrid.orders import DROPPED, EventOrders, EventTrouble, Ordered
from localcloud.eventgrid.schedule import DELIVERED
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.clock import Clock
    from localcloud.eventgrid.orders import EventOrder
    from localcloud.eventgrid.storage import Account
    from localcloud.eventgrid.wire import Wire

_CONTENT = {
    Schema.EVENT_GRID: "application/json; charset=utf-8",
    Schema.CLOUD_EVENTS: "application/cloudevents+json; charset=utf-8",
}


class Courier:
    """orders: trouble that deliveries meet on the way; how late one is, is the cloud's time."""

    def __init__(self, *, wire: Wire, clock: Clock, account: Account | None = None) -> None:
        self.orders = EventOrders()
        self._wire, self._clock, self._account = wire, clock, account

    async def deliver(
        self, subscription: Subscription, event: Mapping[str, object], attempt: int
    ) -> tuple[int | None, str]:
        """The status answered, or None and what went wrong; `Ordered` when that was by order. attempt: from 1."""
        order = self.orders.take(subscription, event)
        if order is not None:
            return await self._meet(order, subscription, event, attempt)
        return await self._send(subscription, event, attempt)

    async def _meet(
        self, order: EventOrder, subscription: Subscription, event: Mapping[str, object], attempt: int
    ) -> tuple[int | None, str]:
        match order.kind:
            case EventTrouble.DROP:
                return None, DROPPED
            case EventTrouble.REFUSE:
                return order.status, Ordered(f"{order.status} on order")
            case EventTrouble.UNREACHABLE:
                return None, Ordered("unreachable on order")
            case EventTrouble.LOST:
                await self._send(subscription, event, attempt)
                return None, Ordered("its answer was lost on order")
            case EventTrouble.DUPLICATE:
                await self._send(subscription, event, attempt)
                await self._clock.sleep(order.seconds)
            case EventTrouble.DELAY:
                await self._clock.sleep(order.seconds)
            case EventTrouble.REORDER:
                await self._overtaken(subscription, order.seconds)
        status, said = await self._send(subscription, event, attempt)
        return status, Ordered(f"delivered, {order.kind} on order") if status in DELIVERED else said

    async def _overtaken(self, subscription: Subscription, seconds: float) -> None:
        limit = [self._clock.sleep(seconds)] if seconds else []
        await first(self.orders.next_of(subscription).wait(), *limit)

    async def _send(
        self, subscription: Subscription, event: Mapping[str, object], attempt: int
    ) -> tuple[int | None, str]:
        if subscription.endpoint.startswith(QUEUE):
            answer = await self._put(subscription.endpoint.removeprefix(QUEUE), event)
            self.orders.passed(subscription)
            return answer
        one = subscription.schema is Schema.CLOUD_EVENTS
        headers = {
            "Content-Type": _CONTENT[subscription.schema],
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(attempt - 1),
        }
        if not one:
            headers["aeg-data-version"] = str(event.get("dataVersion", ""))
            headers["aeg-metadata-version"] = str(event.get("metadataVersion", "1"))
        status, _, said = await self._wire.ask("POST", subscription.endpoint, headers, event if one else [event])
        self.orders.passed(subscription)
        return status, said

    async def _put(self, queue: str, event: Mapping[str, object]) -> tuple[int | None, str]:
        return await self._account.put(queue, event) if self._account else (None, "no storage account")
