"""How often the judge is wrong, and how soon it is right: exactly for one interval, by simulation for many looks.

WEIGHBRIDGE_RUNS sets the runs per cell (default 200). The research table was made with 4,000 runs per cell: Poisson
arrivals, a look every 15 s for 5 minutes, stable at 0.1 % with 19 times the canary's traffic. Every band below is the
binomial error of both samples, so a run of any size may be held against it.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from rollouts import analysis, bets
from rollouts.checks import Check, CheckKind, Counts, Limit, Tally, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = int(os.environ.get("WEIGHBRIDGE_RUNS", "200"))
TABLE_RUNS = 4000
LOOK = 15  # seconds
LOOKS = 20
DEVIATIONS = 4  # of the binomial error: one cell in 16,000 strays by chance


def errors(limit: Limit) -> Check:
    return Check(kind=CheckKind.ERRORS, text="errors", limit=limit)


ONE_PERCENT = errors(Limit(rate=0.01))
AS_STABLE = errors(Limit(rate=0.0, above_stable=True))  # no floor
ABOVE_STABLE = errors(Limit(rate=0.01, above_stable=True))
TIMES_1 = errors(Limit(times=1.0))
TIMES_2 = errors(Limit(times=2.0))


# ---- one interval, exactly -----------------------------------------------------------------------


def binomial(trials: int, rate: float) -> list[float]:
    return [math.comb(trials, hits) * rate**hits * (1 - rate) ** (trials - hits) for hits in range(trials + 1)]


def expected(
    gains: Callable[[Tally], tuple[float, ...]], check: Check, mine: tuple[int, float], other: tuple[int, float]
) -> list[float]:
    """The mean of what each bet becomes in one interval; mine, other: (requests, error rate) of canary and stable."""
    total = [0.0] * 7
    for failed, chance in enumerate(binomial(*mine)):
        for failed_too, chance_too in enumerate(binomial(*other)):
            canary, stable = Counts(requests=mine[0], errors=failed), Counts(requests=other[0], errors=failed_too)
            won = [math.exp(gain) for gain in gains(bets.add(check, Tally(), canary, stable, 50))]
            total = [sum_ + chance * chance_too * one for sum_, one in zip(total, [*won, 0, 0, 0], strict=False)]
    return total


RATES = [0.0, 0.001, 0.02, 0.1, 0.4]
SIZES = [(1, 1), (3, 40), (20, 20), (30, 6)]
RELATIVE = [
    AS_STABLE,
    ABOVE_STABLE,
    TIMES_1,
    TIMES_2,
    errors(Limit(times=0.5)),
    errors(Limit(rate=0.2, above_stable=True)),
]


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.3])
@pytest.mark.parametrize("requests", [1, 7, 60])
def test_at_the_limit_every_bet_is_exactly_fair_and_below_it_loses(limit: float, requests: int) -> None:
    check = errors(Limit(rate=limit))
    fair = expected(lambda tally: tally.worse, check, (requests, limit), (0, 0.0))
    assert fair == pytest.approx([1.0] * 7)
    assert max(expected(lambda tally: tally.worse, check, (requests, limit / 2), (0, 0.0))) < 1
    passing = bets.ceiling(Limit(rate=limit)).rate
    assert expected(lambda tally: tally.better, check, (requests, passing), (0, 0.0))[:4] == pytest.approx([1.0] * 4)
    worse_still = (requests, (1 + passing) / 2)
    assert max(expected(lambda tally: tally.better, check, worse_still, (0, 0.0))[:4]) < 1


def test_what_passing_rules_out_is_five_times_the_limit_or_halfway_to_all() -> None:
    assert bets.ceiling(Limit(rate=0.01)) == bets.Terms(times=0.0, rate=0.05)
    assert bets.ceiling(Limit(rate=0.3)) == bets.Terms(times=0.0, rate=0.65)
    assert bets.ceiling(Limit(rate=1.0)) == bets.Terms(times=0.0, rate=0.99)
    assert bets.ceiling(Limit(rate=0.0)) == bets.Terms(times=0.0, rate=0.025)
    assert bets.ceiling(Limit(rate=0.01, above_stable=True)) == bets.Terms(times=5.0, rate=0.05)
    assert bets.ceiling(Limit(times=2.0)) == bets.Terms(times=10.0, rate=0.025)


@pytest.mark.parametrize("check", RELATIVE)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("rate", RATES)
def test_beside_stable_no_bet_gains_on_average_whatever_stables_rate(
    check: Check, sizes: tuple[int, int], rate: float
) -> None:
    limit = check.limit or Limit()
    terms = bets.allowed(limit)
    allowed = min(1.0, terms.times * rate + terms.rate)
    won = expected(lambda tally: tally.worse, check, (sizes[0], allowed), (sizes[1], rate))
    assert max(won) <= 1 + 1e-9
    if rate == 0.0:
        assert won == pytest.approx([1.0] * 7)
    too_bad = bets.ceiling(limit).times * rate + bets.ceiling(limit).rate
    if too_bad <= 1:
        won = expected(lambda tally: tally.better, check, (sizes[0], too_bad), (sizes[1], rate))[:4]
        assert max(won) <= 1 + 1e-9


@pytest.mark.parametrize("mean", [0.1, 1.0, 3.0, 7.1, 10.0, 20.0, 50.0, 200.0, 700.0])
def test_what_stable_is_remembered_by_holds_its_true_rate_in_999_of_1000_rollouts(mean: float) -> None:
    requests = 10_000
    terms = bets.Terms(times=1.0, rate=0.0)
    outside = {True: 0.0, False: 0.0}
    for errors_ in range(int(mean + 12 * math.sqrt(mean) + 20)):
        chance = math.exp(errors_ * math.log(mean) - mean - math.lgamma(errors_ + 1))
        before = Tally(stable=Counts(requests=requests, errors=errors_), alone=True)
        at_worst, at_best = (bets._held(terms, before, worst=worst).rate * requests for worst in (True, False))
        outside[True] += chance * (at_worst < mean)
        outside[False] += chance * (at_best > mean)
    assert max(outside.values()) < 1e-3


# ---- many looks ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What RUNS rollouts did. fired: share that failed; seconds: until then, each; passed: share that ended so."""

    fired: float
    seconds: tuple[int, ...]
    passed: float

    def by(self, seconds: float) -> float:
        """The share of those that failed which had failed by then."""
        return sum(each <= seconds for each in self.seconds) / len(self.seconds)


