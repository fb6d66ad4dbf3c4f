"""What one tick learned of the canary: probes, counts, restarts and its own state become measurements.

A measurement that was not asked for in this tick keeps its last answer. The first measurement of a rollout is the
revision's own state; the others follow the plan's checks in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from rollouts import analysis, gauges, traffic
from rollouts.checks import Check, CheckKind, Counts, Measurement, ProbeSpec, Tally, Verdict
from rollouts.decided import Said
from rollouts.findings import Answer
from rollouts.model import Phase, Plan, Rollout, Totals
from rollouts.seen import AppSeen, ProbeSeen, RevisionSeen, Unknown
from rollouts.turn import Turn

ANY_ANSWER = ProbeSpec(path="/", lowest=100, highest=499)  # without a probe check: it answers, whatever it says
PROBE_LASTS = timedelta(seconds=60)
OWN_STATE = "own state"
OURS = "--wb"
UNSEEN = timedelta(minutes=10)
MOST_KNOWN = 100  # an app has no more active revisions (aca-platform A9)


def specs(plan: Plan) -> tuple[ProbeSpec, ...]:
    """The probes that must be good before the canary gets weight."""
    asked = tuple(c.probe for c in plan.checks if c.probe is not None and not c.warn)
    return asked or (ANY_ANSWER,)


def warned(plan: Plan) -> tuple[ProbeSpec, ...]:
    """The probes that only warn."""
    return tuple(c.probe for c in plan.checks if c.probe is not None and c.warn)


def good(spec: ProbeSpec, probe: ProbeSeen) -> bool:
    """Whether an answer is what the probe expects, and in time."""
    if probe.status is None or not spec.lowest <= probe.status <= spec.highest:
        return False
    return spec.under is None or probe.took <= spec.under


def gates(turn: Turn) -> None:
    """Take note of the gates that were asked again: one that closed after the start moves no weight (said once a step).

    A tick that did not ask keeps the last answer.
    """
    found = turn.seen.gates
    if found is None or turn.live.phase is Phase.ROLLING_BACK:
        return
    shut = "" if found.answer is Answer.OPEN else found.because
    turn.change_live(shut=shut)
    if shut:
        gate = shut.partition(":")[0]
        because = f"{shut}; nothing rises until it opens"
        turn.say(Said.GATE_CLOSED, because, n=turn.live.n, transition=f"gate:{turn.live.step}:{gate}")


def note_canary(turn: Turn, plan: Plan) -> None:
    """Remember the canary's own address, and when every probe of the plan was last good together."""
    canary = turn.arm.revision(turn.live.canary) if turn.arm else None
    if canary is not None:
        turn.change_live(address=canary.fqdn)
    answers = {probe.path: probe for probe in turn.seen.probes}
    wanted = specs(plan)
    if all(spec.path in answers and good(spec, answers[spec.path]) for spec in wanted):
        turn.change_live(probed_at=min(answers[spec.path].at for spec in wanted))


def answers(turn: Turn, plan: Plan) -> bool:
    """Whether the canary's own address answered well within the last minute; apps without ingress have none."""
    probed_at = turn.live.probed_at
    return plan.replace or (probed_at is not None and turn.now - probed_at <= PROBE_LASTS)


def only_data_is_missing(turn: Turn, plan: Plan) -> bool:
    """Whether all that keeps the verdict open is too few requests, and a probe has answered well meanwhile."""
    own, *measured = turn.live.measurements
    unsure = [
        check.kind in (CheckKind.ERRORS, CheckKind.METRIC) and not measurement.strikes
        for check, measurement in zip(plan.checks, measured, strict=True)
        if measurement.verdict is Verdict.INCONCLUSIVE and not measurement.warn
    ]
    return own.verdict is Verdict.PASSED and all(unsure) and answers(turn, plan)


def ready(turn: Turn, canary: RevisionSeen | None) -> tuple[bool, str]:
    """Whether the canary may be given weight (DESIGN 4.2), and why (not)."""
    plan = turn.live.plan
    if plan is None:
        return False, "it has no plan"
    probed = answers(turn, plan)
    is_ready, because = analysis.ready(canary, probed=probed and not plan.replace)
    if is_ready and not probed:
        return False, "its own address has not answered yet"
    return is_ready, because


def measure(turn: Turn, plan: Plan) -> None:
    """Bring every measurement of a baking canary up to date."""
    live = turn.live
    tallies = list(live.tallies or (Tally(),) * len(plan.checks))
    before = live.measurements[1:] or tuple(_unasked(check) for check in plan.checks)
    _count(turn, plan, tallies)
    measured = [_check(turn, plan, index, tallies, before[index]) for index in range(len(plan.checks))]
    own = _own_state(turn, live)
    if turn.seen.metrics:
        turn.change_live(gauged=gauges.reached(turn.seen, turn.now))
    turn.change_live(measurements=(own, *measured), tallies=tuple(tallies))


def _unasked(check: Check) -> Measurement:
    return Measurement(check=check.text, verdict=Verdict.INCONCLUSIVE, because="not asked yet", warn=check.warn)


