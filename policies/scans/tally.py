"""Counts findings by severity, and keeps the worst of them, in one pass over a report of any length."""

from __future__ import annotations

from collections.abc import Mapping

from policies.evidence import MOST_COUNTED, SEVERITIES
from policies.scan_findings import MOST
from policies.scans.reading import clean, wrong

_WORDS = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "medium": "medium",
    "moderate": "medium",
    "low": "low",
    "minor": "low",
    "negligible": "negligible",
    "none": "negligible",
    "informational": "negligible",
}
_LONGEST = {"id": 128, "package": 80, "installedVersion": 60, "fixedVersion": 60}
Finding = Mapping[str, object]
Counts = Mapping[str, int]


def severity_of(word: str) -> str:
    """A scanner's word as one of ours; what is not known is `unknown`, never harmless."""
    return _WORDS.get(word.strip().lower(), "unknown")


def is_severity(word: str) -> bool:
    """Whether the word ranks a finding."""
    return word.strip().lower() in _WORDS


def no_findings() -> dict[str, int]:
    """Six zeros."""
    return dict.fromkeys(SEVERITIES, 0)


class Tally:
    """What has been counted. total, fixable: by severity."""

    def __init__(self) -> None:
        self.total = no_findings()
        self._fixable = no_findings()
        self._told = True
        self._kept: dict[str, list[Finding]] = {name: [] for name in SEVERITIES}

    def add(
        self,
        identifier: str,
        severity: str,
        *,
        package: str = "",
        installed: str = "",
        fixed: str | None = None,
        cvss: float | None = None,
        exploited: bool | None = None,
    ) -> None:
        """Count one finding. severity: one of ours. fixed: the version, "" for none, None when it is not said."""
        self.total[severity] += 1
        self._told = self._told and fixed is not None
        self._fixable[severity] += bool(fixed)
        kept = self._kept[severity]
        if len(kept) == MOST:
            return
        told = {"id": identifier, "package": package, "installedVersion": installed}
        finding: dict[str, object] = {name: clean(value, _LONGEST[name]) for name, value in told.items() if value}
        finding["severity"] = severity
        if fixed is not None:
            # What is left of a version must not become "", which would say that there is no fix.
            finding["fixedVersion"] = (clean(fixed, _LONGEST["fixedVersion"]) or "there is one") if fixed else None
        if cvss is not None:
            finding["cvss"] = cvss
        if exploited is not None:
            finding["knownExploited"] = exploited
        kept.append(finding)

    @property
    def fixable(self) -> Counts | None:
        """The findings with a fix; None unless every finding told whether there is one."""
        return self._fixable if self._told else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """At most a hundred of them, worst first."""
        return tuple(finding for name in SEVERITIES for finding in self._kept[name])[:MOST]


def read_counts(found: object, path: str) -> dict[str, int]:
    """All six severities; one that is missing would be taken for zero, so it is an error."""
    if not isinstance(found, Mapping) or set(found) != set(SEVERITIES):
        raise wrong(path, f"exactly {', '.join(SEVERITIES)}", found)
    return {name: read_count(found[name], f"{path}.{name}") for name in SEVERITIES}


def read_count(found: object, path: str) -> int:
    """A whole number of findings."""
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= MOST_COUNTED:
        raise wrong(path, "a count", found)
    return found
