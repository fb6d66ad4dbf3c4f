"""Days of the calendar as a cell holds them: `2026-12-20`."""

from __future__ import annotations

import re
from datetime import date

_WRITTEN = re.compile(r"(2[0-9]{3})-([0-9]{2})-([0-9]{2})", re.ASCII)
_YEAR_FIRST = re.compile(r"(2[0-9]{3})([-/. ]?)([0-9]{1,2})\2([0-9]{1,2})", re.ASCII)
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2(2[0-9]{3})", re.ASCII)
_NAMED = re.compile(r"([0-9]{1,2})?(?:st|nd|rd|th)?\.? ?([a-z]{3})[a-z]*\.? ?([0-9]{1,2})?,? (2[0-9]{3})", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read_date(text: str) -> date | None:
    """The day, of the years 2000 to 2999; None when it is not one."""
    match = _WRITTEN.fullmatch(text)
    return _date(*match.groups()) if match else None


def suggest_date(text: str) -> str:
    """The day that was probably meant, "" when that is anybody's guess, as `03/04/2026` is."""
    word = text.strip().lower()
    if match := _YEAR_FIRST.fullmatch(word):
        year, _, month, day = match.groups()
        return _written({_date(year, month, day) or _date(year, day, month)})
    if match := _YEAR_LAST.fullmatch(word):
        first, mark, second, year = match.groups()
        either = (
            {_date(year, second, first)} if mark == "." else {_date(year, second, first), _date(year, first, second)}
        )
        return _written(either)
    match = _NAMED.fullmatch(word)
    if match is None or match[2] not in _MONTHS or bool(match[1]) == bool(match[3]):
        return ""
    return _written({_date(match[4], str(_MONTHS.index(match[2]) + 1), match[1] or match[3])})


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _written(days: set[date | None]) -> str:
    """The one day among them."""
    real = [day for day in days if day is not None]
    return real[0].isoformat() if len(real) == 1 else ""
