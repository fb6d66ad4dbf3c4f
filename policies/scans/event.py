"""The CloudEvent around a scan's data: its id says which scan it is, and it fits into what Event Grid bills as one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from policies.errors import EvidenceError
from policies.scan_event import read_scan
from policies.scans.subject import SOURCE

TYPE = "Weighbridge.ImageScanCompleted"
SCHEMA = "urn:weighbridge:image-scan-completed:1"
MOST_BYTES = 64 * 1024  # Event Grid bills an event by 64 KiB


def scan_event(data: Mapping[str, object]) -> dict[str, object]:
    """The event of this data. One scan has one id: published again, it is the same event.

    Findings are cut off from the end, with the data's mark, until the event fits.
    """
    scan = read_scan(SOURCE, data)
    told = data["scan"]
    scan_id = told["id"] if isinstance(told, dict) else ""
    named = "|".join([scan.registry, scan.repository, scan.digest, scan.scanner, str(scan_id)])
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": hashlib.sha256(named.encode()).hexdigest()[:32],
        "type": TYPE,
        "source": f"https://{scan.registry}",
        "subject": f"{scan.repository}@{scan.digest}",
        "time": scan.completed_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "data": dict(data),
    }
    return {**event, "data": _fitting(data, MOST_BYTES - _size(event) + _size(dict(data)))}


def _fitting(data: Mapping[str, object], room: int) -> dict[str, object]:
    found = data.get("findings")
    findings = found if isinstance(found, list) else []
    left = room - _size({**data, "findings": [], "findingsTruncated": True})
    if left < 0:
        raise EvidenceError(SOURCE, [f"expected at most {MOST_BYTES} bytes, found {-left} more without any finding"])
    kept: list[object] = []
    for finding in findings:
        left -= _size(finding) + 2
        if left < 0:
            return {**data, "findings": kept, "findingsTruncated": True}
        kept.append(finding)
    return dict(data)


def _size(value: object) -> int:
    """Bytes on the wire, as azure-eventgrid writes it."""
    return len(json.dumps(value))
