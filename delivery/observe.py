"""Step 2 of a tick: ask what the phase needs, after the row was loaded; "could not ask" is an answer of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from delivery import approvals, codec, gates, metric_rows, names
from delivery.errors import Malformed, Refused, Retry
from delivery.versions import newer
from policies.evidence import DIGEST
from rollouts import analysis, reporting, watch
from rollouts.checks import CheckKind, Verdict
from rollouts.model import App, Phase, Report, Rollout, Totals
from rollouts.seen import (
    AppSeen,
    CandidateSeen,
    Observation,
    OperationSeen,
    OperationState,
    Order,
    ProbeSeen,
    ReportSeen,
    Unknown,
)

if TYPE_CHECKING:
    from delivery.ports import Ports, Row

NOT_FOUND = 404
TOO_OLD = timedelta(seconds=5)  # half of what a write allows its observation
MOST_ORDERS = 10  # of one tick, oldest first: each takes a few of the 100 changes of its transaction


async def observe(ports: Ports, app: App) -> Observation:
    """Everything this tick of `app` may decide on."""
    now = ports.clock.now()
    orders, probes, report = await asyncio.gather(_orders(ports, app), _probes(ports, app), _report(ports, app, now))
    operations: dict[int, OperationSeen] = {}
    seen: AppSeen | Unknown | None = None
    gone = ""
    bad = app.live is not None and app.live.plan is not None and not _all_good(app.live, probes)
    if orders or bad or needs_look(ports, app, now):
        (seen, gone), operations = await asyncio.gather(look(ports, app), _operations(ports, app))
    totals = await _totals(ports, app, now) if isinstance(seen, AppSeen) else None
    if isinstance(seen, Unknown) and app.live and app.live.phase is Phase.BAKING:
        totals = await _totals(ports, app, now)
    if isinstance(seen, AppSeen):
        seen = await _with_restarts(ports, app, seen)
    # A query may take 30 s: nothing that is known to be bad, and no person, waits for one.
    known = bad and _probes_are_judged(app)
    metrics = {} if orders or known or _failed(app, seen) else await metric_rows.asked(ports, app, now)
    found, shut = await asyncio.gather(
        _candidates(ports, app, seen, gone), gates.again(ports, app, seen) if seen is not None else _not_asked()
    )
    if seen is None and app.live is None and any(gates.asks_for_a_look(app, candidate) for candidate in found):
        seen, gone = await look(ports, app)
        found = await _candidates(ports, app, seen, gone)
    if isinstance(seen, AppSeen) and ports.clock.now() - seen.at >= TOO_OLD:
        # A slow registry, Monitor or query must not starve a write of the freshness it needs.
        again, _ = await look(ports, app)
        seen = _with_restarts_of(seen, again) if isinstance(again, AppSeen) else again
    return Observation(
        app=seen,
        operations=operations,
        probes=probes,
        totals=totals,
        metrics=metrics,
        candidates=found,
        orders=orders,
        gates=shut,
        approvals=await approvals.asked(ports, app, orders),
        report=report,
        settle=ports.settings.settle,
    )


async def _not_asked() -> None:
    return None


async def _candidates(ports: Ports, app: App, seen: AppSeen | Unknown | None, gone: str) -> tuple[CandidateSeen, ...]:
    """What the gates say of those who wait; not asked while rolling back, which waits for nobody."""
    if not app.waiting or (app.live is not None and app.live.phase is Phase.ROLLING_BACK):
        return ()
    return await gates.candidates(ports, app, seen, gone)


def _with_restarts_of(before: AppSeen, again: AppSeen) -> AppSeen:
    known = {revision.name: revision.restarts for revision in before.revisions}
    return replace(again, revisions=tuple(replace(r, restarts=known.get(r.name)) for r in again.revisions))


def needs_look(ports: Ports, app: App, now: datetime) -> bool:
    """Whether ARM must be asked in this tick: always near a decision, once a minute while nothing is wrong."""
    if app.writes or any(entry.not_before <= now for entry in app.retire):
        return True
    live = app.live
    if live is None:
        # An image that has just come: should it run already, nothing is to be said of it.
        return any(rollout.finding is None for rollout in app.waiting)
    if live.phase is not Phase.BAKING or live.verified_at is None or live.plan is None or live.fast:
        return True
    end = live.verified_at + live.plan.steps[live.step].bake
    rested = app.looked_at is not None and now - app.looked_at < ports.settings.look_every
    return not rested or now >= end


async def look(ports: Ports, app: App) -> tuple[AppSeen | Unknown, str]:
    """The app, and why it can never be rolled out to, if that is so."""
    resource = names.resource_id(app.key)
    try:
        return await ports.apps.look(resource), ""
    except Refused as error:
        gone = f"there is no app {resource}: correct App in the policy row" if error.status == NOT_FOUND else ""
        return Unknown(because=gone or str(error), gone=bool(gone)), gone
    except Retry as error:
        return Unknown(because=str(error)), ""


async def _operations(ports: Ports, app: App) -> dict[int, OperationSeen]:
    polled = [write for write in app.writes if write.location]
    states = await asyncio.gather(*(_operation(ports, write.location) for write in polled))
    return {write.id: state for write, state in zip(polled, states, strict=True)}


async def _operation(ports: Ports, location: str) -> OperationSeen:
    try:
        return await ports.apps.operation(location)
    except Retry:
        return OperationSeen(state=OperationState.RUNNING)
    except Refused as error:
        return OperationSeen(state=OperationState.UNKNOWN, error=str(error))


async def _probes(ports: Ports, app: App) -> tuple[ProbeSeen, ...]:
    """One probe per path of the plan, of the canary's own address, while it may have or get weight."""
    live = app.live
    if live is None or live.plan is None or not live.address or live.phase not in (Phase.DEPLOYING, Phase.BAKING):
        return ()
    specs = {spec.path: spec for spec in (*watch.specs(live.plan), *watch.warned(live.plan))}
    return tuple(await asyncio.gather(*(ports.prober.probe(live.address, spec) for spec in specs.values())))


