"""What a person's order changes. An order is consumed in the tick that obeys or refuses it.

An order to a rollout names its number and digest. Orders that let the canary rise also name the step, so that a
click on an old message raises nothing; orders that lower it are obeyed at whatever step the rollout is now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from rollouts import again, approvals
from rollouts.decided import Consume, Quarantine, Release, Said
from rollouts.model import BEFORE_START, Approval, Cause, Pause, Phase, Rollout
from rollouts.seen import ApprovalSeen, Order, Verb
from rollouts.turn import Turn

DONE = "done"
MOST_APPROVALS = 20  # kept of one rollout
LONGEST_NAME = 64  # characters of a person's name that an approval keeps
RAISING = (Verb.APPROVE, Verb.PROMOTE, Verb.RESUME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change of phase an order asks for; the machine makes it."""

    n: int
    cause: Cause
    because: str
    order: Order | None = None  # None: nobody ordered it


def obey(turn: Turn) -> list[Move]:
    """Apply every order, oldest first; answer the moves they ask for."""
    moves: list[Move] = []
    moved: set[int] = set()
    for order in sorted(turn.seen.orders, key=lambda o: o.id):
        if order.n is not None and order.n in moved:
            answer = "refused: an earlier order of this tick ended the rollout"
        else:
            answer = _obey_one(turn, order, moves)
            moved = {move.n for move in moves}
        if answer != DONE:
            _tell(turn, Said.ORDER_REFUSED, order, f"{order.verb} by {_who(order)} was {answer}")
        turn.effects.append(Consume(order=order, answer=answer))
    return moves


def lapse(turn: Turn) -> None:
    """A hold or pause with an end is over at that end."""
    hold, paused = turn.app.hold, turn.app.live.paused if turn.app.live else None
    if hold is not None and _over(turn, hold):
        turn.change(hold=None)
        turn.say(Said.RELEASED, f"the hold ended: {hold.because}", transition=f"until:{turn.loaded.seq}")
    if paused is not None and _over(turn, paused):
        turn.change_live(paused=None)
        because, transition = f"the pause ended: {paused.because}", f"until:{turn.loaded.seq}"
        turn.say(Said.RESUMED, because, n=turn.live.n, transition=transition)


def _over(turn: Turn, pause: Pause) -> bool:
    return pause.until is not None and turn.now >= pause.until


def _who(order: Order) -> str:
    return order.actor.name or order.actor.id or "someone"


def _obey_one(turn: Turn, order: Order, moves: list[Move]) -> str:
    if order.n is None:
        return _to_app(turn, order)
    rollout = turn.rollout(order.n)
    if rollout is None:
        return f"refused: rollout {order.n} has ended or never was"
    if order.digest != rollout.image.digest:
        return f"refused: rollout {order.n} is of {rollout.image.digest[:19]}, not {order.digest[:19]}"
    if order.verb in RAISING and order.step is not None and order.step != rollout.step:
        return f"refused: rollout {order.n} has moved on to step {rollout.step + 1}"
    return _to_rollout(turn, order, rollout, moves)


def _tell(turn: Turn, said: Said, order: Order, because: str, n: int | None = None) -> None:
    """Announce what an order did, once, with who gave it and what they said."""
    turn.say(said, because, n=n, transition=f"order:{order.id}", actor=order.actor, comment=order.comment)


def _to_app(turn: Turn, order: Order) -> str:
    because = f"{order.verb} by {_who(order)}" + (f": {order.comment}" if order.comment else "")
    match order.verb:
        case Verb.HOLD:
            turn.change(hold=Pause(by=order.actor, because=because, since=turn.now, until=order.until))
            _tell(turn, Said.HELD, order, because)
        case Verb.RELEASE if order.digest:
            turn.effects.append(Release(digest=order.digest, actor=order.actor))
            _tell(turn, Said.RELEASED, order, because)
        case Verb.RELEASE:
            if turn.app.hold is None and turn.app.pin is None:
                return "refused: the app is not held"
            turn.change(hold=None, pin=None)
            _tell(turn, Said.RELEASED, order, because)
        case Verb.RETRY if order.digest:
            refused = again.retry(turn, order, because)
            return _told(turn, Said.RETRIED, order, because, refused, turn.app.counter)
        case Verb.PIN if order.digest:
            return _told(turn, Said.PINNED, order, because, again.pin(turn, order, because))
        case Verb.UNDO if order.digest:
            return _told(turn, None, order, because, again.undo(turn, order, because))
        case Verb.RETRY | Verb.PIN | Verb.UNDO:
            return "refused: it must name a digest"
        case Verb.PAUSE | Verb.RESUME | Verb.APPROVE | Verb.ABORT | Verb.PROMOTE | Verb.ROLLBACK | Verb.LEAVE:
            return "refused: it must name a rollout"
    return DONE


