"""The state machine of a rollout: everything that changes its phase or moves its traffic is decided here.

`decide` is a pure function of the app's row, what one tick saw, and the time. Nothing else in the product chooses
a phase or a weight. Its order is its precedence:

    settle the open writes, obey people, weigh the canary, judge the candidates that wait, let one take a free app,
    then steer the one rollout that holds the app by its phase:
      DEPLOYING     stable keeps 100 %; the canary is created at 0 % and must become ready
      BAKING        the canary is at its step's weight and serves the bake at that weight
      ROLLING_BACK  stable gets 100 % back, before anything else and waiting for nothing
    and retire a revision if nothing else is written.

Traffic follows the *level*: where the rollout should be now. It is written again whenever live traffic is elsewhere
for a reason of ours (a write that was lost, or landed late), and never over a person's hand (drift). A rollout ends
only in a tick whose row had no open write and that then saw the traffic at its level (DESIGN 3a).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rollouts import (
    again,
    analysis,
    approvals,
    candidates,
    level,
    orders,
    reporting,
    retiring,
    schedule,
    traffic,
    watch,
    writes,
)
from rollouts.checks import OnNoData, Verdict
from rollouts.decided import CreateCanary, Decision, Quarantine, Said
from rollouts.model import (
    POLICY,
    App,
    Cause,
    Done,
    Drift,
    OnDrift,
    OnFailure,
    Pause,
    Phase,
    Plan,
    Released,
    Rollout,
    Stable,
    Write,
    WriteAnswer,
    WriteKind,
)
from rollouts.seen import Observation, Order
from rollouts.turn import Turn

TRANSITIONS: Mapping[tuple[Phase, Cause], Phase] = {
    (Phase.WAITING, Cause.GATES_OPEN): Phase.DEPLOYING,
    (Phase.WAITING, Cause.GATE_CLOSED): Phase.REJECTED,
    (Phase.WAITING, Cause.NEWER_IMAGE): Phase.SUPERSEDED,
    (Phase.WAITING, Cause.LIMIT_PASSED): Phase.EXPIRED,
    (Phase.WAITING, Cause.ABORT_ORDERED): Phase.ABORTED,
    (Phase.DEPLOYING, Cause.CANARY_READY): Phase.BAKING,
    (Phase.DEPLOYING, Cause.CANARY_NEVER_READY): Phase.ROLLING_BACK,
    (Phase.DEPLOYING, Cause.NEWER_IMAGE): Phase.ROLLING_BACK,
    (Phase.DEPLOYING, Cause.ABORT_ORDERED): Phase.ROLLING_BACK,
    (Phase.DEPLOYING, Cause.ROLLBACK_ORDERED): Phase.ROLLING_BACK,
    (Phase.DEPLOYING, Cause.LEFT_AS_IS): Phase.ABORTED,
    (Phase.DEPLOYING, Cause.APP_GONE): Phase.FAILED,
    (Phase.BAKING, Cause.BAKES_SERVED): Phase.PROMOTED,
    (Phase.BAKING, Cause.CHECK_FAILED): Phase.ROLLING_BACK,
    (Phase.BAKING, Cause.LIMIT_PASSED): Phase.ROLLING_BACK,
    (Phase.BAKING, Cause.NEWER_IMAGE): Phase.ROLLING_BACK,
    (Phase.BAKING, Cause.ABORT_ORDERED): Phase.ROLLING_BACK,
    (Phase.BAKING, Cause.ROLLBACK_ORDERED): Phase.ROLLING_BACK,
    (Phase.BAKING, Cause.LEFT_AS_IS): Phase.ABORTED,
    (Phase.BAKING, Cause.APP_GONE): Phase.FAILED,
    (Phase.ROLLING_BACK, Cause.CHECK_FAILED): Phase.ROLLED_BACK,
    (Phase.ROLLING_BACK, Cause.ROLLBACK_ORDERED): Phase.ROLLED_BACK,
    (Phase.ROLLING_BACK, Cause.CANARY_NEVER_READY): Phase.FAILED,
    (Phase.ROLLING_BACK, Cause.NEWER_IMAGE): Phase.SUPERSEDED,
    (Phase.ROLLING_BACK, Cause.ABORT_ORDERED): Phase.ABORTED,
    (Phase.ROLLING_BACK, Cause.LIMIT_PASSED): Phase.EXPIRED,
    (Phase.ROLLING_BACK, Cause.LEFT_AS_IS): Phase.ABORTED,
    (Phase.ROLLING_BACK, Cause.APP_GONE): Phase.FAILED,
}
"""Every legal move: (phase, cause) to the next phase. While rolling back, the cause is the one it rolls back for."""

ENDED: Mapping[Phase, Said] = {
    Phase.PROMOTED: Said.PROMOTED,
    Phase.ROLLED_BACK: Said.ROLLED_BACK,
    Phase.SUPERSEDED: Said.SUPERSEDED,
    Phase.REJECTED: Said.REJECTED,
    Phase.EXPIRED: Said.EXPIRED,
    Phase.ABORTED: Said.ABORTED,
    Phase.FAILED: Said.FAILED,
}

READY_WITHIN = timedelta(minutes=15)  # ARM gives up on an operation by then
DRAIN = timedelta(minutes=2)  # a revision seen at 0 % finishes its requests
REMEMBERED = 20  # finished rollouts kept on the app's row


class IllegalMoveError(Exception):
    """A phase was asked to change for a cause the table does not know; nothing has changed."""


def decide(app: App, seen: Observation, now: datetime) -> Decision:
    """Decide one tick of an app."""
    turn = Turn(loaded=app, app=app, seen=seen, now=now)
    ended = writes.settle(turn)
    _make(turn, orders.obey(turn))
    orders.lapse(turn)
    watch.foreign(turn)
    if turn.app.live and watch.gone(turn):
        _move(turn, turn.live.n, Cause.APP_GONE, "the app is gone; there is nothing left to steer")
    if turn.app.live:
        watch.gates(turn)
        _weigh(turn, turn.live)
    _make(turn, candidates.judge(turn))
    _make(turn, candidates.start(turn))
    if turn.app.live:
        _steer(turn, turn.live, ended)
    retiring.retire(turn)
    reporting.report(turn)
    turn.change(seq=app.seq + 1, ticked_at=now, looked_at=turn.arm.at if turn.arm else app.looked_at)
    return Decision(
        next=turn.app,
        effects=tuple(turn.effects),
        because="; ".join(turn.because),
        write=turn.write,
        finished=tuple(turn.finished),
        reported=tuple(turn.reported),
        due=schedule.due(turn),
    )


def _make(turn: Turn, moves: list[orders.Move]) -> None:
    for move in moves:
        _move(turn, move.n, move.cause, move.because, move.order)


def _move(turn: Turn, n: int, cause: Cause, because: str, order: Order | None = None) -> None:
    """Change a rollout's phase as the table allows, and do what the new phase begins with."""
    rollout = turn.rollout(n)
    if rollout is None or (rollout.phase, cause) not in TRANSITIONS:
        where = rollout.phase if rollout else "not here"
        raise IllegalMoveError(f"rollout {n} is {where}; it cannot move because of {cause}")
    phase = TRANSITIONS[rollout.phase, cause]
    rollout = replace(rollout, phase=phase, cause=cause, because=because)
    turn.put(rollout)
    match phase:
        case Phase.WAITING:
            pass
        case Phase.DEPLOYING:
            turn.say(Said.STARTED, because, n=n)
        case Phase.BAKING:
            turn.put(replace(rollout, ready_at=turn.now))
        case Phase.ROLLING_BACK:
            because += "" if rollout.stable else "; there is no revision to return to"
            turn.put(replace(rollout, because=because, verified_at=None, paused=None))
            turn.say(Said.ROLLING_BACK, f"rolling back, because {because}", n=n, **_by(order))
        case _:
            _finish(turn, rollout, order)


