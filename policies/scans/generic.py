"""Reports in our own words: the data of our event as its schema has it, or just counts by severity.

The least: {"scanner": "acme", "summary": {"critical": 0, "high": 0, "medium": 0, "low": 0, "negligible": 0,
"unknown": 0}}, and optionally "completedAt", "fixable" (counts) and "findings" as in the schema.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.errors import EvidenceError
from policies.evidence import SEVERITIES
from policies.scan_event import read_scan
from policies.scan_findings import MOST
from policies.scans.outcome import COMPLETED, Outcome
from policies.scans.reading import Part, clean, moment, needed, part, parts, score, text, wrong
from policies.scans.subject import SOURCE, Subject
from policies.scans.tally import Counts, Finding, read_counts

ADAPTER = "generic/1"
_OURS = frozenset({"image", "scan", "scanner", "summary"})
_LEAST = frozenset({"scanner", "completedAt", "summary", "fixable", "findings"})
_TEXTS = {"package": 80, "installedVersion": 60}


def fits(report: Part) -> bool:
    """Whether it is in our own words."""
    return set(report) >= _OURS or {"summary", "scanner"} <= set(report) <= _LEAST


def read(report: Part, subject: Subject) -> Outcome:
    """The scan as it was told, if it is told of this image."""
    return _ours(report, subject) if "image" in report else _least(report)


def _ours(report: Part, subject: Subject) -> Outcome:
    told = read_scan(SOURCE, report)
    for name, found, expected in (
        ("registry", told.registry, subject.registry.lower()),
        ("repository", told.repository, subject.repository),
        ("digest", told.digest, subject.digest),
    ):
        if found != expected:
            raise EvidenceError(SOURCE, [f"data.image.{name}: expected {expected}, found {found}"])
    scanner, scan = part(report, "scanner", "scanner") or {}, part(report, "scan", "scan") or {}
    summary = part(report, "summary", "summary") or {}
    counts = read_counts(summary.get("total"), "summary.total") if told.counts else None
    fixable = read_counts(summary["fixable"], "summary.fixable") if told.fixable else None
    findings = _findings(report) if told.counts else ()
    return Outcome(
        scanner=told.scanner,
        adapter=clean(needed(scanner, "adapter", "scanner.adapter"), 128) or ADAPTER,
        status=told.status,
        version=text(scanner, "version", "scanner.version"),
        database_at=moment(scanner, "dbUpdatedAt", "scanner.dbUpdatedAt"),
        scan_id=text(scan, "id", "scan.id"),
        reason=told.reason,
        started_at=moment(scan, "startedAt", "scan.startedAt"),
        completed_at=told.completed_at,
        counts=counts,
        fixable=fixable,
        findings=findings,
        cut=_is_cut(counts, findings),
        platform=subject.runs_on(told.platform, "data.image.platform"),
    )


def _least(report: Part) -> Outcome:
    named = report.get("scanner")
    inner = named if isinstance(named, dict) else {"name": named}
    counts = read_counts(report.get("summary"), "summary")
    findings = _findings(report)
    return Outcome(
        scanner=needed(inner, "name", "scanner"),
        adapter=ADAPTER,
        status=COMPLETED,
        version=text(inner, "version", "scanner.version"),
        completed_at=moment(report, "completedAt", "completedAt"),
        counts=counts,
        fixable=None if report.get("fixable") is None else read_counts(report["fixable"], "fixable"),
        findings=findings,
        cut=_is_cut(counts, findings),
    )


def _is_cut(counts: Counts | None, findings: Sequence[Finding]) -> bool:
    return counts is not None and len(findings) < sum(counts.values())


def _findings(report: Part) -> tuple[Finding, ...]:
    found = parts(report, "findings", "findings") or ()
    kept = [_finding(one, f"findings[{place}]") for place, one in enumerate(found)]
    return tuple(sorted(kept, key=lambda one: SEVERITIES.index(str(one["severity"])))[:MOST])


def _finding(found: Part, path: str) -> Finding:
    severity = needed(found, "severity", f"{path}.severity")
    if severity not in SEVERITIES:
        raise wrong(f"{path}.severity", f"one of {', '.join(SEVERITIES)}", severity)
    finding: dict[str, object] = {"id": clean(needed(found, "id", f"{path}.id"), 128), "severity": severity}
    finding |= {
        name: clean(text(found, name, f"{path}.{name}"), most) for name, most in _TEXTS.items() if name in found
    }
    if "fixedVersion" in found:
        fixed = text(found, "fixedVersion", f"{path}.fixedVersion")
        finding["fixedVersion"] = clean(fixed, 60) or ("there is one" if fixed else None)
    if (cvss := score(found.get("cvss"))) is not None:
        finding["cvss"] = cvss
    if isinstance(found.get("knownExploited"), bool):
        finding["knownExploited"] = found["knownExploited"]
    return finding
