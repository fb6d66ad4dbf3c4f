"""Samples of minutes become the time series that were asked for, in whole buckets filled with zeros."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from localcloud.arm.errors import unsupported
from localcloud.monitor.filters import chosen, fits

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.metrics import Series
    from localcloud.arm.models import App, Json
    from localcloud.monitor.catalogue import Metric
    from localcloud.monitor.filters import Chosen
    from localcloud.monitor.metric_query import MetricQuery

_Split = tuple[tuple[str, str], ...]  # (dimension, value) of a series


def choose(query: MetricQuery, metric: Metric) -> Chosen:
    """The dimensions this metric is chosen by.

    Raises:
        ArmError: 400 for a dimension it has not, 501 for a metric or a dimension that only this machine lacks.
    """
    choice = chosen(metric, query.filter, validate=query.validate)
    if not metric.measured:
        raise unsupported("GET", f"Microsoft.Insights/metrics named {metric.name}")
    lacking = [name for name in choice if name not in metric.split]
    if lacking:
        raise unsupported("GET", f"Microsoft.Insights/metrics {metric.name} by {lacking[0]}")
    return choice


def answer(query: MetricQuery, metric: Metric, choice: Chosen, samples: Series, app: App) -> Json:
    """One member of `value`. samples: (revision, status code or "") -> minute -> value."""
    kinds = query.aggregations or (metric.usual.lower(),)
    found = _split(samples, choice, query.rolled)
    if not choice:
        found = {(): found.get((), {})}
    ordered = _ordered(query, found)
    if choice:
        ordered = ordered[: query.top]
    return {
        "id": f"{app.home}/containerapps/{app.name}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.title},
        "displayDescription": metric.tells,
        "unit": metric.unit,
        "timeseries": [_series(query, key, found[key], kinds) for key in ordered],
        "errorCode": "Success",
    }


def category(code: str) -> str:
    """`2xx` of `201`; "" of ""."""
    return code and f"{code[0]}xx"


def _split(samples: Series, choice: Chosen, rolled: frozenset[str]) -> dict[_Split, dict[datetime, list[float]]]:
    """Series by the dimensions that were chosen by and are not rolled up, each minute with all its samples."""
    kept = [name for name in choice if name.lower() not in rolled]
    found: dict[_Split, dict[datetime, list[float]]] = {}
    for (revision, code), values in samples.items():
        key = {"revisionName": revision, "statusCode": code, "statusCodeCategory": category(code)}
        if fits(choice, key):
            into = found.setdefault(tuple((name, key[name]) for name in kept), defaultdict(list))
            for at, value in values.items():
                into[at].append(value)
    return found


def _ordered(query: MetricQuery, found: dict[_Split, dict[datetime, list[float]]]) -> list[_Split]:
    if query.order is None:
        return list(found)
    kind, descending = query.order
    weigh = {key: _aggregated([v for values in at.values() for v in values], kind) for key, at in found.items()}
    return sorted(found, key=weigh.__getitem__, reverse=descending)


def _series(query: MetricQuery, key: _Split, values: dict[datetime, list[float]], kinds: tuple[str, ...]) -> Json:
    labels = [{"name": {"value": name.lower(), "localizedValue": name.lower()}, "value": value} for name, value in key]
    if query.metadata:
        return {"metadatavalues": labels}
    length = query.grain or (query.until - query.since)
    data: list[Json] = []
    at = query.since
    while at < query.until:
        inside = [v for minute, all_of_it in values.items() if at <= minute < at + length for v in all_of_it]
        data.append({"timeStamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", **{kind: _aggregated(inside, kind) for kind in kinds}})
        at += length
    return {"metadatavalues": labels, "data": data}


def _aggregated(samples: list[float], kind: str) -> float:
    """Of one bucket: a bucket without samples is zero, as it was recorded."""
    if not samples:
        return 0.0
    match kind:
        case "total":
            return float(sum(samples))
        case "count":
            return float(len(samples))
        case "maximum":
            return float(max(samples))
        case "minimum":
            return float(min(samples))
        case _:
            return sum(samples) / len(samples)