def _by(order: Order | None) -> dict[str, Any]:
    return {"actor": order.actor, "comment": order.comment} if order else {}


def _finish(turn: Turn, rollout: Rollout, order: Order | None) -> None:
    """Take an ended rollout off the app, say how it ended, and leave its revisions to retiring."""
    turn.say(ENDED[rollout.phase], rollout.because, n=rollout.n, after=rollout.seen, **_by(order))
    rollout = replace(turn.rollout(rollout.n) or rollout, finished_at=turn.now)
    done = Done(
        n=rollout.n,
        digest=rollout.image.digest,
        tag=rollout.image.tag,
        policy=rollout.policy,
        phase=rollout.phase,
        at=turn.now,
        attempt=rollout.attempt,
        repository=rollout.image.repository,
        pushed_at=rollout.pushed_at,
        policy_version=rollout.policy_version,
        started=rollout.started_at is not None,
    )
    turn.finished.append(rollout)
    held = turn.app.live is not None and turn.app.live.n == rollout.n
    turn.change(
        live=None if held else turn.app.live,
        waiting=tuple(r for r in turn.app.waiting if r.n != rollout.n),
        done=(*turn.app.done, done)[-REMEMBERED:],
    )
    reporting.later(turn, rollout)
    if rollout.phase is Phase.PROMOTED:
        _succeed(turn, rollout)
    elif rollout.created_at and rollout.left is None:
        retiring.later(turn, rollout.canary, DRAIN)