def _told(turn: Turn, said: Said | None, order: Order, because: str, refused: str, n: int | None = None) -> str:
    if refused:
        return f"refused: {refused}"
    if said is not None:
        _tell(turn, said, order, because, n)
    return DONE


def _to_rollout(turn: Turn, order: Order, rollout: Rollout, moves: list[Move]) -> str:
    because = f"{order.verb} by {_who(order)}" + (f": {order.comment}" if order.comment else "")
    match order.verb:
        case Verb.ABORT | Verb.ROLLBACK:
            return _end(turn, order, rollout, moves, because)
        case Verb.HOLD | Verb.RELEASE | Verb.RETRY | Verb.PIN | Verb.UNDO:
            return "refused: it is an order to the app, not to a rollout"
        case Verb.PAUSE if rollout.phase in (Phase.DEPLOYING, Phase.BAKING):
            pause = Pause(by=order.actor, because=because, since=turn.now, until=order.until)
            turn.put(replace(rollout, paused=pause))
            _tell(turn, Said.PAUSED, order, because, rollout.n)
        case Verb.RESUME:
            return _resume(turn, order, rollout, because)
        case Verb.APPROVE if rollout.phase in (Phase.BAKING, Phase.WAITING):
            return _approve(turn, order, rollout, because)
        case Verb.PROMOTE if rollout.phase in (Phase.DEPLOYING, Phase.BAKING):
            turn.put(replace(_steered(rollout), fast=True, paused=None))
            _tell(turn, Said.RESUMED, order, because, rollout.n)
        case Verb.LEAVE if rollout.drift is not None:
            turn.put(replace(rollout, left=rollout.drift.weights))
        case Verb.PAUSE | Verb.APPROVE | Verb.PROMOTE:
            return f"refused: the rollout is {rollout.phase.replace('_', ' ')}"
        case Verb.LEAVE:
            return "refused: nobody moved the traffic, so there is nothing to leave as it is"
    return DONE


def _approve(turn: Turn, order: Order, rollout: Rollout, because: str) -> str:
    """Count a person's yes; the step is approved when nobody's is missing any more."""
    seen = turn.seen.approvals.get(order.id)
    if seen is None and rollout.phase is Phase.WAITING:
        return "refused: the rollout is waiting, and not for an approval"
    seen = seen or ApprovalSeen()
    if seen.refused:
        return f"refused: {seen.refused}"
    step = rollout.step if rollout.phase is Phase.BAKING else BEFORE_START
    given = Approval(by=_who(order).lower()[:LONGEST_NAME], at=turn.now, step=step, groups=seen.groups)
    earlier = tuple(a for a in rollout.approvals if (a.step, a.by) != (given.step, given.by))
    rollout = replace(rollout, approvals=(*earlier, given)[-MOST_APPROVALS:])
    if rollout.phase is Phase.BAKING:
        missing = approvals.at_step(rollout)
        rollout = rollout if missing else replace(rollout, approved=max(rollout.approved, step))
        because += f"; still needed: {missing}" if missing else ""
    turn.put(rollout)
    _tell(turn, Said.APPROVED, order, because, rollout.n)
    return DONE


def _end(turn: Turn, order: Order, rollout: Rollout, moves: list[Move], because: str) -> str:
    if rollout.phase is Phase.ROLLING_BACK:
        if rollout.drift is None and rollout.left is None:
            return "refused: it is rolling back already"
        turn.put(_steered(rollout))
        return DONE
    if order.verb is Verb.ROLLBACK and rollout.phase is Phase.WAITING:
        return "refused: it has not started; abort it instead"
    cause = Cause.ABORT_ORDERED if order.verb is Verb.ABORT else Cause.ROLLBACK_ORDERED
    moves.append(Move(n=rollout.n, cause=cause, because=because, order=order))
    turn.put(_steered(rollout))
    turn.effects.append(Quarantine(digest=rollout.image.digest, because=because, n=rollout.n))
    return DONE


def _resume(turn: Turn, order: Order, rollout: Rollout, because: str) -> str:
    if rollout.paused is None and rollout.drift is None:
        return "refused: it is not paused"
    turn.put(replace(_steered(rollout), paused=None, spent=timedelta(), left=None))
    _tell(turn, Said.RESUMED, order, because, rollout.n)
    return DONE


def _steered(rollout: Rollout) -> Rollout:
    """The same rollout, allowed to write over what a person moved: the order names our level as theirs.

    What they wrote counts, for `latest` may be another revision by now: one that a template made becomes ready later.
    """
    if rollout.left is not None:
        return replace(rollout, drift=None, left=None, seen=rollout.left)
    if rollout.drift is None:
        return rollout
    return replace(rollout, drift=None, seen=rollout.drift.asked or rollout.drift.weights)
