from __future__ import annotations

from datetime import timedelta

import pytest

from policies.checks import read_checks
from policies.errors import CellError
from rollouts.checks import Check, CheckKind, Limit, ProbeSpec

ERRORS, PROBE, RESTARTS = CheckKind.ERRORS, CheckKind.PROBE, CheckKind.RESTARTS


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("restarts == 0", Check(kind=RESTARTS, text="", most=0)),
        ("restarts <= 2 strikes 3", Check(kind=RESTARTS, text="", most=2, strikes=3)),
        ("restarts < 2", Check(kind=RESTARTS, text="", most=1)),
        ("errors <= 1%", Check(kind=ERRORS, text="", limit=Limit(rate=0.01))),
        ("errors <= 0.5% warn", Check(kind=ERRORS, text="", limit=Limit(rate=0.005), warn=True)),
        ("errors<=stable+1%", Check(kind=ERRORS, text="", limit=Limit(rate=0.01, above_stable=True))),
        (
            "errors <= stable + 1% min 20 strikes 2",
            Check(kind=ERRORS, text="", limit=Limit(rate=0.01, above_stable=True), minimum=20, strikes=2),
        ),
        ("Errors <= Stable x 1.2", Check(kind=ERRORS, text="", limit=Limit(times=1.2))),
        ("probe /healthz", Check(kind=PROBE, text="", probe=ProbeSpec(path="/healthz"))),
        (
            "probe /ready?full=1 expect 200-204 under 500ms",
            Check(
                kind=PROBE,
                text="",
                probe=ProbeSpec(path="/ready?full=1", lowest=200, highest=204, under=timedelta(milliseconds=500)),
            ),
        ),
        (
            "probe / under 2s expect 200",
            Check(kind=PROBE, text="", probe=ProbeSpec(highest=200, under=timedelta(seconds=2))),
        ),
    ],
)
def test_a_check_is_read_whole(text: str, check: Check) -> None:
    (read,) = read_checks(text)
    assert (read.kind, read.limit, read.probe, read.most) == (check.kind, check.limit, check.probe, check.most)
    assert (read.minimum, read.strikes, read.warn, read.text) == (check.minimum, check.strikes, check.warn, text)


def test_none_is_no_check_and_a_last_semicolon_is_nothing() -> None:
    assert read_checks("none") == ()
    assert [check.kind for check in read_checks("probe /; restarts == 0;")] == [PROBE, RESTARTS]


OFFERS = {
    "errors=1%": "errors <= 1%",
    "errors <= 1": "errors <= 1%",
    "error <= 1%": "errors <= 1%",
    "errors: 1%": "errors <= 1%",
    "errors <= stable * 2": "errors <= stable x 2",
    "errors <= 2 x stable": "errors <= stable x 2",
    "errors <= stable + 1": "errors <= stable + 1%",
    "probe healthz": "probe /healthz",
    "probe https://shop.contoso.com/ok": "probe /ok",
    "restarts=0": "restarts <= 0",
    "restarts": "restarts == 0",
    "restarts == 0; errors = 1%": "restarts == 0; errors <= 1%",
}


@pytest.mark.parametrize(("text", "offer"), OFFERS.items())
def test_the_corrected_cell_is_offered_and_is_good(text: str, offer: str) -> None:
    with pytest.raises(CellError) as caught:
        read_checks(text)
    (problem,) = caught.value.problems
    assert problem.hint == offer
    assert read_checks(offer)


@pytest.mark.parametrize(
    "text",
    ["errors >= 1%", "errors <= 200%", "errors <= stable x 0.5", "restarts > 2", "restarts == 3.5", "latency <= 5", ""],
)
def test_what_says_nothing_about_health_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        read_checks(text)


def test_a_mistake_without_a_cure_is_a_problem_and_no_endless_search_for_one() -> None:
    """The cure offered for `errors <= abc` is `errors <= abc`."""
    with pytest.raises(CellError) as caught:
        read_checks("errors <= abc")
    assert [problem.hint for problem in caught.value.problems] == [""]


def test_each_faulty_check_of_a_cell_is_a_problem_of_its_own() -> None:
    with pytest.raises(CellError) as caught:
        read_checks("probe; errors >= 1%; restarts == 0; p95 > 1s")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "text", ["errors <= 1% min 0", "errors <= 1% strikes", "errors <= 1% min 5 min 6", "probe / min 5"]
)
def test_an_option_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        read_checks(text)


def test_two_mistakes_are_offered_mended_together_or_not_at_all() -> None:
    with pytest.raises(CellError) as caught:
        read_checks("errors <= 1; probe healthz; restarts == 0")
    assert {problem.hint for problem in caught.value.problems} == {"errors <= 1%; probe /healthz; restarts == 0"}
    with pytest.raises(CellError) as caught:
        read_checks("errors <= 1; latency <= 5")
    assert {problem.hint for problem in caught.value.problems} == {""}


@pytest.mark.parametrize("text", ["errors <= stablex", "er-1ors <= reseses", "errors == "])
def test_what_cannot_be_mended_is_no_offer_of_itself(text: str) -> None:
    """The offer was tried by the reader that had made it, for as long as it made the same again."""
    with pytest.raises(CellError) as caught:
        read_checks(text)
    assert [problem.hint for problem in caught.value.problems] == [""]
