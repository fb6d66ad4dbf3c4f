"""Calendar versions: formats of calver.org's tokens, and the tags that fit them.

Tokens and their meaning: https://calver.org, "Scheme". `YY` and `0Y` count from 2000. `YY`, `MM`, `WW` and `DD` take a
zero in front too, for many who write `MM` mean `05`; `0Y`, `0M`, `0W` and `0D` insist on it. Weeks are those of ISO
8601. A trailing MINOR, MICRO or MODIFIER may be missing, with what stands before it: a missing number is 0, and what
has a modifier comes before what has none, as a pre-release does. A `v` may stand in front of a format that begins with
a token.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from policies.errors import CellError, Problem, quoted
from policies.natural import natural_key

CalverKey = tuple[object, ...]

LONGEST = 128  # characters, as in a tag


class Field(StrEnum):
    YEAR = "year"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    MAJOR = "major"
    MINOR = "minor"
    MICRO = "micro"
    MODIFIER = "modifier"


_DATE = (Field.YEAR, Field.MONTH, Field.WEEK, Field.DAY)  # by significance
_NUMBERED = (Field.MAJOR, Field.MINOR, Field.MICRO)
_OPTIONAL = frozenset({Field.MINOR, Field.MICRO, Field.MODIFIER})
_CENTURY = 2000
# Longer before shorter: what a token begins with may be a token too.
_TOKENS = {
    "YYYY": (Field.YEAR, "[0-9]{4}"),
    "YY": (Field.YEAR, "[0-9]{1,3}"),
    "0Y": (Field.YEAR, "[0-9]{2,3}"),
    "MAJOR": (Field.MAJOR, "[0-9]+"),
    "MINOR": (Field.MINOR, "[0-9]+"),
    "MICRO": (Field.MICRO, "[0-9]+"),
    "MODIFIER": (Field.MODIFIER, "[A-Za-z0-9][A-Za-z0-9._-]*"),
    "MM": (Field.MONTH, "[0-9]{1,2}"),
    "0M": (Field.MONTH, "[0-9]{2}"),
    "WW": (Field.WEEK, "[0-9]{1,2}"),
    "0W": (Field.WEEK, "[0-9]{2}"),
    "DD": (Field.DAY, "[0-9]{1,2}"),
    "0D": (Field.DAY, "[0-9]{2}"),
}
_FIXED = frozenset({"YYYY", "0Y", "0M", "0W", "0D"})  # their width is known, so digits may follow at once
_SPLIT = re.compile("|".join(_TOKENS))
# A digit between tokens would hide where a number ends; a capital of a token is a token mistyped.
_LITERAL = re.compile(r"[a-zA-Z._-]+", re.ASCII)
_MISTYPED = re.compile(r"[YMWD]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format. fields: what is compared, in that order; the date is one, by significance. pattern: for `re`."""

    text: str
    fields: tuple[Field, ...]
    pattern: str

    def refuses(self, part: str) -> str:
        """Why this is no version of the format, "" when it is one."""
        values = self._values(part)
        if values is None:
            return f"{part} does not fit {self.text}"
        return "" if self._exists(values) else f"{part} names a date that does not exist"

    def key(self, part: str) -> CalverKey | None:
        """Sorts versions of formats with the same `fields`; None for what is no version of this one."""
        values = self._values(part)
        if values is None or not self._exists(values):
            return None
        return tuple(
            (not values[field], natural_key(values[field])) if field is Field.MODIFIER else self._number(values, field)
            for field in self.fields
        )

    def _values(self, part: str) -> Mapping[Field, str] | None:
        match = _compiled(self.pattern).fullmatch(part)
        return {field: match[field] or "" for field in self.fields} if match else None

    def _number(self, values: Mapping[Field, str], field: Field) -> int:
        short = field is Field.YEAR and "YYYY" not in self.text
        return int(values[field] or 0) + (_CENTURY if short else 0)

    def _exists(self, values: Mapping[Field, str]) -> bool:
        year, month, week, day = (self._number(values, field) if field in values else 1 for field in _DATE)
        try:
            if Field.WEEK in values:
                date.fromisocalendar(year, week, 1)
            else:
                date(year, month, day)
        except ValueError:
            return False
        return True


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def read_format(text: str, column: str) -> Format:
    """The format; raises `CellError` with what is wrong with it, and the corrected cell where that can be told."""
    wrong = _fault(text)
    if wrong:
        raise CellError(Problem(column=column, expected=wrong, found=quoted(text), hint=_repaired(text)))
    tokens, literals = _SPLIT.findall(text), _SPLIT.split(text)
    return Format(text=text, fields=_compared(tokens), pattern=_pattern(tokens, literals))


