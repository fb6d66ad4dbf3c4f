"""The requests Event Grid makes of a webhook: the handshake, and one event.

From Event Grid's pages on end point validation and on delivery headers. `aeg-delivery-count` is 0 on the first attempt
and the name of a subscription comes in capitals, as seen in requests people recorded.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import aiohttp

from localcloud.eventgrid.model import Schema, Subscription
from localcloud.eventgrid.orders import DROPPED, EventOrders, EventTrouble, Ordered
from localcloud.eventgrid.schedule import DELIVERED
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from localcloud.clock import Clock
    from localcloud.eventgrid.orders import EventOrder
    from localcloud.eventgrid.storage import Account

_QUEUE = "queue://"
_ORIGIN = "eventgrid.azure.net"
_CONTENT = {
    Schema.EVENT_GRID: "application/json; charset=utf-8",
    Schema.CLOUD_EVENTS: "application/cloudevents+json; charset=utf-8",
}


class Courier:
    """within: seconds an endpoint may take to answer; Azure waits 30. Real seconds: it does real work meanwhile.

    orders: trouble that deliveries meet on the way; how late one is, is the cloud's time.
    """

    def __init__(self, *, within: float, clock: Clock, account: Account | None = None) -> None:
        self._account = account
        self.orders = EventOrders()
        self._within, self._clock = within, clock
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

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
        if subscription.endpoint.startswith(_QUEUE):
            answer = await self._put(subscription.endpoint.removeprefix(_QUEUE), event)
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
        status, _, said = await self._ask("POST", subscription.endpoint, headers, event if one else [event])
        self.orders.passed(subscription)
        return status, said

    async def _put(self, queue: str, event: Mapping[str, object]) -> tuple[int | None, str]:
        return await self._account.put(queue, event) if self._account else (None, "no storage account")

    async def shake_hands(self, subscription: Subscription, now: datetime) -> bool:
        """Whether the endpoint says it wants these events; a queue is not asked."""
        if subscription.endpoint.startswith(_QUEUE):
            return True
        if subscription.schema is Schema.CLOUD_EVENTS:
            headers = {"WebHook-Request-Origin": _ORIGIN}
            status, answer, _ = await self._ask("OPTIONS", subscription.endpoint, headers, None)
            return status == 200 and answer.get("WebHook-Allowed-Origin") in (_ORIGIN, "*")  # noqa: PLR2004 - HTTP's own
        code = str(uuid.uuid4())
        event = {
            "id": str(uuid.uuid4()),
            "topic": subscription.topic,
            "subject": "",
            "data": {"validationCode": code},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": now.isoformat(),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        headers = {
            "Content-Type": _CONTENT[Schema.EVENT_GRID],
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": subscription.name.upper(),
        }
        status, _, said = await self._ask("POST", subscription.endpoint, headers, [event])
        return status == 200 and _response(said) == code  # noqa: PLR2004 - HTTP's own

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: object
    ) -> tuple[int | None, Mapping[str, str], str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._within))
        sent = None if body is None else json.dumps(body).encode()
        try:
            async with self._session.request(method, url, headers=headers, data=sent, allow_redirects=False) as answer:
                return answer.status, answer.headers, await answer.text(errors="replace")
        except TimeoutError:
            return None, {}, f"no answer within {self._within:g} s"
        except aiohttp.ClientError as error:
            return None, {}, type(error).__name__


def _response(said: str) -> object:
    try:
        body = json.loads(said)
    except ValueError:
        return None
    return body.get("validationResponse") if isinstance(body, dict) else None
