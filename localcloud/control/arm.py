"""Orders about Azure Resource Manager: trouble for requests, what is held, late metrics, what a revision says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from localcloud.control import bodies
from localcloud.control.reading import Wrong
from localcloud.control.routes import Asked, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.arm import Arm


def arm_routes(arm: Arm) -> Sequence[Route]:
    """Its part of the table."""
    orders = _Orders(arm)
    return (
        Route(
            method="POST",
            path="/trouble",
            tells="the next requests to Azure Resource Manager that match meet it",
            act=orders.trouble,
            body=bodies.ArmOrder,
        ),
        Route(method="GET", path="/trouble", tells="every order with its hits", act=orders.troubles),
        Route(
            method="DELETE",
            path="/trouble",
            tells="no more: what hangs is let go, what is held never lands, metrics and revisions are as they are",
            act=orders.calm,
        ),
        Route(method="GET", path="/held", tells="requests that wait to land", act=orders.held),
        Route(
            method="POST",
            path="/release",
            tells="let one of them, or all in their order, land once no operation of the app runs",
            act=orders.release,
            body=bodies.Release,
        ),
        Route(
            method="POST",
            path="/metrics",
            tells="how many seconds late request counts appear",
            act=orders.metrics,
            body=bodies.Metrics,
        ),
        Route(
            method="POST",
            path="/revisions/{revision}",
            tells="members of its `properties` that hide the true ones in answers, {} for none",
            act=orders.show,
            body=bodies.Shown,
        ),
        Route(
            method="GET",
            path="/writes",
            tells="how many writes an app (without it: all) was sent, by method, whatever was answered",
            act=orders.writes,
            query=("app",),
        ),
    )


class _Orders:
    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def trouble(self, asked: Asked) -> object:
        wanted: bodies.ArmOrder = asked.body
        return asdict(
            self._arm.troubles.add(
                wanted.kind, times=wanted.times, method=wanted.method, path=wanted.path, seconds=wanted.seconds
            )
        )

    async def troubles(self, _: Asked) -> object:
        return {"value": [asdict(order) for order in self._arm.troubles.orders]}

    async def calm(self, _: Asked) -> object:
        self._arm.calm()
        return {}

    async def held(self, _: Asked) -> object:
        held = self._arm.troubles.held
        return {"value": [{"id": h.id, "method": h.call.method, "path": h.call.path} for h in held]}

    async def release(self, asked: Asked) -> object:
        wanted = [h for h in self._arm.troubles.held if asked.body.id in (None, h.id)]
        if asked.body.id is not None and not wanted:
            raise Wrong(f"id: expected one that GET /held lists, found {asked.body.id}", 404)
        return {"released": [{"id": h.id, "status": (await self._arm.release(h)).status} for h in wanted]}

    async def metrics(self, asked: Asked) -> object:
        self._arm.sampler.delay = asked.body.delay
        return {"delay": asked.body.delay}

    async def show(self, asked: Asked) -> object:
        name = asked.names["revision"]
        found = [r for app in self._arm.store.apps() if (r := app.revision(name)) is not None]
        if not found:
            raise Wrong(f"revision: expected one that exists, found {name!r}", 404)
        found[0].shown = asked.body
        return {"revision": found[0].name, "shown": found[0].shown}

    async def writes(self, asked: Asked) -> object:
        return self._arm.log.writes(asked.query.get("app", ""))
