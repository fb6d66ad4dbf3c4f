"""The findings of a scan that an exception may name: kept with their evidence, as many as its row has room for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from policies.errors import written

SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")
"""From worst to least; a scanner that could not rank a finding has not called it harmless, but said nothing of it."""
MOST = 100
_ROOM = 6000  # characters of the cell; a row of evidence stays below 30 KiB, and usual identifiers need half of it
FINDING_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFinding:
    """One finding as a scan listed it. fixable: whether a fixed version is known; None: the scan does not say."""

    id: str
    severity: str
    fixable: bool | None = None


def within_room(findings: Iterable[ScanFinding]) -> tuple[ScanFinding, ...]:
    """The first of them, as many as are kept: what is cut off is only ever missed by an exception."""
    kept: list[ScanFinding] = []
    used = 2
    for finding in findings:
        if FINDING_ID.fullmatch(finding.id) is None:
            continue
        used += len(_written(finding)) + 1
        if len(kept) == MOST or used > _ROOM:
            break
        kept.append(finding)
    return tuple(kept)


def write_findings(findings: Iterable[ScanFinding]) -> str:
    """The cell of a row."""
    return f"[{','.join(_written(finding) for finding in findings)}]"


def read_findings(cell: object) -> tuple[ScanFinding, ...]:
    """The findings of a decoded cell; raises `ValueError` on anything `write_findings` does not write."""
    match cell:
        case [*items]:
            return tuple(_read(item) for item in items)
        case _:
            raise ValueError(type(cell).__name__)


def _written(finding: ScanFinding) -> str:
    fixable = None if finding.fixable is None else int(finding.fixable)
    return json.dumps([finding.id, SEVERITIES.index(finding.severity), fixable], separators=(",", ":"))


def _read(item: object) -> ScanFinding:
    match item:
        case [str(id_), int(severity), (0 | 1 | None) as fixable] if 0 <= severity < len(SEVERITIES):
            return ScanFinding(
                id=id_, severity=SEVERITIES[severity], fixable=None if fixable is None else bool(fixable)
            )
        case _:
            raise ValueError(written(item))
