"""The query endpoint of an Azure Monitor workspace: Prometheus' HTTP API with a bearer token and Azure's own limits.

Limits: learn.microsoft.com/azure/azure-monitor/metrics/prometheus-api-promql. Shapes: prometheus.io/docs/prometheus/
latest/querying/api.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import promql_parser as ast
from aiohttp import web

from localcloud.monitor.bearers import check
from localcloud.monitor.prometheus_store import NAME
from localcloud.monitor.promql import Evaluator, parse
from localcloud.monitor.promql_vectors import PromqlError
from localcloud.monitor.responses import refusing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localcloud.monitor.prometheus_store import Labels
    from localcloud.monitor.service import Monitor

AUDIENCE = ("https://prometheus.monitor.azure.com",)
_MOST_POINTS = 11_000
_LONGEST = timedelta(days=32).total_seconds()
_LONGEST_SERIES = timedelta(hours=12).total_seconds()
_SECONDS = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


class PrometheusCalls:
    """Every call, by GET or by POST with a form."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._series = monitor.prometheus_store.series

    async def query(self, asked: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 - JSON
        """/api/v1/query: at one time, now unless it says another."""
        at = self._time(asked, "time")
        tree = parse(_one(asked, "query"))
        evaluator = Evaluator(self._series)
        if isinstance(tree, ast.MatrixSelector):
            found = [{"metric": dict(key), "values": _points(pairs)} for key, pairs in evaluator.matrix(tree, at)]
            return {"resultType": "matrix", "result": found}
        value = evaluator.value(tree, at)
        if isinstance(value, float):
            return {"resultType": "scalar", "result": [at, _number(value)]}
        result = [{"metric": dict(key), "value": [at, _number(one)]} for key, one in value.items()]
        return {"resultType": "vector", "result": result}

    async def query_range(self, asked: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 - JSON
        """/api/v1/query_range: at every step from start to end."""
        start, end = self._time(asked, "start"), self._time(asked, "end")
        step = _duration(_one(asked, "step"), "step")
        if end < start:
            raise PromqlError('invalid parameter "end": end timestamp must not be before start time')
        if step <= 0:
            raise PromqlError(
                'invalid parameter "step": zero or negative query resolution step widths are not accepted'
            )
        if end - start > _LONGEST:
            raise PromqlError("the time range of a query must not be longer than 32 days")
        if (end - start) / step > _MOST_POINTS:
            raise PromqlError(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
                "(?step=XX)"
            )
        tree = parse(_one(asked, "query"))
        evaluator = Evaluator(self._series)
        found: dict[Labels, list[tuple[float, float]]] = {}
        for n in range(int((end - start) / step) + 1):
            at = start + n * step
            value = evaluator.value(tree, at)
            for key, one in ({(): value} if isinstance(value, float) else value).items():
                found.setdefault(key, []).append((at, one))
        result = [{"metric": dict(key), "values": _points(pairs)} for key, pairs in found.items()]
        return {"resultType": "matrix", "result": result}

    async def series(self, asked: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 - JSON
        """/api/v1/series: those with a sample in the last twelve hours, or in the time it says."""
        if not asked.get("match[]"):
            raise PromqlError("no match[] parameter provided")
        end = self._time(asked, "end")
        start = max(end - _LONGEST_SERIES, self._time(asked, "start") if asked.get("start") else 0)
        found: dict[Labels, None] = {}
        for text in asked["match[]"]:
            tree = parse(text)
            if not isinstance(tree, ast.VectorSelector):
                raise PromqlError(f'invalid parameter "match[]": expected a selector, found {text}')
            if any(m.op in (ast.MatchOp.Re, ast.MatchOp.NotRe) for m in tree.matchers.matchers):
                raise PromqlError("series does not support regular expression filters")
            for key in Evaluator(self._series).select(tree):
                if self._series[key].between(start, end):
                    found[key] = None
        return [dict(key) for key in found]

    async def labels(self, _: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 - JSON
        """/api/v1/labels: names of all labels; a time it says is ignored."""
        return sorted({name for key in self._series for name, _ in key})

    async def names(self, _: Mapping[str, list[str]]) -> Any:  # noqa: ANN401 - JSON
        """/api/v1/label/__name__/values: names of all metrics; Azure has no other label's values."""
        return sorted({dict(key)[NAME] for key in self._series})

    def _time(self, asked: Mapping[str, list[str]], name: str) -> float:
        text = asked.get(name, [""])[0]
        if not text:
            return self._monitor.clock.now().timestamp()
        if _SECONDS.fullmatch(text):
            return float(text)
        try:
            at = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise PromqlError(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def prometheus(monitor: Monitor) -> web.Application:
    """`https://<workspace>.<region>.prometheus.monitor.azure.com`."""
    calls = PrometheusCalls(monitor)
    app = refusing(web.Application())
    for path, call in (
        ("query", calls.query),
        ("query_range", calls.query_range),
        ("series", calls.series),
        ("labels", calls.labels),
        ("label/__name__/values", calls.names),
    ):
        handler = _handler(call)
        app.router.add_get(f"/api/v1/{path}", handler)
        app.router.add_post(f"/api/v1/{path}", handler)
    return app


def _handler(
    call: Callable[[Mapping[str, list[str]]], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        check(request.headers, AUDIENCE)
        form = await request.post() if request.method == "POST" else {}
        asked: dict[str, list[str]] = {}
        for name, value in (*request.query.items(), *form.items()):
            asked.setdefault(name, []).append(str(value))
        try:
            return web.json_response({"status": "success", "data": await call(asked)})
        except PromqlError as error:
            body = {"status": "error", "errorType": "bad_data", "error": str(error)}
            return web.json_response(body, status=400)

    return handle


def _one(asked: Mapping[str, list[str]], name: str) -> str:
    text = asked.get(name, [""])[0]
    if not text:
        raise PromqlError(f'invalid parameter "{name}": expected one, found none')
    return text


def _duration(text: str, name: str) -> float:
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return ast.parse_duration(text).total_seconds()
    except ValueError:
        raise PromqlError(f'invalid parameter "{name}": cannot parse "{text}" to a valid duration') from None


def _points(pairs: list[tuple[float, float]]) -> list[list[object]]:
    return [[at, _number(value)] for at, value in pairs]


def _number(value: float) -> str:
    """As Go writes a float: all digits and no exponent."""
    text = format(Decimal(repr(value)), "f")
    named = {"Infinity": "+Inf", "-Infinity": "-Inf", "NaN": "NaN"}
    return named.get(text) or (text.rstrip("0").rstrip(".") if "." in text else text)