def _succeed(turn: Turn, rollout: Rollout) -> None:
    """The canary is the stable now; the old one stays active for the plan's `keep`."""
    image = rollout.image
    if rollout.stable is not None:
        retiring.later(turn, rollout.stable.revision, max(_plan(rollout).keep, DRAIN))
    known = turn.app.stable.released if turn.app.stable else ()
    others = tuple(one for one in known if one.container != rollout.container)
    mine = Released(container=rollout.container, digest=image.digest, tag=image.tag, pushed_at=rollout.pushed_at)
    stable = Stable(
        revision=rollout.canary,
        digest=image.digest,
        tag=image.tag,
        policy=rollout.policy,
        released=(*others, mine),
        since=turn.now,
    )
    turn.change(stable=stable, promoted=again.remembered(rollout) if rollout.stable else None)


def _weigh(turn: Turn, live: Rollout) -> None:
    """Judge the canary in every tick in which it may have weight; a failed verdict rolls back."""
    plan = _plan(live)
    schedule.spend(turn, plan)
    watch.note_canary(turn, plan)
    if live.phase is not Phase.BAKING or live.left is not None:
        return
    watch.measure(turn, plan)
    live = turn.live
    verdict = analysis.overall(live.measurements)
    late = watch.served(turn, plan) and verdict is Verdict.INCONCLUSIVE
    if verdict is Verdict.FAILED or (late and plan.on_no_data is OnNoData.FAIL):
        _fail(turn, plan, watch.worst(live.measurements))
    elif late and plan.on_no_data is OnNoData.PAUSE:
        _pause(turn, f"cannot tell after the bake: {watch.worst(live.measurements)}", f"no data:{live.step}")
    elif schedule.overdue(live, plan):
        _pause(turn, f"the deadline passed: {watch.worst(live.measurements)}", f"deadline:{live.step}")


def _fail(turn: Turn, plan: Plan, because: str) -> None:
    live = turn.live
    if live.stable is None:
        _pause(turn, f"a check failed: {because}; there is no revision to return to", f"failed:{live.step}")
        return
    if plan.on_failure is OnFailure.PAUSE:
        _pause(turn, f"a check failed: {because}", f"failed:{live.step}")
        return
    turn.effects.append(Quarantine(digest=live.image.digest, because=because, n=live.n))
    _move(turn, live.n, Cause.CHECK_FAILED, because)


def _pause(turn: Turn, because: str, transition: str) -> None:
    """Pause for a person, once per reason: who resumes knowing it is not paused again for the same."""
    if turn.live.paused is None and turn.say(Said.PAUSED, because, n=turn.live.n, transition=transition):
        turn.change_live(paused=Pause(by=POLICY, because=because, since=turn.now))


def _plan(rollout: Rollout) -> Plan:
    if rollout.plan is None:
        raise IllegalMoveError(f"rollout {rollout.n} holds the app without a plan")
    return rollout.plan


def _steer(turn: Turn, live: Rollout, ended: list[tuple[Write, str]]) -> None:
    """Bring live traffic to the level of the phase, and move on once it is there."""
    place = level.where(turn, live)
    for write, error in ended:
        if not error and write.weights is not None:
            turn.change_live(seen=write.weights)
    if live.left is None and not _may_steer(turn, _plan(live), place):
        return
    if turn.live.left is not None:
        _leave(turn)
        return
    match turn.live.phase:
        case Phase.DEPLOYING:
            _deploy(turn, turn.live, ended, place)
        case Phase.BAKING:
            _bake(turn, place)
        case Phase.ROLLING_BACK:
            _return_to_stable(turn, place)
        case _:
            raise IllegalMoveError(f"rollout {live.n} holds the app and is {live.phase}")


