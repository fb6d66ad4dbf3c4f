from __future__ import annotations

import copy
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import EvidenceError
from policies.evidence import read_time, scan_from_columns, scan_to_columns
from policies.pushes import PushEvidence, push_from_columns, push_to_columns
from policies.scan_event import read_scan
from policies.scan_findings import read_findings
from tests.policies.rows import CHILD, CLEAN, DIGEST, NOON, nested, scan

COUNTS = {"critical": 1, "high": 2, "medium": 0, "low": 0, "negligible": 0, "unknown": 0}
EVENT: dict[str, Any] = {
    "image": {
        "registry": "Contoso.azurecr.io",
        "repository": "shop/web",
        "digest": CHILD,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "tags": ["1.4.3"],
        "indexDigest": DIGEST,
        "platform": {"os": "linux", "architecture": "amd64"},
    },
    "scanner": {"name": "trivy", "version": "0.70.0", "adapter": "trivy-json/1"},
    "scan": {"id": "1", "status": "completed", "completedAt": "2026-11-24T12:00:00.1234567Z"},
    "summary": {"total": COUNTS, "fixable": None},
    "findings": [
        {"id": "CVE-2026-2", "severity": "high", "package": "zlib"},
        {"id": "CVE-2026-3141", "severity": "critical", "package": "openssl", "fixedVersion": "3.0.15"},
    ],
    "findingsTruncated": False,
    "report": {"uri": "https://contoso.blob.core.windows.net/reports/1.json", "mediaType": "application/json"},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """EVENT with one field set; the value `...` removes it."""
    event = copy.deepcopy(EVENT)
    *parents, last = path.split(".")
    part = event
    for name in parents:
        part = part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return event


def test_a_whole_event_is_read() -> None:
    read = read_scan("event 1", EVENT)
    assert (read.registry, read.repository, read.digest) == ("contoso.azurecr.io", "shop/web", CHILD)
    assert (read.index_digest, read.platform, read.scanner) == (DIGEST, "linux/amd64", "trivy")
    assert read.completed_at == datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
    assert read.counts is not None
    assert (read.counts.critical, read.counts.high) == (1, 2)
    assert read.worst == ("critical CVE-2026-3141 openssl, fixed in 3.0.15", "high CVE-2026-2 zlib")
    assert (read.partition, read.key) == (f"contoso.azurecr.io|{CHILD}", "scan:trivy")


@pytest.mark.parametrize("status", ["failed", "unsupported", "incomplete"])
def test_a_scan_that_did_not_end_well_counts_nothing(status: str) -> None:
    event = changed("summary", None)
    event["scan"] |= {"status": status, "reason": "no such package database"}
    read = read_scan("event 1", event)
    assert (read.status, read.counts, read.reason) == (status, None, "no such package database")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("image", ..., "data.image: expected an object, found none"),
        ("image.digest", "sha256:abc", 'data.image.digest: expected a digest, found "sha256:abc"'),
        ("image.repository", "Shop/Web", 'data.image.repository: expected a repository, found "Shop/Web"'),
        ("image.indexDigest", 5, 'data.image.indexDigest: expected a digest, found "int"'),
        ("scanner.name", "a/b", 'data.scanner.name: expected a scanner\'s name, found "a/b"'),
        ("scan.status", "Running", "data.scan.status: expected one of completed, failed"),
        ("scan.completedAt", "yesterday", "data.scan.completedAt: expected an RFC 3339 time"),
        ("summary", None, "data.summary: expected an object, found none"),
        ("summary", {}, "data.summary.total: expected exactly critical, high, medium, low, negligible, unknown"),
        ("summary.total.critical", -1, "data.summary.total.critical: expected a count"),
        ("summary.total.critical", True, "data.summary.total.critical: expected a count"),
        ("summary.total", {"critical": 0}, "data.summary.total: expected exactly critical"),
        ("summary.fixable", ..., "data.summary.fixable: expected counts or null, found none"),
        ("findings", [{}], "data.findings[0]: expected an id and a severity"),
        ("findings", [EVENT["findings"][0]] * 101, "data.findings: expected a list of at most 100"),
        ("verdict", "clean", 'data: expected no field "verdict", found one'),
        ("report.uri", "javascript:x", "data.report.uri: expected an https address"),
    ],
)
def test_a_fault_is_named_by_its_path(path: str, value: object, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_scan("event 1", changed(path, value))
    assert said in str(caught.value)
    assert str(caught.value).startswith("event 1: data")


def test_an_unfinished_scan_with_counts_is_a_contradiction() -> None:
    with pytest.raises(EvidenceError, match=r"data\.summary: expected null, for the scan is incomplete"):
        read_scan("event 1", changed("scan.status", "incomplete"))


def test_all_faults_come_at_once() -> None:
    event = changed("image.digest", "x")
    event["scanner"], event["extra"] = {}, 1
    with pytest.raises(EvidenceError) as caught:
        read_scan("event 1", event)
    assert len(caught.value.problems) == 4


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=8,
)


@given(
    st.sampled_from(["image", "scanner", "scan", "summary", "findings", "report", "image.platform", "scan.id"]), JSON
)
def test_any_data_is_evidence_or_an_evidence_error(path: str, value: object) -> None:
    with suppress(EvidenceError):
        read_scan("event 1", changed(path, value))
    with pytest.raises(EvidenceError):
        read_scan("event 1", value)


def test_evidence_survives_its_row() -> None:
    for evidence in (scan(), scan(status="failed", counts=None, reason="x"), scan(worst=("critical CVE-1",))):
        assert scan_from_columns("row", scan_to_columns(evidence)) == evidence
    push = PushEvidence(registry="r.io", repository="shop/web", tag="1.4.3", digest=DIGEST, pushed_at=NOON)
    assert push_from_columns("row", push_to_columns(push)) == push
    assert (push.partition, push.key) == (f"r.io|{DIGEST}", "push:shop|web:1.4.3")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("v", 2, "row: v: expected row version 1, found 2"),
        ("counts", '{"critical": 0}', "row: counts: expected the six severities"),
        ("counts", "{", "row: counts: expected JSON"),
        ("completed_at", "x", "row: completed_at: expected a time"),
        ("digest", None, "row: digest: expected a text, found None"),
    ],
)
def test_a_row_that_does_not_fit_is_an_error_and_never_clean(column: str, value: object, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        scan_from_columns("row", {**scan_to_columns(scan(counts=CLEAN)), column: value})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-24T12:00:00Z", NOON),
        ("2026-11-24T12:00:00.000000000Z", NOON),
        ("2026-11-24T04:00:00.0000000-08:00", NOON),
        ("2026-11-24 12:00:00Z", NOON),
        ("2026-11-24T12:00:00", None),
        ("2026-13-24T12:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_times_are_read_as_registries_write_them(text: str, read: datetime | None) -> None:
    assert read_time(text) == read


def test_what_is_too_deep_to_be_repeated_is_named_all_the_same() -> None:
    deep = nested(100_000)
    with pytest.raises(EvidenceError, match="v: expected row version 1, found a list that is nested too deeply"):
        scan_from_columns("row", {"v": deep})
    with pytest.raises(ValueError, match="a list that is nested too deeply"):
        read_findings([deep])
    assert read_scan("event 1", {**EVENT, "scan": {**EVENT["scan"], "reason": deep}}).reason == ""
