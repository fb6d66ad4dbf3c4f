"""Rows of evidence: those of before still load, none outgrows its bound, and what is cut off is missed, not cleared."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policies import evidence
from policies.errors import EvidenceError
from policies.evidence import ScanEvidence, Severities, scan_from_columns, scan_to_columns
from policies.scan_event import read_scan
from policies.scan_findings import MOST, SEVERITIES, ScanFinding
from tests.policies.rows import CLEAN, DIGEST, OTHER_DIGEST

GOLDEN = Path(__file__).parents[1] / "golden" / "rows"
FIRST = ScanEvidence(
    registry="contoso.azurecr.io",
    repository="shop/web",
    digest=DIGEST,
    scanner="trivy",
    status="completed",
    completed_at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
    counts=Severities(critical=1, high=0, medium=2, low=0, negligible=0, unknown=0),
    index_digest=OTHER_DIGEST,
    platform="linux/amd64",
    worst=("critical CVE-2026-3141 openssl, fixed in 3.0.15",),
    report="https://contoso.blob.core.windows.net/reports/1.json",
)
LISTING = replace(
    FIRST,
    fixable=Severities(critical=1, high=0, medium=0, low=0, negligible=0, unknown=0),
    findings=(
        ScanFinding(id="CVE-2026-3141", severity="critical", fixable=True),
        ScanFinding(id="GHSA-x1", severity="medium", fixable=False),
        ScanFinding(id="CVE-2026-2", severity="medium"),
    ),
)


@pytest.mark.parametrize(
    ("name", "known"), [("scan-v1.json", FIRST), ("scan-v1-with-findings.json", LISTING)], ids=["before", "now"]
)
def test_a_row_of_every_kind_that_was_written_still_loads(name: str, known: ScanEvidence) -> None:
    assert scan_from_columns("row", json.loads((GOLDEN / name).read_text())) == known


def test_the_row_of_now_is_the_golden_one() -> None:
    assert scan_to_columns(LISTING) == json.loads((GOLDEN / "scan-v1-with-findings.json").read_text())


def test_severities_are_named_alike_wherever_they_are_counted() -> None:
    assert evidence.SEVERITIES == SEVERITIES


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("fixable", '{"critical": 0}', "row: fixable: expected the six severities or null"),
        ("counts", json.dumps(dict.fromkeys(SEVERITIES, "0")), "row: counts: expected the six severities or null"),
        ("findings", "{}", "row: findings: expected findings, found '{}'"),
        ("findings", '[["CVE-1", 6, null]]', "row: findings: expected findings"),
        ("findings", '[["CVE-1", 0]]', "row: findings: expected findings"),
        ("findings", None, "row: findings: expected a text, found None"),
    ],
)
def test_a_column_that_we_would_not_have_written_is_an_error(column: str, value: object, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        scan_from_columns("row", {**scan_to_columns(LISTING), column: value})
    assert said in str(caught.value)


def event(findings: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    counts = {name: sum(one["severity"] == name for one in findings) for name in SEVERITIES}
    return {
        "image": {"registry": "r" * 255, "repository": "r" * 255, "digest": "sha512:" + "a" * 128},
        "scanner": {"name": "s" * 64, "adapter": "x/1"},
        "scan": {"id": "1", "status": "completed", "completedAt": "2026-11-24T12:00:00Z", **more},
        "summary": {"total": counts, "fixable": None},
        "findings": findings,
        "report": {"uri": "https://" + "x" * 2040, "mediaType": "application/json"},
    }


@pytest.mark.parametrize(
    "letter", ["x", "é", "\U0001f600", '"', "\\"], ids=["ascii", "accent", "emoji", "quote", "slash"]
)
def test_no_event_makes_a_row_of_30_kib(letter: str) -> None:
    """Table Storage counts a text as UTF-16 and a name's letters likewise."""
    finding = {
        "id": f"C{letter * 127}",
        "severity": "critical",
        "package": letter * 400,
        "fixedVersion": letter * 400,
    }
    columns = scan_to_columns(read_scan("event", event([finding] * MOST, reason=letter * 1024)))
    size = sum(len(f"{name}{value}".encode("utf-16-le")) for name, value in columns.items())
    assert size < 30 * 1024


def test_the_worst_findings_are_kept_and_a_hundred_usual_ones_have_room() -> None:
    low = [{"id": f"CVE-2026-{10000 + n}", "severity": "low", "fixedVersion": None} for n in range(99)]
    read = read_scan("event", event([*low, {"id": "CVE-2026-3141", "severity": "critical", "fixedVersion": "1.2"}]))
    assert len(read.findings) == 100
    assert read.findings[0] == ScanFinding(id="CVE-2026-3141", severity="critical", fixable=True)
    assert read.findings[1] == ScanFinding(id="CVE-2026-10000", severity="low", fixable=False)


def test_a_finding_without_a_word_on_its_fix_says_nothing_of_it() -> None:
    read = read_scan("event", event([{"id": "CVE-2026-1", "severity": "low"}]))
    assert read.findings == (ScanFinding(id="CVE-2026-1", severity="low"),)


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (
            {"total": {**dict.fromkeys(SEVERITIES, 0), "high": 1}, "fixable": None},
            'data.summary.total.critical: expected at least the 1 of them in data.findings, found "0"',
        ),
        (
            {"total": {**dict.fromkeys(SEVERITIES, 0), "critical": 1}, "fixable": dict.fromkeys(SEVERITIES, 0)},
            'data.summary.fixable.critical: expected at least the 1 of them in data.findings, found "0"',
        ),
        (
            {
                "total": {**dict.fromkeys(SEVERITIES, 0), "critical": 1},
                "fixable": {**dict.fromkeys(SEVERITIES, 0), "critical": 2},
            },
            'data.summary.fixable.critical: expected at most data.summary.total.critical, 1, found "2"',
        ),
        (
            {"total": {**dict.fromkeys(SEVERITIES, 0), "critical": 10**10}, "fixable": None},
            "data.summary.total.critical: expected a count",
        ),
    ],
    ids=["more listed than counted", "more fixable listed", "more fixable than there are", "no bound"],
)
def test_a_summary_that_contradicts_itself_is_no_evidence(summary: object, said: str) -> None:
    """An exception takes a listed finding off the counts: they must have held it."""
    told = event([{"id": "CVE-2026-1", "severity": "critical", "fixedVersion": "2"}])
    with pytest.raises(EvidenceError) as caught:
        read_scan("event", {**told, "summary": summary})
    assert said in str(caught.value)


def test_findings_of_a_scan_without_a_result_are_not_kept() -> None:
    told = {**event([{"id": "CVE-2026-1", "severity": "low"}], status="failed"), "summary": None}
    read = read_scan("event", told)
    assert (read.counts, read.fixable, read.findings) == (None, None, ())
    assert scan_from_columns("row", scan_to_columns(read)) == read
    assert replace(read, counts=CLEAN).findings == ()
