"""People put an image on its way once more: retry an ended rollout, pin an image, undo a promotion.

An undo is a rollout of its own that begins with rolling back: the promoted revision is its canary, the one before it
its stable. So it is one write, repeated until it is seen, it waits for nothing, and it ends only when nothing of ours
can land any more, as every rollback does.
"""

from __future__ import annotations

from dataclasses import replace

from rollouts import traffic
from rollouts.decided import Quarantine, Release, Said
from rollouts.model import App, Cause, Done, Image, Phase, Pin, Rollout
from rollouts.seen import Order
from rollouts.turn import Turn


def retry(turn: Turn, order: Order, because: str) -> str:
    """Offer an image that ended once more, as a new attempt, out of quarantine; answers why not, "" when done."""
    done = _ended(turn.app, order)
    if done is None:
        return "the app remembers no ended rollout of it; push the image again"
    if _present(turn.app, done.digest):
        return "it is on its way already"
    if turn.app.stable is not None and turn.app.stable.digest == done.digest:
        return "it is what runs now"
    return _offer(turn, order, done, because)


def pin(turn: Turn, order: Order, because: str) -> str:
    """Keep the app at one image it has had; answers why not, "" when done."""
    stable, live = turn.app.stable, turn.app.live
    if stable is not None and stable.digest == order.digest:
        _pin(turn, order, stable.tag, because)
        return ""
    if live is not None:
        if live.image.digest != order.digest:
            return f"rollout {live.n} holds the app; abort it or let it end first"
        _pin(turn, order, live.image.tag, because)
        return ""
    waiting = next((r for r in turn.app.waiting if r.image.digest == order.digest), None)
    done = _ended(turn.app, order)
    if waiting is None and done is None:
        return "the app remembers no rollout of it; give its row a Tags of `exact:` and the tag"
    _pin(turn, order, waiting.image.tag if waiting else done.tag if done else "", because)
    return _offer(turn, order, done, because) if waiting is None and done else ""


def _pin(turn: Turn, order: Order, tag: str, because: str) -> None:
    turn.change(pin=Pin(digest=order.digest, tag=tag, by=order.actor, because=because, since=turn.now))


def _ended(app: App, order: Order) -> Done | None:
    """The last ended rollout an order means, by digest."""
    return next((done for done in reversed(app.done) if done.digest == order.digest and done.repository), None)


def _present(app: App, digest: str) -> bool:
    return any(r.image.digest == digest for r in (*app.waiting, *((app.live,) if app.live else ())))


def _offer(turn: Turn, order: Order, done: Done, because: str) -> str:
    registry = done.policy.partition("|")[0]
    n = turn.app.counter + 1
    rollout = Rollout(
        n=n,
        image=Image(registry=registry, repository=done.repository, tag=done.tag, digest=done.digest),
        policy=done.policy,
        offered_at=turn.now,
        pushed_at=done.pushed_at or done.at,
        attempt=done.attempt + 1,
        because=because,
    )
    turn.effects.append(Release(digest=done.digest, actor=order.actor))
    turn.change(counter=n, waiting=(*turn.app.waiting, rollout))
    return ""


def remembered(rollout: Rollout) -> Rollout:
    """What an undo needs of a promoted rollout; the row is bounded, and the rest is in the history."""
    plan = rollout.plan
    return replace(
        rollout,
        plan=replace(plan, steps=plan.steps[-1:], checks=(), approvers=()) if plan else None,
        step=0,
        finding=None,
        announced=(),
        approvals=(),
        measurements=(),
        tallies=(),
        read=None,
        asked_at=None,
        paused=None,
        weighted_at=None,
        fast=False,
        shut="",
    )


def undo(turn: Turn, order: Order, because: str) -> str:
    """Give the stable before the last promotion everything back; answers why not, "" when begun."""
    app, last = turn.app, turn.app.promoted
    if app.live is not None:
        return f"rollout {app.live.n} holds the app; abort it first"
    if last is None or last.stable is None or app.stable is None or app.stable.revision != last.canary:
        return "there is no promotion to undo"
    if order.digest != last.image.digest:
        return f"{last.image.digest[:19]} is stable now, not {order.digest[:19]}"
    kept = turn.arm.revision(last.stable.revision) if turn.arm else None
    if turn.arm is not None and (kept is None or not kept.active):
        return f"{last.stable.revision} is no longer kept; push or retry the image it ran"
    n = app.counter + 1
    back = replace(
        last,
        n=n,
        phase=Phase.ROLLING_BACK,
        cause=Cause.ROLLBACK_ORDERED,
        because=because,
        offered_at=turn.now,
        started_at=turn.now,
        finished_at=None,
        verified_at=None,
        seen=traffic.weights(turn.arm) if turn.arm else last.seen,
    )
    turn.change(counter=n, live=back, stable=last.stable, promoted=None)
    turn.effects.append(Quarantine(digest=last.image.digest, because=because, n=n))
    turn.say(Said.ROLLING_BACK, f"rolling back, because {because}", n=n, actor=order.actor, comment=order.comment)
    return ""
