"""Orders about Event Grid: trouble on the way to endpoints, and what became of events."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from localcloud.control import bodies
from localcloud.control.reading import Wrong
from localcloud.control.routes import Asked, Route
from localcloud.eventgrid.schemas import BadEvent, accepted, shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.eventgrid import EventGrid, Subscription


def event_routes(grid: EventGrid) -> Sequence[Route]:
    """Its part of the table."""
    orders = _Orders(grid)
    return (
        Route(
            method="POST",
            path="/events/trouble",
            tells="the next deliveries of events that match meet it",
            act=orders.trouble,
            body=bodies.EventOrderBody,
        ),
        Route(method="GET", path="/events/trouble", tells="every order with its hits", act=orders.troubles),
        Route(
            method="DELETE",
            path="/events/trouble",
            tells="no more: what waits to be overtaken goes",
            act=orders.calm,
        ),
        Route(
            method="POST",
            path="/events/pace",
            tells="how fast Azure's waits pass, how much chance adds, whether unwell endpoints are left alone",
            act=orders.pace,
            body=bodies.Pace,
        ),
        Route(
            method="POST",
            path="/events/publish",
            tells="have a topic take this event, whoever may publish there",
            act=orders.publish,
            body=bodies.Publish,
        ),
        Route(method="GET", path="/events/deliveries", tells="every attempt, the oldest first", act=orders.deliveries),
        Route(method="GET", path="/events/dead-letters", tells="what was given up, and why", act=orders.dead_letters),
        Route(
            method="GET",
            path="/events/subscriptions",
            tells="who wants which events; without their addresses, which carry a key",
            act=orders.subscriptions,
        ),
        Route(
            method="PUT",
            path="/events/subscriptions/{name}",
            tells="subscribe an endpoint, in place of one with this name",
            act=orders.subscribe,
            body=bodies.Subscribe,
        ),
    )


class _Orders:
    def __init__(self, grid: EventGrid) -> None:
        self._grid = grid

    async def trouble(self, asked: Asked) -> object:
        wanted = msgspec.structs.asdict(asked.body)
        return asdict(self._grid.orders.add(wanted.pop("kind"), **wanted))

    async def troubles(self, _: Asked) -> object:
        return {"value": [asdict(order) for order in self._grid.orders.orders]}

    async def calm(self, _: Asked) -> object:
        self._grid.orders.clear()
        return {}

    async def pace(self, asked: Asked) -> object:
        for name, value in msgspec.structs.asdict(asked.body).items():
            if value is not None:
                setattr(self._grid.pace, name, value)
        return asdict(self._grid.pace)

    async def publish(self, asked: Asked) -> object:
        topic, event = asked.body.topic, asked.body.event
        if topic not in self._grid.topics:
            raise Wrong(f"topic: expected one of {', '.join(sorted(self._grid.topics))}, found {topic!r}")
        given = event.get("topic")
        try:
            (found,) = accepted([event], shape(event), str(given or self._grid.resource_id(topic)))
            await self._grid.publish(topic, found)
        except BadEvent as error:
            raise Wrong(f"event: {error}") from error
        return {"id": event["id"]}

    async def deliveries(self, _: Asked) -> object:
        return {"value": [asdict(one) for one in self._grid.deliveries]}

    async def dead_letters(self, _: Asked) -> object:
        return {"value": [asdict(one) for one in self._grid.dead_letters]}

    async def subscriptions(self, _: Asked) -> object:
        return {"value": [_row(one) for one in self._grid.subscriptions.values()]}

    async def subscribe(self, asked: Asked) -> object:
        wanted = msgspec.structs.asdict(asked.body)
        return _row(self._grid.subscribe(asked.names["name"], wanted.pop("topic"), **wanted))


def _row(one: Subscription) -> dict[str, object]:
    shown = ("name", "topic", "types", "schema", "state", "unwell_until")
    return {name: getattr(one, name) for name in shown}