def _may_steer(turn: Turn, plan: Plan, place: level.Where) -> bool:
    """Note drift, and answer whether anything may be written over it."""
    live, arm = turn.live, turn.arm
    if place is level.Where.AT_LEVEL and live.drift is not None:
        turn.change_live(drift=None)
    if place is not level.Where.MOVED or arm is None:
        return turn.live.drift is None
    found = traffic.weights(arm)
    because, transition = f"someone moved the traffic to {traffic.spell(found) or 'nowhere'}", f"drift:{turn.app.seq}"
    if not arm.multiple or not arm.ingress:
        because = "someone switched the app to Single mode" if arm.ingress else "someone removed the app's ingress"
    elif plan.on_drift is OnDrift.ADOPT:
        turn.change_live(left=found, drift=None)
        turn.say(Said.DRIFTED, f"{because}; it stays so", n=live.n, transition=transition, after=found)
        return True
    elif plan.on_drift is OnDrift.RESTORE:
        turn.change_live(seen=found)
        turn.say(Said.DRIFTED, f"{because}; it is set back", n=live.n, transition=transition, after=found)
        return True
    since = live.drift.since if live.drift else turn.now
    drift = Drift(since=since, because=because, weights=found, asked=traffic.asked(arm))
    turn.change_live(drift=drift, verified_at=None)
    if live.drift is None or live.drift.because != because:
        verbs = "resume or leave" if live.phase is Phase.ROLLING_BACK else "resume, promote or leave"
        asked = f"{because}; nothing is written until someone says {verbs}"
        turn.say(Said.DRIFTED, asked, n=live.n, transition=transition, after=found)
    return False


def _leave(turn: Turn) -> None:
    """What a person set is the level: only a late write of ours is set back to it, until none can land any more."""
    live, arm, place = turn.live, turn.arm, level.where(turn, turn.live)
    if arm is None:
        return
    if place is level.Where.OURS and not traffic.refusal(arm, live.left or {}):
        level.write(turn, urgent=False)
    elif place is not level.Where.AT_LEVEL:
        turn.change_live(left=traffic.weights(arm))
    elif turn.quiet:
        _move(turn, live.n, Cause.LEFT_AS_IS, "left as a person set it")


def _deploy(turn: Turn, live: Rollout, ended: list[tuple[Write, str]], place: level.Where) -> None:
    """Create the canary at 0 % and wait until it is ready; it costs stable nothing."""
    if turn.arm is None:
        return
    canary = turn.arm.revision(live.canary)
    if canary is None:
        _create(turn, live, ended, place)
        return
    if live.image.digest not in canary.images.get(live.container, ""):
        _move(turn, live.n, Cause.CANARY_NEVER_READY, f"revision {live.canary} exists with another image")
        return
    state = analysis.own_state(canary, live.unhealthy)
    turn.change_live(unhealthy=live.unhealthy + 1 if canary.health == "Unhealthy" else 0)
    ready, because = watch.ready(turn, canary)
    if state.verdict is Verdict.FAILED:
        _move(turn, live.n, Cause.CANARY_NEVER_READY, state.because)
    elif ready and not _stopped(turn):
        _move(turn, live.n, Cause.CANARY_READY, because)
        _bake(turn, level.where(turn, turn.live))
    elif place is not level.Where.AT_LEVEL:
        level.write(turn, urgent=False)
    elif not ready and _overdue(turn, live):
        _move(turn, live.n, Cause.CANARY_NEVER_READY, f"not ready within 15 minutes: {because}")
    else:
        turn.change_live(because=because if not ready else _stopped(turn))


def _create(turn: Turn, live: Rollout, ended: list[tuple[Write, str]], place: level.Where) -> None:
    for write, error in ended:
        definite = write.answer in (WriteAnswer.ACCEPTED, WriteAnswer.REFUSED)
        another = any(w.kind is WriteKind.CREATE for w in turn.app.writes)
        if write.kind is WriteKind.CREATE and error and definite and not another:
            _move(turn, live.n, Cause.CANARY_NEVER_READY, f"Azure refused the revision: {error}")
            return
    if _overdue(turn, live):
        _move(turn, live.n, Cause.CANARY_NEVER_READY, "no revision appeared within 15 minutes")
    elif place is not level.Where.AT_LEVEL:
        level.write(turn, urgent=False)
    elif not _stopped(turn) and turn.arm is not None:
        want, name = level.of(live), candidates.suffix(live)
        if writes.may_send(turn, WriteKind.CREATE, weights=want, revision=name, urgent=False):
            array = traffic.array(turn.arm, want) if want else ()
            effect = CreateCanary(container=live.container, image=live.image.reference, suffix=name, traffic=array)
            writes.intend(turn, effect, weights=want)
            turn.change_live(created_at=live.created_at or turn.now, because="the canary is being created at 0 %")


def _overdue(turn: Turn, live: Rollout) -> bool:
    return live.created_at is not None and turn.now >= live.created_at + READY_WITHIN


def _stopped(turn: Turn) -> str:
    """Why nothing may start or rise now; "" when it may."""
    stop, pin = turn.live.paused or turn.app.hold, turn.app.pin
    if stop is not None:
        return f"paused: {stop.because}"
    if pin is not None and pin.digest != turn.live.image.digest:
        return f"pinned: {pin.because}"
    return turn.live.shut


