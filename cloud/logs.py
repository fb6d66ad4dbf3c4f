"""Numbers out of Log Analytics and Application Insights: one KQL query, one number.

The API is that of azure-monitor-query 2.0.0, asked directly: `POST /v1/<place>/query` with `{"query", "timespan"}`. A
result is a list of tables; an `error` beside them means that only part of the data was read, and is an error here.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING

from cloud.arm import AGENT
from cloud.http import asking, explain, of_answer, parsed
from cloud.session import content, open_session
from cloud.tokens import Tokens
from delivery.errors import Refused, Retry
from rollouts.checks import Reading

if TYPE_CHECKING:
    from datetime import datetime

    from aiohttp import ClientSession

    from cloud.tokens import Credential
    from delivery.ports import MetricRow
    from delivery.settings import Settings

_WITHIN = 30  # seconds, told to the service too
_LARGEST = 256 * 1024  # bytes of an answer that should hold one row
_NAME = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*", re.ASCII)
_DIGITS = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)  # how a `decimal` is written
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})  # how a `real` that is none is written
# Requests by the names of their columns: in a component's own scope, and in its workspace.
_REQUESTS = {
    "appinsights": ("requests", "duration", "itemCount", "cloud_RoleInstance", "application_Version"),
    "loganalytics": ("AppRequests", "DurationMs", "ItemCount", "AppRoleInstance", "AppVersion"),
}


class Logs:
    """`delivery.ports.Queries`. 1 POST a number."""

    def __init__(self, settings: Settings, credential: Credential) -> None:
        self._settings = settings
        self._credential = credential
        self._session: ClientSession | None = None

    async def ask(  # the question has many parts, none of them optional
        self, metric: MetricRow, app: str, revision: str, percentile: int | None, since: datetime, until: datetime
    ) -> Reading:
        """The number of one revision over [since, until)."""
        where = f"logs: {metric.name}"
        query = {
            "query": _query(where, metric, app.rpartition("/")[2], revision, percentile),
            "timespan": f"{_stamp(since)}/{_stamp(until)}",
        }
        place = metric.place if metric.place.startswith("/") else f"/workspaces/{metric.place}"
        with asking(where):
            async with asyncio.timeout(_WITHIN):
                status, headers, body = await self._post(f"{self._settings.logs}/v1{place}/query", query)
        if status != 200 or not isinstance(body, Mapping):  # noqa: PLR2004 - HTTP's own number
            raise of_answer(where, status, headers, body, wrote=False)
        if body.get("error") is not None:
            raise Retry(
                f"{where}: expected the whole answer, found a part of it ({explain(body) or 'no reason given'})"
            )
        return _reading(where, body)

    async def _post(self, url: str, body: Mapping[str, str]) -> tuple[int, Mapping[str, str], object]:
        token = await Tokens(self._credential()).get_token(self._settings.logs_audience)
        headers = {"Authorization": f"Bearer {token.token}", "Prefer": f"wait={_WITHIN}", "User-Agent": AGENT}
        async with self._opened().post(url, json=body, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers, parsed(await content(answer, _LARGEST))

    def _opened(self) -> ClientSession:
        if self._session is None:
            self._session = open_session(self._settings.ca_file)
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def _stamp(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _query(where: str, metric: MetricRow, app: str, revision: str, percentile: int | None) -> str:
    """The row's KQL with its placeholders filled, or ours over the requests of one revision.

    What is filled in is a name as Azure gives them: it can end no string of the query it stands in.
    """
    for name in (app.lower(), revision):
        if _NAME.fullmatch(name) is None:
            raise Refused(f"{where}: expected the name of an app and of a revision, found another text")
    if percentile is None:
        return metric.query.replace("{revision}", revision).replace("{app}", app.lower())
    return durations(metric.kind, revision, percentile)


def durations(kind: str, revision: str, percentile: int) -> str:
    """KQL for a percentile of request durations in ms, each sampled request counted as often as it stands for.

    No column names the revision, so it is found in what does: the role instance is the replica's host name
    (`<revision>-<hash>-<random>`) where the SDK is left to itself (azure-monitor-opentelemetry-exporter takes
    `service.instance.id`, else the host name), and with OpenTelemetry's detector for Container Apps, which Azure
    Monitor's .NET distribution brings, the version is the revision (`service.version`).
    """
    table, duration, count, instance, version = _REQUESTS[kind]
    replica = f"@'^{revision}(-[0-9a-z]+-[0-9a-z]+)?$'"
    return (
        f"{table} | where {instance} matches regex {replica} or {version} == '{revision}'"
        f" | summarize value = percentilew({duration}, {count}, {percentile}), samples = sum({count})"
    )


def _reading(where: str, body: Mapping[str, object]) -> Reading:
    """The one row of the first table; no row is no number."""
    tables = body.get("tables")
    table = tables[0] if isinstance(tables, list) and tables else None
    columns, rows = (table.get("columns"), table.get("rows")) if isinstance(table, Mapping) else (None, None)
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise Retry(f"{where}: expected a table, found another answer")
    named = [str(column.get("name")).lower() for column in columns if isinstance(column, Mapping)]
    if "value" not in named:
        raise Refused(f"{where}: query: expected a column value, found none among {len(named)}")
    if not rows:
        return Reading()
    row = rows[0]
    if len(rows) > 1 or not isinstance(row, list) or len(row) != len(named):
        raise Refused(f"{where}: query: expected one row, found {len(rows)}")
    value = _number(where, "value", row[named.index("value")])
    samples = _number(where, "samples", row[named.index("samples")]) if "samples" in named else None
    return Reading(value=value, samples=None if samples is None else max(0, int(samples)))


def _number(where: str, column: str, cell: object) -> float | None:
    """A finite number, or None for what a query says when there is none: null, NaN and the infinities."""
    if cell is None or (isinstance(cell, str) and cell in _NO_NUMBERS):
        return None
    if isinstance(cell, str) and _DIGITS.fullmatch(cell):
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise Refused(f"{where}: query: {column}: expected a number, found another value")
    try:
        number = float(cell)
    except OverflowError:  # JSON knows integers that no float can hold
        return None
    return number if math.isfinite(number) else None
