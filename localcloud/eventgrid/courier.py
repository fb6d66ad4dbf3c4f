"""One event on its way to an endpoint, and the trouble it meets by order.

From Event Grid's page on delivery headers. `aeg-delivery-count` is 0 on the first attempt and the name of a
subscription comes in capitals, as seen in requests people recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.eventgrid.attributes import added
from localcloud.eventgrid.model import QUEUE, Schema, Subscription
from localcloud.eventgrid.orders import DROPPED, EventOrders, EventTrouble, Ordered
from localcloud.eventgrid.schedule import DELIVERED
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.clock import Clock
    from localcloud.eventgrid.orders import EventOrder
    from localcloud.eventgrid.schemas import Event
    from localcloud.eventgrid.storage import Account
    from localcloud.eventgrid.wire import Wire

_EVENT_GRID = "application/json; charset=utf-8"
_CONTENT = {  # by whether it is for CloudEvents, and by whether an event goes alone
    (False, False): _EVENT_GRID,
    (False, True): _EVENT_GRID,
    (True, False): "application/cloudevents-batch+json; charset=utf-8",
    (True, True): "application/cloudevents+json; charset=utf-8",
}


class Courier:
    """orders: trouble that deliveries meet on the way; how late one is, is the cloud's time."""

    def __init__(self, *, wire: Wire, clock: Clock, account: Account | None = None) -> None:
        self.orders = EventOrders()
        self._wire, self._clock, self._account = wire, clock, account

    async def deliver(
        self, subscription: Subscription, events: Sequence[Event], attempt: int
    ) -> tuple[int | None, str]:
        """The status answered, or None and what went wrong; `Ordered` when that was by order. attempt: from 1.

        The whole batch meets the order that one of its events does.
        """
        orders = (self.orders.take(subscription, event) for event in events)
        order = next((one for one in orders if one is not None), None)
        if order is not None:
            return await self._meet(order, subscription, events, attempt)
        return await self._send(subscription, events, attempt)

    async def _meet(
        self, order: EventOrder, subscription: Subscription, events: Sequence[Event], attempt: int
    ) -> tuple[int | None, str]:
        match order.kind:
            case EventTrouble.DROP:
                return None, DROPPED
            case EventTrouble.REFUSE:
                return order.status, Ordered(f"{order.status} on order")
            case EventTrouble.UNREACHABLE:
                return None, Ordered("unreachable on order")
            case EventTrouble.LOST:
                await self._send(subscription, events, attempt)
                return None, Ordered("its answer was lost on order")
            case EventTrouble.DUPLICATE:
                await self._send(subscription, events, attempt)
                await self._clock.sleep(order.seconds)
            case EventTrouble.DELAY:
                await self._clock.sleep(order.seconds)
            case EventTrouble.REORDER:
                await self._overtaken(subscription, order.seconds)
        status, said = await self._send(subscription, events, attempt)
        return status, Ordered(f"delivered, {order.kind} on order") if status in DELIVERED else said

    async def _overtaken(self, subscription: Subscription, seconds: float) -> None:
        limit = [self._clock.sleep(seconds)] if seconds else []
        await first(self.orders.next_of(subscription).wait(), *limit)

    async def _send(self, subscription: Subscription, events: Sequence[Event], attempt: int) -> tuple[int | None, str]:
        if subscription.endpoint.startswith(QUEUE):
            answer = await self._put(subscription, events[0])
            self.orders.passed(subscription)
            return answer
        cloud, alone = subscription.schema is Schema.CLOUD_EVENTS, subscription.batching.max_events_per_batch == 1
        first_of = events[0]
        headers = {
            **added(subscription.attributes, first_of),
            "Content-Type": _CONTENT[cloud, alone],
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(attempt - 1),
        }
        if not cloud:
            headers["aeg-data-version"] = str(first_of.get("dataVersion", ""))
            headers["aeg-metadata-version"] = str(first_of.get("metadataVersion", "1"))
        body = first_of if cloud and alone else events
        status, _, said = await self._wire.ask("POST", subscription.endpoint, headers, body)
        self.orders.passed(subscription)
        return status, said

    async def _put(self, subscription: Subscription, event: Event) -> tuple[int | None, str]:
        if self._account is None:
            return None, "no storage account"
        queue = subscription.endpoint.removeprefix(QUEUE)
        return await self._account.put(queue, event, subscription.queue_seconds)
