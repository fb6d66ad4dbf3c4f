"""Scan: how many findings an image may have, by whose word, how fresh, and what a scan that never comes means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from policies.durations import say_duration
from policies.evidence import SEVERITIES, ScanEvidence, Severities
from policies.facts import PLATFORM, Facts
from policies.gate import Asked, cannot_tell, is_waiting
from rollouts.findings import Answer, Finding, all_of
from rollouts.seen import Unknown

SKEW = timedelta(minutes=5)  # how far a scanner's clock may be ahead of ours
_NAMED = 3  # findings that a because names


class Late(StrEnum):
    """What an image whose scan has not come in time does."""

    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """A finding that is not counted before `ends`. id: in upper case. until: the date as the cell has it."""

    id: str
    until: str
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRule:
    """The Scan cell. limits: the most findings allowed by severity. within None: waits without limit.

    by: whose words count, (): everybody's who has one. fresh: how old a scan may get, None: any age.
    """

    text: str
    limits: tuple[tuple[str, int], ...]
    fixable_only: bool = False
    by: tuple[str, ...] = ()
    fresh: timedelta | None = None
    excepted: tuple[Excepted, ...] = ()
    within: timedelta | None = None
    late: Late = Late.HOLD
    lasting: ClassVar[bool] = True

    def ask(self, asked: Asked) -> Finding:
        """The worst word of those whose words count."""
        return _judge(self, asked)

    def exceeded(self, counts: Severities) -> str:
        """Which limits these counts exceed, in words; "" when none.

        A finding of unknown severity counts as medium: a scanner that could not rank it has not called it harmless.
        """
        over: list[str] = []
        for name, most in self.limits:
            unranked = counts.unknown if name == "medium" else 0
            found = getattr(counts, name) + unranked
            if found > most:
                kind = f"fixable {name}" if self.fixable_only else name
                aside = f" ({unranked} of unknown severity)" if unranked else ""
                over.append(f"{found} {kind}{aside}, allowed {most}")
        return "; ".join(over)


def _judge(rule: ScanRule, asked: Asked) -> Finding:
    """A scan that has not come, is too old, or did not end well is not a clean one."""
    image, facts, now = asked.image, asked.facts, asked.now
    if isinstance(facts.scans, Unknown):
        return _unscanned(rule, facts, now, cannot_tell("scan", facts.scans, now))
    words = last_words(facts.scans, image.digest, facts.child, PLATFORM)
    if rule.by:
        answers = tuple(_of_scanner(rule, name, words, now) for name in rule.by)
    else:
        answers = tuple(_scanned(rule, scan, now) for scan in words)
    if not words and isinstance(facts.manifest, Unknown):
        # Of an index it is not known then which manifest's scan to look for.
        return _unscanned(rule, facts, now, cannot_tell("scan", facts.manifest, now))
    if not words:
        return _unscanned(rule, facts, now, Finding(gate="scan", answer=Answer.WAITING, because="no scan has come"))
    whole = all_of("scan", answers)
    match whole.answer:
        case Answer.WAITING:
            return _unscanned(rule, facts, now, whole, _stale_since(rule, words, now))
        case Answer.OPEN:
            return replace(whole, because="; ".join(answer.because for answer in answers))
        case Answer.CLOSED:
            return whole


def last_words(scans: Iterable[ScanEvidence], digest: str, child: str, platform: str) -> list[ScanEvidence]:
    """One scan a scanner of the digest: of its child for this platform rather than of itself, then the latest.

    A scan of another platform's manifest says nothing about what will run.
    """
    last: dict[str, ScanEvidence] = {}
    for scan in sorted(scans, key=lambda scan: (scan.digest == child, scan.completed_at, scan.status != "completed")):
        of_image = scan.digest in {digest, child} and scan.platform in {"", platform}
        if of_image or (scan.index_digest == digest and scan.platform == platform):
            last[scan.scanner] = scan
    return list(last.values())


def _of_scanner(rule: ScanRule, name: str, words: list[ScanEvidence], now: datetime) -> Finding:
    for scan in words:
        if scan.scanner == name:
            return _scanned(rule, scan, now)
    others = " and ".join(sorted(scan.scanner for scan in words))
    return is_waiting(name, f"has not reported{f'; {others} has' if others else ''}")


def _scanned(rule: ScanRule, scan: ScanEvidence, now: datetime) -> Finding:
    gate = f"{scan.scanner} at {_clock(scan.completed_at, now)}"
    aside = f": {scan.reason[:200]}" if scan.reason else ""
    if rule.fresh is not None:
        if scan.completed_at - SKEW > now:
            return is_waiting(gate, "the scan is of the future, so its age cannot be told", scan.completed_at - SKEW)
        if now - scan.completed_at >= rule.fresh:
            return is_waiting(gate, f"the scan is older than {say_duration(rule.fresh)}; a fresh one is needed")
    if scan.status != "completed" or scan.counts is None:
        return is_waiting(gate, f"the scan is {scan.status}{aside}")
    applied, unsaid = _exceptions(rule, scan, now)
    over = rule.exceeded(_counted(rule, scan, applied))
    until = [exception.ends for exception in rule.excepted if exception.id in applied]
    asks = [*until, scan.completed_at + rule.fresh] if rule.fresh is not None else until
    ask_at = min(asks, default=None)
    if over and rule.fixable_only and scan.fixable is None:
        return is_waiting(gate, "cannot tell: the scan does not say which findings can be fixed", ask_at)
    if over:
        names = [line for line in scan.worst if not _is_of(line, applied)][:_NAMED]
        named = f" ({'; '.join(names)})" if names else ""
        return Finding(gate=gate, answer=Answer.CLOSED, because="; ".join([over + named, *unsaid]), ask_at=ask_at)
    allowed = ", ".join(f"{name} {most}" for name, most in rule.limits)
    said = f"{scan.scanner} found no more than {allowed}{' fixable' if rule.fixable_only else ''} allows"
    spared = [f"{each.id} excepted until {each.until}" for each in rule.excepted if each.id in applied]
    because = ", ".join([said, *spared]) + (f"; {scan.reason[:200]}" if scan.reason else "")
    return Finding(gate=gate, answer=Answer.OPEN, because=because, ask_at=ask_at)


def _is_of(line: str, ids: frozenset[str]) -> bool:
    """Whether a line for people, which begins with severity and identifier, is of one of these findings."""
    return any(word.upper() in ids for word in line.split(" ", 2)[1:2])


def _exceptions(rule: ScanRule, scan: ScanEvidence, now: datetime) -> tuple[frozenset[str], list[str]]:
    """The identifiers of findings that are not counted now, and why others that the cell excepts are."""
    listed = {finding.id.upper() for finding in scan.findings}
    all_counted = sum(getattr(scan.counts, name) for name in SEVERITIES)
    applied: set[str] = set()
    unsaid: list[str] = []
    for exception in rule.excepted:
        if now >= exception.ends:
            unsaid += (
                [f"the exception of {exception.id} ended with {exception.until}"] if exception.id in listed else []
            )
        elif exception.id in listed:
            applied.add(exception.id)
        elif len(scan.findings) < all_counted:
            unsaid.append(
                f"{exception.id} is not among the {len(scan.findings)} of {all_counted} findings that the scan lists, "
                "so its exception cannot be applied"
            )
    return frozenset(applied), unsaid


def _counted(rule: ScanRule, scan: ScanEvidence, applied: frozenset[str]) -> Severities:
    """What is counted against the limits: all or the fixable findings, without those excepted.

    Without a word on fixability all are counted: those with a fix cannot be more.
    """
    base = scan.counts if scan.fixable is None or not rule.fixable_only else scan.fixable
    spared = [finding for finding in scan.findings if finding.id.upper() in applied]
    if rule.fixable_only:
        spared = [finding for finding in spared if finding.fixable]
    less = {name: sum(finding.severity == name for finding in spared) for name in SEVERITIES}
    return Severities(**{name: max(0, getattr(base, name) - less[name]) for name in SEVERITIES})


def _stale_since(rule: ScanRule, words: list[ScanEvidence], now: datetime) -> datetime | None:
    """When the last scan that has become too old became so."""
    if rule.fresh is None:
        return None
    old = [scan.completed_at for scan in words if now - scan.completed_at >= rule.fresh]
    return max(old) + rule.fresh if old else None


def _unscanned(
    rule: ScanRule, facts: Facts, now: datetime, waiting: Finding, stale_since: datetime | None = None
) -> Finding:
    """It waits as long as the cell says, counted from the offer, or from when the scan there was became too old."""
    if rule.within is None:
        return waiting
    limit = max(facts.offered_at, stale_since or facts.offered_at) + rule.within
    if now < limit:
        because = f"{waiting.because}; waits until {_clock(limit, now)}, then {rule.late}"
        return replace(waiting, because=because, ask_at=min(limit, waiting.ask_at or limit))
    late = f"{waiting.because}; waited {say_duration(rule.within)} in vain"
    match rule.late:
        case Late.REJECT:
            return replace(waiting, answer=Answer.CLOSED, because=late)
        case Late.HOLD:
            return replace(waiting, because=f"{late}; held until one comes")


def _clock(when: datetime, now: datetime) -> str:
    """The time of day, with its date where that is not today's."""
    return f"{when:%H:%M} UTC" if when.date() == now.date() else f"{when:%Y-%m-%d %H:%M} UTC"
