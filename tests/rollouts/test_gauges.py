"""Numbers that a query answers: what is asked and when, what each answer means, and what a rollout makes of it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollouts import gauges
from rollouts.checks import Check, CheckKind, Compare, Gauge, Measurement, OnNoData, Reading, Tally, Verdict
from rollouts.decided import Said
from rollouts.model import Phase, Step
from rollouts.seen import MetricSeen, Unknown
from tests.rollouts.world import START, World, a_plan

if TYPE_CHECKING:
    from rollouts.model import Plan, Rollout

MINUTE = timedelta(minutes=1)
BEFORE = Measurement(check="", verdict=Verdict.INCONCLUSIVE, because="not asked yet")
P95 = Gauge(name="appinsights", percentile=95, number=400.0)
AS_STABLE = Gauge(name="appinsights", percentile=95, times=1.2)
BACKLOG = Gauge(name="mail-backlog", number=500.0)


def a_check(gauge: Gauge, *, minimum: int = 0, strikes: int = 2, warn: bool = False) -> Check:
    return Check(kind=CheckKind.METRIC, text=gauge.name, gauge=gauge, minimum=minimum, strikes=strikes, warn=warn)


def seen(
    canary: float | None, stable: float | None = None, *, samples: int | None = None, beside: int | None = None
) -> MetricSeen:
    return MetricSeen(
        since=START,
        until=START + MINUTE,
        canary=Reading(value=canary, samples=samples),
        stable=Reading(value=stable, samples=beside if beside is not None else samples),
    )


def judged(check: Check, *answers: MetricSeen | Unknown | None, weight: int = 5) -> Measurement:
    """The last measurement after these answers, one look after the other."""
    tally, measurement = Tally(), BEFORE
    for answer in answers:
        tally, measurement = gauges.measure(check, tally, answer, measurement, weight=weight)
    return measurement


# ---- what an answer means


@pytest.mark.parametrize(
    ("gauge", "answers", "verdict", "because"),
    [
        (P95, [seen(212.3)], Verdict.PASSED, "p95 212 ms, limit 400 ms"),
        (P95, [seen(400.0)], Verdict.PASSED, "p95 400 ms, limit 400 ms"),
        (P95, [seen(1904.2)], Verdict.INCONCLUSIVE, "p95 1,904 ms, limit 400 ms, strike 1 of 2"),
        (P95, [seen(1904.2)] * 2, Verdict.FAILED, "p95 1,904 ms, limit 400 ms, strike 2 of 2"),
        (P95, [seen(500.0), seen(300.0), seen(500.0)], Verdict.INCONCLUSIVE, "p95 500 ms, limit 400 ms, strike 1 of 2"),
        (AS_STABLE, [seen(212.0, 208.0)], Verdict.PASSED, "p95 212 ms (stable 208 ms), limit stable x 1.2"),
        (
            AS_STABLE,
            [seen(260.0, 208.0)] * 2,
            Verdict.FAILED,
            "p95 260 ms (stable 208 ms), limit stable x 1.2, strike 2 of 2",
        ),
        (
            replace(AS_STABLE, times=1.0, number=50.0),
            [seen(258.0, 208.0)],
            Verdict.PASSED,
            "p95 258 ms (stable 208 ms), limit stable + 50 ms",
        ),
        (BACKLOG, [seen(730.4)], Verdict.INCONCLUSIVE, "mail-backlog 730, limit 500, strike 1 of 2"),
        (replace(BACKLOG, number=0.5), [seen(0.25)], Verdict.PASSED, "mail-backlog 0.25, limit 0.5"),
        (
            replace(BACKLOG, compare=Compare.AT_LEAST),
            [seen(499.0)] * 2,
            Verdict.FAILED,
            "mail-backlog 499, limit at least 500, strike 2 of 2",
        ),
        (replace(BACKLOG, compare=Compare.ABOVE), [seen(500.0)], Verdict.INCONCLUSIVE, None),
        (replace(BACKLOG, compare=Compare.BELOW), [seen(500.0)], Verdict.INCONCLUSIVE, None),
        (replace(BACKLOG, compare=Compare.EQUAL, number=0.0), [seen(0.0)], Verdict.PASSED, None),
        (P95, [seen(None)], Verdict.INCONCLUSIVE, "p95: the query answered no number"),
        (P95, [seen(math.nan)], Verdict.INCONCLUSIVE, "p95: the query answered no number"),
        (P95, [seen(math.inf)] * 9, Verdict.INCONCLUSIVE, "p95: the query answered no number"),
        (
            AS_STABLE,
            [seen(212.0, None)],
            Verdict.INCONCLUSIVE,
            "p95 212 ms, limit stable x 1.2: cannot be judged, stable has no number",
        ),
        (AS_STABLE, [seen(212.0, math.nan)], Verdict.INCONCLUSIVE, None),
        (P95, [Unknown(because="logs 503")], Verdict.ERRORED, "p95: logs 503"),
        (P95, [seen(212.0), None], Verdict.PASSED, "p95 212 ms, limit 400 ms"),
    ],
)
def test_an_answer_is_judged_by_a_plain_rule_with_strikes(
    gauge: Gauge, answers: list[MetricSeen | Unknown | None], verdict: Verdict, because: str | None
) -> None:
    found = judged(a_check(gauge), *answers)
    assert found.verdict is verdict
    assert because is None or found.because == because


def test_a_measurement_carries_its_numbers_and_the_time_it_is_about() -> None:
    found = judged(a_check(AS_STABLE, minimum=10, warn=True), seen(260.0, 200.0, samples=8120))
    assert found == Measurement(
        check="appinsights",
        verdict=Verdict.INCONCLUSIVE,
        because="p95 260 ms (stable 200 ms), limit stable x 1.2, strike 1 of 2",
        value=260.0,
        limit=240.0,
        stable=200.0,
        samples=8120,
        strikes=1,
        warn=True,
        since=START,
        until=START + MINUTE,
    )


@pytest.mark.parametrize(
    ("answer", "verdict", "because", "missing"),
    [
        (seen(9e9, samples=49), Verdict.INCONCLUSIVE, "p95: 49 samples are too few to judge (50)", 1),
        (seen(None, samples=0), Verdict.INCONCLUSIVE, "p95: 0 samples are too few to judge (50)", 50),
        (seen(212.0, samples=50), Verdict.PASSED, "p95 212 ms, limit 400 ms", None),
        (
            seen(212.0),
            Verdict.ERRORED,
            "p95: min 50 needs a column samples, found none in the query's answer",
            None,
        ),
    ],
)
def test_too_few_samples_say_nothing(answer: MetricSeen, verdict: Verdict, because: str, missing: int | None) -> None:
    found = judged(a_check(P95, minimum=50, strikes=1), answer)
    assert (found.verdict, found.because, found.missing) == (verdict, because, missing)


def test_stable_is_no_yardstick_with_too_few_samples() -> None:
    found = judged(a_check(AS_STABLE, minimum=50), seen(212.0, 1.0, samples=900, beside=49))
    assert found.because == "p95 212 ms, limit stable x 1.2: cannot be judged, stable has no number"


def test_what_tells_nothing_neither_strikes_nor_clears() -> None:
    bad, nothing = seen(900.0, samples=60), seen(None, samples=3)
    assert judged(a_check(P95, minimum=50), bad, nothing).strikes == 1
    assert judged(a_check(P95, minimum=50), bad, nothing, Unknown(because="x"), bad).verdict is Verdict.FAILED


@pytest.mark.parametrize(("stable", "limit"), [(200.0, 220.0), (0.0, 0.0), (-10.0, -10.0)])
def test_a_factor_widens_nothing_at_or_below_zero(stable: float, limit: float) -> None:
    gauge = Gauge(name="x", times=1.1)
    assert gauges.allowed(gauge, stable) == pytest.approx(limit)
    assert judged(a_check(gauge), seen(stable, stable)).verdict is Verdict.PASSED


def test_at_100_percent_the_canary_is_held_to_what_stable_showed_before() -> None:
    check = a_check(AS_STABLE, strikes=1)
    tally, _ = gauges.measure(check, Tally(), seen(210.0, 200.0), BEFORE, weight=50)
    tally, _ = gauges.measure(check, tally, seen(210.0, None), BEFORE, weight=50)  # once it had nothing to tell
    alone = MetricSeen(since=START, until=START + MINUTE, canary=Reading(value=250.0))
    _, found = gauges.measure(check, tally, alone, BEFORE, weight=100)
    assert found.because == "p95 250 ms (stable 200 ms before), limit stable x 1.2"
    assert found.verdict is Verdict.FAILED


def test_at_0_percent_there_are_no_durations_but_a_backlog_there_is() -> None:
    assert judged(a_check(P95), None, weight=0).because == "at 0 % there are no requests to measure"
    assert judged(a_check(P95), None, weight=0).verdict is Verdict.PASSED
    assert judged(a_check(BACKLOG), seen(900.0), seen(900.0), weight=0).verdict is Verdict.FAILED


FINITE = st.floats(-1e6, 1e6)
ANY = FINITE | st.sampled_from([math.nan, math.inf, -math.inf]) | st.none()


def worse(gauge: Gauge, value: float, stable: float) -> bool:
    """The rule in the words of the reference, apart from how it is computed."""
    base = stable if gauge.times is not None else 0.0
    widened = base if gauge.times is None or base <= 0 else base * gauge.times
    bound = widened + gauge.number
    return {"<=": value > bound, "<": value >= bound, ">=": value < bound, ">": value <= bound, "==": value != bound}[
        gauge.compare.value
    ]


@given(
    st.builds(
        Gauge,
        name=st.just("x"),
        compare=st.sampled_from(Compare),
        number=FINITE,
        times=st.none() | st.floats(0.1, 10),
    ),
    st.lists(st.tuples(ANY, ANY, st.none() | st.integers(0, 100)), min_size=1, max_size=8),
    st.integers(0, 60),
    st.integers(1, 4),
)
def test_it_fails_exactly_after_so_many_readings_in_a_row_that_tell_something_and_are_worse(
    gauge: Gauge, answers: list[tuple[float | None, float | None, int | None]], minimum: int, strikes: int
) -> None:
    found = judged(
        a_check(gauge, minimum=minimum, strikes=strikes),
        *(seen(canary, stable, samples=samples) for canary, stable, samples in answers),
    )
    in_a_row = 0
    last: bool | None = None
    for canary, stable, samples in answers:
        last = None
        few = (samples is None and minimum > 0) or (samples or 0) < minimum
        needs = [canary] if gauge.times is None else [canary, stable]
        if few or any(number is None or not math.isfinite(number) for number in needs):
            continue
        last = worse(gauge, canary or 0.0, stable or 0.0)
        in_a_row = in_a_row + 1 if last else 0
    assert found.strikes == in_a_row
    assert (found.verdict is Verdict.PASSED) == (last is False)
    assert (found.verdict is Verdict.FAILED) == (last is True and in_a_row >= strikes)


# ---- what is asked, and when


def baking(plan: Plan, *, step: int = 0) -> Rollout:
    world = World(plan=plan)
    world.push(1)
    return world.run_until(Phase.BAKING, step)


def plan_of(*checks: Check, weights: tuple[int, ...] = (5, 100), **more: object) -> Plan:
    return a_plan(*weights, checks=checks, **more)


@pytest.mark.parametrize("over", [None, timedelta(minutes=3)])
def test_a_reading_is_of_settled_time_since_the_weight_was_seen_or_of_the_last_while(over: timedelta | None) -> None:
    live = baking(plan_of(a_check(replace(P95, over=over))))
    assert live.verified_at
    assert live.ready_at
    settle, now = timedelta(minutes=2), live.verified_at + timedelta(minutes=7)
    asked = gauges.due(live, now, settle=settle, every=MINUTE)[0]
    assert asked.until == now - settle
    assert asked.since == (live.verified_at if over is None else asked.until - over)
    assert not asked.stable
    soon = live.verified_at + settle + timedelta(seconds=1)
    if over is not None:  # not before there was a canary
        live = replace(live, gauged=None)
        assert gauges.due(live, soon, settle=settle, every=MINUTE)[0].since == live.ready_at


def test_nothing_is_asked_before_anything_has_settled_nor_twice_in_a_minute() -> None:
    live = baking(plan_of(a_check(P95)))
    assert live.verified_at
    settle = timedelta(minutes=3)
    fresh = replace(live, gauged=None)
    assert gauges.due(fresh, live.verified_at + settle, settle=settle, every=MINUTE) == {}
    assert gauges.due(fresh, live.verified_at + settle + timedelta(seconds=1), settle=settle, every=MINUTE)
    now = live.verified_at + timedelta(minutes=9)
    asked = replace(live, gauged=now - settle - timedelta(seconds=59))
    assert gauges.due(asked, now, settle=settle, every=MINUTE) == {}
    assert gauges.due(asked, now + timedelta(seconds=1), settle=settle, every=MINUTE)


def test_nothing_is_asked_of_what_a_person_asked_to_leave() -> None:
    live = replace(baking(plan_of(a_check(P95))), gauged=None)
    assert live.verified_at
    now = live.verified_at + timedelta(minutes=9)
    assert gauges.due(live, now, settle=timedelta(), every=MINUTE)
    assert gauges.due(replace(live, left={"ca-web--first": 100}), now, settle=timedelta(), every=MINUTE) == {}


@pytest.mark.parametrize(("weight", "places", "stable"), [(0, [1], True), (5, [0, 1], True), (100, [0, 1], False)])
def test_only_what_has_an_answer_at_this_weight_is_asked(weight: int, places: list[int], stable: bool) -> None:  # noqa: FBT001 - a case
    live = baking(plan_of(a_check(AS_STABLE), a_check(Gauge(name="x", times=1.1))))
    assert live.plan
    assert live.verified_at
    now = live.verified_at + MINUTE
    live = replace(live, plan=replace(live.plan, steps=(Step(weight=weight, bake=MINUTE),)))
    asked = gauges.due(live, now, settle=timedelta(), every=MINUTE)
    assert sorted(asked) == places
    assert {asking.stable for asking in asked.values()} == {stable}


# ---- what a rollout makes of it


def rolled_out(plan: Plan, canary: Reading, stable: Reading | None = None, **more: object) -> World:
    world = World(plan=plan, **more)  # type: ignore[arg-type]  # fields of World
    world.readings = {"wb1": canary, "first": stable or Reading(value=200.0, samples=1000)}
    world.push(1)
    world.run()
    return world


def test_a_slow_canary_is_rolled_back_at_its_second_bad_reading() -> None:
    """Wish 4 of the examples: p95 <= stable x 1.2."""
    world = rolled_out(plan_of(a_check(AS_STABLE, minimum=100)), Reading(value=300.0, samples=500))
    assert world.ended[0].phase is Phase.ROLLED_BACK
    assert world.ended[0].because == "p95 300 ms (stable 200 ms), limit stable x 1.2, strike 2 of 2"
    assert world.weights() == {"first": 100}


def test_a_fast_canary_is_promoted_and_no_step_ends_before_a_reading_that_covers_its_bake() -> None:
    settle = timedelta(minutes=3)
    world = rolled_out(plan_of(a_check(AS_STABLE)), Reading(value=210.0, samples=500), settle=settle)
    assert world.ended[0].phase is Phase.PROMOTED
    for before, after in pairwise(world.ticks):
        one, two = before.app.live, after.app.live
        if one and two and one.plan and two.step > one.step and one.verified_at:
            assert two.gauged
            assert two.gauged >= one.verified_at + one.plan.steps[one.step].bake


def test_readings_are_a_minute_apart_whatever_else_ticks() -> None:
    world = rolled_out(plan_of(a_check(P95)), Reading(value=210.0))
    times = [tick.at for tick in world.ticks if tick.seen.metrics]
    assert len(times) > 2
    assert all(later - earlier >= MINUTE for earlier, later in pairwise(times))


def test_a_query_that_cannot_be_asked_holds_the_step_until_the_deadline_pauses_it() -> None:
    world = rolled_out(plan_of(a_check(BACKLOG)), Reading(value=1.0), queries_away=True)
    live = world.app.live
    assert live
    assert live.step == 0
    assert live.paused
    assert live.paused.because == "the deadline passed: mail-backlog: logs 503"


@pytest.mark.parametrize(
    ("word", "phase"),
    [(OnNoData.PROBE, Phase.PROMOTED), (OnNoData.FAIL, Phase.ROLLED_BACK), (OnNoData.WAIT, None)],
)
def test_a_query_without_an_answer_is_left_to_what_the_row_says_of_no_data(word: OnNoData, phase: Phase | None) -> None:
    world = rolled_out(plan_of(a_check(AS_STABLE), on_no_data=word), Reading())
    assert [rollout.phase for rollout in world.ended] == ([phase] if phase else [])
    if phase is None:
        assert world.app.live
        assert world.app.live.paused


def test_one_bad_reading_is_no_lack_of_data_so_the_probe_does_not_decide() -> None:
    world = World(plan=plan_of(a_check(AS_STABLE, strikes=9)))
    world.readings = {"wb1": Reading(value=900.0), "first": Reading(value=200.0)}
    world.push(1)
    world.run_until(Phase.BAKING, 0)
    for _ in range(12):
        world.wait(world.tick().due)
    assert world.app.live
    assert world.app.live.step == 0
    assert world.app.live.measurements[1].strikes > 0


def test_a_metric_that_only_warns_moves_nothing() -> None:
    world = rolled_out(plan_of(a_check(BACKLOG, warn=True)), Reading(value=9e9))
    assert world.ended[0].phase is Phase.PROMOTED
    assert world.ended[0].measurements[1].because == "mail-backlog 9,000,000,000, limit 500, strike 2 of 2"


def test_no_step_waits_for_the_reading_of_a_metric_that_only_warns() -> None:
    checks = (a_check(BACKLOG, warn=True),)
    world = rolled_out(plan_of(*checks), Reading(value=1.0), settle=timedelta(hours=9))
    assert world.ended[0].phase is Phase.PROMOTED
    assert world.ended[0].gauged is None


def test_a_worker_is_held_to_its_backlog() -> None:
    """Wish 8 of the examples: without ingress the canary replaces stable, and is replaced when it falls behind."""
    plan = plan_of(a_check(replace(BACKLOG, over=timedelta(minutes=10))), weights=(100,), replace=True)
    world = World(plan=plan)
    world.live.ingress = False
    world.readings = {"wb1": Reading(value=730.0)}
    world.push(1)
    world.run()
    assert world.ended[0].phase is Phase.ROLLED_BACK
    assert world.ended[0].because == "mail-backlog 730, limit 500, strike 2 of 2"
    assert Said.ROLLED_BACK in world.told()


@given(st.lists(st.floats() | st.none(), max_size=6))
def test_any_run_of_readings_leaves_a_measurement_that_fits_a_row(values: list[float | None]) -> None:
    assume(values)
    found = judged(a_check(AS_STABLE), *(seen(value, value) for value in values))
    assert found.because
    assert len(found.because) < 120
    assert found.value is None or math.isfinite(found.value)
    assert found.stable is None or math.isfinite(found.stable)
