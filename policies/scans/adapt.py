"""Any report that is known here, to the data of a `Weighbridge.ImageScanCompleted` event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from policies.errors import EvidenceError, quoted
from policies.scan_event import read_scan
from policies.scans import defender, generic, grype, harbor, sarif, trivy
from policies.scans.outcome import Outcome, data_of
from policies.scans.reading import Part
from policies.scans.subject import SOURCE, Subject
from policies.tags import TAG

_MOST_TAGS = 100


class Adapter(Protocol):
    """A module of this package that knows one format."""

    def fits(self, report: Part) -> bool:
        """Whether the report is of this format, by the fields it has."""
        ...

    def read(self, report: Part, subject: Subject) -> Outcome:
        """The scan; raises `EvidenceError` for what is malformed or about another image."""
        ...


ADAPTERS: Mapping[str, Adapter] = {
    "trivy": trivy,
    "grype": grype,
    "sarif": sarif,
    "harbor": harbor,
    "defender": defender,
    "generic": generic,
}


def adapt(
    report: object,
    *,
    registry: str,
    repository: str,
    digest: str,
    tags: Sequence[str] = (),
    platform: str = "",
    index_digest: str = "",
    at: datetime | None = None,
    scan_id: str = "",
    defender_keys: Sequence[str] = (),
) -> dict[str, object]:
    """The event's data, as docs/scan-completed.schema.json has it; raises `EvidenceError`.

    report: decoded JSON. digest: of the manifest that was scanned. at: stands in for a scan time that the report
    lacks. scan_id: names the scan if the report does not. defender_keys: assessments of Defender that count.
    """
    subject = Subject(
        registry=registry,
        repository=repository,
        digest=digest,
        tags=tuple(tags),
        platform=platform,
        index_digest=index_digest,
        at=at,
        scan_id=scan_id,
        defender_keys=frozenset(key.lower() for key in defender_keys),
    )
    _check(subject)
    whole: object = {"data": report} if isinstance(report, list) else report
    if not isinstance(whole, Mapping):
        raise EvidenceError(SOURCE, [f"expected an object, found {quoted(type(report).__name__)}"])
    data = data_of(_adapter(whole).read(whole, subject), subject)
    # What the service would refuse is refused here, where its sender can still mend it.
    read_scan(SOURCE, data)
    return data


def _adapter(report: Part) -> Adapter:
    for adapter in ADAPTERS.values():
        if adapter.fits(report):
            return adapter
    there = ", ".join(quoted(name) for name in list(report)[:8]) or "no fields"
    raise EvidenceError(SOURCE, [f"expected a report of {', '.join(ADAPTERS)}, found an object with {there}"])


def _check(subject: Subject) -> None:
    """The tags and the platform; the rest of the subject is checked with the data."""
    faults = [f"tag: expected a tag, found {quoted(tag)}" for tag in subject.tags if TAG.fullmatch(tag) is None]
    if len(subject.tags) > _MOST_TAGS:
        faults.append(f"tags: expected at most {_MOST_TAGS}, found {len(subject.tags)}")
    if subject.platform and not all(subject.platform.partition("/")):
        faults.append(f'platform: expected one as in "linux/amd64", found {quoted(subject.platform)}')
    if faults:
        raise EvidenceError(SOURCE, faults)
