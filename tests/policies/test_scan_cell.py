from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.errors import CellError
from policies.scan import Late, read_scan_rule
from tests.policies.rows import CLEAN


def test_a_whole_rule_is_read() -> None:
    rule = read_scan_rule("critical 0, HIGH 5, within 2h else reject")
    assert rule is not None
    assert rule.limits == (("critical", 0), ("high", 5))
    assert (rule.within, rule.late) == (timedelta(hours=2), Late.REJECT)
    assert read_scan_rule("none") is None


OFFERS = {
    "critical=0": "critical 0",
    "critical: 0, high <= 3": "critical 0, high 3",
    "no critical": "critical 0",
    "0 critical": "critical 0",
    "critical 0; high 0": "critical 0, high 0",
    "critical 0, within 1h": "critical 0, within 1h else hold",
    "critical 0, within 60 else reject": "critical 0, within 1h else reject",
    "within 1h else hold": "critical 0, within 1h else hold",
}


@pytest.mark.parametrize(("text", "offer"), OFFERS.items())
def test_the_corrected_cell_is_offered_and_is_good(text: str, offer: str) -> None:
    with pytest.raises(CellError) as caught:
        read_scan_rule(text)
    assert {problem.hint for problem in caught.value.problems} == {offer}
    assert read_scan_rule(offer)


@pytest.mark.parametrize(
    "part", ["fixable only", "by trivy", "not older than 24h", "except CVE-2026-3141 until 2026-12-01"]
)
def test_what_this_version_cannot_keep_is_said_by_name(part: str) -> None:
    with pytest.raises(CellError) as caught:
        read_scan_rule(f"critical 0, {part}")
    assert str(caught.value) == f'Scan: this version cannot keep "{part}", so nothing ships from this row; take it out'


@pytest.mark.parametrize(
    "text",
    ["critical 0, critical 1", "severe 0", "critical 0, , high 0", ", ".join(["critical 0"] * 400), "critical -1"],
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(CellError):
        read_scan_rule(text)


def test_findings_of_unknown_severity_count_as_medium() -> None:
    rule = read_scan_rule("critical 0, medium 1")
    assert rule is not None
    assert rule.exceeded(CLEAN) == ""
    assert rule.exceeded(replace(CLEAN, medium=1, unknown=1)) == "2 medium (1 of unknown severity), allowed 1"
    assert rule.exceeded(replace(CLEAN, critical=2, medium=3)) == "2 critical, allowed 0; 3 medium, allowed 1"
    assert rule.exceeded(replace(CLEAN, high=9, low=9, negligible=9)) == ""
