"""Whatever comes as a report: data that the published schema and our reader take, or an error for its sender."""

from __future__ import annotations

import copy
import json
import os
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from policies.errors import EvidenceError
from policies.evidence import scan_from_columns, scan_to_columns
from policies.scan_event import read_scan
from policies.scans.adapt import ADAPTERS
from policies.scans.event import MOST_BYTES, scan_event
from policies.scans.outcome import data_of as data_of_outcome
from policies.scans.subject import Subject
from tests.policies.scans.reports import AT, DEFENDER_ROW, DIGEST, REGISTRY, REPORTS, REPOSITORY, TRIVY, data_of
from tests.source import ROOT
from tests.work import lines_run

FUZZ = 20_000 if os.environ.get("WEIGHBRIDGE_FUZZ") else 100
SCHEMA = json.loads((ROOT / "docs" / "scan-completed.schema.json").read_text())
VALID = Draft202012Validator(SCHEMA)
SUBJECT = Subject(registry=REGISTRY, repository=REPOSITORY, digest=DIGEST, at=AT)


def words(found: Any) -> set[str]:
    """Every name and every text in a report."""
    if isinstance(found, dict):
        return set(found) | {word for value in found.values() for word in words(value)}
    if isinstance(found, list):
        return {word for value in found for word in words(value)}
    return {found} if isinstance(found, str) else set()


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a report but the whole."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [one for name, value in inner for one in [(*path, name), *places(value, (*path, name))]]


VOCABULARY = sorted({word for report in REPORTS.values() for word in words(report)})
TEXT = st.sampled_from(VOCABULARY) | st.text(max_size=12)
LEAF = st.none() | st.booleans() | st.integers(-2, 5) | st.integers() | st.floats() | TEXT
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=6), max_leaves=20
)


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """A real report with a few places changed, doubled or removed."""
    report: Any = copy.deepcopy(draw(st.sampled_from(list(REPORTS.values()))))
    for _ in range(draw(st.integers(1, 4))):
        *parents, last = draw(st.sampled_from(places(report)))
        part: Any = report
        for name in parents:
            part = part[name]
        match draw(st.sampled_from(["change", "remove", "double"])):
            case "change":
                part[last] = draw(JSON)
            case "remove":
                del part[last]
            case _:
                if isinstance(part, list):
                    part.append(part[last])
                else:
                    part[draw(TEXT)] = part[last]
        if not places(report):
            break
    return report


def holds(data: dict[str, Any]) -> None:
    """What is true of all data of an adapter."""
    assert list(VALID.iter_errors(data)) == []
    read = read_scan("report", data)
    assert scan_from_columns("row", scan_to_columns(read)) == read
    if data["scan"]["status"] == "completed":
        assert read.counts is not None
    event = scan_event(data)
    assert len(json.dumps(event)) <= MOST_BYTES
    assert list(VALID.iter_errors(event["data"])) == []


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_of_the_real_shape_becomes_data_of_the_published_schema(name: str) -> None:
    holds(data_of(REPORTS[name], tags=["1.4.3", "latest"], index_digest=DIGEST))


def test_the_schema_is_itself_one_and_refuses_what_is_not_in_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    data = data_of(TRIVY)
    assert not VALID.is_valid({**data, "verdict": "clean"})
    assert not VALID.is_valid({**data, "summary": None})


@settings(max_examples=FUZZ, deadline=None)
@given(JSON | spoiled())
def test_any_json_is_data_of_the_schema_or_an_evidence_error(report: Any) -> None:
    try:
        data = data_of(report)
    except EvidenceError:
        return
    holds(data)


@pytest.mark.parametrize("name", ADAPTERS)
@settings(max_examples=FUZZ, deadline=None)
@given(report=st.dictionaries(TEXT, JSON, max_size=6) | spoiled().filter(lambda report: isinstance(report, dict)))
def test_an_adapter_that_is_handed_any_object_raises_nothing_else(name: str, report: dict[str, Any]) -> None:
    """Also one whose `fits` would have said no: that is not what keeps it from crashing."""
    adapter = ADAPTERS[name]
    try:
        data = data_of_outcome(adapter.read(report, SUBJECT), SUBJECT)
        read_scan("report", data)
    except EvidenceError:
        return
    assert list(VALID.iter_errors(data)) == []


