"""Trouble on order for events on their way to an endpoint: lost, doubled, late, overtaken, refused."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.eventgrid.model import Subscription


class EventTrouble(StrEnum):
    """What happens to the delivery."""

    DROP = "drop"  # never sent, and not tried again
    DUPLICATE = "duplicate"  # sent, and after these seconds once more
    DELAY = "delay"  # sent after these seconds
    REORDER = (
        "reorder"  # sent once a later one of its subscription was; after these seconds (0: never) it goes all the same
    )
    REFUSE = "refuse"  # not sent; as if the endpoint had answered this status
    UNREACHABLE = "unreachable"  # not sent; as if nobody had answered
    LOST = "lost"  # sent, and the answer is lost: it is tried again


class Ordered(str):
    """What became of a delivery by order, which the endpoint did not say."""

    __slots__ = ()


DROPPED = Ordered("dropped on order")


@dataclass(slots=True, kw_only=True)
class EventOrder:
    """The next `times` deliveries that match meet it; "" matches any. subject: a part of it. hits: how many did."""

    id: int
    kind: EventTrouble
    times: int = 1
    subscription: str = ""
    type: str = ""
    subject: str = ""
    seconds: float = 0
    status: int = 503
    hits: int = 0

    def meets(self, subscription: Subscription, kind: str, subject: str) -> bool:
        """Whether this delivery is one of those."""
        return (
            self.times > 0
            and self.subscription in ("", subscription.name)
            and self.type in ("", kind)
            and self.subject in subject
        )


@dataclass(slots=True)
class EventOrders:
    """Tried in the order they were given; a delivery meets at most one."""

    orders: list[EventOrder] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _passed: dict[str, asyncio.Event] = field(default_factory=dict)

    def add(self, kind: EventTrouble, **more: object) -> EventOrder:
        """more: members of the order."""
        order = EventOrder(id=next(self._ids), kind=kind, **more)  # type: ignore[arg-type] # read from a typed body
        self.orders.append(order)
        return order

    def take(self, subscription: Subscription, event: Mapping[str, object]) -> EventOrder | None:
        """The trouble this delivery meets, counted."""
        kind, subject = str(event.get("type") or event.get("eventType")), str(event.get("subject", ""))
        found = next((order for order in self.orders if order.meets(subscription, kind, subject)), None)
        if found is not None:
            found.times -= 1
            found.hits += 1
        return found

    def passed(self, subscription: Subscription) -> None:
        """A delivery of this subscription was sent: those that wait to be overtaken are."""
        self.next_of(subscription).set()
        self._passed[subscription.name] = asyncio.Event()

    def next_of(self, subscription: Subscription) -> asyncio.Event:
        """Set once a later delivery of this subscription was sent."""
        return self._passed.setdefault(subscription.name, asyncio.Event())

    def clear(self) -> None:
        """No more trouble; what waits to be overtaken goes."""
        self.orders.clear()
        for waiting in self._passed.values():
            waiting.set()
        self._passed.clear()
