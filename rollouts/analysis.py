"""Whether a canary is good enough: one of four verdicts for each check, and why.

Errors are judged by what bets on them have won (`bets`). Probes, restarts and the revision's own state are plain rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from rollouts import bets
from rollouts.bets import BETTER, CEILING, FLOOR, RISK, WORSE, add, risk_each
from rollouts.checks import Check, Counts, Limit, Measurement, ProbeSpec, Tally, Verdict
from rollouts.seen import ProbeSeen, RevisionSeen

__all__ = [
    "BETTER",
    "CEILING",
    "FLOOR",
    "ORDER",
    "RISK",
    "WORSE",
    "add",
    "measure_errors",
    "measure_probe",
    "measure_restarts",
    "overall",
    "own_state",
    "ready",
    "risk_each",
    "unasked",
]

ORDER = (Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.ERRORED, Verdict.FAILED)  # from best to worst
RUNNING = frozenset({"Running", "RunningAtMaxScale"})
BROKEN = frozenset({"Failed", "Degraded"})
UNHEALTHY_LOOKS = 2  # Unhealthy passes by while a revision warms up (aca-platform A7)
MILLISECOND = timedelta(milliseconds=1)
SURE = 1e6  # odds beyond this are not told apart in words


def measure_errors(check: Check, tally: Tally, risk: float = RISK) -> Measurement:
    """Judge the errors counted so far. `missing` counts clean requests of the canary, at the present mix."""
    limit = check.limit or Limit()
    verdict, because, missing = _judged(check, tally, limit, risk)
    return Measurement(
        check=check.text,
        verdict=verdict,
        because=because,
        value=_rate(tally.canary),
        limit=_limit(limit, tally),
        stable=_rate(tally.stable),
        samples=tally.canary.requests,
        missing=missing,
        strikes=tally.strikes,
        warn=check.warn,
    )


def _judged(check: Check, tally: Tally, limit: Limit, risk: float) -> tuple[Verdict, str, int | None]:
    """The verdict, because, and the clean requests that are missing (None: more requests do not help)."""
    canary, ruled_out = tally.canary, _spelt(bets.ceiling(limit))
    seen = f"errors {canary.errors:,} of {canary.requests:,}"
    standing = f"{seen} ({100 * (_rate(canary) or 0.0):.1f} %), limit {_beside_stable(limit, tally)}"
    if bets.fails(check, tally, risk):
        verdict = Verdict.FAILED if tally.strikes >= check.strikes else Verdict.INCONCLUSIVE
        return verdict, f"{standing}: {_worse(bets.odds(check, tally))}{_strike(check, tally)}", None
    more = max(bets.missing(limit, tally, risk), check.minimum - canary.requests)
    if canary.requests < check.minimum:
        few = f"{canary.requests:,} requests are too few to judge ({check.minimum:,})"
        return Verdict.INCONCLUSIVE, few, more
    if not canary.requests:
        return Verdict.INCONCLUSIVE, "no requests to judge yet", more
    if bets.allowed(limit).times and not tally.stable.requests:
        return Verdict.INCONCLUSIVE, f"{standing}: cannot be judged, stable has had no requests", None
    if more:
        return Verdict.INCONCLUSIVE, f"{seen}, needs {more:,} more requests to rule out {ruled_out}", more
    return Verdict.PASSED, standing, 0


def _rate(counts: Counts) -> float | None:
    return counts.errors / counts.requests if counts.requests else None


def _limit(limit: Limit, tally: Tally) -> float | None:
    """The error rate that is allowed now; None while stable's is not known."""
    terms, stable = bets.allowed(limit), _rate(tally.stable)
    if not terms.times:
        return terms.rate
    if stable is None:
        return None
    return max(terms.times * stable + terms.rate, FLOOR if limit.times is not None else 0.0)


def _spelt(terms: bets.Terms) -> str:
    """A limit as people write it."""
    factor = "stable" if terms.times == 1 else f"stable x {terms.times:.3g}"
    share = f"{100 * terms.rate:.3g} %"
    if not terms.times:
        return share
    return f"{factor} + {share}" if terms.rate else factor


def _beside_stable(limit: Limit, tally: Tally) -> str:
    terms, stable = bets.allowed(limit), _rate(tally.stable)
    if not terms.times or stable is None:
        return _spelt(terms)
    return f"{_spelt(terms)} (stable {100 * stable:.1f} %{' before' if tally.alone else ''})"


def _worse(odds: float) -> str:
    if math.isinf(odds):
        return "none is allowed"
    return f"{'over ' if odds > SURE else ''}{min(odds, SURE):,.0f} to 1 that it is worse"


def _strike(check: Check, tally: Tally) -> str:
    return f", strike {min(tally.strikes, check.strikes)} of {check.strikes}" if check.strikes > 1 else ""


