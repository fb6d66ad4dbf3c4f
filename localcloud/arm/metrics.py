"""Platform metrics of revisions, kept as they are sampled: requests by status code, replicas, restarts."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.models import Plane, Store
    from localcloud.clock import Clock

_log = logging.getLogger(__name__)
_KEEP = timedelta(hours=6)
_EVERY_SECONDS = 1.0

Series = dict[tuple[str, str], dict["datetime", float]]
"""(revision, status code or "") -> minute -> value."""


def minute(at: datetime) -> datetime:
    """The whole minute it is in."""
    return at.replace(second=0, microsecond=0)


class Sampler:
    """Turns running totals into samples. delay: seconds until a sample can be seen."""

    def __init__(self, store: Store, clock: Clock, plane: Plane, delay: float) -> None:
        self._store, self._clock, self._plane = store, clock, plane
        self._sampling = asyncio.Lock()
        self._totals: dict[tuple[str, str], int] = {}
        self._requests: list[tuple[datetime, str, str, int]] = []
        self._gauges: dict[tuple[str, str], dict[datetime, int]] = {}
        self.delay = delay

    async def watch(self) -> None:
        """Sample every second, for ever."""
        while True:
            try:
                await self.sample()
            except Exception:  # noqa: BLE001 - a data plane that cannot count now will be asked again
                _log.exception("localcloud: counting requests failed; trying again")
            await asyncio.sleep(_EVERY_SECONDS)

    async def sample(self) -> None:
        """Take one sample now."""
        async with self._sampling:
            totals = await self._plane.counts()
            now = self._clock.now()
            for revision, codes in totals.items():
                for code, total in codes.items():
                    more = total - self._totals.get((revision, code), 0)
                    self._totals[revision, code] = total
                    if more > 0:
                        self._requests.append((now, revision, code, more))
            self._gauge(now)
            self._forget(now)

    def clear(self) -> None:
        """Forget every sample; running totals go on from here."""
        self._requests.clear()
        self._gauges.clear()

    async def requests(self, revisions: set[str], since: datetime, until: datetime) -> Series:
        """Sums per minute of [since, until) that can be seen by now, for revisions (lower case)."""
        await self.sample()
        seen = self._clock.now() - timedelta(seconds=self.delay)
        series: Series = defaultdict(lambda: defaultdict(float))
        for at, revision, code, more in self._requests:
            if since <= at < until and at <= seen and revision.lower() in revisions:
                series[revision, code][minute(at)] += more
        return series

    async def gauges(self, name: str, revisions: set[str], since: datetime, until: datetime) -> Series:
        """Highest value per minute of `Replicas` or `RestartCount`."""
        await self.sample()
        seen = self._clock.now() - timedelta(seconds=self.delay)
        series: Series = defaultdict(lambda: defaultdict(float))
        for (gauge, revision), values in self._gauges.items():
            for at, value in values.items():
                if gauge == name and since <= at < until and at <= seen and revision.lower() in revisions:
                    series[revision, ""][at] = value
        return series

    def _gauge(self, now: datetime) -> None:
        for app in self._store.apps():
            for revision in app.revisions:
                if revision.seen is not None:
                    replicas = revision.seen.replicas
                    self._raise("Replicas", revision.name, now, len(replicas))
                    self._raise("RestartCount", revision.name, now, sum(r.restarts for r in replicas))

    def _raise(self, gauge: str, revision: str, now: datetime, value: int) -> None:
        at = self._gauges.setdefault((gauge, revision), {})
        at[minute(now)] = max(at.get(minute(now), 0), value)

    def _forget(self, now: datetime) -> None:
        old = next((n for n, sample in enumerate(self._requests) if now - sample[0] <= _KEEP), len(self._requests))
        del self._requests[:old]
        for values in self._gauges.values():
            for at in [at for at in values if now - at > _KEEP]:
                del values[at]
