"""The grammar of a Scan cell: limits and wishes, parted by commas, in any order."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from policies.durations import read_duration, suggest_duration
from policies.errors import CellError, Problem, quoted
from policies.scan import Excepted, Late, ScanRule
from policies.scan_event import SCANNER
from policies.scan_findings import FINDING_ID

_MOST_PARTS = 60
_LIMITED = ("critical", "high", "medium", "low")
_LIMIT = re.compile(rf"({'|'.join(_LIMITED)}) ([0-9]{{1,6}})", re.ASCII | re.IGNORECASE)
_LOOSE = re.compile(
    rf"(?:({'|'.join(_LIMITED)}) ?(?:<=|==|=|:)? ?([0-9]{{1,6}})|(no|[0-9]{{1,6}}) ({'|'.join(_LIMITED)}))",
    re.ASCII | re.IGNORECASE,
)
_WITHIN = re.compile(r"within (.+?)(?: else (hold|reject))?", re.IGNORECASE)
_BY = re.compile(r"by (\S+(?: and \S+)*)", re.IGNORECASE)
_FRESH = re.compile(r"not older than (.+)", re.IGNORECASE)
_EXCEPT = re.compile(r"(except )?(\S+) until (\S+)", re.IGNORECASE)
_DATE = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
_LOOSE_DATE = re.compile(r"([0-9]{1,2})([./])([0-9]{1,2})[./](20[0-9]{2})", re.ASCII)
_EXPECTED = (
    '"critical N", "high N", "medium N", "low N", "fixable only", "by SCANNER", "not older than D", '
    '"except CVE-… until DATE" or "within D else hold|reject"'
)
_MONTHS = 12


def read_scan_rule(text: str, column: str = "Scan") -> ScanRule | None:
    """The rule, None for `none`; raises `CellError` with every problem of the cell."""
    if text.lower() == "none":
        return None
    cell = _taken_apart(text, column)
    if cell.problems:
        hint = _repaired(text)
        raise CellError(*(replace(problem, hint=hint) for problem in cell.problems))
    if not cell.limits:
        expected = 'at least one limit as in "critical 0"'
        hint = _good(f"critical 0, {text}")
        raise CellError(Problem(column=column, expected=expected, found=quoted(text), hint=hint))
    return ScanRule(
        text=text,
        limits=tuple(cell.limits.items()),
        fixable_only=cell.fixable_only,
        by=cell.by,
        fresh=cell.fresh,
        excepted=tuple(cell.excepted.values()),
        within=cell.within,
        late=cell.late,
    )


def _taken_apart(text: str, column: str) -> _Cell:
    """What the parts of a cell say. Its problems have no hints yet: one is sought for the cell, not for each part."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_PARTS:
        raise CellError(Problem(column=column, expected=f"at most {_MOST_PARTS} parts", found=str(len(parts))))
    cell = _Cell(column)
    for part in parts:
        cell.read(part)
    return cell


