"""The values of a rollout that are stored: the plan, the rollout, and the row of its app.

What a tick sees is in `seen.py`, what it decides in `decided.py`.

Every value is frozen and changes by `dataclasses.replace`. Times are aware UTC datetimes.
Weights are percent per revision name, summed over the entries of one revision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rollouts.checks import Check, Counts, Measurement, OnNoData, Tally
from rollouts.findings import Finding

Weights = Mapping[str, int]


class Phase(StrEnum):
    """Where a rollout is; the last seven are outcomes and never change again."""

    WAITING = "waiting"
    DEPLOYING = "deploying"
    BAKING = "baking"
    ROLLING_BACK = "rolling_back"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ABORTED = "aborted"
    FAILED = "failed"


class Cause(StrEnum):
    """Why a rollout changes its phase; `machine.TRANSITIONS` says where each leads."""

    GATES_OPEN = "gates_open"
    GATE_CLOSED = "gate_closed"
    LIMIT_PASSED = "limit_passed"
    NEWER_IMAGE = "newer_image"
    ABORT_ORDERED = "abort_ordered"
    ROLLBACK_ORDERED = "rollback_ordered"
    CANARY_READY = "canary_ready"
    CANARY_NEVER_READY = "canary_never_ready"
    CHECK_FAILED = "check_failed"
    BAKES_SERVED = "bakes_served"
    LEFT_AS_IS = "left_as_is"
    APP_GONE = "app_gone"


class OnFailure(StrEnum):
    ROLLBACK = "rollback"
    PAUSE = "pause"


class OnNewImage(StrEnum):
    SUPERSEDE = "supersede"
    FINISH = "finish"


class OnDrift(StrEnum):
    PAUSE = "pause"
    ADOPT = "adopt"
    RESTORE = "restore"


class Mode(StrEnum):
    ON = "on"
    OBSERVE = "observe"
    OFF = "off"


class ActorKind(StrEnum):
    POLICY = "policy"
    PERSON = "person"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acted. For a person, `id` and `name` come from the signed-in principal or the key used."""

    kind: ActorKind
    id: str = ""
    name: str = ""