def _all_good(live: Rollout, probes: tuple[ProbeSeen, ...]) -> bool:
    if live.plan is None or not probes:
        return True
    answers = {probe.path: probe for probe in probes}
    return all(spec.path in answers and watch.good(spec, answers[spec.path]) for spec in watch.specs(live.plan))


def _probes_are_judged(app: App) -> bool:
    """Whether a check of the plan does; without one, the probe of `/` only tells that the canary answers at all."""
    plan = app.live.plan if app.live else None
    return plan is not None and any(check.probe is not None and not check.warn for check in plan.checks)


def _failed(app: App, seen: AppSeen | Unknown | None) -> bool:
    """Whether Azure says that the canary failed."""
    if app.live is None or not isinstance(seen, AppSeen):
        return False
    canary = seen.revision(app.live.canary)
    return analysis.own_state(canary, app.live.unhealthy).verdict is Verdict.FAILED


async def _totals(ports: Ports, app: App, now: datetime) -> Totals | Unknown | None:
    live = app.live
    if live is None or live.phase is not Phase.BAKING or live.plan is None or live.ready_at is None:
        return None
    if not any(check.kind is CheckKind.ERRORS for check in live.plan.checks):
        return None
    stable = live.stable.revision if live.stable else ""
    until = now - ports.settings.settle
    if until <= live.ready_at - timedelta(minutes=1):
        return None
    try:
        return await ports.metrics.totals(names.resource_id(app.key), live.canary, stable, live.ready_at, until)
    except (Retry, Refused) as error:
        return Unknown(because=str(error))


async def _report(ports: Ports, app: App, now: datetime) -> ReportSeen | None:
    """The final counts of an ended rollout, when they are due."""
    due = reporting.due(app, now)
    if due is None:
        return None
    row = await ports.rows.get(names.ROLLOUTS, app.key, names.rollout_key(due.n))
    try:
        rollout = codec.decode_rollout(row) if row else None
    except Malformed:
        rollout = None  # another version wrote it; what cannot be told is not asked for again
    return ReportSeen(n=due.n, rollout=rollout, totals=await _final(ports, app, due))


async def _final(ports: Ports, app: App, due: Report) -> Totals | Unknown:
    try:
        return await ports.metrics.totals(names.resource_id(app.key), due.canary, due.stable, due.since, due.until)
    except (Retry, Refused) as error:
        return Unknown(because=str(error))


async def _with_restarts(ports: Ports, app: App, seen: AppSeen) -> AppSeen:
    live = app.live
    canary = seen.revision(live.canary) if live else None
    if live is None or live.phase is not Phase.BAKING or live.plan is None or canary is None or not canary.active:
        return seen
    if not any(check.kind is CheckKind.RESTARTS for check in live.plan.checks):
        return seen
    try:
        restarts = await ports.apps.restarts(names.resource_id(app.key), canary.name)
    except (Retry, Refused):
        return seen
    revisions = tuple(replace(r, restarts=restarts) if r.name == canary.name else r for r in seen.revisions)
    return replace(seen, revisions=revisions)


async def _orders(ports: Ports, app: App) -> tuple[Order, ...]:
    rows = await ports.rows.scan(names.ROLLOUTS, app.key, first="order:", last="order:" + names.LAST)
    return tuple(order for row in rows if (order := read_order(row)))[:MOST_ORDERS]


def read_order(row: Row) -> Order | None:
    """The order in a row; None for one that cannot be read, or of a newer version: it is left for a person to see."""
    if newer(row.key, row.columns):
        return None
    try:
        order = msgspec.json.decode(str(row.columns.get("order")), type=Order)
    except msgspec.MsgspecError:
        return None
    zoned = order.until is None or order.until.tzinfo is not None
    named = not order.digest or DIGEST.fullmatch(order.digest) is not None
    return order if zoned and named else None