@dataclass(frozen=True, kw_only=True)
class World:
    """Error rates of canary and stable, the canary's requests a second, stable's in multiples of them."""

    canary: float
    stable: float = 0.001
    per_second: float = 1.0
    times: float = 19.0
    looks: int = LOOKS
    incident: range = range(0)  # looks at which both fail at 10 %


def poisson(rng: random.Random, mean: float) -> int:
    stop, drawn, product = math.exp(-mean), 0, rng.random()
    while product > stop:
        drawn, product = drawn + 1, product * rng.random()
    return drawn


def draw(rng: random.Random, requests: float, rate: float) -> Counts:
    failed = poisson(rng, requests * rate)
    # A busy revision's arrivals are even enough; only its errors are rare.
    clean = poisson(rng, requests * (1 - rate)) if requests < 100 else round(requests * (1 - rate))
    return Counts(requests=failed + clean, errors=failed)


def rollout(rng: random.Random, check: Check, world: World, odds: Callable[[Check, Tally], float]) -> tuple[int, Tally]:
    """Looks until it failed (0: never) and the tally then."""
    tally, expect = Tally(), world.per_second * LOOK
    for look in range(1, world.looks + 1):
        bad = look in world.incident
        canary = draw(rng, expect, 0.1 if bad else world.canary)
        stable = draw(rng, expect * world.times, 0.1 if bad else world.stable) if world.times else Counts()
        tally = bets.add(check, tally, canary, stable, 50)
        if odds(check, tally) >= 1 / analysis.RISK:
            return look, tally
    return 0, tally


def simulate(
    check: Check,
    world: World,
    *,
    odds: Callable[[Check, Tally], float] = bets.odds,
    runs: int = RUNS,
    seed: int = 20261124,
) -> Cell:
    rng = random.Random(seed)  # noqa: S311 a simulation must repeat
    ends = [rollout(rng, check, world, odds) for _ in range(runs)]
    fired = [look * LOOK for look, _ in ends if look]
    passed = sum(analysis.measure_errors(check, tally).verdict is Verdict.PASSED for _, tally in ends)
    return Cell(fired=len(fired) / runs, seconds=tuple(fired), passed=passed / runs)


