"""Reads the data of a `Weighbridge.ImageScanCompleted` event; emptiness is never taken for clean.

The shape is that of docs' scan-completed schema: unknown fields are faults, `summary` is there exactly when the
scan is completed, and all six severities are always counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from policies.errors import EvidenceError, printable, quoted
from policies.evidence import DIGEST, REPOSITORY, SEVERITIES, ScanEvidence, Severities, read_time

_REGISTRY = re.compile(r"[A-Za-z0-9.:-]{1,255}", re.ASCII)
_SCANNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", re.ASCII)  # part of a RowKey
_STATUSES = ("completed", "failed", "unsupported", "incomplete")
_LONGEST_FINDINGS = 100
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
    reader.text(scan, "data.scan.id", _short, "1 to 128 characters")
    reader.text(scanner, "data.scanner.adapter", _short, "the adapter and its version")
    evidence = ScanEvidence(
        registry=reader.text(image, "data.image.registry", _REGISTRY.fullmatch, "a login server").lower(),
        repository=reader.text(image, "data.image.repository", REPOSITORY.fullmatch, "a repository"),
        digest=reader.text(image, "data.image.digest", DIGEST.fullmatch, "a digest"),
        scanner=reader.text(scanner, "data.scanner.name", _SCANNER.fullmatch, "a scanner's name").lower(),
        status=status,
        completed_at=completed,
        counts=_summary(reader, whole, status),
        index_digest=_index(reader, image),
        platform="/".join(_platform(reader, platform)) if platform else "",
        reason=printable(str(scan.get("reason") or "")[:1024]),
        worst=_worst(reader, whole),
        report=reader.text(report, "data.report.uri", _address, "an https address") if report else "",
    )
    if faults:
        raise EvidenceError(source, faults)
    return evidence


def _one_of(text: str) -> object:
    return text in _STATUSES


def _short(text: str) -> object:
    return 0 < len(text) <= 128 and text.isprintable()  # noqa: PLR2004  # the schema's own number


def _address(text: str) -> object:
    return text.startswith("https://") and len(text) <= 2048 and text.isprintable()  # noqa: PLR2004  # a URL's usual limit


def _index(reader: _Reader, image: _Part) -> str:
    if "indexDigest" not in image:
        return ""
    return reader.text(image, "data.image.indexDigest", DIGEST.fullmatch, "a digest")


def _platform(reader: _Reader, platform: _Part) -> tuple[str, str]:
    return (
        reader.text(platform, "data.image.platform.os", _short, "an operating system"),
        reader.text(platform, "data.image.platform.architecture", _short, "an architecture"),
    )


def _summary(reader: _Reader, whole: _Part, status: str) -> Severities | None:
    found = whole.get("summary")
    if status != "completed":
        if found is not None:
            reader.fault("data.summary", f"null, for the scan is {status}", found)
        return None
    summary = reader.part(whole, "summary", "data")
    total = _counts(reader, summary.get("total"), "data.summary.total")
    if "fixable" not in summary:
        reader.fault("data.summary.fixable", "counts or null", None)
    elif summary["fixable"] is not None:
        _counts(reader, summary["fixable"], "data.summary.fixable")
    return total


def _counts(reader: _Reader, found: object, path: str) -> Severities | None:
    if not isinstance(found, Mapping) or set(found) != set(SEVERITIES):
        reader.fault(path, f"exactly {', '.join(SEVERITIES)}", found)
        return None
    wrong = [name for name in SEVERITIES if not _whole_number(found[name])]
    for name in wrong:
        reader.fault(f"{path}.{name}", "a count", found[name])
    return None if wrong else Severities(**{name: int(found[name]) for name in SEVERITIES})


def _whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _worst(reader: _Reader, whole: _Part) -> tuple[str, ...]:
    found = whole.get("findings", [])
    if not isinstance(found, list) or len(found) > _LONGEST_FINDINGS:
        reader.fault("data.findings", f"a list of at most {_LONGEST_FINDINGS}", found)
        return ()
    ranked: list[tuple[int, str]] = []
    for place, item in enumerate(found):
        severity = item.get("severity") if isinstance(item, Mapping) else None
        if severity not in SEVERITIES or not isinstance(item.get("id"), str):
            reader.fault(f"data.findings[{place}]", "an id and a severity", item)
            continue
        ranked.append((SEVERITIES.index(severity), _line(item)))
    return tuple(line for _, line in sorted(ranked, key=lambda pair: pair[0])[:_SHOWN_FINDINGS])


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