POLICY = Actor(kind=ActorKind.POLICY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A pushed image: `registry` is the login server, `digest` its identity, `tag` only its name.

    digest: the digest that was pushed and is deployed (`sha256:` and 64 hex digits).
    """

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        """The reference that is deployed: always by digest."""
        return f"{self.registry}/{self.repository}@{self.digest}"

    @property
    def short(self) -> str:
        """Name for people: repository and tag."""
        return f"{self.repository} {self.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvers:
    """How many of which group must approve, before the start or at a step. within: from when they are asked."""

    count: int
    group: str
    within: timedelta | None = None


BEFORE_START = -1  # the step of an approval that is given while the image waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's yes to one digest at one step. by: their sign-in name.

    groups: those whose need it counts for, as their rows were then.
    """

    by: str
    at: datetime
    step: int
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A weight and how long it must be served at that weight, once seen there."""

    weight: int
    bake: timedelta
    until_approved: bool = False
    approve_within: timedelta | None = None  # None: waits for a person without limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an image is rolled out: a policy row with every blank filled in.

    replace: the app has no ingress; the canary replaces stable once it is ready, and bakes at "100".
    deadline: time the whole rollout may take, people's time not counted.
    keep: how long the old revision stays active after promotion.
    """

    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    deadline: timedelta
    keep: timedelta
    replace: bool = False
    on_no_data: OnNoData = OnNoData.PROBE
    on_failure: OnFailure = OnFailure.ROLLBACK
    on_new_image: OnNewImage = OnNewImage.SUPERSEDE
    on_drift: OnDrift = OnDrift.PAUSE
    mode: Mode = Mode.ON
    notify: tuple[str, ...] = ()  # channel names; a trailing " all" asks for every message
    runbook: str = ""
    approvers: tuple[Approvers, ...] = ()  # all of these; none: whoever may give orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An image we put into a container: its tag is only known from here, for the app names it by digest."""

    container: str
    digest: str
    tag: str
    pushed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stable:
    """The revision that carries the traffic if we stop now; tag and policy only if we put it there.

    released: what we last put into each container, also by earlier rollouts. since: when it was promoted.
    """

    revision: str
    digest: str = ""
    tag: str = ""
    policy: str = ""
    released: tuple[Released, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing rises while this is set."""

    by: Actor
    because: str
    since: datetime
    until: datetime | None = None  # None: until a person resumes; a time: resumes by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Live traffic is neither our level nor an open write of ours: a person moved it.

    asked: the same weights as they were written, `latest` by that name; empty where that was not kept.
    """

    since: datetime
    because: str
    weights: Weights
    asked: Weights = field(default_factory=dict)


class WriteKind(StrEnum):
    TRAFFIC = "traffic"
    CREATE = "create"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"


class WriteAnswer(StrEnum):
    """What came back from the one send of a write."""

    ACCEPTED = "accepted"  # an operation runs, or the act is done
    BUSY = "busy"  # 409 or 429: it did not take effect; ask again
    REFUSED = "refused"  # any other 4xx: it did not and will not take effect
    UNSENT = "unsent"  # the observation had grown too old: nothing left this process
    LOST = "lost"  # no answer, or a 5xx: it may yet take effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An ARM write whose end is not known yet (DESIGN 3a).

    id: the sequence number of the save that intended it. weights: what the traffic becomes (TRAFFIC, CREATE).
    give_up_at: not sent at or after this. location: where its operation is polled, opaque.
    doubt: an earlier send with the same aim went unanswered; it may land until this plus the open time.
    """

    id: int
    kind: WriteKind
    give_up_at: datetime
    weights: Weights | None = None
    revision: str = ""
    answer: WriteAnswer | None = None  # None: not recorded (yet)
    answered_at: datetime | None = None
    location: str = ""
    error: str = ""
    doubt: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """A revision to deactivate once it is due and carries nothing."""

    revision: str
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An ended rollout whose requests in [since, until) are counted and told once it is due. tries: asked in vain."""

    n: int
    canary: str
    stable: str
    since: datetime
    until: datetime
    due: datetime
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Running totals of both revisions over [since, at); `at` lies the settle time before the reading."""

    at: datetime
    since: datetime
    canary: Counts
    stable: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One image on its way into one app. The id is `<app key>/<n>`.

    policy: `<partition>/<row>` of the row it came from. pushed_at: the registry's time of the push.
    verified_at: when live traffic was first seen at this step's weight; None while it is not there.
    read: the last totals added to the tallies, in the order of plan.checks; None before the first.
    seen: the weights last seen that were ours, or that a person let us write over; a live difference from these and
    the level is drift.
    left: the weights a person set and asked to leave; then they are the level.
    spent: time used of the plan's deadline. unhealthy: looks in a row that found the canary not healthy.
    """

    n: int
    image: Image
    policy: str
    offered_at: datetime
    pushed_at: datetime
    attempt: int = 1  # of this image by this row, as far as the app remembers
    phase: Phase = Phase.WAITING
    because: str = ""
    policy_version: str = ""
    notify: tuple[str, ...] = ()  # the row's channels, as last read
    mode: Mode | None = None  # the row's, as last read
    container: str = ""  # "": the one container that runs this repository
    source_revision: str = ""  # the commit it was built from, by the image's OCI labels
    source_url: str = ""  # likewise where its source is
    plan: Plan | None = None  # None while waiting: a waiting candidate follows its row
    stable: Stable | None = None  # None: there never was a ready revision to return to
    canary: str = ""  # revision name, given when the app is taken
    address: str = ""  # the canary's own host name, once seen
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cause: Cause | None = None  # why it rolls back, or ended
    finding: Finding | None = None  # the last answer of its gates
    announced: tuple[str, ...] = ()  # transitions said aloud, so that each is said once
    step: int = 0
    verified_at: datetime | None = None
    weighted_at: datetime | None = None  # when weight was first seen on the canary
    created_at: datetime | None = None  # when our creation was first sent
    ready_at: datetime | None = None
    probed_at: datetime | None = None  # last good probe of the canary's own address
    approved: int = -1  # highest step index that has all its approvals
    approvals: tuple[Approval, ...] = ()
    asked_at: datetime | None = None  # when this step's approval, or that of the start, was asked for
    pushed_by: str = ""  # who pushed the image, where the registry tells
    shut: str = ""  # the gate that closed after the start, and why; nothing rises meanwhile
    fast: bool = False  # a person ordered promote: the remaining bakes are waived
    paused: Pause | None = None
    drift: Drift | None = None
    seen: Weights | None = None
    left: Weights | None = None
    read: Totals | None = None
    gauged: datetime | None = None  # until when the last answers of queries reach
    final: Totals | None = None  # all of it, once the metrics had arrived after its end
    tallies: tuple[Tally, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    unhealthy: int = 0
    unseen_since: datetime | None = None  # since when the app could not be looked at
    spent: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A policy that offers images to one container of the app, and how its Tags order."""

    policy: str
    container: str
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished rollout, remembered on the app so that a repeated event is not a new attempt.

    policy_version: of the row as its gates last saw it; "" where that is not known. started: it had taken the app.
    """

    n: int
    digest: str
    tag: str
    policy: str
    phase: Phase
    at: datetime
    attempt: int = 1
    repository: str = ""
    pushed_at: datetime | None = None
    policy_version: str = ""
    started: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A person keeps the app at one digest: nothing else starts or rises, and it may be older than what runs."""

    digest: str
    tag: str
    by: Actor
    because: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app's row: the lock and everything live. Bounded: see `delivery/rows.py`.

    key: the lower-cased resource id with `|` for `/`. counter: the last n given out; never reused.
    known: revisions not made by us that were announced. ticked_at: the last saved tick.
    promoted: the rollout that made the stable, while its old stable is kept for an undo.
    """

    key: str
    seq: int = 0
    counter: int = 0
    ticked_at: datetime | None = None
    looked_at: datetime | None = None  # when the app was last read from ARM
    stable: Stable | None = None
    live: Rollout | None = None
    waiting: tuple[Rollout, ...] = ()
    writes: tuple[Write, ...] = ()
    retire: tuple[Retire, ...] = ()
    reports: tuple[Report, ...] = ()
    hold: Pause | None = None
    pin: Pin | None = None
    promoted: Rollout | None = None
    lanes: tuple[Lane, ...] = ()
    done: tuple[Done, ...] = ()
    known: tuple[str, ...] = ()
    indexed: datetime | None = None  # due_at last put into `active`; None: not there
    undelivered: bool = False  # an outbox row of this app may still be waiting
