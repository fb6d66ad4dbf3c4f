"""The control plane: what a test or a person does to this Azure that no client of Azure could."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localcloud.arm.trouble import Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localcloud.arm.service import Arm


class Control:
    """Its requests; `localcloud.arm` documents them."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def trouble(self, request: web.Request) -> web.Response:
        """POST /trouble: one more order."""
        body = await _body(request)
        order = self._arm.troubles.add(
            Kind(body["kind"]),
            times=int(body.get("times", 1)),
            method=str(body.get("method", "")),
            path=str(body.get("path", "")),
            seconds=float(body.get("seconds", 1)),
        )
        return web.json_response(asdict(order))

    async def troubles(self, _: web.Request) -> web.Response:
        """GET /trouble: every order, those that are used up too."""
        return web.json_response({"value": [asdict(order) for order in self._arm.troubles.orders]})

    async def reset(self, _: web.Request) -> web.Response:
        """DELETE /trouble: none from now on."""
        self._arm.troubles.clear()
        self._arm.sampler.delay = self._arm.profile.metrics_delay
        for app in self._arm.store.apps():
            for revision in app.revisions:
                revision.shown = {}
        return web.json_response({})

    async def held(self, _: web.Request) -> web.Response:
        """GET /held: requests that wait."""
        held = self._arm.troubles.held
        return web.json_response({"value": [{"id": h.id, "method": h.call.method, "path": h.call.path} for h in held]})

    async def release(self, request: web.Request) -> web.Response:
        """POST /release: let them land, in the order they came; answers what each was answered."""
        wanted = (await _body(request)).get("id")
        landed = [
            {"id": held.id, "status": (await self._arm.release(held)).status}
            for held in list(self._arm.troubles.held)
            if wanted in (None, held.id)
        ]
        return web.json_response({"released": landed})

    async def clock(self, request: web.Request) -> web.Response:
        """GET or POST /clock: the time, after skipping some."""
        if request.method == "POST":
            self._arm.clock.advance(timedelta(seconds=float((await _body(request))["advance"])))
        return web.json_response({"now": self._arm.clock.now().isoformat()})

    async def metrics(self, request: web.Request) -> web.Response:
        """POST /metrics: how late they are."""
        self._arm.sampler.delay = float((await _body(request))["delay"])
        return web.json_response({"delay": self._arm.sampler.delay})

    async def show(self, request: web.Request) -> web.Response:
        """POST /revisions/{revision}: members of its `properties` that hide the true ones."""
        name = request.match_info["revision"]
        found = [r for app in self._arm.store.apps() if (r := app.revision(name)) is not None]
        if not found:
            return web.json_response({"error": f"revision: expected one that exists, found {name!r}"}, status=404)
        found[0].shown = await _body(request)
        return web.json_response({"revision": found[0].name, "shown": found[0].shown})

    async def log(self, request: web.Request) -> web.Response:
        """GET /log: every request, by method and part of the path."""
        query = request.query
        return web.json_response({"value": self._arm.log.matching(query.get("method", ""), query.get("path", ""))})

    async def forget(self, _: web.Request) -> web.Response:
        """DELETE /log."""
        self._arm.log.entries.clear()
        return web.json_response({})

    async def writes(self, request: web.Request) -> web.Response:
        """GET /writes: how many there were, by method."""
        return web.json_response(self._arm.log.writes(request.query.get("app", "")))


def control_app(arm: Arm) -> web.Application:
    """Its application."""
    control = Control(arm)
    app = web.Application(middlewares=[_explained])
    app.router.add_post("/trouble", control.trouble)
    app.router.add_get("/trouble", control.troubles)
    app.router.add_delete("/trouble", control.reset)
    app.router.add_get("/held", control.held)
    app.router.add_post("/release", control.release)
    app.router.add_get("/clock", control.clock)
    app.router.add_post("/clock", control.clock)
    app.router.add_post("/metrics", control.metrics)
    app.router.add_post("/revisions/{revision}", control.show)
    app.router.add_get("/log", control.log)
    app.router.add_delete("/log", control.forget)
    app.router.add_get("/writes", control.writes)
    return app


async def _body(request: web.Request) -> dict[str, Any]:
    body = await request.json() if request.can_read_body else {}
    if not isinstance(body, dict):
        raise ValueError(f"body: expected an object, found {type(body).__name__}")  # noqa: TRY004 - a value of JSON
    return body


@web.middleware
async def _explained(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A bad order is told what was wrong with it."""
    try:
        return await handler(request)
    except KeyError as missing:
        return web.json_response({"error": f"body: expected the member {missing}, found none"}, status=400)
    except ValueError as wrong:
        return web.json_response({"error": str(wrong)}, status=400)
