"""The final counts of a rollout that ended are told once Azure's metrics, minutes late, have all arrived.

A duty of the app like retiring: nothing waits for it, and it waits while the app rolls back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rollouts.checks import CheckKind
from rollouts.decided import Said
from rollouts.model import App, Phase, Report, Rollout, Totals
from rollouts.seen import ReportSeen, Unknown
from rollouts.turn import REMEMBERED, Turn

MOST = 5
TRIES = 3
LAST_MINUTE = timedelta(seconds=60)  # metrics come in whole minutes
AGAIN = timedelta(seconds=60)
REPORTED = "reported"


def later(turn: Turn, rollout: Rollout) -> None:
    """Have the counts of an ended rollout told when they are whole, if it had weight and a check counts requests."""
    plan, read = rollout.plan, rollout.read
    if plan is None or rollout.weighted_at is None or rollout.ready_at is None or turn.seen.settle <= timedelta():
        return
    counts = any(check.kind is CheckKind.ERRORS for check in plan.checks)
    if not counts or (read is not None and read.at >= turn.now):
        return
    report = Report(
        n=rollout.n,
        canary=rollout.canary,
        stable=rollout.stable.revision if rollout.stable else "",
        since=rollout.ready_at,
        until=turn.now,
        due=turn.now + turn.seen.settle + LAST_MINUTE,
    )
    turn.change(reports=(*turn.app.reports, report)[-MOST:])


def next_one(app: App) -> Report | None:
    """The report that is due first; None while there is none, or the app rolls back."""
    if app.live is not None and app.live.phase is Phase.ROLLING_BACK:
        return None
    return min(app.reports, key=lambda report: report.due, default=None)


def due(app: App, now: datetime) -> Report | None:
    """The report to ask for in this tick."""
    report = next_one(app)
    return report if report is not None and report.due <= now else None


def report(turn: Turn) -> None:
    """Tell the counts that were asked for in this tick, or ask again later; after `TRIES` say what is known."""
    seen = turn.seen.report
    entry = next((one for one in turn.app.reports if seen is not None and one.n == seen.n), None)
    if seen is None or entry is None:
        return
    others = tuple(one for one in turn.app.reports if one.n != entry.n)
    if isinstance(seen.totals, Unknown) and entry.tries + 1 < TRIES:
        again = replace(entry, due=turn.now + AGAIN, tries=entry.tries + 1)
        turn.change(reports=(*others, again))
        return
    turn.change(reports=others)
    if seen.rollout is not None:
        _tell(turn, seen, seen.rollout)


def _tell(turn: Turn, seen: ReportSeen, rollout: Rollout) -> None:
    """The rollout is history: it is changed there, and said from there."""
    announced = (*rollout.announced, REPORTED)[-REMEMBERED:]
    if isinstance(seen.totals, Totals):
        counts, because = seen.totals.canary, "every minute of it has been counted"
        turn.reported.append(replace(rollout, announced=announced, final=seen.totals))
        because += f": {counts.errors} of {counts.requests} requests to the canary failed"
    else:
        because = f"its last minutes could not be counted: {seen.totals.because}"
        turn.reported.append(replace(rollout, announced=announced))
    turn.say(Said.REPORTED, because, n=rollout.n, transition=REPORTED)
