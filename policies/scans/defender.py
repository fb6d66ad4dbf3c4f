"""Sub-assessments of Defender for Containers, as Azure Resource Graph answers them for one digest.

Source: learn.microsoft.com/azure/defender-for-cloud/subassessment-rest-api. Its table and its sample spell names
differently (`RepositoryHost`, `registryHost`), so names are read without case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from policies.scans.outcome import INCOMPLETE, Outcome
from policies.scans.reading import Part, moment, needed, part, parts, score, text, wrong
from policies.scans.subject import Subject
from policies.scans.tally import Tally, severity_of

ADAPTER = "defender-arg/1"
MDVM_KEY = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"  # vulnerabilities of an Azure registry's images, by the page above
_KEY = re.compile(r"/assessments/([^/]+)/subassessments/", re.IGNORECASE)
_CODES = ("healthy", "unhealthy", "notapplicable")


def fits(report: Part) -> bool:
    """Whether it is an answer of `az graph query` or of Resource Graph's REST API."""
    return isinstance(report.get("data"), list) and "specversion" not in report


def read(report: Part, subject: Subject) -> Outcome:
    """The scan. No row is unscanned, not clean: Defender writes none for an image that it has not looked at."""
    rows = [row for row in _rows(report, subject) if _is_about(row, subject)]
    tally, codes = Tally(), set()
    for row in rows:
        codes.add(_code(row))
        if _code(row) == "unhealthy":
            _add(tally, row)
    scan = Outcome(scanner="defender", adapter=ADAPTER, completed_at=_latest(rows))
    if _is_cut(report):
        return scan.ended(INCOMPLETE, "the answer is one page of several: ask for all rows of the digest")
    if not codes - {"notapplicable"}:
        missing = "only exempted rows" if codes else "no rows"
        return scan.ended(INCOMPLETE, f"Defender has {missing} for this digest, so it may not have been scanned")
    return scan.counted(tally)


def _rows(report: Part, subject: Subject) -> Sequence[Part]:
    """The rows of the assessments that were asked for, with every name in lower case."""
    keys = subject.defender_keys or frozenset({MDVM_KEY})
    rows: list[Part] = []
    for place, found in enumerate(parts(report, "data", "data") or ()):
        path = f"data[{place}]"
        match = _KEY.search(needed(_lower(found), "id", f"{path}.id"))
        if match is None:
            raise wrong(f"{path}.id", "the resource id of a sub-assessment", text(_lower(found), "id", path))
        if match[1].lower() in keys:
            rows.append(_lower(part(_lower(found), "properties", f"{path}.properties") or {}))
    return rows


def _lower(found: Part) -> Part:
    return {str(name).lower(): value for name, value in found.items()}


def _inner(row: Part, *path: str) -> Part:
    """An object within a row; empty when it is missing, and of the wrong kind is an error."""
    for name in path:
        row = _lower(part(row, name, f"properties.{'.'.join(path)}") or {})
    return row


def _is_about(row: Part, subject: Subject) -> bool:
    """A query may answer more than was asked for: a row counts for the digest it names, in the repository it names."""
    artifact = _inner(row, "additionaldata", "artifactdetails")
    digest = needed(artifact, "digest", "properties.additionalData.artifactDetails.digest")
    repository = text(artifact, "repositoryname", "properties.additionalData.artifactDetails.repositoryName")
    host = "registryhost" if "registryhost" in artifact else "repositoryhost"
    registry = text(artifact, host, "properties.additionalData.artifactDetails.registryHost")
    return (
        digest.lower() == subject.digest
        and repository.lower() in {"", subject.repository}
        and registry.lower() in {"", subject.registry.lower()}
    )


def _code(row: Part) -> str:
    code = needed(_inner(row, "status"), "code", "properties.status.code").lower()
    if code not in _CODES:
        raise wrong("properties.status.code", "Healthy, Unhealthy or NotApplicable", code)
    return code


def _add(tally: Tally, row: Part) -> None:
    details = _inner(row, "additionaldata", "vulnerabilitydetails")
    software = _inner(row, "additionaldata", "softwaredetails")
    exploit = _inner(row, "additionaldata", "vulnerabilitydetails", "exploitabilityassessment")
    severity = text(details, "severity", "vulnerabilityDetails.severity")
    tally.add(
        text(details, "cveid", "vulnerabilityDetails.cveId") or needed(row, "id", "properties.id"),
        severity_of(severity or text(_inner(row, "status"), "severity", "properties.status.severity")),
        package=text(software, "packagename", "softwareDetails.packageName"),
        installed=text(software, "version", "softwareDetails.version"),
        fixed=_fixed(software),
        cvss=score(_inner(details, "cvss", "3.0").get("base")),
        exploited=True if exploit.get("isinexploitkit") is True else None,
    )


def _fixed(software: Part) -> str | None:
    """Rows with a fix often name no version of it: `fixStatus` says it then."""
    version = text(software, "fixedversion", "softwareDetails.fixedVersion").strip()
    status = text(software, "fixstatus", "softwareDetails.fixStatus").lower()
    if version or status == "fixavailable":
        return version or "a later version"
    return "" if isinstance(software.get("fixedversion"), str) or status else None


def _latest(rows: Sequence[Part]) -> datetime | None:
    times = [moment(row, "timegenerated", "properties.timeGenerated") for row in rows]
    return max((time for time in times if time is not None), default=None)


def _is_cut(report: Part) -> bool:
    """`az graph query` answers 100 rows unless asked for more; REST a thousand."""
    whole: Mapping[str, object] = _lower(report)
    tokens = [whole.get(name) for name in ("skip_token", "$skiptoken", "skiptoken")]
    counts = [whole.get(name) for name in ("total_records", "totalrecords")]
    rows = whole.get("data")
    here = len(rows) if isinstance(rows, list) else 0
    # REST writes it as a text, "true" or "false".
    return (
        whole.get("resulttruncated") in (True, "true")
        or any(tokens)
        or any(isinstance(count, int) and count > here for count in counts)
    )
