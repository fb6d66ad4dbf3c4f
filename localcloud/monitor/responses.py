"""The data planes of Azure Monitor over HTTP: log queries, metrics in batches, and telemetry that comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from localcloud.monitor import batch, telemetry
from localcloud.monitor.bearers import check
from localcloud.monitor.log_errors import LogsError, bad_argument, no_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localcloud.monitor.service import Monitor

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOGS = ("https://api.loganalytics.io", "https://api.loganalytics.azure.com")
METRICS = ("https://metrics.monitor.azure.com",)
_BODY = 4 * 1024 * 1024
_MOST_QUERIES = 100  # of a batch


def refusing(app: web.Application) -> web.Application:
    """Let an application answer its refusals in the service's envelope."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except LogsError as error:
            return web.json_response(error.body, status=error.status)
        except web.HTTPNotFound:
            return web.json_response(no_path().body, status=404)

    app.middlewares.append(refuse)
    return app


class LogCalls:
    """The query API of Log Analytics, version v1."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    async def workspace(self, request: web.Request) -> web.Response:
        """GET or POST /v1/workspaces/{id}/query."""
        check(request.headers, LOGS)
        return web.json_response(await self._of_workspace(request.match_info["workspace"], await _asked(request)))

    async def resource(self, request: web.Request) -> web.Response:
        """GET or POST /v1/{resource id}/query: of the component, or of the workspace by its resource id."""
        check(request.headers, LOGS)
        return web.json_response(await self._of_resource(request.match_info["resource"], await _asked(request)))

    async def batch(self, request: web.Request) -> web.Response:
        """POST /v1/$batch."""
        check(request.headers, LOGS)
        asked = (await _json(request)).get("requests")
        if not isinstance(asked, list) or not 0 < len(asked) <= _MOST_QUERIES:
            raise bad_argument(f"requests: expected 1 to {_MOST_QUERIES} requests")
        return web.json_response({"responses": [await self._one(one) for one in asked]})

    async def _one(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer, status = await self._of_workspace(str(one.get("workspace", "")), one.get("body") or {}), 200
        except LogsError as error:
            answer, status = error.body, error.status
        return {"id": one.get("id"), "status": status, "body": answer}

    async def _of_workspace(self, workspace: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if workspace.lower() != self._monitor.workspace_id:
            raise no_path()
        return await self._answer(asked, component=False)

    async def _of_resource(self, resource: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        named = f"/{resource.strip('/')}".lower()
        if named == self._monitor.workspace_resource.lower():
            return await self._answer(asked, component=False)
        if named == self._monitor.component.lower():
            return await self._answer(asked, component=True)
        raise no_path()

    async def _answer(self, asked: Mapping[str, Any], *, component: bool) -> Mapping[str, Any]:
        query, span = asked.get("query"), asked.get("timespan")
        if not isinstance(query, str) or not query.strip():
            raise bad_argument("query: expected KQL, found none")
        if asked.get("workspaces"):
            raise bad_argument("localcloud: workspaces: expected none beside the one that is asked, found some")
        since, until = self._monitor.span(span) if span else (None, None)
        return {"tables": [await self._monitor.workspace.query(query, since, until, component=component)]}


async def _asked(request: web.Request) -> Mapping[str, Any]:
    return request.query if request.method == "GET" else await _json(request)


async def _json(request: web.Request) -> Mapping[str, Any]:
    try:
        found = await request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_argument("body: expected a JSON object")
    return found


def logs(monitor: Monitor) -> web.Application:
    """`https://api.loganalytics.io`."""
    calls = LogCalls(monitor)
    app = refusing(web.Application(client_max_size=_BODY))
    app.router.add_post("/v1/$batch", calls.batch)
    for method in ("GET", "POST"):
        app.router.add_route(method, "/v1/workspaces/{workspace}/query", calls.workspace)
        app.router.add_route(method, "/v1/{resource:/?subscriptions/.+}/query", calls.resource)
    return app


def metrics(monitor: Monitor) -> web.Application:
    """`https://<region>.metrics.monitor.azure.com`."""

    async def get_batch(request: web.Request) -> web.Response:
        check(request.headers, METRICS)
        return web.json_response(await batch.answer(monitor, request, await _json(request)))

    app = refusing(web.Application(client_max_size=_BODY))
    app.router.add_post("/subscriptions/{subscription}/metrics:getBatch", get_batch)
    return app


def ingestion(monitor: Monitor) -> web.Application:
    """The endpoint that a connection string names as `IngestionEndpoint`."""

    async def track(request: web.Request) -> web.Response:
        try:
            items = telemetry.envelopes(await request.read())
        except ValueError:
            return web.json_response({"itemsReceived": 0, "itemsAccepted": 0, "errors": []}, status=400)
        found, errors = telemetry.rows(items, monitor.instrumentation_key, monitor.component)
        monitor.take(found)
        status = 200 if not errors else (400 if len(errors) == len(items) else 206)
        accepted = len(items) - len(errors)
        body = {"itemsReceived": len(items), "itemsAccepted": accepted, "appId": None, "errors": errors}
        return web.json_response(body, status=status)

    app = web.Application(client_max_size=16 * _BODY)
    for version in ("v2", "v2.1"):
        app.router.add_post(f"/{version}/track", track)
    return app
