"""A registry, request counts, queries and a channel in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry
from policies.facts import Manifest, TagSeen
from rollouts.checks import Counts, Reading
from rollouts.model import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from delivery.ports import ChannelRow, MetricRow
    from policies.signatures import SignatureSeen
    from tests.fakes.azure import FakeAzure

IMAGE = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


class FakeRegistry:
    """`delivery.ports.Registry`. An image is there once `push` was called, and its tag names it.

    times: when a tag last moved; not told of one that is not in it. refused: repositories nobody may list, "" being
    the catalogue. listed: what was listed, in order.
    attached: signatures by the digest of the image. looked: the digests they were asked of.
    """

    def __init__(self) -> None:
        self.manifests: dict[str, Manifest] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.times: dict[tuple[str, str], datetime] = {}
        self.refused: dict[str, Refused] = {}
        self.listed: list[str] = []
        self.attached: dict[str, tuple[SignatureSeen, ...]] = {}
        self.looked: list[str] = []
        self.away = False

    def push(self, repository: str, tag: str, digest: str, at: datetime | None = None, **more: object) -> None:
        if at is not None:
            self.times[repository, tag] = at
        found = {"media_type": IMAGE, "config": CONFIG, "children": {}, "labels": {}, **more}
        self.manifests[digest] = Manifest(digest=digest, **found)  # type: ignore[arg-type]  # fields of Manifest
        self.names[repository, tag] = digest

    async def manifest(self, registry: str, repository: str, reference: str) -> Manifest | None:
        if self.away:
            raise Retry(f"{registry} 503")
        return self.manifests.get(self.names.get((repository, reference), reference))

    async def digest(self, registry: str, repository: str, tag: str) -> str | None:
        if self.away:
            raise Retry(f"{registry} 503")
        return self.names.get((repository, tag))

    async def tags(self, registry: str, repository: str) -> list[TagSeen]:
        self._list(registry, repository)
        return [
            TagSeen(name=t, digest=d, updated=self.times.get((r, t)))
            for (r, t), d in self.names.items()
            if r == repository
        ]

    async def repositories(self, registry: str, most: int) -> list[str]:
        self._list(registry, "")
        return sorted({repository for repository, _ in self.names})[:most]

    def _list(self, registry: str, repository: str) -> None:
        self.listed.append(repository)
        if self.away:
            raise Retry(f"{registry} 503")
        if repository in self.refused:
            raise self.refused[repository]

    async def signatures(self, registry: str, _repository: str, digest: str) -> tuple[SignatureSeen, ...]:
        if self.away:
            raise Retry(f"{registry} 503")
        self.looked.append(digest)
        return self.attached.get(digest, ())


class FakeMetrics:
    """`delivery.ports.Metrics`: users send `rps` by the live weights; `error_rates` by a part of the revision name."""

    def __init__(self, azure: FakeAzure, rps: float = 20.0) -> None:
        self.azure = azure
        self.rps = rps
        self.error_rates: dict[str, float] = {}
        self.away = False

    async def totals(self, app: str, canary: str, stable: str, since: datetime, until: datetime) -> Totals:
        if self.away:
            raise Retry("Azure Monitor 503")
        self.azure.settle()
        history = self.azure.apps[app.lower()].history
        return Totals(
            at=until,
            since=since,
            canary=self._counts(history, canary, since, until),
            stable=self._counts(history, stable, since, until),
        )

    def _counts(
        self, history: list[tuple[datetime, dict[str, int]]], name: str, since: datetime, until: datetime
    ) -> Counts:
        served = 0.0
        for place, (at, weights) in enumerate(history):
            end = history[place + 1][0] if place + 1 < len(history) else until
            seconds = (min(end, until) - max(at, since)).total_seconds()
            served += max(seconds, 0.0) * self.rps * weights.get(name, 0) / 100
        rate = next((rate for part, rate in self.error_rates.items() if part in name), 0.0)
        return Counts(requests=int(served), errors=int(served * rate))


class FakeQueries:
    """`delivery.ports.Queries`: `readings` by a part of the revision's name; keeps what it was asked."""

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}
        self.asked: list[tuple[MetricRow, str, str, int | None, datetime, datetime]] = []
        self.trouble: Exception | None = None

    async def ask(
        self, metric: MetricRow, app: str, revision: str, percentile: int | None, since: datetime, until: datetime
    ) -> Reading:
        self.asked.append((metric, app, revision, percentile, since, until))
        if self.trouble is not None:
            raise self.trouble
        return next((reading for part, reading in self.readings.items() if part in revision), Reading())


class FakeChannel:
    """`delivery.ports.Channel` that keeps what it got; `trouble` raises first."""

    def __init__(self) -> None:
        self.got: list[Mapping[str, object]] = []
        self.trouble: Exception | None = None

    async def send(self, channel: ChannelRow, event: Mapping[str, object], attempt: int) -> None:
        _ = channel, attempt
        if self.trouble is not None:
            raise self.trouble
        self.got.append(event)

    def types(self) -> list[str]:
        return [str(event["type"]).removeprefix("Weighbridge.") for event in self.got]


class FakeAssessments:
    """`delivery.ports.Assessments`: the rows put there by digest. asked: the digests, in order."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {}
        self.trouble: Exception | None = None
        self.asked: list[str] = []

    async def sub_assessments(self, registry: str, digest: str) -> list[dict[str, object]]:
        assert registry
        self.asked.append(digest)
        if self.trouble is not None:
            raise self.trouble
        return self.rows.get(digest, [])
