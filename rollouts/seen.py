"""What one tick sees: the app, its canary, its candidates and its orders. "Could not ask" is an answer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rollouts.checks import Reading
from rollouts.findings import Finding
from rollouts.model import Actor, Image, Mode, Plan, Rollout, Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Could not ask: an answer of its own, never a guess. gone: what was asked about does not exist."""

    because: str
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficEntry:
    """One entry of `configuration.ingress.traffic`; a revision name, or `latest`."""

    weight: int
    revision: str = ""
    latest: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSeen:
    """One revision as ARM tells it; states are open strings (aca-platform A7).

    images: container name to image reference. replicas: running replicas. floor: minReplicas.
    restarts: of its replicas' containers, None when not asked.
    """

    name: str
    active: bool
    provisioning: str = ""
    health: str = ""
    running: str = ""
    details: str = ""
    replicas: int = 0
    floor: int = 0
    images: Mapping[str, str]
    fqdn: str = ""
    created_at: datetime | None = None
    restarts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSeen:
    """A container app and its revisions (inactive ones too), oldest first.

    at: when the reading began. tcp: its ingress takes no HTTP. sticky: it keeps a user's session on one replica.
    fqdn: "" without ingress. images: of the app's template.
    """

    at: datetime
    multiple: bool
    provisioning: str
    traffic: tuple[TrafficEntry, ...]
    revisions: tuple[RevisionSeen, ...]
    latest_ready: str = ""
    ingress: bool = True
    tcp: bool = False
    sticky: bool = False
    fqdn: str = ""
    images: Mapping[str, str]
    location: str = ""
    environment: str = ""

    def revision(self, name: str) -> RevisionSeen | None:
        """The revision of this name, compared as ARM does: without case."""
        return next((r for r in self.revisions if r.name.lower() == name.lower()), None)


class OperationState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSeen:
    state: OperationState
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSeen:
    """One probe of the canary's own address. status None: no answer."""

    at: datetime
    path: str
    status: int | None
    took: timedelta
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSeen:
    """What a query answered over [since, until). stable: None when it was not asked, because it does not matter."""

    since: datetime
    until: datetime
    canary: Reading
    stable: Reading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSeen:
    """What the gates say now of one waiting rollout.

    plan: the row as it is now, frozen if the rollout takes the app in this tick; None unless open.
    runs: its digest is what the container runs already: there is nothing to do.
    beats: this candidate is newer than the live rollout's image. lesser: waiting n it outranks.
    asks: only people are missing. expired: they were asked, and did not answer in time.
    """

    n: int
    finding: Finding
    runs: bool = False
    plan: Plan | None = None
    policy_version: str = ""
    notify: tuple[str, ...] = ()
    mode: Mode | None = None
    container: str = ""
    order: str = ""  # how the row's Tags order, remembered on the app as a lane
    source_revision: str = ""  # of the image's OCI labels; "": none, or not known now
    source_url: str = ""
    pushed_by: str = ""
    beats: bool = False
    lesser: tuple[int, ...] = ()
    asks: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSeen:
    """The counts of a report that is due. rollout: out of the history; None: it is gone from there."""

    n: int
    rollout: Rollout | None
    totals: Totals | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An image a policy selected, put forward for this app; becomes a waiting rollout.

    policy_version: of the row that selected it; "": not known. listed: read from the registry's listing, where
    nobody has just pushed it; an event says that somebody has.
    """

    image: Image
    policy: str
    pushed_at: datetime
    policy_version: str = ""
    listed: bool = False


class Verb(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    APPROVE = "approve"
    ABORT = "abort"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    LEAVE = "leave"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    PIN = "pin"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A person's order. For a rollout it names n, digest and step; it is refused if those moved on.

    id: the RowKey of its `order:` row. until: for pause and hold. digest alone with RELEASE: a quarantine; with RETRY
    and PIN: the image; with UNDO: the one that is stable now.
    """

    id: str
    verb: Verb
    actor: Actor
    at: datetime
    n: int | None = None  # None: an order to the app (hold, release)
    digest: str = ""
    step: int | None = None
    until: datetime | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSeen:
    """What an order to approve is worth: the groups it counts for, or why it is refused."""

    groups: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All facts of one tick, asked after the row was loaded. None: not asked, because not needed.

    gates: what those gates of the live rollout say that are asked again after its start. approvals: by order id.
    metrics: by the place of their check in the plan; empty where none was due.
    """

    app: AppSeen | Unknown | None = None
    operations: Mapping[int, OperationSeen]
    probes: tuple[ProbeSeen, ...] = ()
    totals: Totals | Unknown | None = None
    metrics: Mapping[int, MetricSeen | Unknown] = field(default_factory=dict)
    candidates: tuple[CandidateSeen, ...] = ()
    offers: tuple[Offer, ...] = ()
    orders: tuple[Order, ...] = ()
    quarantined: frozenset[str] = frozenset()
    gates: Finding | None = None
    approvals: Mapping[str, ApprovalSeen] = field(default_factory=dict)
    report: ReportSeen | None = None
    settle: timedelta = timedelta(seconds=180)