def _fault(text: str) -> str:
    """What was expected instead of this format, "" when it is one."""
    if not text or len(text) > LONGEST:
        return f'a format of at most {LONGEST} characters as in "calver: YYYY.0M.MICRO"'
    tokens, literals = _SPLIT.findall(text), _SPLIT.split(text)
    if any(part and (_LITERAL.fullmatch(part) is None or _MISTYPED.search(part)) for part in literals):
        *most, last = _TOKENS
        return f"the tokens {', '.join(most)} and {last}, and letters or . _ - between them"
    if text[0] in ".-" or text[-1] in "._-":
        return "a format that begins and ends with more than a separator"
    return _fields_fault([_TOKENS[token][0] for token in tokens]) or _place_fault(tokens, literals)


def _fields_fault(fields: list[Field]) -> str:
    if Field.YEAR not in fields:
        return "a format with a year: YYYY, YY or 0Y"
    twice = next((field for field in fields if fields.count(field) > 1), None)
    if twice is not None:
        return f"one {twice}"
    if Field.WEEK in fields and (Field.MONTH in fields or Field.DAY in fields):
        return "either a week, or a month and a day"
    if Field.DAY in fields and Field.MONTH not in fields:
        return "a month beside the day"
    dates = [place for place, field in enumerate(fields) if field in _DATE]
    if dates[-1] - dates[0] >= len(dates):
        return "year, month and day next to each other, or nobody could say what is compared first"
    numbered = [field for field in fields if field in _NUMBERED]
    if numbered != sorted(numbered, key=_NUMBERED.index):
        return "MAJOR before MINOR before MICRO"
    return ""


def _place_fault(tokens: list[str], literals: list[str]) -> str:
    if "MODIFIER" in tokens[:-1] or ("MODIFIER" in tokens and literals[-1]):
        return "MODIFIER at the end, for it takes whatever stands there"
    for token, between, after in zip(tokens, literals[1:], tokens[1:], strict=False):
        if not between and token not in _FIXED and after != "MODIFIER":
            return f"something between {token} and {after}, or nobody could say where {token} ends"
    return ""


def _compared(tokens: list[str]) -> tuple[Field, ...]:
    fields = [_TOKENS[token][0] for token in tokens]
    first = next(place for place, field in enumerate(fields) if field in _DATE)
    dates = [field for field in _DATE if field in fields]
    return (*fields[:first], *dates, *fields[first + len(dates) :])


def _pattern(tokens: list[str], literals: list[str]) -> str:
    """One group a token, those that may be missing nested at the end; it fits a text in one way only: linear time."""
    needed = _needed(tokens, literals)
    written = "v?" if not literals[0] else ""
    for place, (token, before) in enumerate(zip(tokens, literals, strict=False)):
        field, digits = _TOKENS[token]
        if field is Field.MODIFIER and not before:
            digits = "[A-Za-z][A-Za-z0-9._-]*"  # a digit would belong to the number before it
        elif token.startswith("0Y") and tokens[place + 1 :] and not literals[place + 1]:
            digits = "[0-9]{2}"
        written += f"{'(?:' if place >= needed else ''}{re.escape(before)}(?P<{field}>{digits})"
    return written + ")?" * (len(tokens) - needed) + re.escape(literals[-1])


def _needed(tokens: list[str], literals: list[str]) -> int:
    """How many tokens every tag must have: a number at the end may be missing only with what sets it off."""
    needed = len(tokens)
    while not literals[-1] and _TOKENS[tokens[needed - 1]][0] in _OPTIONAL:
        if not literals[needed - 1] and tokens[needed - 1] != "MODIFIER":
            break
        needed -= 1
    return needed


_STRFTIME = {"%Y": "YYYY", "%y": "0Y", "%m": "0M", "%d": "0D", "%V": "0W"}
_SMALL = re.compile(r"y{4}|yy|0[ymwd]|mm|ww|dd|major|minor|micro|modifier")
_ALONE = re.compile(r"(?<![A-Z0])([MWD])(?![A-Z])")
_UNPADDED = re.compile(r"(?<!Y)YY(?!Y)|MM|WW|DD")


def _repaired(text: str) -> str:
    """The cell that was probably meant, "" when that is anybody's guess."""
    offer = re.sub(r"%[A-Za-z]", lambda match: _STRFTIME.get(match[0], match[0]), text).strip("._-")
    if "YY" not in offer and "0Y" not in offer:
        offer = _SMALL.sub(lambda match: match[0].upper(), offer)
    offer = _ALONE.sub(r"\1\1", offer)
    padded = _UNPADDED.sub(lambda match: f"0{match[0][0]}", offer)
    return next((f"calver: {one}" for one in (offer, padded) if not _fault(one)), "")
