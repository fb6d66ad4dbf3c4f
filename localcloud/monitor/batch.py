"""`POST /subscriptions/{id}/metrics:getBatch`: the metrics of up to 50 apps in one answer.

learn.microsoft.com/azure/azure-monitor/essentials/migrate-to-batch-api: the parameters of the ARM path, with
`starttime` and `endtime` for `timespan` and `filter` for `$filter`, and errors in the wrapped envelope.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localcloud.arm.errors import ArmError
from localcloud.monitor.log_errors import LogsError
from localcloud.monitor.metric_calls import result
from localcloud.monitor.metric_query import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from localcloud.arm.models import App
    from localcloud.monitor.service import Monitor

_MOST = 50
_APP = re.compile(
    r"/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.app/containerapps/([^/]+)/?",
    re.ASCII | re.IGNORECASE,
)


async def answer(monitor: Monitor, request: web.Request, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises LogsError."""
    given = {name.lower(): value for name, value in request.query.items()}
    if not given.get("api-version"):
        raise _bad("The api-version query parameter (?api-version=) is required for all requests.")
    if not given.get("metricnamespace"):
        raise _bad("The metricnamespace query parameter is required.")
    apps = _apps(monitor, request.match_info["subscription"], body.get("resourceids"))
    start, end = given.get("starttime", ""), given.get("endtime", "")
    span = f"{start}/{end or monitor.clock.now().isoformat()}" if start else ""
    try:
        query = read(request.query, monitor.clock.now(), span)
        found = [(app, await result(query, app, monitor.sampler)) for app in apps]
    except ArmError as error:
        raise LogsError(error.status, error.code, error.message) from None
    return {
        "values": [
            {
                "starttime": f"{query.since:%Y-%m-%dT%H:%M:%SZ}",
                "endtime": f"{query.until:%Y-%m-%dT%H:%M:%SZ}",
                "resourceid": f"{app.home}/containerApps/{app.name}",
                **one,
            }
            for app, one in found
        ]
    }


def _apps(monitor: Monitor, subscription: str, ids: object) -> list[App]:
    if not isinstance(ids, list) or not ids or len({str(one).lower() for one in ids}) > _MOST:
        raise _bad(f"resourceids: expected 1 to {_MOST} resource ids")
    found: list[App] = []
    for one in ids:
        match = _APP.fullmatch(str(one))
        if match is None or match[1].lower() != subscription.lower():
            raise _bad(f"All resources must be container apps of subscription {subscription}: {one}")
        app = monitor.store.app(match[1], match[2], match[3])
        if app is None:
            raise LogsError(404, "ResourceNotFound", f"The resource '{one}' was not found.")
        found.append(app)
    return found


def _bad(message: str) -> LogsError:
    return LogsError(400, "BadRequest", message)
