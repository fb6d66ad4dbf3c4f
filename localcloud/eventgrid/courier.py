"""A batch on its way to an endpoint, and the trouble it meets by order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.eventgrid.headers import of_request
from localcloud.eventgrid.model import QUEUE, Schema, Subscription
from localcloud.eventgrid.orders import DROPPED, EventOrders, EventTrouble, Ordered
from localcloud.eventgrid.schedule import DELIVERED
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.clock import Clock
    from localcloud.eventgrid.model import Taken
    from localcloud.eventgrid.orders import EventOrder
    from localcloud.eventgrid.schemas import Event
    from localcloud.eventgrid.storage import Account
    from localcloud.eventgrid.wire import Wire


class Courier:
    """orders: trouble that deliveries meet on the way; how late one is, is the cloud's time."""

    def __init__(self, *, wire: Wire, clock: Clock, account: Account | None = None) -> None:
        self.orders = EventOrders()
        self._wire, self._clock, self._account = wire, clock, account

    async def deliver(self, subscription: Subscription, batch: Sequence[Taken], attempt: int) -> tuple[int | None, str]:
        """The status answered, or None and what went wrong; `Ordered` when that was by order. attempt: from 1.

        The whole batch meets the order that one of its events does.
        """
        orders = (self.orders.take(subscription, one.event) for one in batch)
        order = next((one for one in orders if one is not None), None)
        if order is not None:
            return await self._meet(order, subscription, batch, attempt)
        return await self._send(subscription, batch, attempt)

    async def _meet(
        self, order: EventOrder, subscription: Subscription, batch: Sequence[Taken], attempt: int
    ) -> tuple[int | None, str]:
        match order.kind:
            case EventTrouble.DROP:
                return None, DROPPED
            case EventTrouble.REFUSE:
                return order.status, Ordered(f"{order.status} on order")
            case EventTrouble.UNREACHABLE:
                return None, Ordered("unreachable on order")
            case EventTrouble.LOST:
                await self._send(subscription, batch, attempt)
                return None, Ordered("its answer was lost on order")
            case EventTrouble.DUPLICATE:
                await self._send(subscription, batch, attempt)
                await self._clock.sleep(order.seconds)
            case EventTrouble.DELAY:
                await self._clock.sleep(order.seconds)
            case EventTrouble.REORDER:
                await self._overtaken(subscription, order.seconds)
        status, said = await self._send(subscription, batch, attempt)
        return status, Ordered(f"delivered, {order.kind} on order") if status in DELIVERED else said

    async def _overtaken(self, subscription: Subscription, seconds: float) -> None:
        limit = [self._clock.sleep(seconds)] if seconds else []
        await first(self.orders.next_of(subscription).wait(), *limit)

    async def _send(self, subscription: Subscription, batch: Sequence[Taken], attempt: int) -> tuple[int | None, str]:
        if subscription.endpoint.startswith(QUEUE):
            answer = await self._put(subscription, batch[0].event)
            self.orders.passed(subscription)
            return answer
        events = [one.event for one in batch]
        body = events[0] if subscription.schema is Schema.CLOUD_EVENTS and subscription.alone else events
        headers = of_request(subscription, batch, attempt)
        status, _, said = await self._wire.ask("POST", subscription.endpoint, headers, body)
        self.orders.passed(subscription)
        return status, said

    async def _put(self, subscription: Subscription, event: Event) -> tuple[int | None, str]:
        if self._account is None:
            return None, "no storage account"
        queue = subscription.endpoint.removeprefix(QUEUE)
        return await self._account.put(queue, event, subscription.queue_seconds)
