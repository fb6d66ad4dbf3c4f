"""Event Grid's endpoint: one invocation per event, one answer for the whole request."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.host.keys import Keys
    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")


class EventEndpoint:
    """Answers for every function with an Event Grid trigger."""

    def __init__(self, functions: Sequence[Function], keys: Keys) -> None:
        self._functions = {one.name.lower(): one for one in functions if one.kind == "eventGridTrigger"}
        self._keys = keys

    async def answer(self, request: web.Request) -> web.Response:
        """One request of Event Grid."""
        if not self._keys.open_events(request):
            return web.Response(status=401)
        name = request.query.get("functionName", "")
        one = self._functions.get(name.lower())
        if one is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":  # the handshake of CloudEvents
            origin = request.headers.get("WebHook-Request-Origin", "eventgrid.azure.net")
            return web.Response(headers={"WebHook-Allowed-Origin": origin})
        match request.headers.get("aeg-event-type", ""):
            case "SubscriptionValidation":
                return await _validated(request)
            case "Notification":
                return await _notified(one, request)
            case "Unsubscribe":
                return web.Response(status=202)
            case _:
                return web.Response(status=400)


async def _events(request: web.Request) -> list[Any]:
    """The events of a body, which is a list or one event. Raises ValueError."""
    body = await request.json()
    return body if isinstance(body, list) else [body]


async def _validated(request: web.Request) -> web.Response:
    """The handshake of Event Grid's own schema; in an envelope of CloudEvents its data is JSON within JSON."""
    try:
        data = (await _events(request))[0]["data"]
        code = (json.loads(data) if isinstance(data, str) else data)["validationCode"]
    except (ValueError, LookupError, TypeError):
        return web.Response(status=400)
    return web.json_response({"validationResponse": code})


async def _notified(one: Function, request: web.Request) -> web.Response:
    try:
        events = await _events(request)
    except ValueError:
        return web.Response(status=400)
    calls = [invoke(one, datum(json.dumps(event), "json"), {}) for event in events]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    for failure in failures:
        log.error("%s: %s", one.name, failure, exc_info=failure)
    return web.Response(status=500 if failures else 202, text=str(failures[0]) if failures else None)
