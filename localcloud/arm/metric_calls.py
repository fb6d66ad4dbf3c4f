"""GET …/providers/Microsoft.Insights/metrics of an app, as Azure Monitor answers it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localcloud.arm.calls import Reply
from localcloud.arm.errors import bad_request, unsupported
from localcloud.arm.metrics import Series, minute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.calls import Call
    from localcloud.arm.metrics import Sampler
    from localcloud.arm.models import App, Json

_MINUTE = timedelta(minutes=1)
_DIMENSIONS = {"Requests": ("revisionName", "statusCodeCategory"), "Replicas": ("revisionName",)}
_DIMENSIONS["RestartCount"] = ("revisionName",)
_SUPPORTED = {"Requests": "revisionName,podName,statusCodeCategory,statusCode", "Replicas": "revisionName"}
_SUPPORTED["RestartCount"] = "revisionName,podName"
_TITLES = {"Requests": "Requests", "Replicas": "Replica Count", "RestartCount": "Replica Restart Count"}
_TELLS = {
    "Requests": "Requests processed",
    "Replicas": "Number of replicas count of container app",
    "RestartCount": "Restart count of container app replicas",
}
_USUAL = {"Requests": "total", "Replicas": "maximum", "RestartCount": "maximum"}
_AGGREGATIONS = ("total", "maximum", "minimum", "average", "count")
_CLAUSE = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_TOP = 10  # series, when the client does not say


async def metrics(call: Call, app: App, sampler: Sampler, now: datetime) -> Reply:
    """Requests, Replicas and RestartCount in buckets of a minute, filled with zeros.

    Raises:
        ArmError: 400 for a span, metric or dimension that Azure would refuse; 501 for one only this machine lacks.
    """
    since, until = _span(call.query.get("timespan", ""), now)
    names = [n.strip() for n in call.query.get("metricnames", "Requests").split(",")]
    if call.query.get("interval", "PT1M").upper() != "PT1M":
        raise unsupported("GET", f"Microsoft.Insights/metrics with interval {call.query['interval']}")
    values = [await _metric(call, app, sampler, _known(name), since, until) for name in names]
    return Reply(
        body={
            "cost": max(0, int((until - since) / _MINUTE) - 1),
            "timespan": f"{since:%Y-%m-%dT%H:%M:%SZ}/{until:%Y-%m-%dT%H:%M:%SZ}",
            "interval": "PT1M",
            "value": values,
            "namespace": "Microsoft.App/containerapps",
            "resourceregion": app.resource["location"].lower().replace(" ", ""),
        }
    )


def _known(name: str) -> str:
    found = next((known for known in _DIMENSIONS if known.lower() == name.lower()), None)
    if found is None:
        raise unsupported("GET", f"Microsoft.Insights/metrics named {name}")
    return found


def _span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """[since, until) of an ISO 8601 interval; the last hour without one."""
    if not text:
        return now - timedelta(hours=1), now
    try:
        # The Azure CLI encodes it twice.
        since, until = (datetime.fromisoformat(part) for part in unquote(text).split("/"))
        since, until = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (since, until))
    except ValueError:
        raise bad_request("BadRequest", f"Time interval '{text}' could not be parsed.") from None
    if until <= since:
        raise bad_request("BadRequest", "Start time cannot be greater than or equal to end time.")
    return since.astimezone(UTC), until.astimezone(UTC)


async def _metric(call: Call, app: App, sampler: Sampler, name: str, since: datetime, until: datetime) -> Json:
    chosen = _filter(name, call.query.get("$filter", ""))
    ours = {revision.name.lower() for revision in app.revisions}
    first = minute(since)
    found = (
        await sampler.requests(ours, first, until)
        if name == "Requests"
        else await sampler.gauges(name, ours, first, until)
    )
    kinds = [k for k in call.query.get("aggregation", "").lower().split(",") if k in _AGGREGATIONS] or [_USUAL[name]]
    series = [
        {"metadatavalues": _labels(key, chosen), "data": _points(values, kinds, first, until)}
        for key, values in _grouped(found, chosen).items()
    ]
    identifier = f"{app.home}/containerapps/{app.name}/providers/Microsoft.Insights/metrics/{name}"
    return {
        "id": identifier,
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": _TITLES[name]},
        "displayDescription": _TELLS[name],
        "unit": "Count",
        "timeseries": series[: int(call.query.get("top", _TOP))] if chosen else series,
        "errorCode": "Success",
    }


def _filter(metric: str, text: str) -> dict[str, set[str]]:
    """Dimension in its own spelling -> values in lower case; an empty set is every value ('*').

    Only `and` of single values, and `or` within one dimension, as Azure Monitor has it.
    """
    chosen: dict[str, set[str]] = {}
    for clause in re.split(r"\s+(?:and|or)\s+", text) if text.strip() else ():
        match = _CLAUSE.fullmatch(clause.strip("() "))
        if match is None:
            raise bad_request("BadRequest", f"Filter '{text}' could not be parsed.")
        dimension = next((d for d in _DIMENSIONS[metric] if d.lower() == match[1].lower()), None)
        if dimension is None and match[1].lower() in _SUPPORTED[metric].lower().split(","):
            raise unsupported("GET", f"Microsoft.Insights/metrics by {match[1]}")
        if dimension is None:
            raise bad_request(
                "BadRequest",
                f"Metric: {metric} does not support requested dimension combination: {match[1].lower()}, "
                f"supported ones are: {_SUPPORTED[metric]}",
            )
        values = chosen.setdefault(dimension, set())
        if match[2] != "*":
            values.add(match[2].lower())
    return chosen


def _grouped(found: Series, chosen: dict[str, set[str]]) -> Series:
    """Only what was chosen, summed over the dimensions that were not asked for."""
    by = (("revisionName", 0), ("statusCodeCategory", 1))
    grouped: Series = {} if chosen else {("", ""): {}}
    for key, values in found.items():
        if any(chosen.get(d) and key[n].lower() not in chosen[d] for d, n in by):
            continue
        kept = (key[0] if "revisionName" in chosen else "", key[1] if "statusCodeCategory" in chosen else "")
        into = grouped.setdefault(kept, {})
        for at, value in values.items():
            into[at] = into.get(at, 0.0) + value
    return grouped


def _labels(key: tuple[str, str], chosen: dict[str, set[str]]) -> list[Json]:
    named = (("revisionName", key[0]), ("statusCodeCategory", key[1]))
    return [
        {"name": {"value": d.lower(), "localizedValue": d.lower()}, "value": value} for d, value in named if d in chosen
    ]


def _points(values: dict[datetime, float], kinds: list[str], first: datetime, until: datetime) -> list[Json]:
    return [
        {"timeStamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", **dict.fromkeys(kinds, float(values.get(at, 0)))}
        for at in _minutes(first, until)
    ]


def _minutes(first: datetime, until: datetime) -> Iterator[datetime]:
    at = first
    while at < until:
        yield at
        at += _MINUTE
