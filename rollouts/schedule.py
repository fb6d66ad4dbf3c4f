"""When an app is looked at again, and how a rollout's time is counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rollouts import reporting
from rollouts.model import App, Phase, Plan, Rollout, WriteAnswer
from rollouts.turn import Turn
from rollouts.watch import UNSEEN

AT_ONCE = timedelta(seconds=1)
AFTER_WRITE = timedelta(seconds=2)
ROLLING_BACK = timedelta(seconds=3)
OPEN_WRITE = timedelta(seconds=15)
RUNNING_WRITE = timedelta(seconds=3)
LOOK = timedelta(seconds=15)
DEPLOYING = timedelta(seconds=3)
LONGEST = timedelta(minutes=5)
BLIND = timedelta(seconds=60)  # nothing can be done to an app that could not be looked at for UNSEEN


def spend(turn: Turn, plan: Plan) -> None:
    """Count the time since the last tick against the deadline, but not the time it waits for a person, gate or look."""
    live = turn.live
    last = turn.loaded.ticked_at
    waits = (live.paused, live.drift, live.asked_at, live.unseen_since, turn.app.hold, live.shut or None)
    if last is None or any(wait is not None for wait in waits) or plan.deadline <= timedelta():
        return
    passed = min(max(turn.now - last, timedelta()), LONGEST)
    turn.change_live(spent=live.spent + passed)


def overdue(rollout: Rollout, plan: Plan) -> bool:
    """Whether the rollout has used up its deadline."""
    return rollout.spent >= plan.deadline > timedelta()


def due(turn: Turn) -> datetime | None:
    """The next time this app needs a tick; None when it is idle."""
    app, now = turn.app, turn.now
    times = list(_times(turn, app, now))
    if not times:
        return None
    return min(max(min(times), now + AT_ONCE), now + LONGEST)


def _times(turn: Turn, app: App, now: datetime) -> Iterator[datetime]:
    if turn.write is not None:
        yield now + AFTER_WRITE
    if app.writes and not _blind(app.live, now):
        running = app.live is not None and any(write.answer is WriteAnswer.ACCEPTED for write in app.writes)
        yield now + (RUNNING_WRITE if running else OPEN_WRITE)
    if app.live is not None:
        yield from _live_times(turn, app.live, now)
    elif app.waiting and not app.writes and (turn.finished or not turn.quiet):
        yield now  # the app is free for them from the next tick on
    if app.hold and app.hold.until and (app.live or app.waiting):
        yield app.hold.until
    if app.waiting and not (app.live and app.live.phase is Phase.ROLLING_BACK):  # which asks no gates
        asks = [r.finding.ask_at for r in app.waiting if r.finding and r.finding.ask_at]
        yield min(asks, default=now + LONGEST)
        if any(r.finding is None for r in app.waiting) or _people_spoke(turn):
            yield now
    yield from _duties(app, now)
    if app.undelivered:
        yield now + LONGEST


def _people_spoke(turn: Turn) -> bool:
    """Whether somebody who waits was approved or began to ask people in this tick: its gates answered before that."""
    before = {r.n: (r.approvals, r.asked_at) for r in turn.loaded.waiting}
    return any(before.get(r.n, (r.approvals, r.asked_at)) != (r.approvals, r.asked_at) for r in turn.app.waiting)


def _duties(app: App, now: datetime) -> Iterator[datetime]:
    for entry in app.retire:
        yield max(entry.not_before, now + LOOK)
    if (report := reporting.next_one(app)) is not None:
        yield report.due


def _blind(live: Rollout | None, now: datetime) -> bool:
    return live is not None and live.unseen_since is not None and now - live.unseen_since >= UNSEEN


def _live_times(turn: Turn, live: Rollout, now: datetime) -> Iterator[datetime]:
    moved = turn.loaded.live is None or turn.loaded.live.phase is not live.phase or turn.loaded.live.step != live.step
    if moved and turn.write is None:
        yield now
    match live.phase:
        case _ if _blind(live, now):
            yield now + BLIND
            return
        case Phase.ROLLING_BACK:
            yield now + ROLLING_BACK
        case Phase.DEPLOYING:
            yield now + DEPLOYING
        case _:
            yield now + LOOK
    if live.verified_at is not None and live.plan is not None:
        end = live.verified_at + live.plan.steps[live.step].bake
        yield from (time for time in (end, end + turn.seen.settle) if time > now)
    until = live.paused.until if live.paused else None
    if until is not None:
        yield until