def band(percent: float, *, runs: int = RUNS, table_runs: int = TABLE_RUNS) -> float:
    """How far the shares of two samples of one true share may lie apart; one run each way for the rounding."""
    share = min(max(percent / 100, 1 / table_runs), 1 - 1 / table_runs)
    return DEVIATIONS * math.sqrt(share * (1 - share) * (1 / runs + 1 / table_runs)) + 1 / runs + 0.0005


def worse_alone(_: Check, tally: Tally) -> float:
    """The score against stable without the floor, as the research table has it."""
    return bets._evidence(tally.worse)


NEVER = math.inf
LIMIT_BUSY = [
    (0.001, 0, NEVER),
    (0.01, 0.1, NEVER),
    (0.02, 5.6, NEVER),
    (0.05, 89.2, 135),
    (0.2, 100, 15),
    (1, 100, 15),
]
LIMIT_QUIET = [
    (0.001, 0, NEVER),
    (0.01, 0.1, NEVER),
    (0.02, 1.3, NEVER),
    (0.05, 9.8, NEVER),
    (0.2, 88, 120),
    (1, 100, 30),
]
STABLE_BUSY = [
    (0.001, 0.1, NEVER),
    (0.01, 35.7, NEVER),
    (0.02, 83.2, NEVER),
    (0.05, 100, 60),
    (0.2, 100, 15),
    (1, 100, 15),
]
STABLE_QUIET = [
    (0.001, 0, NEVER),
    (0.01, 1, NEVER),
    (0.02, 3.8, NEVER),
    (0.05, 23.1, NEVER),
    (0.2, 94, 120),
    (1, 100, 30),
]
TWICE_BUSY = [
    (0.001, 0, NEVER),
    (0.01, 15.7, NEVER),
    (0.02, 62.9, NEVER),
    (0.05, 99.7, 75),
    (0.2, 100, 15),
    (1, 100, 15),
]
CELLS = [
    (name, check, per_second, *row)
    for name, check, per_second, rows in (
        ("limit", ONE_PERCENT, 1.0, LIMIT_BUSY),
        ("limit", ONE_PERCENT, 0.1, LIMIT_QUIET),
        ("stable", AS_STABLE, 1.0, STABLE_BUSY),
        ("stable", AS_STABLE, 0.1, STABLE_QUIET),
        ("2 x stable", TIMES_2, 1.0, TWICE_BUSY),
    )
    for row in rows
]


@pytest.mark.parametrize(("name", "check", "per_second", "rate", "fired", "median"), CELLS)
def test_the_score_fires_as_often_and_as_soon_as_the_research_table_says(
    name: str, check: Check, per_second: float, rate: float, fired: float, median: float
) -> None:
    odds = worse_alone if name == "2 x stable" else bets.odds
    cell = simulate(check, World(canary=rate, per_second=per_second), odds=odds)
    assert cell.fired == pytest.approx(fired / 100, abs=band(fired))
    if median is not NEVER:
        half = band(50, runs=len(cell.seconds))
        assert cell.by(median - LOOK) <= 0.5 + half
        assert cell.by(median) >= 0.5 - half


# Measured here with 20,000 runs: fired %, passed %, and the price of the floor beside a nearly clean stable.
MEASURED = [
    (TIMES_1, 0.001, 0.0, 88.0),
    (TIMES_1, 0.01, 2.7, 13.9),
    (TIMES_1, 0.02, 32.5, 1.1),
    (TIMES_1, 0.05, 98.7, 0.0),
    (TIMES_2, 0.001, 0.0, 94.0),
    (TIMES_2, 0.01, 2.6, 23.9),
    (TIMES_2, 0.02, 32.2, 2.7),
    (TIMES_2, 0.05, 98.6, 0.0),
    (TIMES_2, 0.2, 100.0, 0.0),
    (ABOVE_STABLE, 0.001, 0.0, 100.0),
    (ABOVE_STABLE, 0.01, 0.2, 88.1),
    (ABOVE_STABLE, 0.02, 4.7, 38.8),
    (ABOVE_STABLE, 0.05, 86.4, 0.2),
    (ABOVE_STABLE, 0.2, 100.0, 0.0),
]


