"""What comes in by HTTP: the app's own routes and the host's status."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web
from azure.functions import meta

from localcloud.host.indexing import IndexingError
from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from localcloud.host.keys import Keys
    from localcloud.host.worker import Function

    Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("localcloud.host")
MOST = 4 * 1024 * 1024
_PLAIN = re.compile(r"[^{}*?]*")
_SEGMENT = re.compile(r"[^{}*?]+|\{\w+\}")


def route_prefix(folder: Path) -> str:
    """What host.json puts before every route: `api` unless it says otherwise, and nothing when it says nothing.

    https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook (hostjson-settings).
    Raises IndexingError.
    """
    found = json.loads((folder / "host.json").read_text()).get("extensions", {}).get("http", {})
    prefix = found.get("routePrefix", "api")
    if not isinstance(prefix, str) or not all(map(_PLAIN.fullmatch, prefix.split("/"))):
        raise IndexingError(f"host.json: routePrefix: expected plain segments, found {prefix!r}")
    return prefix.strip("/")


def site(functions: Sequence[Function], keys: Keys, events: Answer, prefix: str) -> web.Application:
    """The host's web application. events: answers Event Grid.

    prefix: stands before the routes of functions, see `route_prefix`.
    """
    app = web.Application(client_max_size=MOST, middlewares=[_unknown])
    app.router.add_get("/admin/host/ping", _ping)
    app.router.add_get("/admin/host/status", _status(keys))
    app.router.add_route("*", "/runtime/webhooks/{extension:[Ee]vent[Gg]rid}", events)
    for one in functions:
        if one.kind == "httpTrigger":
            for method in one.settings.get("methods") or ["*"]:
                app.router.add_route(str(method).upper(), _route(one, prefix), _http(one, keys))
    return app


@web.middleware
async def _unknown(request: web.Request, handler: Answer) -> web.StreamResponse:
    """A known route and another method is 404 there, also for HEAD (azure-functions-host issues 10098 and 11625)."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        raise web.HTTPNotFound from error


async def _ping(_request: web.Request) -> web.Response:
    return web.Response()


def _status(keys: Keys) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        if not keys.open_admin(request):
            return web.Response(status=401)
        return web.json_response({"state": "Running", "id": "localcloud", "version": "4.0"})

    return answer


def _route(one: Function, prefix: str) -> str:
    """Routes of plain segments and parameters; what else ASP.NET knows would quietly mean something else here.

    Whatever begins with `admin` is the host's (ScriptHost.ValidateFunction), with and without a prefix before it.
    """
    route = str(one.settings.get("route") or one.name)
    if not all(map(_SEGMENT.fullmatch, route.split("/"))):
        raise IndexingError(f"{one.name}: route: expected segments and {{parameters}}, found {route!r}")
    if route.strip("/").lower().startswith("admin"):
        raise IndexingError(f"{one.name}: route: expected none of the host's own, found {route!r}")
    return f"/{prefix}/{route}" if prefix else f"/{route}"


def _http(one: Function, keys: Keys) -> Answer:
    level = str(one.settings.get("authLevel", "function")).lower()

    async def answer(request: web.Request) -> web.StreamResponse:
        if not keys.open_function(request, one.name, level):
            return web.Response(status=401)
        try:
            return _response(await invoke(one, datum(await _value(request), "http"), {}))
        except Exception:
            # The real host catches everything a function raises, answers 500, and goes on.
            log.exception("%s", one.name)
            return web.Response(status=500)

    return answer


async def _value(request: web.Request) -> dict[str, Any]:
    """As the host sends it: lower-case header names, no empty query values, no body without a length."""
    body = await request.read() if request.content_length else b""
    return {
        "method": datum(request.method, "string"),
        "url": datum(str(request.url), "string"),
        "headers": {name.lower(): datum(text, "string") for name, text in request.headers.items()},
        "query": {name: datum(text, "string") for name, text in request.query.items() if text},
        "params": {name: datum(text, "string") for name, text in request.match_info.items()},
        "body": datum(body, "bytes"),
    }


def _response(returned: Any) -> web.Response:
    if returned is None:
        return web.Response(status=204)
    encoded = meta.get_binding_registry().get("http").encode(returned, expected_type=None)
    if encoded.type == "string":
        return web.Response(text=encoded.value)
    value = encoded.value
    headers = {name: text.value for name, text in value["headers"].items()}
    return web.Response(status=int(value["status_code"].value), headers=headers, body=value["body"].value)