def _own_state(turn: Turn, live: Rollout) -> Measurement:
    last = live.measurements[0] if live.measurements else None
    match turn.seen.app:
        case AppSeen() as arm:
            canary = arm.revision(live.canary)
            own = analysis.own_state(canary, live.unhealthy)
            unhealthy = canary is not None and canary.health == "Unhealthy"
            turn.change_live(unhealthy=live.unhealthy + 1 if unhealthy else 0)
            return replace(own, check=OWN_STATE)
        case Unknown(because=because):
            return Measurement(check=OWN_STATE, verdict=Verdict.ERRORED, because=because)
        case None:
            return last or Measurement(check=OWN_STATE, verdict=Verdict.INCONCLUSIVE, because="not asked yet")


def _count(turn: Turn, plan: Plan, tallies: list[Tally]) -> None:
    """Add what was counted since the last reading to every error check; the first reading is the baseline."""
    read, totals = turn.live.read, turn.seen.totals
    if not isinstance(totals, Totals):
        return
    turn.change_live(read=totals)
    if read is None:
        return
    risk = analysis.risk_each(plan.checks)
    canary = _difference(totals.canary, read.canary)
    stable = _difference(totals.stable, read.stable)
    weight = plan.steps[turn.live.step].weight
    for index, check in enumerate(plan.checks):
        if check.kind is CheckKind.ERRORS:
            tallies[index] = analysis.add(check, tallies[index], canary, stable, weight, risk=risk)


def _difference(now: Counts, then: Counts) -> Counts:
    return Counts(requests=now.requests - then.requests, errors=now.errors - then.errors)


def _check(turn: Turn, plan: Plan, index: int, tallies: list[Tally], before: Measurement) -> Measurement:
    check = plan.checks[index]
    match check.kind:
        case CheckKind.PROBE:
            probe = next((p for p in turn.seen.probes if check.probe and p.path == check.probe.path), None)
            if probe is None:
                return before
            tallies[index], measurement = analysis.measure_probe(check, tallies[index], probe)
            return measurement
        case CheckKind.RESTARTS:
            if turn.arm is None:
                return before
            canary = turn.arm.revision(turn.live.canary)
            return analysis.measure_restarts(check, canary.restarts if canary else None)
        case CheckKind.ERRORS:
            return _errors(turn, plan, check, tallies[index])
        case CheckKind.METRIC:
            weight = plan.steps[turn.live.step].weight
            tallies[index], measurement = gauges.measure(
                check, tallies[index], turn.seen.metrics.get(index), before, weight=weight
            )
            return measurement


def _errors(turn: Turn, plan: Plan, check: Check, tally: Tally) -> Measurement:
    measured = analysis.measure_errors(check, tally, risk=analysis.risk_each(plan.checks))
    if isinstance(turn.seen.totals, Unknown) and measured.verdict is not Verdict.FAILED:
        return Measurement(check=check.text, verdict=Verdict.ERRORED, because=turn.seen.totals.because, warn=check.warn)
    if plan.steps[turn.live.step].weight == 0 and measured.verdict is Verdict.INCONCLUSIVE:
        return replace(measured, verdict=Verdict.PASSED, because="at 0 % there are no requests to count")
    return measured


def served(turn: Turn, plan: Plan) -> bool:
    """Whether the step's bake was served at its weight and the counts of all of it have settled."""
    live = turn.live
    if live.verified_at is None:
        return False
    until = live.verified_at + plan.steps[live.step].bake
    if turn.now < until:
        return False
    weight = plan.steps[live.step].weight
    counts = any(check.kind is CheckKind.ERRORS and not check.warn for check in plan.checks) and weight > 0
    asks = any(gauges.asked(check, weight) and not check.warn for check in plan.checks)
    if asks and (live.gauged is None or live.gauged < until):
        return False
    return not counts or (turn.now >= until + turn.seen.settle and (live.read is None or live.read.at >= until))


def worst(measurements: Iterable[Measurement]) -> str:
    """The because of the worst measurement that counts."""
    rank = {verdict: place for place, verdict in enumerate(analysis.ORDER)}
    counting = [m for m in measurements if not m.warn]
    return max(counting, key=lambda m: rank[m.verdict]).because if counting else "nothing was measured"


def gone(turn: Turn) -> bool:
    """Note how long the app could not be looked at, say so once, and answer whether it is no more."""
    live, seen = turn.live, turn.seen.app
    if isinstance(seen, AppSeen):
        turn.change_live(unseen_since=None)
    if not isinstance(seen, Unknown):
        return False
    since = live.unseen_since or turn.now
    turn.change_live(unseen_since=since)
    if turn.now - since >= UNSEEN:
        because = f"the app could not be looked at for 10 minutes: {seen.because}; it goes on by itself once it can"
        turn.say(Said.PAUSED, because, n=live.n, transition=f"unseen:{since.isoformat()}")
    return turn.gone and turn.quiet


def foreign(turn: Turn) -> None:
    """Announce an active revision nobody here made, once.

    Not those of the first look, which were there before us, nor one with weight: that is drift, or the next stable.
    """
    arm, known = turn.arm, turn.app.known
    if arm is None:
        return
    theirs = [r.name for r in arm.revisions if r.active and OURS not in r.name]
    if turn.app.looked_at is not None:
        for name in theirs:
            if name not in known and name not in traffic.weights(arm):
                because = f"someone made revision {name}; it gets no weight from here and is left alone"
                turn.say(Said.FOREIGN_REVISION, because, transition=f"foreign:{name}")
    rested = [name for name in known if name not in theirs and arm.revision(name)]
    turn.change(known=(*rested, *theirs)[-MOST_KNOWN:])