def nested(depth: int) -> Any:
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("name", REPORTS)
def test_depth_is_no_recursion(name: str) -> None:
    deep = nested(50_000)
    for place in places(REPORTS[name]):
        report: Any = copy.deepcopy(REPORTS[name])
        part = report
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = deep
        try:
            holds(data_of(report))
        except EvidenceError:
            continue


def large(name: str, count: int) -> Any:
    """A report with so many findings, all distinct."""
    report: Any = copy.deepcopy(REPORTS[name])
    match name:
        case "trivy":
            one = report["Results"][0]["Vulnerabilities"][0]
            report["Results"][0]["Vulnerabilities"] = [{**one, "VulnerabilityID": f"CVE-{n}"} for n in range(count)]
        case "grype":
            match_ = report["matches"][0]
            found = match_["vulnerability"]
            report["matches"] = [{**match_, "vulnerability": {**found, "id": f"CVE-{n}"}} for n in range(count)]
        case "sarif":
            run = report["runs"][0]
            rule, result = run["tool"]["driver"]["rules"][0], run["results"][0]
            run["tool"]["driver"]["rules"] = [{**rule, "id": f"CVE-{n}"} for n in range(count)]
            run["results"] = [{**result, "ruleId": f"CVE-{n}", "ruleIndex": n} for n in range(count)]
        case "defender":
            report = {
                "data": [
                    {**DEFENDER_ROW, "properties": {**DEFENDER_ROW["properties"], "id": f"CVE-{n}"}}
                    for n in range(count)
                ]
            }
        case _:
            report["findings"] = [{"id": f"CVE-{n}", "severity": "high"} for n in range(count)]
            report["summary"] = {**report["summary"], "high": count}
    return report


@pytest.mark.parametrize("name", ["trivy", "grype", "sarif", "defender", "least"])
def test_four_times_the_findings_are_four_times_the_work(name: str) -> None:
    small, big = (partial(data_of, large(name, count)) for count in (500, 2000))
    assert big()["findingsTruncated"]
    assert lines_run(big) < 4.5 * lines_run(small)


def test_a_report_of_5_mb_is_read_and_its_event_is_small() -> None:
    report = large("trivy", 13_500)
    assert len(json.dumps(report)) > 5_000_000
    data = data_of(report)
    assert data["summary"]["total"]["medium"] == 13_500
    assert (len(data["findings"]), data["findingsTruncated"]) == (100, True)
    holds(data)


def test_findings_are_left_out_until_the_event_is_small_enough_and_that_is_marked() -> None:
    findings = [
        {"id": "C" * 128, "severity": "high", "package": "é" * 200, "installedVersion": "é" * 200} for _ in range(100)
    ]
    counts = {**REPORTS["least"]["summary"], "high": 100}
    data = data_of({**REPORTS["least"], "summary": counts, "findings": findings})
    assert (len(data["findings"]), data["findingsTruncated"]) == (100, False)
    event = scan_event(data)
    told: Any = event["data"]
    assert 0 < len(told["findings"]) < 100
    assert told["findingsTruncated"] is True
    assert MOST_BYTES - 2000 < len(json.dumps(event)) <= MOST_BYTES


def test_an_event_says_which_scan_it_is() -> None:
    data = data_of(TRIVY)
    event = scan_event(data)
    assert {name: value for name, value in event.items() if name not in {"id", "data"}} == {
        "specversion": "1.0",
        "type": "Weighbridge.ImageScanCompleted",
        "source": f"https://{REGISTRY}",
        "subject": f"{REPOSITORY}@{DIGEST}",
        "time": "2026-11-24T09:04:00.123456Z",
        "datacontenttype": "application/json",
        "dataschema": SCHEMA["$id"],
    }
    assert event["data"] == data
    again, another = scan_event(data_of(TRIVY)), scan_event(data_of(TRIVY, scan_id="2"))
    assert again["id"] == event["id"] != another["id"]
