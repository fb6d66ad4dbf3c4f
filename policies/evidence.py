"""What is known of an image's digest: scans completed, as events bring them and as rows keep them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from policies.errors import EvidenceError, written
from policies.scan_findings import ScanFinding, read_findings, write_findings

ROW_VERSION = 1
DIGEST = re.compile(r"sha(?:256:[a-f0-9]{64}|512:[a-f0-9]{128})", re.ASCII)
# As the distribution specification has it; its length is that of the scan event's schema.
REPOSITORY = re.compile(
    r"(?=.{1,255}\Z)[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII
)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,12}))?([Zz]|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)


def read_time(text: str) -> datetime | None:
    """An RFC 3339 time in UTC; registries write 7 or 9 digits of a second, and sometimes an offset."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    try:
        read = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6].ljust(6, '0')}{zone.upper()}")
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def evidence_partition(registry: str, digest: str) -> str:
    """PartitionKey of everything known about a digest."""
    return f"{registry.lower()}|{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Severities:
    """How many findings of each severity; as the event's schema counts them."""

    critical: int
    high: int
    medium: int
    low: int
    negligible: int
    unknown: int


SEVERITIES = tuple(field.name for field in fields(Severities))
MOST_COUNTED = 1_000_000_000


def is_count(value: object) -> bool:
    """Whether it is a number of findings; one without a bound would fill a row."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanEvidence:
    """One scanner's last word on a digest.

    status: completed, failed, unsupported or incomplete. counts: None unless completed.
    index_digest: the multi-platform index this manifest belongs to, "" when not known.
    platform: "os/arch", "" when the scanner did not say. worst: a few findings for people, most severe first.
    fixable: the part of counts for which a fix is known, None when the scanner did not say.
    findings: those that an exception may name, never more of a severity than counts has; often not all of them.
    """

    registry: str
    repository: str
    digest: str
    scanner: str
    status: str
    completed_at: datetime
    counts: Severities | None = None
    index_digest: str = ""
    platform: str = ""
    reason: str = ""
    worst: tuple[str, ...] = ()
    report: str = ""
    fixable: Severities | None = None
    findings: tuple[ScanFinding, ...] = ()

    @property
    def partition(self) -> str:
        """PartitionKey of its row."""
        return evidence_partition(self.registry, self.digest)

    @property
    def key(self) -> str:
        """RowKey: one row a scanner, so that a repeated event changes nothing."""
        return f"scan:{self.scanner}"


def scan_to_columns(scan: ScanEvidence) -> dict[str, object]:
    """The columns of its row, in less than 30 KiB."""
    return {
        "v": ROW_VERSION,
        "registry": scan.registry,
        "repository": scan.repository,
        "digest": scan.digest,
        "scanner": scan.scanner,
        "status": scan.status,
        "completed_at": scan.completed_at.isoformat(),
        "counts": _counted(scan.counts),
        "index_digest": scan.index_digest,
        "platform": scan.platform,
        "reason": scan.reason,
        "worst": json.dumps(scan.worst, ensure_ascii=False),
        "report": scan.report,
        "fixable": _counted(scan.fixable),
        "findings": write_findings(scan.findings),
    }


def _counted(counts: Severities | None) -> str:
    return json.dumps({name: getattr(counts, name) for name in SEVERITIES} if counts else None)


def scan_from_columns(source: str, columns: Mapping[str, object]) -> ScanEvidence:
    """The evidence of a row. source: its keys, for the error.

    A row from before `fixable` and `findings` were kept has neither: it tells no fixability and lists no finding.
    """
    row = StoredRow(source, columns)
    worst = row.decoded("worst")
    return ScanEvidence(
        registry=row.text("registry"),
        repository=row.text("repository"),
        digest=row.text("digest"),
        scanner=row.text("scanner"),
        status=row.text("status"),
        completed_at=row.time("completed_at"),
        counts=row.counts("counts"),
        index_digest=row.text("index_digest"),
        platform=row.text("platform"),
        reason=row.text("reason"),
        worst=tuple(str(line) for line in worst) if isinstance(worst, list) else (),
        report=row.text("report"),
        fixable=row.counts("fixable") if "fixable" in columns else None,
        findings=row.findings("findings") if "findings" in columns else (),
    )


class StoredRow:
    """A stored row, read strictly: we wrote it, so what does not fit is from another version or hand."""

    def __init__(self, source: str, columns: Mapping[str, object]) -> None:
        self._source = source
        self._columns = columns
        if columns.get("v") != ROW_VERSION:
            raise self.fault("v", f"row version {ROW_VERSION}")

    def fault(self, column: str, expected: str) -> EvidenceError:
        """The error that names a column, what was expected there, and what was found."""
        found = written(self._columns.get(column))
        return EvidenceError(self._source, [f"{column}: expected {expected}, found {found}"])

    def text(self, column: str) -> str:
        """A column of text; raises `EvidenceError`, as the others do."""
        value = self._columns.get(column)
        if not isinstance(value, str):
            raise self.fault(column, "a text")
        return value

    def time(self, column: str) -> datetime:
        """A column that is a time."""
        read = read_time(self.text(column))
        if read is None:
            raise self.fault(column, "a time")
        return read

    def decoded(self, column: str) -> object:
        """A column of JSON."""
        try:
            value: object = json.loads(self.text(column))
        except (ValueError, RecursionError) as error:
            raise self.fault(column, "JSON") from error
        return value

    def counts(self, column: str) -> Severities | None:
        """A column of counts, None where they are not known."""
        counts = self.decoded(column)
        if counts is None:
            return None
        if not isinstance(counts, dict) or set(counts) != set(SEVERITIES) or not all(map(is_count, counts.values())):
            raise self.fault(column, "the six severities or null")
        return Severities(**counts)

    def findings(self, column: str) -> tuple[ScanFinding, ...]:
        """A column of findings."""
        try:
            return read_findings(self.decoded(column))
        except ValueError as error:
            raise self.fault(column, "findings") from error