class _Cell:
    """What has been read of a cell so far, and what was wrong with it."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._in_except = False
        self.problems: list[Problem] = []
        self.limits: dict[str, int] = {}
        self.fixable_only = False
        self.by: tuple[str, ...] = ()
        self.fresh: timedelta | None = None
        self.excepted: dict[str, Excepted] = {}
        self.within: timedelta | None = None
        self.late = Late.HOLD

    def read(self, part: str) -> None:
        """Take one part between commas; `CVE until DATE` may follow an `except` without repeating the word."""
        if (match := _EXCEPT.fullmatch(part)) and (match[1] or self._in_except):
            self._in_except = True
            self._except(part, match[2].upper(), match[3])
            return
        self._in_except = False
        if match := _WITHIN.fullmatch(part):
            self._within(part, match)
        elif (match := _LIMIT.fullmatch(part)) and match[1].lower() not in self.limits:
            self.limits[match[1].lower()] = int(match[2])
        elif part.lower() == "fixable only" and not self.fixable_only:
            self.fixable_only = True
        elif match := _BY.fullmatch(part):
            self._by(part, match)
        elif match := _FRESH.fullmatch(part):
            self._fresh(part, match)
        else:
            self._fault(part, _EXPECTED)

    def _fault(self, part: str, expected: str) -> None:
        self.problems.append(Problem(column=self._column, expected=expected, found=quoted(part)))

    def _within(self, part: str, match: re.Match[str]) -> None:
        span = read_duration(match[1])
        if self.within is not None or match[2] is None or span is None:
            self._fault(part, 'once "within D else hold" or "within D else reject"')
            return
        self.within, self.late = span, Late(match[2].lower())

    def _by(self, part: str, match: re.Match[str]) -> None:
        names = tuple(re.split(r" and ", match[1].lower()))
        good = all(SCANNER.fullmatch(name) for name in names) and len(set(names)) == len(names)
        if self.by or not good:
            self._fault(part, 'once "by SCANNER" or "by SCANNER and SCANNER", each named once')
            return
        self.by = names

    def _fresh(self, part: str, match: re.Match[str]) -> None:
        span = read_duration(match[1])
        if self.fresh is not None or span is None:
            self._fault(part, 'once "not older than D", as in "not older than 24h"')
            return
        self.fresh = span

    def _except(self, part: str, name: str, until: str) -> None:
        day = _day(until)
        if FINDING_ID.fullmatch(name) is None or day is None or name in self.excepted:
            self._fault(
                part, 'each finding once, with the last day it is excepted: "except CVE-2026-3141 until 2026-12-01"'
            )
            return
        ends = datetime.combine(day + timedelta(days=1), time(), UTC)
        self.excepted[name] = Excepted(id=name, until=until, ends=ends)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _repaired(text: str) -> str:
    """The cell that was probably meant: it reads without a problem, or none is offered."""
    parts = [_meant(part.strip()) for part in re.split(r"[,;]", text)]
    offer = ", ".join(dict.fromkeys(parts))
    return "" if offer == text else _good(offer)


def _good(offer: str) -> str:
    try:
        cell = _taken_apart(offer, "")
    except CellError:
        return ""
    return offer if cell.limits and not cell.problems else ""


def _meant(part: str) -> str:
    if match := _LOOSE.fullmatch(part):
        name, count = (match[1], match[2]) if match[1] else (match[4], "0" if match[3] == "no" else match[3])
        return f"{name.lower()} {count}"
    if match := re.fullmatch(r"within (.+?)(?:,? ?(?:else|or|then) (\w+))?", part, re.IGNORECASE):
        return f"within {_span(match[1])} else {'reject' if (match[2] or '').lower() == 'reject' else 'hold'}"
    if part.lower() in {"fixable", "only fixable", "fixable findings only"}:
        return "fixable only"
    if match := re.fullmatch(
        r"(?:not older than|not older|max age|newer than|fresher than) ?(.+)", part, re.IGNORECASE
    ):
        return f"not older than {_span(match[1])}"
    if match := re.fullmatch(r"(?:scanned by|by) (.+)", part, re.IGNORECASE):
        return "by " + " and ".join(re.split(r" ?(?:\+|&|/| and ) ?", match[1]))
    if match := re.fullmatch(
        r"(?:except|ignore|accept|allow) (\S+) (?:until|till|to|before) (\S+)", part, re.IGNORECASE
    ):
        return f"except {match[1]} until {_meant_day(match[2])}"
    return part


def _span(text: str) -> str:
    return text if read_duration(text) else suggest_duration(text)


def _meant_day(text: str) -> str:
    """A date as people write it; 3/4/2026 is anybody's guess, and stays as it is."""
    match = _LOOSE_DATE.fullmatch(text)
    if match is None:
        return text
    day, month = int(match[1]), int(match[3])
    if match[2] == "/" and day <= _MONTHS and month > _MONTHS:
        day, month = month, day
    elif match[2] == "/" and day <= _MONTHS:
        return text
    return f"{match[4]}-{month:02}-{day:02}"
