"""What the use cases need from the outside. Adapters in `cloud/` and `notify/` implement these.

Every method may raise `Retry` or `Refused` (delivery.errors); nothing else leaves an adapter on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from delivery.settings import Settings
    from policies.facts import Manifest, TagSeen
    from policies.signatures import SignatureSeen
    from rollouts.checks import ProbeSpec, Reading
    from rollouts.decided import ArmWrite
    from rollouts.model import Totals
    from rollouts.seen import AppSeen, OperationSeen, ProbeSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entity. columns: its properties without keys and Timestamp. timestamp: of its last write."""

    partition: str
    key: str
    columns: Mapping[str, object]
    etag: str
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Write a row that must not exist yet."""

    key: str
    columns: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Write a row whatever is there; its other columns go."""

    key: str
    columns: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Write a row whose ETag is still this one; its other columns go."""

    key: str
    columns: Mapping[str, object]
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Write these columns of a row that exists; the others stay. etag None: whatever its ETag."""

    key: str
    columns: Mapping[str, object]
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Remove a row. etag None: whatever its ETag, and gone already is fine."""

    key: str
    etag: str | None = None


Change = Insert | Put | Replace | Merge | Delete


class Rows(Protocol):
    """Table Storage. Raises `Conflict` when a condition of a change does not hold."""

    async def get(self, table: str, partition: str, key: str) -> Row | None:
        """One row, or None."""
        ...

    async def scan(
        self,
        table: str,
        partition: str | None = None,
        *,
        first: str = "",
        last: str = "",
        changed_since: datetime | None = None,
        after: str = "",
        most: int = 0,
    ) -> list[Row]:
        """Rows with first <= key < last ("" is open), in key order within a partition.

        partition None reads the whole table, or its partitions that sort after `after`. most 0: all of them.
        """
        ...

    async def commit(self, table: str, partition: str, changes: Sequence[Change]) -> tuple[str, ...]:
        """All changes or none; answers the new ETags in order ("" for a deletion). At most 100 changes."""
        ...


class Queue(Protocol):
    """Storage queues."""

    async def put(self, queue: str, message: Mapping[str, object], delay: timedelta) -> None:
        """Send one JSON message that becomes visible after `delay` (0 to 7 days)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Azure took a write. location: where its operation is polled, "" when it is already done."""

    location: str = ""


class Apps(Protocol):
    """Container Apps over ARM. `app` is a full resource id."""

    async def look(self, app: str) -> AppSeen:
        """The app and all its revisions: 2 GETs."""
        ...

    async def restarts(self, app: str, revision: str) -> int:
        """Container restarts summed over the revision's replicas now: 1 GET."""
        ...

    async def operation(self, location: str) -> OperationSeen:
        """One poll of an operation, its URL used as it was given."""
        ...

    async def send(self, app: str, write: ArmWrite, before: datetime) -> Sent:
        """Send one write, once, without retries, within 30 s; not at all (`Retry`) from `before` on."""
        ...


class Rights(Protocol):
    """What the installation's own identity may do."""

    async def lacking(self, resource: str, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those of the wanted rights that it does not have on a resource, as Azure says: 1 GET."""
        ...


class Metrics(Protocol):
    """Azure Monitor's request counts."""

    async def totals(self, app: str, canary: str, stable: str, since: datetime, until: datetime) -> Totals:
        """Requests and 5xx per revision in [since, until): 1 GET. Whole-minute buckets."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """Where a number is asked for: `names | metric | <name>`.

    kind: `loganalytics` or `appinsights`. place: the workspace's id, or the resource id of workspace or component.
    query: KQL with `{revision}` and `{app}` in it; "" where only durations are asked for.
    """

    name: str
    kind: str
    place: str
    query: str = ""


class Queries(Protocol):
    """Log Analytics and Application Insights. `app` is a full resource id."""

    async def ask(
        self, metric: MetricRow, app: str, revision: str, percentile: int | None, since: datetime, until: datetime
    ) -> Reading:
        """The number of one revision over [since, until), within 30 s; percentile: of request durations, in ms."""
        ...


class Assessments(Protocol):
    """Microsoft Defender's findings, as Azure Resource Graph has them."""

    async def sub_assessments(self, registry: str, digest: str) -> Sequence[Mapping[str, object]]:
        """Every row about a digest, none of them if not all; no rows: Defender has not looked at it."""
        ...


class Prober(Protocol):
    """HTTP probes of an app's or a revision's own address."""

    async def probe(self, fqdn: str, spec: ProbeSpec) -> ProbeSeen:
        """One request; no answer is an answer (status None), never an error."""
        ...


class Registry(Protocol):
    """A container registry, by login server."""

    async def manifest(self, registry: str, repository: str, reference: str) -> Manifest | None:
        """The manifest under a digest or tag; None when it is gone."""
        ...

    async def digest(self, registry: str, repository: str, tag: str) -> str | None:
        """The digest a tag names now; None when there is no such tag."""
        ...

    async def tags(self, registry: str, repository: str) -> list[TagSeen]:
        """Every tag of a repository; of one that is not there, none."""
        ...

    async def repositories(self, registry: str, most: int) -> list[str]:
        """The names of up to `most` repositories, in the registry's order, which is by name."""
        ...

    async def signatures(self, registry: str, repository: str, digest: str) -> tuple[SignatureSeen, ...]:
        """What is attached to a digest as signatures, none of them verified: at most 20, as they were seen lately."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """Where a message goes: `names | channel | <name>`.

    secret: the channel's signing secret or topic key, "" for managed identity.
    """

    name: str
    kind: str
    url: str
    secret: str = ""


class Channel(Protocol):
    """One kind of place messages go to."""

    async def send(self, channel: ChannelRow, event: Mapping[str, object], attempt: int) -> None:
        """Deliver one CloudEvent (structured form). Refused: never try again."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything a use case may ask; built once in `function_app.py`, or of fakes in a test.

    heard: registries, and regions of them, that this process has noted an event of.
    """

    rows: Rows
    queue: Queue
    apps: Apps
    rights: Rights
    metrics: Metrics
    queries: Queries
    prober: Prober
    registry: Registry
    assessments: Assessments
    channels: Mapping[str, Channel]
    clock: Clock
    settings: Settings
    secrets: Mapping[str, str]
    heard: set[str] = field(default_factory=set)
