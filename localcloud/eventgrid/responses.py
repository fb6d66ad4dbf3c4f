"""Event Grid over HTTP: the topics' endpoints, and the control plane that tests and the demo read."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from localcloud.eventgrid.model import Schema, Trouble
from localcloud.eventgrid.schemas import BadEvent, accepted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.eventgrid.model import Subscription
    from localcloud.eventgrid.service import EventGrid

_LARGEST = 1024 * 1024  # bytes of an array of events; a larger one is answered 413
_VERSION = "2018-01-01"
_BATCH = "application/cloudevents-batch+json"
_SINGLE = "application/cloudevents+json"


def topics(grid: EventGrid) -> web.Application:
    """`POST /topics/<name>/api/events?api-version=2018-01-01`, as azure-eventgrid sends it."""

    async def events(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in grid.topics:
            return _error(404, "NotFound", f"topic: expected one of {sorted(grid.topics)}, found {name!r}")
        if not hmac.compare_digest(request.headers.get("aeg-sas-key", "").encode(), grid.key.encode()):
            return _error(401, "Unauthorized", "aeg-sas-key: expected the key of this topic, found another or none")
        if request.query.get("api-version") != _VERSION:
            return _error(400, "BadRequest", f"api-version: expected {_VERSION}, found another or none")
        try:
            found = _events(await request.read(), request.content_type, grid.resource_id(name))
            for event in found:
                await grid.publish(name, event)
        except BadEvent as error:
            return _error(400, "BadRequest", str(error))
        return web.Response()

    app = web.Application(client_max_size=_LARGEST)
    app.router.add_post("/topics/{name}/api/events", events)
    app.router.add_route("*", "/{rest:.*}", _refuse)
    return app


def _events(content: bytes, kind: str, topic: str) -> list[dict[str, object]]:
    try:
        body = json.loads(content)
    except ValueError as error:
        raise BadEvent("body: expected JSON, found something else") from error
    schema = Schema.CLOUD_EVENTS if kind in (_BATCH, _SINGLE) else Schema.EVENT_GRID
    return accepted([body] if kind == _SINGLE else body, schema, topic)


def control(grid: EventGrid) -> web.Application:
    """GET deliveries, dead-letters, subscriptions; PUT trouble and subscriptions/<name>."""

    async def deliveries(_request: web.Request) -> web.Response:
        return _json([asdict(one) for one in grid.deliveries])

    async def dead_letters(_request: web.Request) -> web.Response:
        return _json([asdict(one) for one in grid.dead_letters])

    async def subscriptions(_request: web.Request) -> web.Response:
        return _json(_rows(grid.subscriptions.values()))

    async def trouble(request: web.Request) -> web.Response:
        grid.trouble = msgspec.json.decode(await request.read(), type=Trouble)
        return _json(asdict(grid.trouble))

    async def subscribe(request: web.Request) -> web.Response:
        wanted = await request.json()
        return _json(_rows([grid.subscribe(request.match_info["name"], wanted.pop("topic"), **wanted)]))

    app = web.Application()
    app.router.add_get("/deliveries", deliveries)
    app.router.add_get("/dead-letters", dead_letters)
    app.router.add_get("/subscriptions", subscriptions)
    app.router.add_put("/subscriptions/{name}", subscribe)
    app.router.add_put("/trouble", trouble)
    return app


def _rows(subscriptions: Iterable[Subscription]) -> list[dict[str, object]]:
    """Without endpoints: they carry a key."""
    return [
        {"name": one.name, "topic": one.topic, "types": one.types, "schema": one.schema, "state": one.state}
        for one in subscriptions
    ]


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


async def _refuse(request: web.Request) -> web.Response:
    return _error(501, "NotImplemented", f"the local Event Grid does not support {request.method} {request.path}")


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