def _bake(turn: Turn, place: level.Where) -> None:
    """Serve the step's bake at its weight, seen there; then the next step, or promoted."""
    live, plan = turn.live, _plan(turn.live)
    last = len(plan.steps) - 1
    if live.fast and live.step < last and not _stopped(turn):
        turn.change_live(step=last, verified_at=None, asked_at=None)
        place = level.where(turn, turn.live)
    if place is level.Where.UNSEEN:
        return
    if place is not level.Where.AT_LEVEL:
        turn.change_live(verified_at=None)
        if (because := _stopped(turn)) and level.rises(turn):
            turn.change_live(because=because)
        else:
            level.write(turn, urgent=False)
        return
    _verify(turn, plan)
    if because := _not_yet(turn, plan):
        turn.change_live(because=because)
    elif turn.live.step < last:
        turn.change_live(step=turn.live.step + 1, verified_at=None, asked_at=None)
        _bake(turn, level.where(turn, turn.live))
    elif turn.quiet:
        _move(turn, live.n, Cause.BAKES_SERVED, "every bake was served and nothing speaks against it")


def _verify(turn: Turn, plan: Plan) -> None:
    """The weight was seen: the bake begins, and the step is announced once."""
    live = turn.live
    want = level.of(live)
    if live.verified_at is None:
        turn.change_live(verified_at=turn.now)
    step = plan.steps[live.step]
    turn.change_live(seen=want, weighted_at=live.weighted_at or (turn.now if step.weight else None))
    said = f"{step.weight} % seen" if want else "the canary took over"
    turn.say(Said.STEPPED, said, n=live.n, transition=f"step:{live.step}", before=level.before(live), after=want)


def _not_yet(turn: Turn, plan: Plan) -> str:
    """Why the step may not end yet; "" when it may. An order to promote waives bake, data and approval."""
    live = turn.live
    last = live.step == len(plan.steps) - 1
    if _unanswered(turn, plan):
        return turn.live.because
    if not last and (stopped := _stopped(turn)):
        return stopped
    if live.fast:
        return ""
    if live.paused is not None:
        return f"paused: {live.paused.because}"
    verdict = analysis.overall(live.measurements)
    if not watch.served(turn, plan) and verdict is not Verdict.ERRORED:
        return f"baking at {plan.steps[live.step].weight} %"
    match verdict:
        case Verdict.PASSED:
            return _unapproved(turn, plan)
        case Verdict.INCONCLUSIVE if plan.on_no_data is OnNoData.PROBE and watch.only_data_is_missing(turn, plan):
            return _unapproved(turn, plan)
        case Verdict.INCONCLUSIVE if plan.on_no_data is OnNoData.PAUSE:
            return _unapproved(turn, plan)  # a person resumed after it was paused for want of data
        case _:
            return watch.worst(live.measurements)


def _unapproved(turn: Turn, plan: Plan) -> str:
    """Ask a person once, and wait."""
    live = turn.live
    step = plan.steps[live.step]
    if not step.until_approved or live.approved >= live.step:
        return ""
    missing = approvals.at_step(live)
    if live.asked_at is None:
        turn.change_live(asked_at=turn.now)
        asked = f"approval is needed at {step.weight} % by {missing}"
        turn.say(Said.APPROVAL_ASKED, asked, n=live.n, transition=f"ask:{live.step}")
    return f"waiting for approval by {missing}"


def _unanswered(turn: Turn, plan: Plan) -> bool:
    """Roll back when the time to approve has passed, whatever else the step waits for."""
    live, step = turn.live, plan.steps[turn.live.step]
    if live.asked_at is None or step.approve_within is None or live.approved >= live.step or live.fast:
        return False
    if turn.now < live.asked_at + step.approve_within:
        return False
    _move(turn, live.n, Cause.LIMIT_PASSED, f"nobody approved within the time given at {step.weight} %")
    return True


def _return_to_stable(turn: Turn, place: level.Where) -> None:
    """Stable gets everything back; said when it is seen, over when nothing of ours can land any more."""
    live = turn.live
    if place is not level.Where.AT_LEVEL or live.cause is None:
        level.write(turn, urgent=True)
        return
    want = level.of(live)
    turn.say(ENDED[TRANSITIONS[live.phase, live.cause]], live.because, n=live.n, before=level.before(live), after=want)
    turn.change_live(seen=want)
    if turn.quiet:
        _move(turn, live.n, live.cause, live.because)
