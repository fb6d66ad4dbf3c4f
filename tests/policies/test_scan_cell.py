from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import CellError
from policies.scan import Excepted, Late, ScanRule
from policies.scan_cell import read_scan_rule
from tests.policies.rows import CLEAN
from tests.work import lines_run

EXPECTED = (
    'expected "critical N", "high N", "medium N", "low N", "fixable only", "by SCANNER", "not older than D", '
    '"except CVE-… until DATE" or "within D else hold|reject"'
)
EXCEPT = 'expected each finding once, with the last day it is excepted: "except CVE-2026-3141 until 2026-12-01"'


def read(text: str) -> ScanRule:
    rule = read_scan_rule(text)
    assert rule is not None
    return rule


def said(text: str) -> list[str]:
    with pytest.raises(CellError) as caught:
        read_scan_rule(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_rule_is_read() -> None:
    rule = read("critical 0, HIGH 5, within 2h else reject")
    assert rule.limits == (("critical", 0), ("high", 5))
    assert (rule.within, rule.late) == (timedelta(hours=2), Late.REJECT)
    assert (rule.fixable_only, rule.by, rule.fresh, rule.excepted) == (False, (), None, ())
    assert read_scan_rule("none") is None


def test_every_wish_is_read_in_any_order() -> None:
    rule = read(
        "Not older than 24h, by Trivy and grype, except cve-2026-3141 until 2026-12-01, GHSA-x1 until 2027-01-31, "
        "fixable only, critical 0"
    )
    assert rule.limits == (("critical", 0),)
    assert (rule.fixable_only, rule.by, rule.fresh) == (True, ("trivy", "grype"), timedelta(hours=24))
    assert rule.excepted == (
        Excepted(id="CVE-2026-3141", until="2026-12-01", ends=datetime(2026, 12, 2, tzinfo=UTC)),
        Excepted(id="GHSA-X1", until="2027-01-31", ends=datetime(2027, 2, 1, tzinfo=UTC)),
    )
    assert rule.within is None


@pytest.mark.parametrize("name", ["trivy", "harbor:trivy", "ecr-basic", "a_b.c"])
def test_a_scanner_is_named_as_its_evidence_names_it(name: str) -> None:
    assert read(f"critical 0, by {name}").by == (name,)


OFFERS = {
    "critical=0": "critical 0",
    "critical: 0, high <= 3": "critical 0, high 3",
    "no critical": "critical 0",
    "0 critical": "critical 0",
    "critical 0; high 0": "critical 0, high 0",
    "critical 0, within 1h": "critical 0, within 1h else hold",
    "critical 0, within 60 else reject": "critical 0, within 1h else reject",
    "within 1h else hold": "critical 0, within 1h else hold",
    "critical 0, fixable": "critical 0, fixable only",
    "critical 0, only fixable": "critical 0, fixable only",
    "critical 0, max age 24h": "critical 0, not older than 24h",
    "critical 0, not older than 90": "critical 0, not older than 1h30m",
    "critical 0, by trivy & grype": "critical 0, by trivy and grype",
    "critical 0, ignore CVE-2026-3141 until 2026-12-01": "critical 0, except CVE-2026-3141 until 2026-12-01",
    "critical 0, except CVE-2026-3141 until 31/12/2026": "critical 0, except CVE-2026-3141 until 2026-12-31",
    "critical 0, except CVE-2026-3141 until 12/31/2026": "critical 0, except CVE-2026-3141 until 2026-12-31",
    "critical 0, except CVE-2026-3141 until 1.12.2026": "critical 0, except CVE-2026-3141 until 2026-12-01",
}


@pytest.mark.parametrize(("text", "offer"), OFFERS.items())
def test_the_corrected_cell_is_offered_and_is_good(text: str, offer: str) -> None:
    with pytest.raises(CellError) as caught:
        read_scan_rule(text)
    assert {problem.hint for problem in caught.value.problems} == {offer}
    assert read_scan_rule(offer)


MISTAKES = {
    "critical 0, critical 1": f'Scan: {EXPECTED}, found "critical 1"',
    "severe 0": f'Scan: {EXPECTED}, found "severe 0"',
    "critical 0, , high 0": f"Scan: {EXPECTED}, found nothing",
    "critical -1": f'Scan: {EXPECTED}, found "critical -1"',
    "fixable only, by trivy": (
        'Scan: expected at least one limit as in "critical 0", found "fixable only, by trivy"; '
        'did you mean "critical 0, fixable only, by trivy"?'
    ),
    "critical 0, by trivy, by grype": (
        'Scan: expected once "by SCANNER" or "by SCANNER and SCANNER", each named once, found "by grype"'
    ),
    "critical 0, by trivy and trivy": (
        'Scan: expected once "by SCANNER" or "by SCANNER and SCANNER", each named once, found "by trivy and trivy"'
    ),
    "critical 0, by shop/trivy": (
        'Scan: expected once "by SCANNER" or "by SCANNER and SCANNER", each named once, found "by shop/trivy"; '
        'did you mean "critical 0, by shop and trivy"?'
    ),
    "critical 0, not older than soon": (
        'Scan: expected once "not older than D", as in "not older than 24h", found "not older than soon"'
    ),
    "critical 0, not older than 1h, not older than 2h": (
        'Scan: expected once "not older than D", as in "not older than 24h", found "not older than 2h"'
    ),
    "critical 0, except CVE-2026-3141": f'Scan: {EXPECTED}, found "except CVE-2026-3141"',
    "critical 0, CVE-2026-3141 until 2026-12-01": f'Scan: {EXPECTED}, found "CVE-2026-3141 until 2026-12-01"',
    "critical 0, except CVE-2026-3141 until 2026-02-30": (
        f'Scan: {EXCEPT}, found "except CVE-2026-3141 until 2026-02-30"'
    ),
    "critical 0, except CVE-2026-3141 until 3/4/2026": (f'Scan: {EXCEPT}, found "except CVE-2026-3141 until 3/4/2026"'),
    "critical 0, except CVE-1 until 2026-12-01, cve-1 until 2026-12-02": (
        f'Scan: {EXCEPT}, found "cve-1 until 2026-12-02"'
    ),
    "critical 0, except CVE-1 until 2026-12-01, high 0, CVE-2 until 2026-12-01": (
        f'Scan: {EXPECTED}, found "CVE-2 until 2026-12-01"'
    ),
    "critical 0, within 1h else hold, within 2h else hold": (
        'Scan: expected once "within D else hold" or "within D else reject", found "within 2h else hold"'
    ),
    ", ".join(["critical 0"] * 400): "Scan: expected at most 60 parts, found 400",
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items())
def test_what_cannot_be_meant_is_refused_by_name(text: str, message: str) -> None:
    assert said(text) == [message]


def test_every_problem_of_a_cell_is_said_at_once() -> None:
    assert len(said("severe 0, by a/b, not older than x, except y until z, within q")) == 5


def test_a_correction_is_sought_once_for_a_cell_however_many_parts_are_wrong() -> None:
    one, many = f"critical 0, {';' * 3000}", f"{'?,' * 59}{';' * 3000}"
    assert lines_run(lambda: said(many)) < 2 * lines_run(lambda: said(one))


@given(st.text(max_size=60) | st.lists(st.sampled_from([*OFFERS, *MISTAKES]), max_size=4).map(", ".join))
def test_any_text_is_a_rule_or_a_problem_whose_offer_is_a_good_cell(text: str) -> None:
    try:
        read_scan_rule(text)
    except CellError as error:
        offers = {problem.hint for problem in error.problems} - {""}
        assert all(read_scan_rule(offer) for offer in offers)


def test_findings_of_unknown_severity_count_as_medium() -> None:
    rule = read("critical 0, medium 1")
    assert rule.exceeded(CLEAN) == ""
    assert rule.exceeded(replace(CLEAN, medium=1, unknown=1)) == "2 medium (1 of unknown severity), allowed 1"
    assert rule.exceeded(replace(CLEAN, critical=2, medium=3)) == "2 critical, allowed 0; 3 medium, allowed 1"
    assert rule.exceeded(replace(CLEAN, high=9, low=9, negligible=9)) == ""


def test_each_severity_has_its_limit() -> None:
    rule = read("critical 1, high 2, medium 3, low 4")
    at_most = replace(CLEAN, critical=1, high=2, medium=3, low=4, negligible=99)
    assert rule.exceeded(at_most) == ""
    for name, most in rule.limits:
        assert rule.exceeded(replace(at_most, **{name: most + 1})) == f"{most + 1} {name}, allowed {most}"
