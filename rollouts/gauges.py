"""Numbers that a query answers: a percentile of durations, a backlog. Judged by a plain rule with strikes.

Such a number is no count: nobody knows how it scatters, so no risk can be promised of it as of errors (`bets`). What
stands in for that is a least number of samples, and that one bad reading alone decides nothing. Readings are asked for
at most once a minute, of time that has settled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollouts import traffic
from rollouts.checks import Check, Compare, Gauge, Measurement, Reading, Tally, Verdict
from rollouts.model import Phase, Rollout
from rollouts.seen import MetricSeen, Observation, Unknown

_WAYS = {Compare.AT_LEAST: "at least ", Compare.ABOVE: "above ", Compare.BELOW: "below ", Compare.EQUAL: "exactly "}
_ROUND, _HUGE = 100, 1e15  # between these a number is told without decimals, beyond with a power of ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What one check asks for now: its number over [since, until), of the canary and, where it matters, of stable."""

    since: datetime
    until: datetime
    stable: bool


def asked(check: Check, weight: int) -> bool:
    """Whether a query has anything to tell at this weight of the canary: without users there are no durations."""
    return check.gauge is not None and (weight > 0 or check.gauge.percentile is None)


def due(live: Rollout, now: datetime, *, settle: timedelta, every: timedelta) -> Mapping[int, Asking]:
    """What is to be asked in this tick, by the place of the check; nothing within `every` of the last time."""
    plan, until = live.plan, now - settle
    if plan is None or live.phase is not Phase.BAKING or live.ready_at is None or live.left is not None:
        return {}
    if live.gauged is not None and until - live.gauged < every:
        return {}
    weight = plan.steps[live.step].weight
    beside = live.stable is not None and weight < traffic.WHOLE
    found: dict[int, Asking] = {}
    for place, check in enumerate(plan.checks):
        gauge = check.gauge
        if gauge is None or not asked(check, weight):
            continue
        began = live.verified_at or live.ready_at
        since = began if gauge.over is None else max(live.ready_at, until - gauge.over)
        if since < until:
            found[place] = Asking(since=since, until=until, stable=gauge.times is not None and beside)
    return found


def reached(seen: Observation, now: datetime) -> datetime:
    """Until when the answers of this tick reach; of those that could not be asked, until when they would have."""
    ends = (answer.until for answer in seen.metrics.values() if isinstance(answer, MetricSeen))
    return next(ends, now - seen.settle)


def measure(
    check: Check, tally: Tally, seen: MetricSeen | Unknown | None, before: Measurement, *, weight: int
) -> tuple[Tally, Measurement]:
    """Judge the last answer; None: not asked now, so what is known stands. before: the last measurement."""
    gauge = check.gauge or Gauge(name="")
    if not asked(check, weight):
        because = "at 0 % there are no requests to measure"
        return tally, Measurement(check=check.text, verdict=Verdict.PASSED, because=because, warn=check.warn)
    match seen:
        case None:
            return tally, before
        case Unknown(because=because):
            told = f"{_name(gauge)}: {because}"
            return tally, Measurement(check=check.text, verdict=Verdict.ERRORED, because=told, warn=check.warn)
        case MetricSeen():
            alone = weight >= traffic.WHOLE
            stable = tally.beside if alone else _stable_now(check, seen.stable or Reading())
            tally = replace(tally, alone=alone, beside=tally.beside if stable is None else stable)
            tally, measured = _judged(check, gauge, tally, seen.canary, stable)
            return tally, replace(measured, since=seen.since, until=seen.until, strikes=tally.strikes, warn=check.warn)


def _stable_now(check: Check, stable: Reading) -> float | None:
    """Stable's number, of as many samples as the canary's needs."""
    return _number(stable) if (stable.samples or 0) >= check.minimum else None


def _number(reading: Reading) -> float | None:
    """Its number; an average of nothing (NaN) and a division by nothing (infinity) are none."""
    return reading.value if reading.value is not None and math.isfinite(reading.value) else None


