"""The checks that a query answers: what is read, what is refused and with which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.checks import read_checks
from policies.errors import CellError, PolicyError
from policies.parse import parse
from rollouts.checks import CheckKind, Compare, Gauge

DURATIONS = Gauge(name="appinsights", percentile=95)
BACKLOG = Gauge(name="mail-backlog")


@pytest.mark.parametrize(
    ("text", "gauge", "minimum", "strikes"),
    [
        ("p95 <= stable x 1.2 from appinsights", replace(DURATIONS, times=1.2), 100, 2),
        ("P95<=Stable+50ms", replace(DURATIONS, number=50.0, times=1.0), 100, 2),
        ("p50 <= 200ms", Gauge(name="appinsights", percentile=50, number=200.0), 10, 2),
        (
            "p99 < 2s min 50 strikes 3",
            Gauge(name="appinsights", percentile=99, compare=Compare.BELOW, number=2000.0),
            50,
            3,
        ),
        ("p99 <= 400 ms", Gauge(name="appinsights", percentile=99, number=400.0), 500, 2),
        ("p95 <= 400ms from ai.shop_2", Gauge(name="ai.shop_2", percentile=95, number=400.0), 100, 2),
        ("metric mail-backlog <= 500 over 10m", replace(BACKLOG, number=500.0, over=timedelta(minutes=10)), 0, 2),
        ("metric failed-payments <= stable x 1.1 min 50 strikes 3", Gauge(name="failed-payments", times=1.1), 50, 3),
        ("metric mail-backlog < stable + 2.5", replace(BACKLOG, compare=Compare.BELOW, number=2.5, times=1.0), 0, 2),
        ("metric orders >= stable x 0.9", Gauge(name="orders", compare=Compare.AT_LEAST, times=0.9), 0, 2),
        ("metric balance > -5", Gauge(name="balance", compare=Compare.ABOVE, number=-5.0), 0, 2),
        ("metric dead-letters == 0 strikes 1", Gauge(name="dead-letters", compare=Compare.EQUAL), 0, 1),
    ],
)
def test_a_metric_is_read_whole(text: str, gauge: Gauge, minimum: int, strikes: int) -> None:
    (check,) = read_checks(text)
    assert (check.kind, check.gauge) == (CheckKind.METRIC, gauge)
    assert (check.minimum, check.strikes, check.warn, check.text) == (minimum, strikes, False, text)


def test_the_options_come_in_any_order_and_a_metric_may_only_warn() -> None:
    (one,) = read_checks("p95 <= 400ms warn over 5m from x min 7")
    (other,) = read_checks("p95 <= 400ms min 7 from x over 5m warn")
    assert replace(one, text="") == replace(other, text="")
    assert one.warn


LIMIT_P95 = 'Checks: expected "p95 <=" and a limit: "400ms", "stable + 50ms" or "stable x 1.2", found '
LIMIT_X = (
    'Checks: expected "metric x <=" and a limit in the unit of its query: '
    '"500", "stable + 50" or "stable x 1.2", found '
)
REFUSED = {
    "p95 <= 400": f'{LIMIT_P95}"p95 <= 400"; did you mean "p95 <= 400ms"?',
    "p95 <= stable + 50": f'{LIMIT_P95}"p95 <= stable + 50"; did you mean "p95 <= stable + 50ms"?',
    "p95: 400ms": f'{LIMIT_P95}"p95: 400ms"; did you mean "p95 <= 400ms"?',
    "p95 <= 1.2 x stable": f'{LIMIT_P95}"p95 <= 1.2 x stable"; did you mean "p95 <= stable x 1.2"?',
    "p95 >= 400ms": f'{LIMIT_P95}"p95 >= 400ms"',
    "p95": f'{LIMIT_P95}"p95"',
    "metric x = 5": f'{LIMIT_X}"metric x = 5"; did you mean "metric x <= 5"?',
    "metric x <= 5%": f'{LIMIT_X}"metric x <= 5%"; did you mean "metric x <= 5"?',
    "metric x <= stable * 2": f'{LIMIT_X}"metric x <= stable * 2"; did you mean "metric x <= stable x 2"?',
    "metric x != 5": f'{LIMIT_X}"metric x != 5"',
    "metric x": f'{LIMIT_X}"metric x"',
    "metric": 'Checks: expected "metric" and the name of a row names|metric|NAME, found "metric"',
    "metric a/b <= 5": 'Checks: expected "metric" and the name of a row names|metric|NAME, found "metric a/b <= 5"',
    "metric x == stable x 2": 'Checks: expected a number behind ==, found "stable x 2"',
    "metric x <= stable x 0.5": 'Checks: expected stable x 1 or more, found "stable x 0.5"',
    "metric x >= stable x 2": 'Checks: expected stable x 1 or less, found "stable x 2"',
    "p95 <= 400ms over 5s": 'Checks: expected "over 10m", found "over 5s"',
    "p95 <= 400ms over 2d": 'Checks: expected "over 10m", found "over 2d"',
    "p95 <= 400ms from": 'Checks: expected "from appinsights", found "from"',
    "p95 <= 400ms from a/b": 'Checks: expected "from appinsights", found "from a/b"',
    "p95 <= 400ms from monitor": 'Checks: expected from a row names|metric|NAME as in "from appinsights": '
    'Azure Monitor has no durations by revision, found "from monitor"',
    "metric x <= 5 from appinsights": "Checks: expected each once: over, min, strikes, warn; "
    'and ";" between two checks, found "from appinsights"',
    "errors <= 1% over 10m": 'Checks: expected "over" with p50, p95, p99 and metric alone: all else is judged since '
    'the weight was seen, found "errors <= 1% over 10m"',
    "restarts == 0 over 10m": 'Checks: expected "over" with p50, p95, p99 and metric alone: all else is judged since '
    'the weight was seen, found "restarts == 0 over 10m"',
    "errors <= 1% from appinsights": 'Checks: expected "from monitor", found "from appinsights"',
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_what_cannot_be_asked_is_refused_with_the_corrected_cell_where_there_is_one(text: str, said: str) -> None:
    with pytest.raises(CellError) as caught:
        read_checks(text)
    assert str(caught.value) == said
    hint = caught.value.problems[0].hint
    assert not hint or read_checks(hint)


def test_errors_are_counted_by_azure_monitor_which_a_row_may_say() -> None:
    said, unsaid = read_checks("errors <= 1% from monitor; errors <= 1%")
    assert replace(said, text="") == replace(unsaid, text="")


def test_a_row_asks_for_at_most_five() -> None:
    cell = "; ".join(f"metric m{n} <= 1" for n in range(5))
    assert len(read_checks(cell)) == 5
    with pytest.raises(CellError, match="expected at most 5 checks of p50, p95, p99 and metric, found 6"):
        read_checks(f"{cell}; p95 <= 1s")


def checks_of(**cells: str) -> list[str]:
    policy = parse("contoso.azurecr.io|shop|mailer", "production", {"App": "rg-shop/ca-mailer", **cells}, None)
    return [check.text for check in policy.plan.checks]


def test_a_worker_may_be_held_to_a_metric_of_its_own() -> None:
    """Wish 8 of the examples."""
    cell = "restarts == 0; metric mail-backlog <= 500 over 10m"
    assert checks_of(Steps="replace", Checks=cell) == cell.split("; ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p95 <= 400ms", 'expected no check of requests with Steps "replace", which is for apps without ingress'),
        ("metric x <= stable x 2", 'expected a number of its own with Steps "replace", where no stable runs beside'),
    ],
)
def test_a_worker_has_no_requests_and_no_old_revision_beside_it(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        checks_of(Steps="replace", Checks=text)


WORDS = ("p95", "p50", "metric", "x", "mail-backlog", "400ms", "500", "stable", "1.2", "over", "10m", "2s", "warn")
MORE = ("from", "appinsights", "monitor", "min", "strikes", "x" * 70, "9" * 20)
PIECES = st.sampled_from([*WORDS, *MORE, "<=", "<", ">=", "==", "=", ":", "+", ";", " ", "%", "-", "∞"])


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_checks_or_problems_whose_hints_are_good_cells(text: str) -> None:
    try:
        checks = read_checks(text)
    except CellError as error:
        for problem in error.problems:
            assert not problem.hint or ";" in problem.hint or read_checks(problem.hint)
    else:
        for check in checks:
            assert (check.gauge is not None) == (check.kind is CheckKind.METRIC)
            again = read_checks(check.text)
            assert again == (check,)
