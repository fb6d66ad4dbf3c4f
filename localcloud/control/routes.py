"""The control plane as one web application: its table, its reading of orders, and the journal of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from localcloud.control.reading import Wrong, read, shape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from localcloud.journal import Journal

_BODY = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One order. names: parts of its path. body: read into the route's type, None when the route has none."""

    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One order that is understood. tells: what it does, in a line. act: answers JSON, raises Wrong."""

    method: str
    path: str
    tells: str
    act: Callable[[Asked], Awaitable[object]]
    body: type[Any] | None = None
    query: tuple[str, ...] = ()


def application(routes: Sequence[Route], journal: Journal) -> web.Application:
    """GET / lists the routes; whatever is not in the list is answered 404 with it."""
    app = web.Application(middlewares=[_explained], client_max_size=_BODY)

    async def listed(_: web.Request) -> web.Response:
        return _json([_row(route) for route in routes])

    app.router.add_get("/", listed)
    for route in routes:
        app.router.add_route(route.method, route.path, _handler(route, journal))
    return app


def _handler(route: Route, journal: Journal) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        raw = await request.read()
        for name in request.query:
            if name not in route.query:
                raise Wrong(f"query: expected {' or '.join(route.query) or 'none'}, found {name!r}")
        if route.body is None and raw:
            raise Wrong(f"body: expected none, found {len(raw)} bytes")
        body = None if route.body is None else read(raw, route.body)
        answer = await route.act(Asked(names=request.match_info, query=request.query, body=body))
        if route.method != "GET":
            journal.note("control", f"{route.method} {request.path}", body=msgspec.to_builtins(body))
        return _json(answer)

    return handle


def _row(route: Route) -> dict[str, object]:
    query = {"query": route.query} if route.query else {}
    body = {"body": shape(route.body)} if route.body else {}
    return {"method": route.method, "path": route.path, "tells": route.tells, **query, **body}


@web.middleware
async def _explained(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A wrong order is told what was wrong with it."""
    try:
        return await handler(request)
    except Wrong as wrong:
        return _json({"error": wrong.error}, wrong.status)
    except web.HTTPException as error:
        found = f"found {request.method} {request.path}"
        return _json({"error": f"order: expected one that GET / lists, {found}"}, error.status)


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", status=status)
