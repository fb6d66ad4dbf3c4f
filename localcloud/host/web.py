"""What comes in by HTTP: the app's own routes, Event Grid's endpoint, and the host's status."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web
from azure.functions import meta

from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
MOST = 4 * 1024 * 1024


def site(functions: Sequence[Function], key: str) -> web.Application:
    """The host's web application. key: the one host key, good for functions and for Event Grid."""
    app = web.Application(client_max_size=MOST)
    app.router.add_get("/admin/host/status", _status)
    events = {one.name.lower(): one for one in functions if one.kind == "eventGridTrigger"}
    app.router.add_route("*", "/runtime/webhooks/{extension:[Ee]vent[Gg]rid}", _events(events, key))
    for one in functions:
        if one.kind == "httpTrigger":
            route = "/api/" + (one.settings.get("route") or one.name)
            for method in one.settings.get("methods") or ["GET", "POST"]:
                app.router.add_route(str(method).upper(), route, _http(one, key))
    return app


async def _status(_request: web.Request) -> web.Response:
    return web.json_response({"state": "Running", "id": "localcloud", "version": "4.0"})


def _allowed(request: web.Request, key: str) -> bool:
    given = request.headers.get("x-functions-key") or request.query.get("code") or ""
    return hmac.compare_digest(given.encode(), key.encode())


def _events(functions: dict[str, Function], key: str) -> Any:
    async def receive(request: web.Request) -> web.Response:
        one = functions.get(request.query.get("functionName", "").lower())
        if one is None:
            name = request.query.get("functionName", "")
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if not _allowed(request, key):
            return web.Response(status=401)
        if request.method == "OPTIONS":
            return web.Response(headers={"Webhook-Allowed-Origin": "eventgrid.azure.net"})
        return await _event_request(one, request)

    return receive


async def _event_request(one: Function, request: web.Request) -> web.Response:
    kind = request.headers.get("aeg-event-type", "")
    if kind == "Unsubscribe":
        return web.Response(status=202)
    try:
        body = await request.json()
    except ValueError:
        return web.Response(status=400)
    events = body if isinstance(body, list) else [body]
    if kind == "SubscriptionValidation":
        return web.json_response({"validationResponse": events[0].get("data", {}).get("validationCode")})
    if kind != "Notification":
        return web.Response(status=400)
    calls = [invoke(one, datum(json.dumps(event), "json"), {}) for event in events]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, Exception)]
    for failure in failures:
        log.error("%s: %s", one.name, failure, exc_info=failure)
    return web.Response(status=500 if failures else 202, text=str(failures[0]) if failures else None)


def _http(one: Function, key: str) -> Any:
    async def answer(request: web.Request) -> web.Response:
        if str(one.settings.get("authLevel", "function")).lower() != "anonymous" and not _allowed(request, key):
            return web.Response(status=401)
        body = await request.read()
        value = {
            "method": datum(request.method, "string"),
            "url": datum(str(request.url), "string"),
            "headers": {name.lower(): datum(text, "string") for name, text in request.headers.items()},
            "query": {name: datum(text, "string") for name, text in request.query.items() if text},
            "params": {name: datum(text, "string") for name, text in request.match_info.items()},
            "body": datum(body, "bytes"),
        }
        try:
            returned = await invoke(one, datum(value, "http"), {})
        except Exception:
            # The real host catches everything a function raises, answers 500, and goes on.
            log.exception("%s", one.name)
            return web.Response(status=500)
        return _response(returned)

    return answer


def _response(returned: Any) -> web.Response:
    encoded = meta.get_binding_registry().get("http").encode(returned, expected_type=None)
    if encoded.type == "string":
        return web.Response(text=encoded.value)
    value = encoded.value
    headers = {name: text.value for name, text in value["headers"].items()}
    return web.Response(status=int(value["status_code"].value), headers=headers, body=value["body"].value)
