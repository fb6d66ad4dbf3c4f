"""What the judge says of given counts, in numbers and words. Its error rates over many looks: test_analysis_rates."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts import analysis, bets
from rollouts.checks import Check, CheckKind, Counts, Limit, Measurement, ProbeSpec, Tally, Verdict
from rollouts.seen import ProbeSeen, RevisionSeen

NONE = Counts()


def errors(limit: Limit, *, text: str = "errors", minimum: int = 0, strikes: int = 1, warn: bool = False) -> Check:
    return Check(kind=CheckKind.ERRORS, text=text, limit=limit, minimum=minimum, strikes=strikes, warn=warn)


ONE_PERCENT = errors(Limit(rate=0.01))
ABOVE_STABLE = errors(Limit(rate=0.01, above_stable=True))
AS_STABLE = errors(Limit(rate=0.0, above_stable=True))
TWICE_STABLE = errors(Limit(times=2.0))
NO_ERRORS = errors(Limit(rate=0.0))
KINDS = [ONE_PERCENT, ABOVE_STABLE, AS_STABLE, TWICE_STABLE, NO_ERRORS]


def counts(errors_: int, requests: int) -> Counts:
    return Counts(requests=requests, errors=errors_)


def once(check: Check, canary: Counts, stable: Counts = NONE, *, weight: int = 50, risk: float = 0.01) -> Tally:
    return bets.add(check, Tally(), canary, stable, weight, risk=risk)


def judge(check: Check, canary: Counts, stable: Counts = NONE, *, weight: int = 50, risk: float = 0.01) -> Measurement:
    return analysis.measure_errors(check, once(check, canary, stable, weight=weight, risk=risk), risk)


# ---- the numbers that are promised ---------------------------------------------------------------


def test_the_constants_are_those_the_documents_name() -> None:
    assert analysis.WORSE == (2, 4, 8, 16, 32, 64, 128)
    assert analysis.BETTER == (0, 1 / 8, 1 / 4, 1 / 2)
    assert (analysis.RISK, analysis.CEILING, analysis.FLOOR) == (0.01, 5.0, 0.005)


ROLLS_BACK_AT_1_PERCENT = {5: 2, 10: 3, 30: 4, 60: 5, 100: 7, 300: 11, 1000: 24, 3000: 53, 10000: 154}
ROLLS_BACK_AT_5_PERCENT_RISK = {5: 2, 10: 2, 30: 3, 60: 5, 100: 6, 300: 10}


@pytest.mark.parametrize(("requests", "failed"), ROLLS_BACK_AT_1_PERCENT.items())
def test_a_limit_of_1_percent_fails_from_so_many_errors_on_and_not_before(requests: int, failed: int) -> None:
    assert judge(ONE_PERCENT, counts(failed, requests)).verdict is Verdict.FAILED
    assert judge(ONE_PERCENT, counts(failed - 1, requests)).verdict is not Verdict.FAILED


@pytest.mark.parametrize(("requests", "failed"), ROLLS_BACK_AT_5_PERCENT_RISK.items())
def test_a_risk_of_5_percent_needs_fewer_errors(requests: int, failed: int) -> None:
    assert judge(ONE_PERCENT, counts(failed, requests), risk=0.05).verdict is Verdict.FAILED
    assert judge(ONE_PERCENT, counts(failed - 1, requests), risk=0.05).verdict is not Verdict.FAILED


# (weight, errors of both, errors of the canary that fail it): the research table for "as often as stable"
AS_STABLE_TABLE = [(5, 2, 2), (5, 5, 3), (5, 10, 5), (5, 40, 9), (50, 8, 8), (50, 10, 10), (50, 40, 31)]


def beside(weight: int, canary_requests: int) -> int:
    return canary_requests * (100 - weight) // weight


@pytest.mark.parametrize(("weight", "total", "failed"), AS_STABLE_TABLE)
@pytest.mark.parametrize("requests", [100, 1000])
def test_beside_stable_only_whose_errors_they_were_counts(weight: int, total: int, failed: int, requests: int) -> None:
    stable = beside(weight, requests)
    at, before = (
        judge(AS_STABLE, counts(mine, requests), counts(total - mine, stable)) for mine in (failed, failed - 1)
    )
    assert at.verdict is Verdict.FAILED
    assert before.verdict is not Verdict.FAILED


# The floor asks for 5 errors of 100 whatever stable does, so it moves the first two rows of the table and no other.
TIMES_1_AT_100_REQUESTS = [(5, 5, 5), (5, 10, 5), (5, 40, 9), (50, 8, 8), (50, 10, 10), (50, 40, 31)]
TIMES_2_AT_100_REQUESTS = [(5, 5, 5), (5, 8, 5), (5, 10, 6), (5, 40, 12), (50, 40, 36)]


@pytest.mark.parametrize(
    ("times", "weight", "total", "failed"),
    [(1.0, *row) for row in TIMES_1_AT_100_REQUESTS] + [(2.0, *row) for row in TIMES_2_AT_100_REQUESTS],
)
def test_a_factor_of_stable_fails_only_above_the_floor_too(times: float, weight: int, total: int, failed: int) -> None:
    check = errors(Limit(times=times))
    stable = beside(weight, 100)
    assert judge(check, counts(failed, 100), counts(total - failed, stable)).verdict is Verdict.FAILED
    assert judge(check, counts(failed - 1, 100), counts(total - failed + 1, stable)).verdict is not Verdict.FAILED


@pytest.mark.parametrize(("requests", "failed"), {2: 2, 10: 2, 30: 3, 60: 4, 100: 5, 300: 8, 1000: 16}.items())
def test_beside_a_clean_and_large_stable_the_floor_alone_decides(requests: int, failed: int) -> None:
    stable = counts(0, 1000 * requests)
    assert judge(TWICE_STABLE, counts(failed, requests), stable).verdict is Verdict.FAILED
    assert judge(TWICE_STABLE, counts(failed - 1, requests), stable).verdict is not Verdict.FAILED


def test_a_difference_below_the_floor_never_fails_however_sure_it_is() -> None:
    seen = judge(TWICE_STABLE, counts(400, 100_000), counts(0, 100_000))
    assert seen.verdict is Verdict.PASSED
    assert judge(ABOVE_STABLE, counts(900, 100_000), counts(0, 100_000)).verdict is Verdict.PASSED


def test_no_floor_protects_a_limit_that_names_its_own_rate() -> None:
    tight = errors(Limit(rate=0.001, above_stable=True))
    assert judge(tight, counts(400, 100_000), counts(0, 100_000)).verdict is Verdict.FAILED
    assert once(tight, counts(1, 10), counts(0, 10)).floor == ()


PASSES_AFTER = [
    (Limit(rate=0.01), 0, 106),
    (Limit(rate=0.01), 1, 167),
    (Limit(rate=0.01), 2, 209),
    (Limit(rate=0.02), 0, 52),
    (Limit(rate=0.004), 0, 267),
    (Limit(rate=0.0), 0, 213),  # 5 times the floor
    (Limit(rate=0.3), 0, 6),  # halfway to 100 %, for 5 times would be past it
    (Limit(rate=1.0), 0, 2),
]


@pytest.mark.parametrize(("limit", "failed", "requests"), PASSES_AFTER)
def test_passing_takes_so_many_requests_and_says_how_many_are_missing(limit: Limit, failed: int, requests: int) -> None:
    check = errors(limit)
    passed, short = judge(check, counts(failed, requests)), judge(check, counts(failed, requests - 1))
    assert (passed.verdict, passed.missing) == (Verdict.PASSED, 0)
    assert (short.verdict, short.missing) == (Verdict.INCONCLUSIVE, 1)


@pytest.mark.parametrize(
    ("check", "requests"), [(ABOVE_STABLE, 107), (AS_STABLE, 217), (TWICE_STABLE, 220), (errors(Limit(times=1.0)), 217)]
)
def test_passing_beside_a_clean_stable(check: Check, requests: int) -> None:
    stable = counts(0, 19 * requests)
    assert judge(check, counts(0, requests), stable).verdict is Verdict.PASSED
    assert judge(check, counts(0, requests - 1), stable).verdict is Verdict.INCONCLUSIVE


@given(
    limit=st.sampled_from([check.limit or Limit() for check in KINDS]),
    failed=st.integers(0, 6),
    clean=st.integers(0, 3000),
    share=st.integers(1, 20),
    alone=st.booleans(),
)
def test_the_missing_requests_are_exactly_those_that_settle_it(
    limit: Limit,
    failed: int,
    clean: int,
    share: int,
    alone: bool,  # noqa: FBT001 hypothesis passes by name
) -> None:
    check = errors(limit)
    requests = failed + clean
    tally = once(check, counts(failed, requests), counts(failed // 2, share * max(1, requests)))
    tally = replace(tally, alone=alone)
    missing = bets.missing(limit, tally, 0.01)

    def evidence_after(more: int) -> float:
        busy = tally.stable.requests / max(1, requests)
        added = bets.add(check, tally, counts(0, more), counts(0, round(busy * more)), 100 if alone else 50)
        return bets._evidence(added.better)

    if requests and missing:
        assert evidence_after(missing) >= 100 * (1 - 1e-9)
        assert evidence_after(missing - 1) < 100 * (1 + 1e-9)
    if not missing:
        assert bets._evidence(tally.better) >= 100


def test_several_error_checks_share_one_risk() -> None:
    restarts = Check(kind=CheckKind.RESTARTS, text="restarts == 0")
    only_said = replace(ONE_PERCENT, warn=True)
    assert analysis.risk_each([]) == 0.01
    assert analysis.risk_each([ONE_PERCENT, restarts, only_said]) == 0.01
    assert analysis.risk_each([ONE_PERCENT, TWICE_STABLE, restarts]) == 0.005
    assert judge(ONE_PERCENT, counts(7, 100), risk=0.005).verdict is Verdict.FAILED
    assert judge(ONE_PERCENT, counts(2, 5), risk=0.005).verdict is Verdict.INCONCLUSIVE


def test_before_the_first_interval_the_euro_is_still_one_and_odds_of_just_one_to_the_risk_suffice() -> None:
    assert bets.odds(ONE_PERCENT, Tally()) == 1.0
    assert bets.fails(ONE_PERCENT, Tally(), 1.0)
    assert bets.missing(Limit(rate=0.01), Tally(), 1.0) == 0
    assert bets.odds(NO_ERRORS, Tally()) == 0.0


def test_before_the_first_interval_the_missing_requests_are_those_of_an_even_split() -> None:
    assert bets.missing(Limit(rate=0.01), Tally(), 0.01) == 106
    assert bets.missing(Limit(times=2.0), Tally(), 0.01) == 236


# ---- what one interval adds ----------------------------------------------------------------------


@pytest.mark.parametrize("check", KINDS)
def test_nothing_is_learned_from_nothing(check: Check) -> None:
    tally = once(check, counts(3, 40), counts(1, 60))
    assert bets.add(check, tally, NONE, NONE, 50) == tally
    assert bets.add(check, tally, counts(-2, -9), counts(-1, -5), 50) == tally
    assert bets.add(check, tally, counts(5, 0), counts(7, 0), 50) == tally
    assert bets.add(check, tally, counts(5, 50), NONE, 0) == tally


@pytest.mark.parametrize("check", KINDS)
@pytest.mark.parametrize("weight", [0, -1])
def test_at_weight_0_only_stable_is_counted_and_nothing_is_bet(check: Check, weight: int) -> None:
    tally = once(check, counts(3, 40), counts(1, 60))
    assert bets.add(check, tally, counts(5, 50), counts(5, 50), weight) == replace(tally, stable=counts(6, 110))


def test_stable_counted_at_weight_0_is_what_a_canary_at_100_is_held_to() -> None:
    before = once(TWICE_STABLE, NONE, counts(3, 3000), weight=0)
    good, bad = (bets.add(TWICE_STABLE, before, counts(failed, 1000), NONE, 100) for failed in (1, 300))
    assert analysis.measure_errors(TWICE_STABLE, good).verdict is Verdict.PASSED
    assert analysis.measure_errors(TWICE_STABLE, bad).verdict is Verdict.FAILED


def test_weight_1_counts_and_a_check_without_a_limit_adds_nothing() -> None:
    assert once(ONE_PERCENT, counts(1, 9), weight=1).canary == counts(1, 9)
    restarts = Check(kind=CheckKind.RESTARTS, text="restarts == 0")
    assert bets.add(restarts, Tally(), counts(5, 50), counts(5, 50), 50) == Tally()


def test_errors_never_outnumber_requests_and_a_negative_count_hides_no_other() -> None:
    assert once(ONE_PERCENT, counts(9, 4)) == once(ONE_PERCENT, counts(4, 4))
    assert once(ONE_PERCENT, counts(-3, 4)) == once(ONE_PERCENT, counts(0, 4))
    assert once(ABOVE_STABLE, counts(2, 4), counts(-1, -4)) == once(ABOVE_STABLE, counts(2, 4))


def test_totals_add_up() -> None:
    tally = bets.add(ABOVE_STABLE, once(ABOVE_STABLE, counts(1, 10), counts(2, 30)), counts(3, 40), counts(4, 50), 50)
    assert (tally.canary, tally.stable) == (counts(4, 50), counts(6, 80))


@pytest.mark.parametrize("check", [ABOVE_STABLE, AS_STABLE, TWICE_STABLE])
def test_an_interval_without_stable_says_nothing_about_stable(check: Check) -> None:
    tally = once(check, counts(1, 40), counts(1, 60))
    after = bets.add(check, tally, counts(9, 30), NONE, 50)
    assert (after.worse, after.better) == (tally.worse, tally.better)
    assert after.canary == counts(10, 70)


def test_the_floor_goes_on_without_stable() -> None:
    assert once(TWICE_STABLE, counts(3, 30)).floor == once(errors(Limit(rate=0.005)), counts(3, 30)).worse


@pytest.mark.parametrize("check", [ONE_PERCENT, ABOVE_STABLE, AS_STABLE, TWICE_STABLE])
def test_a_lost_bet_stays_lost_and_the_sums_fit_json(check: Check) -> None:
    tally = once(check, counts(2, 40), counts(1, 60))
    for _ in range(3):
        tally = bets.add(check, tally, counts(10**9, 2 * 10**9), counts(0, 10**9), 50)
        assert tally.better[0] == -1e300
        assert json.loads(json.dumps(tally.worse + tally.better, allow_nan=False)) == [*tally.worse, *tally.better]
        assert bets.odds(check, tally) > 1e300


counted = st.integers(0, 400).flatmap(lambda n: st.builds(Counts, requests=st.just(n), errors=st.integers(0, n)))
interval = st.tuples(counted, counted)


def play(check: Check, intervals: list[tuple[Counts, Counts]]) -> Tally:
    tally = Tally()
    for canary, stable in intervals:
        tally = bets.add(check, tally, canary, stable, 50)
    return tally


@given(check=st.sampled_from(KINDS), intervals=st.lists(interval, min_size=1, max_size=6), data=st.data())
def test_the_order_of_intervals_does_not_matter_and_empty_ones_do_nothing(
    check: Check, intervals: list[tuple[Counts, Counts]], data: st.DataObject
) -> None:
    other = data.draw(st.permutations([*intervals, (NONE, NONE), (NONE, NONE)]))
    one, two = play(check, intervals), play(check, other)
    assert one.worse == pytest.approx(two.worse, rel=1e-9, abs=1e-6)
    assert one.better == pytest.approx(two.better, rel=1e-9, abs=1e-6)
    assert (one.canary, one.stable) == (two.canary, two.stable)


@given(
    check=st.sampled_from([ONE_PERCENT, NO_ERRORS]), whole=counted, cut=st.integers(0, 400), hits=st.integers(0, 400)
)
def test_against_a_limit_cutting_an_interval_in_two_changes_nothing(
    check: Check, whole: Counts, cut: int, hits: int
) -> None:
    requests = min(cut, whole.requests)
    lowest = max(0, whole.errors - (whole.requests - requests))
    part = counts(max(lowest, min(hits, requests, whole.errors)), requests)
    rest = counts(whole.errors - part.errors, whole.requests - part.requests)
    assert play(check, [(part, NONE), (rest, NONE)]).worse == pytest.approx(
        play(check, [(whole, NONE)]).worse, rel=1e-9, abs=1e-6
    )


@given(check=st.sampled_from(KINDS), canary=counted, stable=counted, before=interval)
def test_one_more_error_of_the_canary_never_helps_it_and_one_of_stable_never_harms_it(
    check: Check, canary: Counts, stable: Counts, before: tuple[Counts, Counts]
) -> None:
    start = play(check, [before])
    tally = bets.add(check, start, canary, stable, 50)
    if canary.errors < canary.requests:
        worse = bets.add(check, start, replace(canary, errors=canary.errors + 1), stable, 50)
        assert bets.odds(check, worse) >= bets.odds(check, tally) * (1 - 1e-9)
        assert bets._evidence(worse.better) <= bets._evidence(tally.better) * (1 + 1e-9)
    if stable.errors < stable.requests:
        worse = bets.add(check, start, canary, replace(stable, errors=stable.errors + 1), 50)
        assert bets.odds(check, worse) <= bets.odds(check, tally) * (1 + 1e-9)
        assert bets._evidence(worse.better) >= bets._evidence(tally.better) * (1 - 1e-9)


@given(
    check=st.sampled_from(KINDS), intervals=st.lists(interval, max_size=4), risk=st.sampled_from([0.05, 0.01, 0.005])
)
def test_every_answer_is_whole(check: Check, intervals: list[tuple[Counts, Counts]], risk: float) -> None:
    seen = analysis.measure_errors(check, play(check, intervals), risk)
    assert (seen.verdict is Verdict.PASSED) == (seen.missing == 0)
    assert seen.verdict is not Verdict.ERRORED
    assert "  " not in seen.because
    assert not seen.because.endswith(".")


# ---- 100 %: the canary alone ---------------------------------------------------------------------


def baked(check: Check, *, stable: Counts) -> Tally:
    return once(check, counts(2, 3000), stable)


@pytest.mark.parametrize("check", [ABOVE_STABLE, TWICE_STABLE])
def test_a_canary_that_breaks_under_all_the_traffic_fails_without_a_stable_beside_it(check: Check) -> None:
    tally = bets.add(check, baked(check, stable=counts(3, 3000)), counts(300, 1000), NONE, 100)
    seen = analysis.measure_errors(check, tally)
    assert seen.verdict is Verdict.FAILED
    assert "(stable 0.1 % before)" in seen.because


@pytest.mark.parametrize("check", [ABOVE_STABLE, TWICE_STABLE])
def test_alone_a_canary_as_good_as_stable_was_still_passes(check: Check) -> None:
    tally = bets.add(check, baked(check, stable=counts(3, 3000)), counts(1, 1000), NONE, 100)
    assert analysis.measure_errors(check, tally).verdict is Verdict.PASSED


def test_a_stable_that_often_failed_is_remembered_too() -> None:
    tally = once(TWICE_STABLE, counts(150, 3000), counts(150, 3000))
    for _ in range(20):
        tally = bets.add(TWICE_STABLE, tally, counts(50, 1000), NONE, 100)
    assert analysis.measure_errors(TWICE_STABLE, tally).verdict is Verdict.PASSED


def test_the_less_is_known_of_stable_the_more_a_canary_alone_is_forgiven() -> None:
    known, hardly_known = (
        bets.add(TWICE_STABLE, once(TWICE_STABLE, counts(3, 300), stable), counts(60, 1000), NONE, 100)
        for stable in (counts(300, 30_000), counts(3, 300))
    )
    assert analysis.measure_errors(TWICE_STABLE, known).verdict is Verdict.FAILED
    assert analysis.measure_errors(TWICE_STABLE, hardly_known).verdict is not Verdict.FAILED


def test_a_canary_alone_does_not_pass_for_what_stable_may_have_been_at_worst() -> None:
    before = once(TWICE_STABLE, NONE, counts(0, 300))
    tally = bets.add(TWICE_STABLE, before, counts(60, 1000), NONE, 100)
    assert analysis.measure_errors(TWICE_STABLE, tally).verdict is Verdict.INCONCLUSIVE


def test_requests_that_still_drain_from_stable_are_no_comparison() -> None:
    tally = baked(TWICE_STABLE, stable=counts(3, 3000))
    alone = bets.add(TWICE_STABLE, tally, counts(1, 100), NONE, 100)
    assert bets.add(TWICE_STABLE, tally, counts(1, 100), counts(50, 60), 100) == alone
    assert alone.alone
    assert not bets.add(TWICE_STABLE, alone, NONE, NONE, 99).alone


@pytest.mark.parametrize(
    ("worst", "times", "rate"), [(True, 2.0, 2 * (25 + 20 + 7) / 1000), (False, 2.0, 2 * (25 - 20) / 1000)]
)
def test_what_stable_showed_before_is_taken_with_four_deviations(worst: bool, times: float, rate: float) -> None:  # noqa: FBT001 parametrised
    tally = Tally(stable=counts(25, 1000), alone=True)
    held = bets._held(bets.Terms(times=times, rate=0.001), tally, worst=worst)
    assert held.times == 0.0
    assert held.rate == pytest.approx(rate + 0.001)


def test_what_stable_showed_stays_between_none_and_nearly_all() -> None:
    terms = bets.Terms(times=2.0, rate=0.0)
    assert bets._held(terms, Tally(stable=counts(4, 9), alone=True), worst=True).rate == 0.99
    assert bets._held(terms, Tally(stable=counts(4, 9), alone=True), worst=False).rate == 0.0
    assert bets._held(terms, Tally(stable=counts(4, 9)), worst=True) == terms
    assert bets._held(terms, Tally(alone=True), worst=True) == terms
    absolute = bets.Terms(times=0.0, rate=0.02)
    assert bets._held(absolute, Tally(stable=counts(4, 9), alone=True), worst=True) == absolute


@pytest.mark.parametrize("failed", [0, 1000])
@pytest.mark.parametrize("check", [ABOVE_STABLE, TWICE_STABLE])
def test_a_canary_that_never_had_a_stable_beside_it_cannot_be_compared(check: Check, failed: int) -> None:
    seen = judge(check, counts(failed, 1000), weight=100)
    assert (seen.verdict, seen.missing, seen.limit, seen.stable) == (Verdict.INCONCLUSIVE, None, None, None)
    assert seen.because.endswith("cannot be judged, stable has had no requests")


# ---- words and fields ----------------------------------------------------------------------------


STABLE = counts(9, 3000)

WORDS = [
    (ONE_PERCENT, counts(7, 100), NONE, "errors 7 of 100 (7.0 %), limit 1 %: 506 to 1 that it is worse"),
    (ONE_PERCENT, counts(0, 60), NONE, "errors 0 of 60, needs 46 more requests to rule out 5 %"),
    (ONE_PERCENT, NONE, NONE, "no requests to judge yet"),
    (ONE_PERCENT, counts(1, 2000), NONE, "errors 1 of 2,000 (0.1 %), limit 1 %"),
    (ONE_PERCENT, counts(90, 100), NONE, "errors 90 of 100 (90.0 %), limit 1 %: over 1,000,000 to 1 that it is worse"),
    (
        ABOVE_STABLE,
        counts(116, 1904),
        STABLE,
        "errors 116 of 1,904 (6.1 %), limit stable + 1 % (stable 0.3 %): over 1,000,000 to 1 that it is worse",
    ),
    (
        TWICE_STABLE,
        counts(2, 1904),
        STABLE,
        "errors 2 of 1,904 (0.1 %), limit stable x 2 (stable 0.3 %)",
    ),
    (
        AS_STABLE,
        counts(2, 4),
        NONE,
        "errors 2 of 4 (50.0 %), limit stable: cannot be judged, stable has had no requests",
    ),
    (
        ABOVE_STABLE,
        NONE,
        counts(50, 100),
        "no requests to judge yet",
    ),
    (
        AS_STABLE,
        counts(99, 100),
        counts(50, 100),
        "errors 99 of 100 (99.0 %), limit stable (stable 50.0 %): 524 to 1 that it is worse",
    ),
    (NO_ERRORS, counts(1, 1000), NONE, "errors 1 of 1,000 (0.1 %), limit 0 %: none is allowed"),
    (errors(Limit(rate=0.005)), counts(0, 900), NONE, "errors 0 of 900 (0.0 %), limit 0.5 %"),
    (errors(Limit(rate=0.01), minimum=20), counts(0, 9), NONE, "9 requests are too few to judge (20)"),
    (errors(Limit(rate=0.01), minimum=2000), counts(0, 1999), NONE, "1,999 requests are too few to judge (2,000)"),
]


@pytest.mark.parametrize(("check", "canary", "stable", "because"), WORDS)
def test_because(check: Check, canary: Counts, stable: Counts, because: str) -> None:
    assert judge(check, canary, stable).because == because


def test_odds_are_told_up_to_a_million() -> None:
    assert analysis._worse(1e6) == "1,000,000 to 1 that it is worse"
    assert analysis._worse(1e6 + 1) == "over 1,000,000 to 1 that it is worse"


def test_a_measurement_carries_its_numbers() -> None:
    check = errors(Limit(rate=0.01, above_stable=True), text="errors <= stable + 1%", warn=True)
    assert judge(check, counts(116, 1904), counts(9, 3000)) == Measurement(
        check="errors <= stable + 1%",
        verdict=Verdict.FAILED,
        because="errors 116 of 1,904 (6.1 %), limit stable + 1 % (stable 0.3 %): over 1,000,000 to 1 that it is worse",
        value=116 / 1904,
        limit=9 / 3000 + 0.01,
        stable=0.003,
        samples=1904,
        missing=None,
        strikes=1,
        warn=True,
    )


def test_the_limit_is_the_rate_allowed_now() -> None:
    assert judge(ONE_PERCENT, counts(0, 10), counts(5, 100)).limit == 0.01
    assert judge(TWICE_STABLE, counts(0, 10), counts(5, 100)).limit == 0.1
    assert judge(TWICE_STABLE, counts(0, 10), counts(0, 100)).limit == 0.005
    assert judge(AS_STABLE, counts(0, 10), counts(0, 100)).limit == 0.0
    nothing = analysis.measure_errors(ONE_PERCENT, Tally())
    assert (nothing.value, nothing.stable, nothing.samples, nothing.strikes) == (None, None, 0, 0)
    assert nothing.verdict is Verdict.INCONCLUSIVE


def test_a_check_without_a_limit_allows_no_error() -> None:
    seen = analysis.measure_errors(Check(kind=CheckKind.ERRORS, text="errors"), Tally())
    assert (seen.verdict, seen.limit) == (Verdict.INCONCLUSIVE, 0.0)


def test_below_its_minimum_a_check_says_nothing_and_what_is_missing_is_the_larger_need() -> None:
    check = errors(Limit(rate=0.01), minimum=20)
    assert judge(check, counts(19, 19)).verdict is Verdict.INCONCLUSIVE
    assert judge(check, counts(19, 19)).strikes == 0
    assert judge(check, counts(20, 20)).verdict is Verdict.FAILED
    assert judge(check, counts(0, 9)).missing == 97
    assert judge(errors(Limit(rate=0.01), minimum=500), counts(0, 480)).missing == 20
    assert judge(errors(Limit(rate=0.01), minimum=480), counts(0, 480)).verdict is Verdict.PASSED


def test_strikes_are_intervals_in_a_row_that_end_in_failure() -> None:
    check = errors(Limit(rate=0.01), strikes=2)
    first = once(check, counts(2, 5))
    seen = analysis.measure_errors(check, first)
    assert (seen.verdict, seen.missing, seen.strikes) == (Verdict.INCONCLUSIVE, None, 1)
    assert seen.because == "errors 2 of 5 (40.0 %), limit 1 %: 155 to 1 that it is worse, strike 1 of 2"
    assert bets.add(check, first, NONE, counts(0, 50), 50).strikes == 1
    second = bets.add(check, first, counts(1, 5), NONE, 50)
    seen = analysis.measure_errors(check, second)
    assert (seen.verdict, seen.strikes) == (Verdict.FAILED, 2)
    assert seen.because.endswith(", strike 2 of 2")
    third = bets.add(check, second, counts(1, 5), NONE, 50)
    assert (third.strikes, analysis.measure_errors(check, third).verdict) == (3, Verdict.FAILED)
    assert analysis.measure_errors(check, third).because.endswith(", strike 2 of 2")
    recovered = bets.add(check, first, counts(0, 100), NONE, 50)
    assert recovered.strikes == 0
    assert bets.add(check, recovered, counts(50, 50), NONE, 50).strikes == 1


# ---- plain rules ---------------------------------------------------------------------------------

PROBE = Check(kind=CheckKind.PROBE, text="probe /healthz", probe=ProbeSpec(path="/healthz"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def answer(status: int | None, *, ms: float = 3, because: str = "") -> ProbeSeen:
    return ProbeSeen(at=NOW, path="/healthz", status=status, took=timedelta(milliseconds=ms), because=because)


FAST = replace(PROBE, probe=ProbeSpec(path="/", lowest=200, highest=204, under=timedelta(milliseconds=500)))
PROBES = [
    (PROBE, answer(200), Verdict.PASSED, "probe /healthz: 200 in 3 ms"),
    (PROBE, answer(399, ms=12.4), Verdict.PASSED, "probe /healthz: 399 in 12 ms"),
    (PROBE, answer(400), Verdict.FAILED, "probe /healthz: 400, expected 200-399"),
    (PROBE, answer(199), Verdict.FAILED, "probe /healthz: 199, expected 200-399"),
    (PROBE, answer(None), Verdict.FAILED, "probe /healthz: no answer"),
    (PROBE, answer(None, because="timed out"), Verdict.FAILED, "probe /healthz: no answer, timed out"),
    (PROBE, None, Verdict.INCONCLUSIVE, "probe /healthz: not asked yet"),
    (FAST, answer(204, ms=499), Verdict.PASSED, "probe /: 204 in 499 ms"),
    (FAST, answer(205, ms=499), Verdict.FAILED, "probe /: 205, expected 200-204"),
    (FAST, answer(200, ms=500), Verdict.FAILED, "probe /: 500 ms, limit 500 ms"),
    (replace(PROBE, probe=None), answer(200), Verdict.PASSED, "probe /: 200 in 3 ms"),
]


@pytest.mark.parametrize(("check", "probe", "verdict", "because"), PROBES)
def test_a_probe_is_judged_by_its_answer(check: Check, probe: ProbeSeen | None, verdict: Verdict, because: str) -> None:
    tally, seen = analysis.measure_probe(check, Tally(), probe)
    assert (seen.verdict, seen.because) == (verdict, because)
    assert tally.strikes == seen.strikes == (verdict is Verdict.FAILED)


def test_a_probe_fails_after_strikes_in_a_row_and_one_good_answer_forgives() -> None:
    check = replace(PROBE, strikes=2, warn=True)
    tally, seen = analysis.measure_probe(check, Tally(), answer(503))
    assert (seen.verdict, seen.value, seen.strikes) == (Verdict.INCONCLUSIVE, 503, 1)
    assert seen.because == "probe /healthz: 503, expected 200-399, strike 1 of 2"
    kept, seen = analysis.measure_probe(check, tally, None)
    assert (kept, seen.verdict, seen.value) == (tally, Verdict.INCONCLUSIVE, None)
    assert seen.because == "probe /healthz: not asked now, strike 1 of 2"
    good, seen = analysis.measure_probe(check, tally, answer(200))
    assert (good.strikes, seen.verdict, seen.because) == (0, Verdict.PASSED, "probe /healthz: 200 in 3 ms")
    kept, seen = analysis.measure_probe(check, good, None)
    assert (kept, seen.verdict, seen.because) == (good, Verdict.PASSED, "probe /healthz: not asked now")
    tally, seen = analysis.measure_probe(check, tally, answer(None))
    assert (seen.verdict, seen.strikes, seen.samples, tally.canary) == (Verdict.FAILED, 2, 2, counts(2, 2))
    assert (seen.check, seen.warn, seen.value) == ("probe /healthz", True, None)
    tally, seen = analysis.measure_probe(check, tally, None)
    assert seen.verdict is Verdict.FAILED


def test_restarts_are_counted_against_the_most_that_are_allowed() -> None:
    check = Check(kind=CheckKind.RESTARTS, text="restarts <= 2", most=2, warn=True)
    assert analysis.measure_restarts(check, 2) == Measurement(
        check="restarts <= 2",
        verdict=Verdict.PASSED,
        because="restarts 2, limit 2",
        value=2,
        limit=2,
        warn=True,
    )
    assert analysis.measure_restarts(check, 3) == Measurement(
        check="restarts <= 2",
        verdict=Verdict.FAILED,
        because="restarts 3, limit 2",
        value=3,
        limit=2,
        warn=True,
    )
    assert analysis.measure_restarts(check, None) == Measurement(
        check="restarts <= 2",
        verdict=Verdict.ERRORED,
        because="the restarts could not be asked for",
        warn=True,
    )


def test_numbers_that_could_not_be_had_are_errored() -> None:
    assert analysis.unasked(ONE_PERCENT, "metrics: 429") == Measurement(
        check="errors", verdict=Verdict.ERRORED, because="metrics: 429"
    )


def test_the_worst_verdict_that_counts_is_the_answer() -> None:
    def said(verdict: Verdict, *, warn: bool = False) -> Measurement:
        return Measurement(check="c", verdict=verdict, because="b", warn=warn)

    worst_last = [Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.ERRORED, Verdict.FAILED]
    for place, worst in enumerate(worst_last):
        assert analysis.overall(said(verdict) for verdict in worst_last[: place + 1]) is worst
        assert analysis.overall(said(verdict) for verdict in reversed(worst_last[: place + 1])) is worst
    assert analysis.overall([]) is Verdict.INCONCLUSIVE
    assert analysis.overall([said(Verdict.FAILED, warn=True)]) is Verdict.INCONCLUSIVE
    assert analysis.overall([said(Verdict.FAILED, warn=True), said(Verdict.PASSED)]) is Verdict.PASSED


GOOD = RevisionSeen(
    name="ca-web--wb1-7f3c91",
    active=True,
    provisioning="Provisioned",
    health="Healthy",
    running="Running",
    replicas=1,
    floor=1,
    images={},
)
PULL = "1/1 Pending:ImagePullBackOff on legion"
STATES = [
    (GOOD, Verdict.PASSED, "the revision is healthy: Provisioned, Healthy, Running"),
    (
        replace(GOOD, running="RunningAtMaxScale"),
        Verdict.PASSED,
        "the revision is healthy: Provisioned, Healthy, RunningAtMaxScale",
    ),
    (
        replace(GOOD, running="ScaledToZero", replicas=0, floor=0),
        Verdict.PASSED,
        "the revision is healthy: Provisioned, Healthy, ScaledToZero",
    ),
    (
        replace(GOOD, running="ScaledToZero", replicas=0),
        Verdict.INCONCLUSIVE,
        "the revision is not up yet: Provisioned, Healthy, ScaledToZero",
    ),
    (
        replace(GOOD, provisioning="Provisioning", health="None", running="Processing"),
        Verdict.INCONCLUSIVE,
        "the revision is not up yet: Provisioning, None, Processing",
    ),
    (
        replace(GOOD, health="None", running="Running"),
        Verdict.INCONCLUSIVE,
        "the revision is not up yet: Provisioned, None, Running",
    ),
    (
        replace(GOOD, provisioning="Provisioning"),
        Verdict.INCONCLUSIVE,
        "the revision is not up yet: Provisioning, Healthy, Running",
    ),
    (
        replace(GOOD, running="Deprovisioning"),
        Verdict.INCONCLUSIVE,
        "the revision is not up yet: Provisioned, Healthy, Deprovisioning",
    ),
    (
        replace(GOOD, provisioning="", health="", running=""),
        Verdict.INCONCLUSIVE,
        "the revision is not up yet: no state",
    ),
    (
        replace(GOOD, provisioning="Failed", health="Unhealthy", running="Failed", details=PULL),
        Verdict.FAILED,
        f"the revision failed: Failed, Unhealthy, Failed, {PULL}",
    ),
    (
        replace(GOOD, provisioning="Failed"),
        Verdict.FAILED,
        "the revision failed: Failed, Healthy, Running",
    ),
    (
        replace(GOOD, health="Unhealthy", running="Degraded"),
        Verdict.FAILED,
        "the revision failed: Provisioned, Unhealthy, Degraded",
    ),
    (replace(GOOD, running="Failed"), Verdict.FAILED, "the revision failed: Provisioned, Healthy, Failed"),
    (replace(GOOD, active=False, running="Stopped"), Verdict.FAILED, "the revision is inactive"),
    (None, Verdict.FAILED, "the revision does not exist"),
]


@pytest.mark.parametrize(("revision", "verdict", "because"), STATES)
def test_the_revisions_own_state(revision: RevisionSeen | None, verdict: Verdict, because: str) -> None:
    assert analysis.own_state(revision, 0) == Measurement(check="own state", verdict=verdict, because=because)
    assert analysis.own_state(revision, 5).verdict is verdict
    if verdict is not Verdict.PASSED:
        assert analysis.ready(revision, probed=True) == (False, because)


def test_unhealthy_counts_from_the_second_look_in_a_row() -> None:
    sick = replace(GOOD, health="Unhealthy")
    first, second, third = (analysis.own_state(sick, looks) for looks in (0, 1, 2))
    assert (first.verdict, second.verdict, third.verdict) == (Verdict.INCONCLUSIVE, Verdict.FAILED, Verdict.FAILED)
    assert first.because == "the revision is unhealthy, look 1 of 2: Provisioned, Unhealthy, Running"
    assert second.because == "the revision is unhealthy, look 2 of 2: Provisioned, Unhealthy, Running"
    assert third.because == "the revision is unhealthy, look 3 of 2: Provisioned, Unhealthy, Running"
    assert analysis.ready(sick, probed=True) == (False, first.because)


READY = [
    (1, 1, False, True, "healthy with 1 of 1 replicas"),
    (3, 3, False, True, "healthy with 3 of 3 replicas"),
    (5, 3, False, True, "healthy with 5 of 3 replicas"),
    (2, 3, True, False, "healthy, but only 2 of 3 replicas"),
    (0, 1, True, False, "healthy, but only 0 of 1 replicas"),
    (1, 0, False, True, "healthy with 1 of 1 replicas"),
    (0, 0, True, True, "healthy, no replica now, answered a probe"),
    (0, 0, False, False, "healthy, no replica now, no probe answered lately"),
]


@pytest.mark.parametrize(("replicas", "floor", "probed", "ready", "because"), READY)
def test_ready_means_replicas_or_for_an_idle_app_a_probe(
    replicas: int,
    floor: int,
    probed: bool,  # noqa: FBT001 parametrised
    ready: bool,  # noqa: FBT001 parametrised
    because: str,
) -> None:
    assert analysis.ready(replace(GOOD, replicas=replicas, floor=floor), probed=probed) == (ready, because)
