"""What an adapter found in a report, and the event data that tells it: one shape for every scanner."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime

from policies.scans.reading import clean, wrong
from policies.scans.subject import Subject
from policies.scans.tally import Counts, Finding, Tally

COMPLETED, FAILED, INCOMPLETE, UNSUPPORTED = "completed", "failed", "incomplete", "unsupported"
_NOT_IN_NAME = re.compile(r"[^a-z0-9:._-]+", re.ASCII)
_PLATFORM = re.compile(r"([\x21-\x2e\x30-\x7e]{1,64})/([\x21-\x2e\x30-\x7e]{1,64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scan. counts, fixable: None unless it is completed, fixable also when the report does not say.

    scanner: any text; completed_at None: the report has no time. reason: why it is not completed, or a caution.
    """

    scanner: str
    adapter: str
    status: str = COMPLETED
    version: str = ""
    database_at: datetime | None = None
    scan_id: str = ""
    reason: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    counts: Counts | None = None
    fixable: Counts | None = None
    findings: tuple[Finding, ...] = ()
    cut: bool = False
    media_type: str = ""
    platform: str = ""

    def counted(self, tally: Tally, reason: str = "") -> Outcome:
        """This scan, completed with these findings."""
        found, total = tally.findings, sum(tally.total.values())
        return replace(
            self, counts=tally.total, fixable=tally.fixable, findings=found, cut=len(found) < total, reason=reason
        )

    def ended(self, status: str, reason: str) -> Outcome:
        """This scan, without a result."""
        return replace(self, status=status, reason=reason)


def name_of(scanner: str) -> str:
    """A scanner's name as evidence keeps it: lower case, part of a key; "" when nothing is left of it."""
    return _NOT_IN_NAME.sub("-", scanner.strip().lower()[:200]).lstrip(":._-")[:64].rstrip("-")


def data_of(outcome: Outcome, subject: Subject) -> dict[str, object]:
    """The data of the event; raises `EvidenceError` when the report has no time and none was given."""
    completed_at = outcome.completed_at or subject.at
    if completed_at is None:
        raise wrong("completedAt", "the time at which the scan ended", None)
    scan = _scan(outcome, completed_at)
    data: dict[str, object] = {"image": _image(outcome, subject), "scanner": _scanner(outcome), "scan": scan}
    if outcome.status == COMPLETED:
        data["summary"] = {"total": outcome.counts, "fixable": outcome.fixable}
        data |= {"findings": list(outcome.findings), "findingsTruncated": outcome.cut}
    else:
        data["summary"] = None
    # The scanner's own, else the publisher's, else one of what was found: the same report again is the same scan.
    found = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:32]
    scan["id"] = clean(outcome.scan_id, 128) or clean(subject.scan_id, 128) or found
    return data


def _scanner(outcome: Outcome) -> dict[str, str]:
    told = {
        "name": name_of(outcome.scanner) or "unknown",
        "version": clean(outcome.version, 64),
        "dbUpdatedAt": _written(outcome.database_at) if outcome.database_at else "",
        "adapter": outcome.adapter,
    }
    return {name: value for name, value in told.items() if value}


def _scan(outcome: Outcome, completed_at: datetime) -> dict[str, str]:
    told = {
        "status": outcome.status,
        "reason": clean(outcome.reason, 1024),
        "startedAt": _written(outcome.started_at) if outcome.started_at else "",
        "completedAt": _written(completed_at),
    }
    return {name: value for name, value in told.items() if value}


def _image(outcome: Outcome, subject: Subject) -> dict[str, object]:
    image: dict[str, object] = {
        "registry": subject.registry.lower(),
        "repository": subject.repository,
        "digest": subject.digest,
    }
    if outcome.media_type:
        image["mediaType"] = clean(outcome.media_type, 255)
    if subject.tags:
        image["tags"] = list(subject.tags)
    if subject.index_digest:
        image["indexDigest"] = subject.index_digest
    if platform := _PLATFORM.fullmatch(outcome.platform or subject.platform):
        image["platform"] = {"os": platform[1], "architecture": platform[2]}
    return image


def _written(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
