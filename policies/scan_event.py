"""Reads the data of a `Weighbridge.ImageScanCompleted` event; emptiness is never taken for clean.

The shape is that of docs' scan-completed schema: unknown fields are faults, `summary` is there exactly when the
scan is completed, and all six severities are always counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from policies.errors import EvidenceError, printable, quoted
from policies.evidence import DIGEST, REPOSITORY, SEVERITIES, ScanEvidence, Severities, is_count, read_time
from policies.scan_findings import MOST, ScanFinding, within_room

_REGISTRY = re.compile(r"[A-Za-z0-9.:-]{1,255}", re.ASCII)
SCANNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", re.ASCII)  # part of a RowKey
_STATUSES = ("completed", "failed", "unsupported", "incomplete")
_SHOWN_FINDINGS = 5
_FIELDS = {
    "data": ("image", "scanner", "scan", "summary", "findings", "findingsTruncated", "report"),
    "data.image": ("registry", "repository", "digest", "mediaType", "tags", "indexDigest", "platform"),
    "data.image.platform": ("os", "architecture", "variant"),
    "data.scanner": ("name", "version", "dbUpdatedAt", "adapter"),
    "data.scan": ("id", "status", "reason", "startedAt", "completedAt"),
    "data.summary": ("total", "fixable"),
    "data.report": ("uri", "mediaType", "digest", "size"),
}
_NEVER = datetime.min.replace(tzinfo=UTC)  # stands in for a fault that is raised in the end
_Part = Mapping[str, object]


def read_scan(source: str, data: object) -> ScanEvidence:
    """The evidence; raises `EvidenceError` with every fault. source: the event, as `type id` or alike."""
    faults: list[str] = []
    reader = _Reader(faults)
    whole = reader.part({"data": data}, "data", "")
    image = reader.part(whole, "image", "data")
    scanner = reader.part(whole, "scanner", "data")
    scan = reader.part(whole, "scan", "data")
    platform = reader.part(image, "platform", "data.image") if "platform" in image else {}
    report = reader.part(whole, "report", "data") if "report" in whole else {}
    status = reader.text(scan, "data.scan.status", _one_of, f"one of {', '.join(_STATUSES)}")
    completed = reader.time(scan, "data.scan.completedAt")
    counts, fixable = _summary(reader, whole, status)
    listed = _findings(reader, whole)
    found = [finding for finding, _ in listed] if counts else []
    _agree(reader, found, counts, fixable)
    reader.text(scan, "data.scan.id", _short, "1 to 128 characters")
    reader.text(scanner, "data.scanner.adapter", _short, "the adapter and its version")
    evidence = ScanEvidence(
        registry=reader.text(image, "data.image.registry", _REGISTRY.fullmatch, "a login server").lower(),
        repository=reader.text(image, "data.image.repository", REPOSITORY.fullmatch, "a repository"),
        digest=reader.text(image, "data.image.digest", DIGEST.fullmatch, "a digest"),
        scanner=reader.text(scanner, "data.scanner.name", SCANNER.fullmatch, "a scanner's name").lower(),
        status=status,
        completed_at=completed,
        counts=counts,
        index_digest=_index(reader, image),
        platform="/".join(_platform(reader, platform)) if platform else "",
        reason=_reason(scan.get("reason")),
        worst=tuple(line for _, line in listed[:_SHOWN_FINDINGS]),
        report=reader.text(report, "data.report.uri", _address, "an https address") if report else "",
        fixable=fixable,
        findings=within_room(found),
    )
    if faults:
        raise EvidenceError(source, faults)
    return evidence


def _reason(found: object) -> str:
    """For people; what is no text is none."""
    return printable(found[:1024]) if isinstance(found, str) else ""


def _one_of(text: str) -> object:
    return text in _STATUSES


def _short(text: str) -> object:
    return 0 < len(text) <= 128 and text.isprintable()  # noqa: PLR2004  # the schema's own number


def _address(text: str) -> object:
    return text.startswith("https://") and len(text) <= 2048 and text.isascii() and text.isprintable()  # noqa: PLR2004  # a URL's usual limit


def _index(reader: _Reader, image: _Part) -> str:
    if "indexDigest" not in image:
        return ""
    return reader.text(image, "data.image.indexDigest", DIGEST.fullmatch, "a digest")


def _platform(reader: _Reader, platform: _Part) -> tuple[str, str]:
    return (
        reader.text(platform, "data.image.platform.os", _short, "an operating system"),
        reader.text(platform, "data.image.platform.architecture", _short, "an architecture"),
    )


def _summary(reader: _Reader, whole: _Part, status: str) -> tuple[Severities | None, Severities | None]:
    found = whole.get("summary")
    if status != "completed":
        if found is not None:
            reader.fault("data.summary", f"null, for the scan is {status}", found)
        return None, None
    summary = reader.part(whole, "summary", "data")
    total = _counts(reader, summary.get("total"), "data.summary.total")
    if "fixable" not in summary:
        reader.fault("data.summary.fixable", "counts or null", None)
    if summary.get("fixable") is None:
        return total, None
    return total, _counts(reader, summary["fixable"], "data.summary.fixable")


def _counts(reader: _Reader, found: object, path: str) -> Severities | None:
    if not isinstance(found, Mapping) or set(found) != set(SEVERITIES):
        reader.fault(path, f"exactly {', '.join(SEVERITIES)}", found)
        return None
    wrong = [name for name in SEVERITIES if not is_count(found[name])]
    for name in wrong:
        reader.fault(f"{path}.{name}", "a count", found[name])
    return None if wrong else Severities(**{name: int(found[name]) for name in SEVERITIES})


def _findings(reader: _Reader, whole: _Part) -> list[tuple[ScanFinding, str]]:
    """The findings that are listed, worst first, each with its line for people."""
    found = whole.get("findings", [])
    if not isinstance(found, list) or len(found) > MOST:
        reader.fault("data.findings", f"a list of at most {MOST}", found)
        return []
    listed: list[tuple[ScanFinding, str]] = []
    for place, item in enumerate(found):
        severity, named = (item.get("severity"), item.get("id")) if isinstance(item, Mapping) else (None, None)
        if severity not in SEVERITIES or not isinstance(named, str):
            reader.fault(f"data.findings[{place}]", "an id and a severity", item)
            continue
        wrong = [name for name in ("package", "fixedVersion") if not isinstance(item.get(name) or "", str)]
        for name in wrong:
            reader.fault(f"data.findings[{place}].{name}", "a text", item[name])
        if wrong:
            continue
        listed.append((ScanFinding(id=named, severity=str(severity), fixable=_fixable(item)), _line(item)))
    return sorted(listed, key=lambda pair: SEVERITIES.index(pair[0].severity))


def _fixable(item: _Part) -> bool | None:
    """A fixed version that is null or "" is a word: there is none. One that is missing is no word."""
    return bool(item["fixedVersion"]) if "fixedVersion" in item else None


def _agree(reader: _Reader, findings: list[ScanFinding], counts: Severities | None, fixable: Severities | None) -> None:
    """More findings listed than counted is a contradiction that an exception could turn into a clean scan."""
    for path, most, fixed in (("total", counts, False), ("fixable", fixable, True)):
        for name in SEVERITIES if most else ():
            listed = sum(finding.severity == name and (finding.fixable is True or not fixed) for finding in findings)
            if listed > getattr(most, name):
                said = f"{listed} of them in data.findings"
                reader.fault(f"data.summary.{path}.{name}", f"at least the {said}", str(getattr(most, name)))
    for name in SEVERITIES if counts and fixable else ():
        if getattr(fixable, name) > getattr(counts, name):
            most_said = f"at most data.summary.total.{name}, {getattr(counts, name)}"
            reader.fault(f"data.summary.fixable.{name}", most_said, str(getattr(fixable, name)))


def _line(item: _Part) -> str:
    fixed = f", fixed in {item['fixedVersion']}" if item.get("fixedVersion") else ""
    line = f"{item['severity']} {item['id']} {item.get('package', '')}".strip()
    return printable(line[:200] + fixed[:60])


class _Reader:
    """Takes a JSON value apart and notes what does not fit, by path."""

    def __init__(self, faults: list[str]) -> None:
        self._faults = faults

    def fault(self, path: str, expected: str, found: object) -> None:
        said = "none" if found is None else quoted(found if isinstance(found, str) else type(found).__name__)
        self._faults.append(f"{path}: expected {expected}, found {said}")

    def part(self, parent: _Part, name: str, above: str) -> _Part:
        path = f"{above}.{name}" if above else name
        found = parent.get(name)
        if not isinstance(found, Mapping):
            self.fault(path, "an object", found)
            return {}
        for unknown in sorted(str(key) for key in set(found) - set(_FIELDS[path])):
            self._faults.append(f"{path}: expected no field {quoted(unknown)}, found one")
        return found

    def text(self, parent: _Part, path: str, fits: Callable[[str], object], expected: str) -> str:
        found = parent.get(path.rpartition(".")[2])
        if isinstance(found, str) and fits(found):
            return found
        self.fault(path, expected, found)
        return ""

    def time(self, parent: _Part, path: str) -> datetime:
        text = self.text(parent, path, read_time, "an RFC 3339 time")
        return read_time(text) or _NEVER
