"""What a tick decides: the next state, what is said, and at most one write to Azure, all as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rollouts.model import POLICY, Actor, App, Rollout, Weights
from rollouts.seen import Order, TrafficEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTraffic:
    """Replace the whole traffic array."""

    traffic: tuple[TrafficEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCanary:
    """One PATCH of `template` and `traffic`: our container's image and a fresh suffix, nothing else.

    traffic: () leaves the array alone (no ingress, or nothing to return to).
    """

    container: str
    image: str
    suffix: str
    traffic: tuple[TrafficEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activate:
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deactivate:
    revision: str


ArmWrite = SetTraffic | CreateCanary | Activate | Deactivate


class Said(StrEnum):
    """Event types, without the `Weighbridge.` prefix; past tense, only what was observed or decided."""

    WAITING = "RolloutWaiting"
    STARTED = "RolloutStarted"
    STEPPED = "RolloutStepped"
    PAUSED = "RolloutPaused"
    RESUMED = "RolloutResumed"
    APPROVAL_ASKED = "RolloutApprovalAsked"
    APPROVED = "RolloutApproved"
    DRIFTED = "RolloutDrifted"
    ROLLING_BACK = "RolloutRollingBack"
    PROMOTED = "RolloutPromoted"
    ROLLED_BACK = "RolloutRolledBack"
    SUPERSEDED = "RolloutSuperseded"
    REJECTED = "RolloutRejected"
    EXPIRED = "RolloutExpired"
    ABORTED = "RolloutAborted"
    FAILED = "RolloutFailed"
    HELD = "AppHeld"
    RELEASED = "AppReleased"
    FOREIGN_REVISION = "ForeignRevisionSeen"
    STABLE_ADOPTED = "StableAdopted"
    ORDER_REFUSED = "OrderRefused"
    RETRIED = "RolloutRetried"
    PINNED = "AppPinned"
    GATE_CLOSED = "RolloutGateClosed"
    WOULD_HAVE = "RolloutWouldHaveStarted"
    REPORTED = "RolloutReported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Tell people once about an edge. `transition` is unique within the rollout (or the app, n None)."""

    said: Said
    transition: str
    because: str
    n: int | None = None
    actor: Actor = POLICY
    before: Weights | None = None
    after: Weights | None = None
    comment: str = ""  # of the order it tells of


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    digest: str
    because: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    digest: str
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume:
    """The order was taken into account, or refused; either way its row goes."""

    order: Order
    answer: str  # "done", or why it was refused


Effect = Announce | Quarantine | Release | Consume


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a tick saves, tells, writes and when it looks again.

    write: at most one; its intent is already in `next.writes`. finished: rollouts that ended in this tick.
    reported: rollouts of the history, with their final counts.
    due: when the app must be ticked again; None when nothing is live, open, retiring or waiting.
    """

    next: App
    effects: tuple[Effect, ...]
    because: str
    write: ArmWrite | None = None
    finished: tuple[Rollout, ...] = ()
    reported: tuple[Rollout, ...] = ()
    due: datetime | None = None
