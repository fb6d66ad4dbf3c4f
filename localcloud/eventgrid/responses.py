"""Event Grid over HTTP: the topics' endpoints, and the address an endpoint calls to say that it wants its events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.eventgrid.access import NoAccess, check
from localcloud.eventgrid.model import Schema
from localcloud.eventgrid.schemas import BadEvent, accepted

if TYPE_CHECKING:
    from localcloud.eventgrid.service import EventGrid

_LARGEST = 1024 * 1024  # bytes of an array of events; a larger one is answered 413
_VERSION = "2018-01-01"
_BATCH = "application/cloudevents-batch+json"
_SINGLE = "application/cloudevents+json"


def topics(grid: EventGrid) -> web.Application:
    """`POST /topics/<name>/api/events?api-version=2018-01-01`, as azure-eventgrid sends it.

    `GET` and `POST /eventsubscriptions/<name>/validate?id=<code>` for who has the code of a handshake.
    """

    async def events(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in grid.topics:
            return _error(404, "NotFound", f"topic: expected one of {sorted(grid.topics)}, found {name!r}")
        try:
            topic = grid.topics[name]
            check(request, topic.keys if topic.local_auth else None, grid.now())
        except NoAccess as error:
            return _error(error.status, error.code, error.message)
        if request.query.get("api-version") != _VERSION:
            return _error(400, "BadRequest", f"api-version: expected {_VERSION}, found another or none")
        try:
            found = _events(await request.read(), request.content_type, topic.schema, grid.resource_id(name))
            for event in found:
                await grid.publish(name, event)
        except BadEvent as error:
            return _error(400, "BadRequest", str(error))
        return web.Response()

    async def validate(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not await grid.handshakes.called(name, request.query.get("id", "")):
            return _error(
                400, "BadRequest", f"id: expected the code that {name} awaits, found another, none or an old one"
            )
        return web.Response(text=f"{name}: its endpoint wants these events")

    app = web.Application(client_max_size=_LARGEST)
    app.router.add_post("/topics/{name}/api/events", events)
    app.router.add_get("/eventsubscriptions/{name}/validate", validate, allow_head=False)
    app.router.add_post("/eventsubscriptions/{name}/validate", validate)
    app.router.add_route("*", "/{rest:.*}", _refuse)
    return app


def _events(content: bytes, kind: str, taken: Schema | None, topic: str) -> list[dict[str, object]]:
    try:
        body = json.loads(content)
    except ValueError as error:
        raise BadEvent("body: expected JSON, found something else") from error
    schema = Schema.CLOUD_EVENTS if kind in (_BATCH, _SINGLE) else Schema.EVENT_GRID
    if taken not in (None, schema):
        raise BadEvent(f"body: expected events in {taken}, which this topic takes, found {schema}")
    return accepted([body] if kind == _SINGLE else body, schema, topic)


async def _refuse(request: web.Request) -> web.Response:
    return _error(501, "NotImplemented", f"the local Event Grid does not support {request.method} {request.path}")


def _error(status: int, code: str, message: str) -> web.Response:
    error = {"code": code, "message": message}
    return web.json_response({"error": {**error, "details": [error]}}, status=status)
