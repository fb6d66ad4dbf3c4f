"""The level: where live traffic should be now, where it is, and the one write that brings it there."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from rollouts import traffic, watch, writes
from rollouts.decided import Activate, Deactivate, Said, SetTraffic
from rollouts.model import Drift, Phase, Rollout, Weights, WriteKind
from rollouts.turn import Turn


def of(rollout: Rollout) -> Weights | None:
    """Where live traffic should be now; None where there is no share to speak of (no ingress, no stable yet)."""
    plan = rollout.plan
    if rollout.left is not None:
        return rollout.left
    if plan is None or plan.replace:
        return None
    weight = plan.steps[rollout.step].weight if rollout.phase is Phase.BAKING else 0
    if rollout.stable is None:
        return {rollout.canary: weight} if weight == traffic.WHOLE else None
    parts = {rollout.stable.revision: traffic.WHOLE - weight, rollout.canary: weight}
    return {name: share for name, share in parts.items() if share}


def before(rollout: Rollout) -> Weights | None:
    """The weights of the last step that was announced as seen; stable's 100 % before the first."""
    steps = rollout.plan.steps if rollout.plan else ()
    seen = [index for index in range(len(steps)) if f"step:{index}" in rollout.announced]
    if seen:
        return of(replace(rollout, phase=Phase.BAKING, step=seen[-1], left=None))
    return {rollout.stable.revision: traffic.WHOLE} if rollout.stable else None


class Where(Enum):
    """Live traffic against the level."""

    UNSEEN = auto()
    AT_LEVEL = auto()
    OURS = auto()  # elsewhere, for a reason of ours: not written yet, lost, or landed late
    MOVED = auto()  # elsewhere, by a person's hand


def where(turn: Turn, rollout: Rollout) -> Where:
    """Compare live traffic with the level, summed per revision.

    Weights a person asked to leave are at their level whatever else was done to the app.
    """
    arm, want, plan = turn.arm, of(rollout), rollout.plan
    if arm is None:
        return Where.UNSEEN
    if rollout.left is None:
        if plan is not None and plan.replace:
            return Where.AT_LEVEL if _replaced(turn, rollout) else Where.OURS
        if not arm.multiple or not arm.ingress:
            return Where.MOVED
        if want is None:
            return Where.AT_LEVEL
    live = traffic.weights(arm)
    if live == want:
        sound = rollout.left is not None or (traffic.pinned(arm) and not traffic.refusal(arm, want))
        return Where.AT_LEVEL if sound else Where.OURS
    before = turn.loaded.live.seen if turn.loaded.live else None
    ours = (before, rollout.seen)
    if live in ours or traffic.asked(arm) in ours or writes.explains(turn.loaded.writes, live):
        return Where.OURS
    return Where.MOVED


def _replaced(turn: Turn, rollout: Rollout) -> bool:
    """Without ingress the level is which of the two revisions is active."""
    old = turn.arm.revision(rollout.stable.revision) if turn.arm and rollout.stable else None
    new = turn.arm.revision(rollout.canary) if turn.arm else None
    match rollout.phase:
        case Phase.BAKING:
            return old is None or not old.active
        case Phase.ROLLING_BACK:
            return (old is None or old.active) and (new is None or not new.active)
        case _:
            return True


def rises(turn: Turn) -> bool:
    """Whether writing the level would give the canary more than it has."""
    live = turn.live
    weight = live.plan.steps[live.step].weight if live.plan else 0
    return turn.arm is not None and weight > traffic.weights(turn.arm).get(live.canary, 0)


def write(turn: Turn, *, urgent: bool) -> None:
    """Write the level, if it may be written now: stable active first, and nothing to a canary that is not ready."""
    live, arm = turn.live, turn.arm
    if arm is None:
        return
    if live.plan is not None and live.plan.replace:
        _write_replacement(turn, live)
        return
    want = of(live)
    if want is None:
        return
    old = arm.revision(live.stable.revision) if live.stable else None
    if old is not None and not old.active and want.get(old.name):
        if writes.may_send(turn, WriteKind.ACTIVATE, revision=old.name, urgent=urgent):
            writes.intend(turn, Activate(revision=old.name))
        return
    canary = arm.revision(live.canary)
    if want.get(live.canary) and live.left is None:
        ready, because = watch.ready(turn, canary)
        if not ready:
            turn.change_live(because=because)
            return
    if refused := traffic.refusal(arm, want):
        _stuck(turn, arm_weights=traffic.weights(arm), because=refused)
        return
    if writes.may_send(turn, WriteKind.TRAFFIC, weights=want, urgent=urgent):
        writes.intend(turn, SetTraffic(traffic=traffic.array(arm, want)), weights=want)


def _stuck(turn: Turn, arm_weights: Weights, because: str) -> None:
    asked = f"the traffic cannot be set: {because}; nothing is written until someone says resume or leave"
    turn.change_live(drift=Drift(since=turn.now, because=asked, weights=arm_weights))
    turn.say(Said.DRIFTED, asked, n=turn.live.n, transition=f"stuck:{because}")


def _write_replacement(turn: Turn, live: Rollout) -> None:
    """Without ingress: one of the two revisions is active. Nothing is deactivated while a write is open."""
    old = turn.arm.revision(live.stable.revision) if turn.arm and live.stable else None
    new = turn.arm.revision(live.canary) if turn.arm else None
    keep, drop = (new, old) if live.phase is Phase.BAKING else (old, new)
    if keep is not None and not keep.active:
        if writes.may_send(turn, WriteKind.ACTIVATE, revision=keep.name, urgent=True):
            writes.intend(turn, Activate(revision=keep.name))
    elif drop is not None and drop.active and turn.quiet:
        writes.intend(turn, Deactivate(revision=drop.name))
