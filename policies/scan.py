"""Scan: how many findings an image may have, and what a scan that never comes means."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from policies.durations import read_duration, say_duration, suggest_duration
from policies.errors import CellError, NotKept, Problem, quoted
from policies.evidence import ScanEvidence, Severities, last_words
from policies.facts import PLATFORM, Facts
from policies.gate import Asked, cannot_tell, is_closed, is_open, is_waiting
from rollouts.findings import Answer, Finding, all_of
from rollouts.seen import Unknown

_LATER = re.compile(r"(fixable only|by|not older than|except)\b.*", re.IGNORECASE)
_MOST_PARTS = 10
_LIMITED = ("critical", "high", "medium", "low")
_LIMIT = re.compile(rf"({'|'.join(_LIMITED)}) ([0-9]{{1,6}})", re.ASCII | re.IGNORECASE)
_LOOSE = re.compile(
    rf"(?:({'|'.join(_LIMITED)}) ?(?:<=|==|=|:)? ?([0-9]{{1,6}})|(no|[0-9]{{1,6}}) ({'|'.join(_LIMITED)}))",
    re.ASCII | re.IGNORECASE,
)
_WITHIN = re.compile(r"within (.+?)(?: else (hold|reject))?", re.IGNORECASE)
_EXPECTED = '"critical N", "high N", "medium N", "low N" or "within D else hold|reject"'


class Late(StrEnum):
    """What an image whose scan has not come in time does."""

    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRule:
    """The Scan cell. limits: the most findings allowed by severity. within None: waits without limit."""

    text: str
    limits: tuple[tuple[str, int], ...]
    within: timedelta | None = None
    late: Late = Late.HOLD
    lasting: ClassVar[bool] = True

    def ask(self, asked: Asked) -> Finding:
        """The worst word of all scanners."""
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
                aside = f" ({unranked} of unknown severity)" if unranked else ""
                over.append(f"{found} {name}{aside}, allowed {most}")
        return "; ".join(over)


def _judge(rule: ScanRule, asked: Asked) -> Finding:
    """The worst word of all scanners; a scan that has not come, or did not end well, is not a clean one."""
    image, facts, now = asked.image, asked.facts, asked.now
    if isinstance(facts.scans, Unknown):
        return cannot_tell("scan", facts.scans, now)
    child = facts.child
    answers = tuple(_scanned(rule, scan) for scan in last_words(facts.scans, image.digest, child, PLATFORM))
    if not answers:
        return _unscanned(rule, facts, now, "no scan has come", ())
    whole = all_of("scan", answers)
    match whole.answer:
        case Answer.WAITING:
            return _unscanned(rule, facts, now, whole.because, answers)
        case Answer.OPEN:
            return replace(whole, because="; ".join(answer.because for answer in answers))
        case Answer.CLOSED:
            return whole


def _scanned(rule: ScanRule, scan: ScanEvidence) -> Finding:
    gate = f"{scan.scanner} at {scan.completed_at:%H:%M} UTC"
    if scan.status != "completed" or scan.counts is None:
        return is_waiting(gate, f"the scan is {scan.status}{': ' if scan.reason else ''}{scan.reason[:200]}")
    over = rule.exceeded(scan.counts)
    if over:
        named = f" ({'; '.join(scan.worst[:3])})" if scan.worst else ""
        return is_closed(gate, over + named)
    return is_open(gate, f"{scan.scanner} found no more than {rule.text} allows")


def _unscanned(rule: ScanRule, facts: Facts, now: datetime, because: str, children: tuple[Finding, ...]) -> Finding:
    waiting = Finding(gate="scan", answer=Answer.WAITING, because=because, children=children)
    if rule.within is None:
        return waiting
    limit = facts.offered_at + rule.within
    if now < limit:
        return replace(waiting, because=f"{because}; waits until {limit:%H:%M} UTC, then {rule.late}", ask_at=limit)
    late = f"{because} within {say_duration(rule.within)}"
    match rule.late:
        case Late.REJECT:
            return replace(waiting, answer=Answer.CLOSED, because=late)
        case Late.HOLD:
            return replace(waiting, because=f"{late}; held until one comes")


def read_scan_rule(text: str, column: str = "Scan") -> ScanRule | None:
    """The rule, None for `none`; raises `CellError` with every problem of the cell."""
    if text.lower() == "none":
        return None
    problems: list[Problem] = []
    limits: dict[str, int] = {}
    within: timedelta | None = None
    late = Late.HOLD
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_PARTS:
        expected = f"at most {_MOST_PARTS} parts"
        raise CellError(Problem(column=column, expected=expected, found=str(len(parts))))
    for part in parts:
        if _LATER.fullmatch(part):
            problems.append(NotKept(column=column, found=quoted(text), part=part))
        elif match := _WITHIN.fullmatch(part):
            if within is not None or match[2] is None or read_duration(match[1]) is None:
                problems.append(_bad_within(part, column, text))
            within = read_duration(match[1])
            late = Late((match[2] or Late.HOLD).lower())
        elif (limit := _LIMIT.fullmatch(part)) and limit[1].lower() not in limits:
            limits[limit[1].lower()] = int(limit[2])
        else:
            problems.append(Problem(column=column, expected=_EXPECTED, found=quoted(part), hint=_repaired(text)))
    if not limits and not problems:
        expected = 'at least one limit as in "critical 0"'
        problems.append(Problem(column=column, expected=expected, found=quoted(text), hint=f"critical 0, {text}"))
    if problems:
        raise CellError(*problems)
    return ScanRule(text=text, limits=tuple(limits.items()), within=within, late=late)


def _bad_within(part: str, column: str, text: str) -> Problem:
    expected = 'once "within D else hold" or "within D else reject"'
    return Problem(column=column, expected=expected, found=quoted(part), hint=_repaired(text))


def _repaired(text: str) -> str:
    """The cell that was probably meant: it reads without a problem, or none is offered."""
    parts: list[str] = []
    for part in (part.strip() for part in re.split(r"[,;]", text)):
        if match := _LOOSE.fullmatch(part):
            name, count = (match[1], match[2]) if match[1] else (match[4], "0" if match[3] == "no" else match[3])
            parts.append(f"{name.lower()} {count}")
        elif match := re.fullmatch(r"within (.+?)(?:,? ?(?:else|or|then) (\w+))?", part, re.IGNORECASE):
            span = match[1] if read_duration(match[1]) else suggest_duration(match[1])
            parts.append(f"within {span} else {'reject' if (match[2] or '').lower() == 'reject' else 'hold'}")
        else:
            parts.append(part)
    offer = ", ".join(dict.fromkeys(parts))
    if offer == text:
        return ""
    try:
        read_scan_rule(offer)
    except CellError:
        return ""
    return offer
