"""SARIF 2.1.0, the fallback, as docs.oasis-open.org/sarif/sarif/v2.1.0 and Trivy's alpine-310.sarif.golden have it.

A level is no severity: `error` is all that is critical and all that is high. Severities are read from a rule's tags
or from its `security-severity`; where there is neither, the scan has no result.
"""

from __future__ import annotations

from collections.abc import Sequence

from policies.evidence import SEVERITIES
from policies.scans.outcome import FAILED, INCOMPLETE, Outcome
from policies.scans.reading import Part, items, moment, needed, number, part, parts, text, texts, wrong
from policies.scans.subject import Subject
from policies.scans.tally import Tally, is_severity, severity_of

ADAPTER = "sarif/1"
_VERSION = "2.1.0"
_NO_FINDING = frozenset({"pass", "notApplicable"})
_SCORES = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))  # CVSS 3.1, section 5


def fits(report: Part) -> bool:
    """Whether it is SARIF."""
    return "runs" in report and "version" in report


def read(report: Part, subject: Subject) -> Outcome:
    """The scan of all runs together; a run without results is clean only if it says that it succeeded."""
    if text(report, "version", "version") != _VERSION:
        raise wrong("version", _VERSION, text(report, "version", "version"))
    tally = Tally()
    runs = [_Run(run, f"runs[{place}]", subject) for place, run in enumerate(parts(report, "runs", "runs") or ())]
    if not runs:
        return Outcome(scanner="sarif", adapter=ADAPTER, status=INCOMPLETE, reason="the report holds no run")
    names = sorted({run.name for run in runs})
    if len(names) > 1:
        raise wrong("runs", "runs of one scanner", ", ".join(names))
    times = [time for run in runs for time in run.times]
    scan = Outcome(scanner=names[0], adapter=ADAPTER, version=runs[0].version, completed_at=max(times, default=None))
    unranked = sum(run.count(tally) for run in runs)
    trouble = next((run.trouble for run in runs if run.trouble), "")
    if trouble:
        return scan.ended(FAILED if trouble == FAILED else INCOMPLETE, _REASONS[trouble])
    if unranked:
        reason = f"{unranked} results have a level and no severity: an error may be critical or high"
        return scan.ended(INCOMPLETE, reason)
    return scan.counted(tally)


_REASONS = {
    FAILED: "an invocation of the scanner did not succeed",
    "null": "a run has no results: it was not scanned",
    "empty": "a run has no results and does not say that it succeeded, which does not tell clean from not scanned",
}


class _Run:
    """One run. trouble: a key of `_REASONS`, "" for a run whose results count."""

    def __init__(self, run: Part, path: str, subject: Subject) -> None:
        driver = part(part(run, "tool", f"{path}.tool") or {}, "driver", f"{path}.tool.driver") or {}
        self.name = needed(driver, "name", f"{path}.tool.driver.name")
        self.version = text(driver, "version", f"{path}.tool.driver.version")
        about = part(run, "properties", f"{path}.properties") or {}
        subject.is_one_of(
            texts(about, "repoDigests", f"{path}.properties.repoDigests"), f"{path}.properties.repoDigests"
        )
        invocations = parts(run, "invocations", f"{path}.invocations") or ()
        ended = [moment(one, "endTimeUtc", f"{path}.invocations.endTimeUtc") for one in invocations]
        self.times = [time for time in ended if time is not None]
        self._path = path
        self._results = parts(run, "results", f"{path}.results")
        self._rules = parts(driver, "rules", f"{path}.tool.driver.rules") or ()
        self._by_id = {text(rule, "id", f"{path}.tool.driver.rules.id"): rule for rule in self._rules}
        self.trouble = self._trouble([one.get("executionSuccessful") for one in invocations])

    def _trouble(self, succeeded: Sequence[object]) -> str:
        if any(said is False for said in succeeded):
            return FAILED
        if self._results is None:
            return "null"
        return "" if self._results or (succeeded and all(said is True for said in succeeded)) else "empty"

    def count(self, tally: Tally) -> int:
        """Count the results; answers how many have no severity."""
        unranked = 0
        for place, result in enumerate(self._results or ()):
            path = f"{self._path}.results[{place}]"
            if text(result, "kind", f"{path}.kind") in _NO_FINDING:
                continue
            rule = self._rule(result, path)
            severity = _severity(rule)
            unranked += not severity
            name = text(result, "ruleId", f"{path}.ruleId") or needed(rule, "id", f"{path}.ruleId")
            tally.add(name, severity or "unknown")
        return unranked

    def _rule(self, result: Part, path: str) -> Part:
        named = text(result, "ruleId", f"{path}.ruleId")
        if named in self._by_id:
            return self._by_id[named]
        place = result.get("ruleIndex")
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(self._rules):
            return self._rules[place]
        return {}


def _severity(rule: Part) -> str:
    """The worst that its tags name, for a package may be called like a severity; "" when nothing is told."""
    about = part(rule, "properties", "rule.properties") or {}
    ranked = [severity_of(str(tag)) for tag in items(about, "tags", "rule.properties.tags") or () if _is_ranked(tag)]
    if ranked:
        return min(ranked, key=SEVERITIES.index)
    found = number(about.get("security-severity"))
    if found is None:
        return ""
    return next((name for least, name in _SCORES if found >= least), "negligible")


def _is_ranked(tag: object) -> bool:
    return isinstance(tag, str) and is_severity(tag)