@pytest.mark.parametrize(("check", "rate", "fired", "passed"), MEASURED)
def test_with_its_floor_a_relative_limit_fires_and_passes_as_measured(
    check: Check, rate: float, fired: float, passed: float
) -> None:
    cell = simulate(check, World(canary=rate))
    assert cell.fired == pytest.approx(fired / 100, abs=band(fired, table_runs=20_000))
    assert cell.passed == pytest.approx(passed / 100, abs=band(passed, table_runs=20_000))


LONG = 40  # looks: ten minutes
AT_THE_EDGE = [
    (ONE_PERCENT, World(canary=0.01, times=0, looks=LONG)),
    (AS_STABLE, World(canary=0.3, stable=0.3, times=1, looks=LONG)),
    (ABOVE_STABLE, World(canary=0.03, stable=0.02, looks=LONG)),
    (ABOVE_STABLE, World(canary=0.03, stable=0.02, times=1 / 3, looks=LONG)),
    (TIMES_1, World(canary=0.02, stable=0.02, times=3, looks=LONG)),
    (TIMES_2, World(canary=0.04, stable=0.02, looks=LONG)),
    (TIMES_2, World(canary=0.2, stable=0.1, times=1, looks=LONG)),
    (TIMES_2, World(canary=0.005, stable=0.0, looks=LONG)),
]


@pytest.mark.parametrize(("check", "world"), AT_THE_EDGE)
def test_a_canary_just_at_its_limit_is_rolled_back_within_the_risk_however_often_one_looks(
    check: Check, world: World
) -> None:
    cell = simulate(check, world)
    assert cell.fired <= analysis.RISK + DEVIATIONS * math.sqrt(analysis.RISK * (1 - analysis.RISK) / RUNS)


JUST_TOO_BAD = [
    (ONE_PERCENT, World(canary=0.05, times=0)),
    (ABOVE_STABLE, World(canary=0.055, stable=0.001)),
    (TIMES_2, World(canary=0.035, stable=0.001)),
]


@pytest.mark.parametrize(("check", "world"), JUST_TOO_BAD)
def test_a_canary_at_the_ceiling_passes_within_the_risk(check: Check, world: World) -> None:
    cell = simulate(check, world, odds=lambda _check, _tally: 0.0)  # never failed, so that all of them might pass
    assert cell.passed <= analysis.RISK + DEVIATIONS * math.sqrt(analysis.RISK * (1 - analysis.RISK) / RUNS)


@pytest.mark.parametrize("check", [AS_STABLE, ABOVE_STABLE, TIMES_1, TIMES_2])
def test_an_incident_that_hits_both_rolls_nothing_back(check: Check) -> None:
    cell = simulate(check, World(canary=0.001, incident=range(8, 12)))
    assert cell.fired <= analysis.RISK + DEVIATIONS * math.sqrt(analysis.RISK * (1 - analysis.RISK) / RUNS)


@pytest.mark.parametrize("check", [ONE_PERCENT, ABOVE_STABLE, TIMES_2])
@pytest.mark.parametrize(("rate", "within"), [(1.0, 45), (0.2, 150)])
def test_a_canary_that_turns_bad_after_two_good_steps_is_found_within_the_third(
    check: Check, rate: float, within: int
) -> None:
    rng = random.Random(4)  # noqa: S311 a simulation must repeat
    found: list[int] = []
    for _ in range(max(20, RUNS // 20)):
        tally = Tally()
        for weight, looks in ((5, 40), (25, 40)):
            for _ in range(looks):
                good, stable = (draw(rng, 3 * share, 0.001) for share in (weight, 100 - weight))
                tally = bets.add(check, tally, good, stable, weight)
        look = 0
        while bets.odds(check, tally) < 1 / analysis.RISK:
            look += 1
            tally = bets.add(check, tally, draw(rng, 150, rate), draw(rng, 150, 0.001), 50)
            assert look < 40
        found.append(look * LOOK)
    assert max(found) <= within
