"""Series as a Prometheus keeps them: scraped every two seconds from the ingress's counters and the apps' telemetry.

`envoy_cluster_upstream_rq_xx` by `envoy_cluster_name` (the revision), `envoy_response_code_class` and `containerapp`;
`envoy_cluster_upstream_rq` likewise, by `envoy_response_code`.
`containerapp_replicas` and `containerapp_restarts_total` by `containerapp` and `revision`.
`http_server_request_duration_seconds_bucket`, `…_sum` and `…_count` by `job` (the role), `instance` (the role's
instance), `http_response_status_code` and `le`: the requests that apps report to Application Insights.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from localcloud.arm.models import Plane, Store
    from localcloud.clock import Clock

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 2.0
_KEEP = 1800  # scrapes: an hour
# OpenTelemetry's advice for http.server.request.duration (opentelemetry.io/docs/specs/semconv/http/http-metrics).
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_DURATION = "http_server_request_duration_seconds"
NAME = "__name__"

Labels = tuple[tuple[str, str], ...]
"""Sorted pairs, the metric's name among them as `__name__`."""


def labels(name: str, **more: str) -> Labels:
    """Of a series."""
    return tuple(sorted({NAME: name, **more}.items()))


@dataclass(slots=True)
class Series:
    """times: seconds since the epoch, rising."""

    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, at: float, value: float) -> None:
        """The next sample; the oldest go when there are too many."""
        self.times.append(at)
        self.values.append(value)
        if len(self.times) > 2 * _KEEP:
            del self.times[:_KEEP], self.values[:_KEEP]

    def between(self, after: float, until: float) -> list[tuple[float, float]]:
        """Samples of (after, until]."""
        first, last = bisect_right(self.times, after), bisect_right(self.times, until)
        return list(zip(self.times[first:last], self.values[first:last], strict=True))


class PrometheusStore:
    """What is scraped, and kept for an hour or more."""

    def __init__(self, store: Store, plane: Plane, clock: Clock) -> None:
        self._store, self._plane, self._clock = store, plane, clock
        self.series: defaultdict[Labels, Series] = defaultdict(Series)
        self._durations: defaultdict[Labels, float] = defaultdict(float)

    async def watch(self) -> None:
        """Scrape again and again, for ever."""
        while True:
            try:
                await self.scrape()
            except Exception:  # noqa: BLE001 - a data plane that cannot count now will be asked again
                _log.exception("localcloud: scraping failed; trying again")
            await asyncio.sleep(_EVERY_SECONDS)

    async def scrape(self) -> None:
        """Take one sample of every series now."""
        counts = await self._plane.counts()
        at = self._clock.now().timestamp()
        for key, value in (*self._requests(counts), *self._replicas(), *self._durations.items()):
            self.series[key].add(at, value)

    def observe(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Count rows of `AppRequests` in the histogram of durations."""
        for row in rows:
            seconds, weight = float(str(row["DurationMs"])) / 1000, float(str(row["ItemCount"]))
            of = {
                "job": str(row["AppRoleName"]),
                "instance": str(row["AppRoleInstance"]),
                "http_response_status_code": str(row["ResultCode"]),
            }
            for bound in BOUNDS:
                self._durations[labels(f"{_DURATION}_bucket", le=f"{bound:g}", **of)] += weight * (seconds <= bound)
            self._durations[labels(f"{_DURATION}_bucket", le="+Inf", **of)] += weight
            self._durations[labels(f"{_DURATION}_sum", **of)] += weight * seconds
            self._durations[labels(f"{_DURATION}_count", **of)] += weight

    def clear(self) -> None:
        """Forget every sample."""
        self.series.clear()
        self._durations.clear()

    def _requests(self, counts: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[Labels, float]]:
        for revision, codes in counts.items():
            of = {"envoy_cluster_name": revision, "containerapp": revision.partition("--")[0]}
            classes: defaultdict[str, int] = defaultdict(int)
            for code, total in codes.items():
                yield labels("envoy_cluster_upstream_rq", envoy_response_code=code, **of), float(total)
                classes[code[0]] += total
            for kind, total in classes.items():
                yield labels("envoy_cluster_upstream_rq_xx", envoy_response_code_class=kind, **of), float(total)

    def _replicas(self) -> Iterator[tuple[Labels, float]]:
        for app in self._store.apps():
            for revision in app.revisions:
                if revision.seen is not None:
                    of = {"containerapp": app.name, "revision": revision.name}
                    replicas = revision.seen.replicas
                    yield labels("containerapp_replicas", **of), float(len(replicas))
                    restarts = sum(replica.restarts for replica in replicas)
                    yield labels("containerapp_restarts_total", **of), float(restarts)
