"""Harbor's webhooks, in their Default and their CloudEvents form.

Shapes: goharbor/harbor issues 14293 and 14585 (Default, also with a scan that was still running), 22212 (CloudEvents,
`"scan": {}`); uselagoon/lagoon issues 2580 and 2670.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policies.evidence import SEVERITIES
from policies.scans.outcome import FAILED, INCOMPLETE, Outcome
from policies.scans.reading import Part, moment, needed, part, parts, text, unix_moment, wrong
from policies.scans.subject import Subject
from policies.scans.tally import Counts, no_findings, read_count, severity_of

ADAPTER = "harbor-webhook/1"
_ENDS = {
    "SCANNING_COMPLETED": "",
    "SCANNING_FAILED": FAILED,
    "SCANNING_STOPPED": INCOMPLETE,
    "harbor.scan.completed": "",
    "harbor.scan.failed": FAILED,
    "harbor.scan.stopped": INCOMPLETE,
}
_WHOLE = 100  # complete_percent


def fits(report: Part) -> bool:
    """Whether it is about a scan; Harbor's other events are not ours."""
    kind = report.get("type")
    return isinstance(kind, str) and kind in _ENDS and ("event_data" in report or "specversion" in report)


def read(report: Part, subject: Subject) -> Outcome:
    """The scan. That Harbor calls a scan completed is no result: the overview must hold one."""
    kind, cloud = needed(report, "type", "type"), "specversion" in report
    if kind not in _ENDS:
        raise wrong("type", f"one of {', '.join(_ENDS)}", kind)
    body = part(report, "data" if cloud else "event_data", "data" if cloud else "event_data") or {}
    at = moment(report, "time", "time") if cloud else unix_moment(report, "occur_at", "occur_at")
    scan = Outcome(scanner="harbor", adapter=ADAPTER, completed_at=at)
    if _ENDS[kind]:
        return scan.ended(_ENDS[kind], f"Harbor says {kind}")
    resource = _resource(parts(body, "resources", "resources") or (), subject)
    overview = part(resource, "scan_overview", "scan_overview") if resource else None
    # Bills of materials are kept in the same place, by the media type of theirs.
    reports = [name for name in overview or {} if "sbom" not in name.lower()]
    if overview is None or not reports:
        return scan.ended(INCOMPLETE, "Harbor sent no overview of the scan")
    if len(reports) > 1:
        return scan.ended(INCOMPLETE, "Harbor sent several reports of one scan, so none is the result")
    found = part(overview, reports[0], "scan_overview")
    return _of_report(scan, found or {})


def _resource(resources: Sequence[Part], subject: Subject) -> Part | None:
    digests = [needed(one, "digest", f"resources[{place}].digest") for place, one in enumerate(resources)]
    for digest, resource in zip(digests, resources, strict=True):
        if digest == subject.digest:
            return resource
    if digests:
        raise wrong("resources[0].digest", subject.digest, digests[0])
    return None


def _of_report(scan: Outcome, found: Part) -> Outcome:
    scanner = part(found, "scanner", "scanner") or {}
    name = text(scanner, "name", "scanner.name")
    scan = Outcome(
        scanner=f"harbor:{name}" if name else "harbor",
        adapter=ADAPTER,
        version=text(scanner, "version", "scanner.version"),
        scan_id=text(found, "report_id", "report_id"),
        started_at=moment(found, "start_time", "start_time"),
        completed_at=moment(found, "end_time", "end_time") or scan.completed_at,
    )
    status = text(found, "scan_status", "scan_status")
    if status.lower() == "error":
        return scan.ended(FAILED, "Harbor says scan_status Error")
    if status.lower() != "success":
        return scan.ended(INCOMPLETE, f"Harbor says scan_status {status[:40] or 'nothing'}")
    percent = found.get("complete_percent", _WHOLE)
    if percent != _WHOLE:
        return scan.ended(INCOMPLETE, "Harbor says that the scan covers a part of the image")
    return _summed(scan, found)


def _summed(scan: Outcome, found: Part) -> Outcome:
    """The counts; what `total` counts beyond its severities is of unknown severity."""
    summary = part(found, "summary", "summary")
    levels = part(summary, "summary", "summary.summary") if summary else None
    if summary is None or levels is None or "total" not in summary:
        return scan.ended(INCOMPLETE, "Harbor sent no summary of the scan")
    total = read_count(summary["total"], "summary.total")
    counts = no_findings()
    for word, count in levels.items():
        counts[severity_of(word)] += read_count(count, f"summary.summary.{word[:40]}")
    counted = sum(counts.values())
    if counted > total:
        raise wrong("summary.total", f"at least the {counted} that its severities sum to", str(total))
    counts["unknown"] += total - counted
    return replace(scan, counts=counts, fixable=_fixable(summary, counts, total), cut=total > 0)


def _fixable(summary: Part, counts: Counts, total: int) -> Counts | None:
    """Harbor tells one number for all severities, which says it of each only when it is none or all."""
    if summary.get("fixable") is None:
        return None
    fixable = read_count(summary["fixable"], "summary.fixable")
    if fixable > total:
        raise wrong("summary.fixable", f"at most summary.total, {total}", str(fixable))
    if fixable == total:
        return {name: counts[name] for name in SEVERITIES}
    return no_findings() if fixable == 0 else None
