"""Open writes: ARM has no If-Match, so a write may land late (DESIGN 3a).

A write is open from the save that intends it until its end is known. This module settles what is known,
says what an open write explains, and whether a write may be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from rollouts.decided import Activate, ArmWrite, CreateCanary, Deactivate, SetTraffic
from rollouts.model import Weights, Write, WriteAnswer, WriteKind
from rollouts.seen import OperationSeen, OperationState
from rollouts.turn import Turn

FRESH = timedelta(seconds=10)  # an observation older than this no longer carries a write
TIMEOUT = timedelta(seconds=30)  # of one send
OPEN = timedelta(minutes=20)  # ARM ends an operation within 15 minutes
UNPOLLABLE = timedelta(seconds=60)  # then a settled app stands in for an operation we may not poll
IN_PROGRESS = "inprogress"


def settle(turn: Turn) -> list[tuple[Write, str]]:
    """Close every write whose end is known; answer them with their error, "" for a success, in order of sending."""
    ended: list[tuple[Write, str]] = []
    still: list[Write] = []
    for write in turn.app.writes:
        error = _end(turn, write)
        if error is None:
            still.append(write)
            continue
        ended.append((write, error))
        if write.doubt is not None:
            doubtful = replace(write, give_up_at=write.doubt, doubt=None, answer=WriteAnswer.LOST, location="")
            if _end(turn, doubtful) is None:
                still.append(doubtful)
    turn.change(writes=tuple(still))
    return ended


def _end(turn: Turn, write: Write) -> str | None:
    """None: open still. Otherwise how it ended."""
    if turn.gone:
        return "the app is gone"
    match write.answer:
        case WriteAnswer.BUSY | WriteAnswer.REFUSED | WriteAnswer.UNSENT:
            return write.error or write.answer.value
        case WriteAnswer.ACCEPTED if not write.location:
            return ""
        case WriteAnswer.ACCEPTED:
            return _polled(turn, write)
        case WriteAnswer.LOST | None:
            return "no answer" if _outlived(turn, write.give_up_at + OPEN) else None


def _polled(turn: Turn, write: Write) -> str | None:
    operation = turn.seen.operations.get(write.id, OperationSeen(state=OperationState.RUNNING))
    match operation.state:
        case OperationState.SUCCEEDED:
            return ""
        case OperationState.FAILED:
            return operation.error or "the operation failed"
        case OperationState.UNKNOWN:
            return "" if _outlived(turn, (write.answered_at or write.give_up_at) + UNPOLLABLE) else None
        case OperationState.RUNNING:
            return "" if _outlived(turn, write.give_up_at + OPEN) else None


def _outlived(turn: Turn, until: datetime) -> bool:
    return turn.now >= until and turn.arm is not None and not busy(turn)


def busy(turn: Turn) -> bool:
    """Whether an operation is in progress on the app, ours or another's."""
    return turn.arm is not None and turn.arm.provisioning.lower() == IN_PROGRESS


def explains(writes: Iterable[Write], live: Weights) -> bool:
    """Whether these live weights are an open write of ours that has landed."""
    return any(write.weights is not None and dict(write.weights) == dict(live) for write in writes)


def may_send(turn: Turn, kind: WriteKind, *, weights: Weights | None = None, revision: str = "", urgent: bool) -> bool:
    """Whether this aim may be sent (again) now: not while the same aim is on its way and young enough.

    urgent (a rollback) waits for no other writer and repeats a silent send after 10 s instead of 30 s.
    """
    for write in turn.loaded.writes:
        if not _same(write, kind, weights, revision):
            continue
        if write.answer is WriteAnswer.ACCEPTED:
            return False
        if write.answer is None and turn.now < write.give_up_at + (timedelta() if urgent else TIMEOUT - FRESH):
            return False
    return urgent or not busy(turn)


def _same(write: Write, kind: WriteKind, weights: Weights | None, revision: str) -> bool:
    same_weights = (write.weights is None) == (weights is None) and dict(write.weights or {}) == dict(weights or {})
    return write.kind is kind and same_weights and write.revision == revision


def intend(turn: Turn, effect: ArmWrite, *, weights: Weights | None = None) -> None:
    """Make `effect` this tick's one write and put its intent into the row."""
    if turn.write is not None or turn.arm is None:
        raise ValueError("a tick writes once, and only on what it has seen")
    kind, revision = _aim(effect)
    doubt: datetime | None = None
    others: list[Write] = []
    for write in turn.app.writes:
        # Sends of one aim are folded, so that the row stays small while Azure is silent for minutes.
        if _same(write, kind, weights, revision) and write.answer in (None, WriteAnswer.LOST):
            doubt = max(filter(None, (doubt, write.doubt, write.give_up_at)))
        else:
            others.append(write)
    intent = Write(
        id=turn.loaded.seq + 1,
        kind=kind,
        give_up_at=turn.arm.at + FRESH,
        weights=weights,
        revision=revision,
        doubt=doubt,
    )
    turn.write = effect
    turn.change(writes=(*others, intent))


def _aim(effect: ArmWrite) -> tuple[WriteKind, str]:
    match effect:
        case SetTraffic():
            return WriteKind.TRAFFIC, ""
        case CreateCanary(suffix=suffix):
            return WriteKind.CREATE, suffix
        case Activate(revision=revision):
            return WriteKind.ACTIVATE, revision
        case Deactivate(revision=revision):
            return WriteKind.DEACTIVATE, revision
