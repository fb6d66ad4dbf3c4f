"""What a metrics query asks for, read from its parameters: the same for the ARM path and the batch API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from localcloud.monitor.catalogue import GRAINS, METRICS, NAMESPACE
from localcloud.monitor.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.monitor.catalogue import Metric

AGGREGATIONS = ("average", "count", "maximum", "minimum", "total")
FULL = "FULL"
_MOST_METRICS = 20
_USUAL_SERIES = 10
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?", re.ASCII | re.IGNORECASE)
_ORDER = re.compile(r"\s*(average|count|maximum|minimum|total|sum)(?:\s+(asc|desc))?\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """since: the whole minute the answer begins with. grain: None is one bucket over all of it.

    aggregations: in lower case, empty for each metric's own. order: (aggregation, descending), None without one.
    rolled: dimensions in lower case that are chosen by and not split by. validate: dimensions are checked.
    """

    metrics: tuple[Metric, ...]
    since: datetime
    until: datetime
    interval: str
    grain: timedelta | None
    aggregations: tuple[str, ...]
    filter: str
    top: int
    order: tuple[str, bool] | None
    rolled: frozenset[str]
    validate: bool
    metadata: bool


def read(query: Mapping[str, str], now: datetime, span: str) -> MetricQuery:
    """Parameter names count without case. span: an ISO 8601 interval or duration, "" for the last hour.

    Raises:
        ArmError: 400 for what Azure refuses.
    """
    given = {name.lower(): value.strip() for name, value in query.items()}
    namespace = given.get("metricnamespace", NAMESPACE)
    if namespace.lower() != NAMESPACE.lower():
        raise refused(
            f"Failed to find metric configuration for provider: {namespace.partition('/')[0]}, "
            f"resource Type: {namespace.partition('/')[2]}, metric: {given.get('metricnames', '')}, Valid metrics: "
        )
    since, until = read_span(span, now)
    interval, grain = _grain(given.get("interval", "PT1M"), adjust=given.get("autoadjusttimegrain", "").lower())
    wanted = given.get("$filter") or given.get("filter", "")
    return MetricQuery(
        metrics=_metrics(given.get("metricnames", "")),
        since=since.replace(second=0, microsecond=0),
        until=until,
        interval=interval,
        grain=grain,
        aggregations=_aggregations(given.get("aggregation", "")),
        filter=wanted,
        top=_top(given.get("top", "")),
        order=_order(given.get("orderby", "")),
        rolled=frozenset(name.strip().lower() for name in given.get("rollupby", "").split(",") if name.strip()),
        validate=given.get("validatedimensions", "true").lower() != "false",
        metadata=given.get("resulttype", "").lower() == "metadata",
    )


def read_span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """[since, until) of `start/end`, `start/PT…`, or a duration that ends now; the last hour for ""."""
    if not text:
        return now - timedelta(hours=1), now
    first, _, last = text.rpartition("/")
    length = _duration(last)
    try:
        if not first and length is not None:
            return now - length, now
        since = _moment(first)
        until = since + length if length is not None else _moment(last)
    except ValueError:
        raise refused(f"Time interval '{text}' could not be parsed.") from None
    if until <= since:
        raise refused("Start time cannot be greater than or equal to end time.")
    return since, until


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip().replace(" ", "+"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _metrics(text: str) -> tuple[Metric, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()] or ["Requests"]
    if len(names) > _MOST_METRICS:
        raise refused(f"Requested metrics count: {len(names)} bigger than allowed max: {_MOST_METRICS}")
    found = [METRICS.get(name.lower()) for name in names]
    unknown = [name for name, metric in zip(names, found, strict=True) if metric is None]
    if unknown:
        raise refused(
            "Failed to find metric configuration for provider: Microsoft.App, resource Type: containerapps, "
            f"metric: {unknown[0]}, Valid metrics: {','.join(metric.name for metric in METRICS.values())}"
        )
    return tuple(metric for metric in found if metric is not None)


def _grain(text: str, *, adjust: str) -> tuple[str, timedelta | None]:
    if text.upper() == FULL:
        return FULL, None
    name = text.upper()
    length = _duration(name)
    if name not in GRAINS and adjust == "true" and length is not None:
        longer = [grain for grain in GRAINS if (_duration(grain) or length) >= length]
        name = longer[0] if longer else list(GRAINS)[-1]
    if name not in GRAINS:
        raise refused(f"Invalid time grain duration: {text}, supported ones are: {','.join(GRAINS.values())}")
    return name, _duration(name)


def _aggregations(text: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in AGGREGATIONS]
    if unknown:
        raise refused(f"Invalid aggregation type: {unknown[0]}, supported ones are: {','.join(AGGREGATIONS)}")
    return tuple(dict.fromkeys(names))


def _top(text: str) -> int:
    if not text:
        return _USUAL_SERIES
    if not text.isascii() or not text.isdigit() or not int(text):
        raise refused(f"Invalid top value: {text}")
    return int(text)


def _order(text: str) -> tuple[str, bool] | None:
    if not text:
        return None
    match = _ORDER.fullmatch(text)
    if match is None:
        raise refused(f"Invalid orderby value: {text}")
    by = match[1].lower()
    return ("total" if by == "sum" else by, (match[2] or "asc").lower() == "desc")
