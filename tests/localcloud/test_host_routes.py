"""Where the Functions host serves an app's routes: host.json's prefix."""

from __future__ import annotations

import pytest
from aiohttp import web

from localcloud.host.indexing import IndexingError
from localcloud.host.keys import Keys
from localcloud.host.web import route_prefix, site
from localcloud.host.worker import Function
from tests.localcloud.hosts import hosted, write_app

PROGRAM = """
    @app.route(route="health/{of}", auth_level=func.AuthLevel.ANONYMOUS)
    def health(req: func.HttpRequest):
        return req.route_params["of"]
"""


@pytest.mark.parametrize(
    ("http", "there", "not_there"),
    [
        ({}, "/api/health/a", "/health/a"),
        ({"routePrefix": ""}, "/health/a", "/api/health/a"),
        ({"routePrefix": "v1/of"}, "/v1/of/health/a", "/api/health/a"),
    ],
)
async def test_routes_are_served_below_the_prefix_of_host_json_and_nowhere_else(tmp_path, http, there, not_there):
    async with hosted(tmp_path / "app", PROGRAM, http=http) as host:
        assert (await host.call("GET", there))[:2] == (200, "a")
        assert (await host.call("GET", not_there))[0] == 404
        master = host.functions.keys.master
        assert (await host.call("POST", "/runtime/webhooks/eventgrid?functionName=no", key=master))[0] == 404
        assert (await host.call("GET", "/admin/host/status", key=master))[0] == 200


@pytest.mark.parametrize("prefix", [5, None, "{version}", "a*"])
def test_a_prefix_that_is_no_plain_path_is_refused(tmp_path, prefix):
    folder = write_app(tmp_path / "app", "", http={"routePrefix": prefix})
    with pytest.raises(IndexingError, match=r"host\.json: routePrefix: expected plain segments, found"):
        route_prefix(folder)


@pytest.mark.parametrize("route", ["admin/host/status", "Administrators"])
def test_a_route_in_the_hosts_own_space_is_refused(route):
    one = Function(name="run", kind="httpTrigger", settings={"route": route}, argument="req", text=False, call=print)

    async def events(_request: web.Request) -> web.Response:
        return web.Response(status=202)

    with pytest.raises(IndexingError, match="run: route: expected none of the host's own, found"):
        site([one], Keys(master="m", host="h", eventgrid="e", functions={"run": "r"}), events, "")