def _judged(
    check: Check, gauge: Gauge, tally: Tally, canary: Reading, stable: float | None
) -> tuple[Tally, Measurement]:
    """The tally with its strikes, and the measurement. A reading that tells nothing neither strikes nor clears.

    stable: its number, while the canary is alone the one it had before.
    """
    value, samples = _number(canary), canary.samples
    told = Measurement(check=check.text, verdict=Verdict.INCONCLUSIVE, because="", value=value, samples=samples or 0)
    if check.minimum and samples is None:
        because = f"{_name(gauge)}: min {check.minimum} needs a column samples, found none in the query's answer"
        return tally, replace(told, verdict=Verdict.ERRORED, because=because)
    if (samples or 0) < check.minimum:
        because = f"{_name(gauge)}: {samples or 0:,} samples are too few to judge ({check.minimum:,})"
        return tally, replace(told, because=because, missing=check.minimum - (samples or 0))
    if value is None:
        return tally, replace(told, because=f"{_name(gauge)}: the query answered no number")
    if gauge.times is not None and stable is None:
        because = f"{_said(gauge, value)}, limit {_limit(gauge)}: cannot be judged, stable has no number"
        return tally, replace(told, because=because)
    limit = allowed(gauge, stable)
    kept = keeps(gauge.compare, value, limit)
    tally = replace(tally, strikes=0 if kept else tally.strikes + 1)
    verdict = Verdict.PASSED if kept else Verdict.FAILED if tally.strikes >= check.strikes else Verdict.INCONCLUSIVE
    stable = None if gauge.times is None else stable
    beside = _beside(gauge, stable, alone=tally.alone)
    because = f"{_said(gauge, value)}{beside}, limit {_limit(gauge)}{_strike(check, tally)}"
    return tally, replace(told, verdict=verdict, because=because, limit=limit, stable=stable)


def allowed(gauge: Gauge, stable: float | None) -> float:
    """The limit now. A factor widens nothing where stable is at or below zero: there the limit is stable itself."""
    if gauge.times is None or stable is None:
        return gauge.number
    return (stable * gauge.times if stable > 0 else stable) + gauge.number


def keeps(compare: Compare, value: float, limit: float) -> bool:
    """Whether a number keeps to its limit."""
    match compare:
        case Compare.AT_MOST:
            return value <= limit
        case Compare.BELOW:
            return value < limit
        case Compare.AT_LEAST:
            return value >= limit
        case Compare.ABOVE:
            return value > limit
        case Compare.EQUAL:
            return value == limit


def _name(gauge: Gauge) -> str:
    return gauge.name if gauge.percentile is None else f"p{gauge.percentile}"


def _spell(gauge: Gauge, number: float) -> str:
    figures = f"{number:,.0f}" if _ROUND <= abs(number) < _HUGE else f"{number:.3g}"
    return figures if gauge.percentile is None else f"{figures} ms"


def _said(gauge: Gauge, value: float) -> str:
    return f"{_name(gauge)} {_spell(gauge, value)}"


def _beside(gauge: Gauge, stable: float | None, *, alone: bool) -> str:
    return "" if stable is None else f" (stable {_spell(gauge, stable)}{' before' if alone else ''})"


def _limit(gauge: Gauge) -> str:
    """A limit as people write it."""
    way = _WAYS.get(gauge.compare, "")
    if gauge.times is None:
        return f"{way}{_spell(gauge, gauge.number)}"
    factor = "stable" if gauge.times == 1 else f"stable x {gauge.times:.3g}"
    return f"{way}{factor} + {_spell(gauge, gauge.number)}" if gauge.number else f"{way}{factor}"


def _strike(check: Check, tally: Tally) -> str:
    struck = tally.strikes and check.strikes > 1
    return f", strike {min(tally.strikes, check.strikes)} of {check.strikes}" if struck else ""


def usual_minimum(percentile: int) -> int:
    """Samples below which a percentile is chance: about five must lie beyond it."""
    return math.ceil(5 * 100 / (100 - percentile))