def measure_probe(check: Check, tally: Tally, probe: ProbeSeen | None) -> tuple[Tally, Measurement]:
    """Judge the last probe; None: not asked now, so what is known stands. `tally.canary` counts the probes."""
    spec = check.probe or ProbeSpec()
    because = "not asked now" if tally.canary.requests else "not asked yet"
    if probe is not None:
        wrong = _wrong(spec, probe)
        because = wrong or f"{probe.status} in {probe.took / MILLISECOND:.0f} ms"
        counted = Counts(requests=tally.canary.requests + 1, errors=tally.canary.errors + bool(wrong))
        tally = replace(tally, canary=counted, strikes=tally.strikes + 1 if wrong else 0)
    if tally.strikes >= check.strikes:
        verdict = Verdict.FAILED
    else:
        verdict = Verdict.INCONCLUSIVE if tally.strikes or not tally.canary.requests else Verdict.PASSED
    return tally, Measurement(
        check=check.text,
        verdict=verdict,
        because=f"probe {spec.path}: {because}{_strike(check, tally) if tally.strikes else ''}",
        value=None if probe is None else probe.status,
        samples=tally.canary.requests,
        strikes=tally.strikes,
        warn=check.warn,
    )


def _wrong(spec: ProbeSpec, probe: ProbeSeen) -> str:
    """What is wrong with this answer; "" if nothing is."""
    if probe.status is None:
        return f"no answer, {probe.because}" if probe.because else "no answer"
    if not spec.lowest <= probe.status <= spec.highest:
        return f"{probe.status}, expected {spec.lowest}-{spec.highest}"
    if spec.under is not None and probe.took >= spec.under:
        return f"{probe.took / MILLISECOND:.0f} ms, limit {spec.under / MILLISECOND:.0f} ms"
    return ""


def measure_restarts(check: Check, restarts: int | None) -> Measurement:
    """Judge the restarts of the canary's containers so far; None: could not ask."""
    if restarts is None:
        return unasked(check, "the restarts could not be asked for")
    verdict = Verdict.FAILED if restarts > check.most else Verdict.PASSED
    because = f"restarts {restarts}, limit {check.most}"
    return Measurement(
        check=check.text, verdict=verdict, because=because, value=restarts, limit=check.most, warn=check.warn
    )


def unasked(check: Check, because: str) -> Measurement:
    """The answer of a check whose numbers could not be had."""
    return Measurement(check=check.text, verdict=Verdict.ERRORED, because=because, warn=check.warn)


def own_state(revision: RevisionSeen | None, unhealthy: int) -> Measurement:
    """Judge what Azure says of the canary itself (states: aca-platform A7).

    revision None: it is gone. unhealthy: looks in a row before this one that found it Unhealthy.
    """
    verdict, because = _state(revision, unhealthy)
    return Measurement(check="own state", verdict=verdict, because=because)


def _state(revision: RevisionSeen | None, unhealthy: int) -> tuple[Verdict, str]:
    if revision is None:
        return Verdict.FAILED, "the revision does not exist"
    state = ", ".join(filter(None, (revision.provisioning, revision.health, revision.running, revision.details)))
    if not revision.active:  # Azure calls it Provisioned and Healthy all the same
        return Verdict.FAILED, "the revision is inactive"
    if revision.provisioning == "Failed" or revision.running in BROKEN:
        return Verdict.FAILED, f"the revision failed: {state}"
    if revision.health == "Unhealthy":
        looks = unhealthy + 1
        verdict = Verdict.FAILED if looks >= UNHEALTHY_LOOKS else Verdict.INCONCLUSIVE
        return verdict, f"the revision is unhealthy, look {looks} of {UNHEALTHY_LOOKS}: {state}"
    idle = revision.running == "ScaledToZero" and revision.floor == 0
    if (
        revision.provisioning == "Provisioned"
        and revision.health == "Healthy"
        and (revision.running in RUNNING or idle)
    ):
        return Verdict.PASSED, f"the revision is healthy: {state}"
    return Verdict.INCONCLUSIVE, f"the revision is not up yet: {state or 'no state'}"


def ready(revision: RevisionSeen | None, *, probed: bool) -> tuple[bool, str]:
    """Whether the canary may get its first weight, and why; probed: it answered a probe within the last minute."""
    verdict, because = _state(revision, 0)
    if revision is None or verdict is not Verdict.PASSED:
        return False, because
    wanted = max(1, revision.floor)
    if revision.replicas >= wanted:
        return True, f"healthy with {revision.replicas} of {wanted} replicas"
    if revision.floor == 0:
        return probed, f"healthy, no replica now, {'answered a probe' if probed else 'no probe answered lately'}"
    return False, f"healthy, but only {revision.replicas} of {wanted} replicas"


def overall(measurements: Iterable[Measurement]) -> Verdict:
    """The worst verdict of those that count; none at all is not a pass."""
    verdicts = [measurement.verdict for measurement in measurements if not measurement.warn]
    return max(verdicts, key=ORDER.index, default=Verdict.INCONCLUSIVE)
