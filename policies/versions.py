"""Semantic versions, and ranges of them read as Masterminds/semver reads them.

Comma or blank is "and", `||` is "or"; `=`, `!=`, `>`, `<`, `>=`, `<=`, `~`, `^`, `x` and `1.2 - 1.4` are known.
A pre-release is in a range only where that part of the range (between two `||`) names a pre-release.
Source: README and constraints.go of github.com/Masterminds/semver, version 3.4; where its code and its words differ
(`^*` is "any", but holds 0.0.0 alone) the words count. A number with a leading zero, which it takes, is refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Core = tuple[int, int, int]
Key = tuple[Core, bool, tuple[tuple[bool, int, str], ...]]

_NUMBER = r"(?:0|[1-9][0-9]{0,127})"  # no tag is longer, and a longer run could not become a number at all
_WORD = r"(?:0|[1-9][0-9]{0,127}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PRE = rf"{_WORD}(?:\.{_WORD})*"
_BUILD = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PRE}))?(?:\+{_BUILD})?", re.ASCII)
_PART = rf"(?:{_NUMBER}|[xX*])"
_PARTIAL = rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-({_PRE}))?(?:\+{_BUILD})?"
_END = r"(?![^ ,])"
_COMPARATOR = re.compile(rf"(!=|>=|=>|<=|=<|~>|=|>|<|~|\^)? *{_PARTIAL}{_END}", re.ASCII)
_HYPHEN = re.compile(rf"{_PARTIAL} +- +{_PARTIAL}{_END}", re.ASCII)
_GAP = re.compile(r" *, *| +")
_SPELLINGS = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of SemVer 2.0.0; build metadata is dropped, for it orders nothing."""

    core: Core
    pre: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """Sorts by SemVer precedence: a release after its pre-releases, numbers before words."""
        words = tuple((not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in self.pre)
        return self.core, not self.pre, words


def read_version(text: str) -> Version | None:
    """A whole version with or without a `v`: None for `1.4` and `latest`, which name a moving thing."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, pre = match.groups()
    return Version(core=(int(major), int(minor), int(patch)), pre=tuple(pre.split(".")) if pre else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """One comparison. known: how many of major, minor, patch were written; the rest of `low` is 0."""

    op: str
    low: Version
    known: int

    def allows(self, version: Version) -> bool:
        """Whether the version satisfies it; whether pre-releases are wanted at all is the range's affair."""
        match self.op:
            case "=":
                return version.key == self.low.key if self._whole else self._within(version, self.known)
            case "!=":
                return not self._is(version)
            case ">":
                above = self.known in (1, 2)  # `>1.4` is above all of 1.4
                return version.core[: self.known] > self._written if above else version.key > self.low.key
            case "<":
                return version.key < self.low.key
            case "<=":
                # `<=*` is read as `<=0.0`.
                known = self.known or 2
                return version.key <= self.low.key if self._whole else version.core[:known] <= self.low.core[:known]
            case "~":
                # In this dialect ~0.0.0 is a spelling of "any version".
                anything = self._whole and not any(self.low.core)
                return self._within(version, 0 if anything else min(self.known, 2))
            case "^":
                return self._within(version, self._caret())
            case _:
                return version.key >= self.low.key

    @property
    def _whole(self) -> bool:
        return self.known == len(self.low.core)

    @property
    def _written(self) -> tuple[int, ...]:
        return self.low.core[: self.known]

    def _is(self, version: Version) -> bool:
        """What `!=` leaves out: with `!=1` all of 1, with `!=1.4` all of 1.4 that are as much of a pre-release."""
        match self.known:
            case 1:
                return version.core[:1] == self._written
            case 2:
                return version.core[:2] == self._written and version.pre == self.low.pre
            case _:
                return version.key == self.low.key

    def _within(self, version: Version, same: int) -> bool:
        """At least `low`, with its first `same` numbers."""
        return version.key >= self.low.key and version.core[:same] == self.low.core[:same]

    def _caret(self) -> int:
        """How many numbers `^` holds fast: up to the first one written that is not 0."""
        zeros = next((place for place, number in enumerate(self._written) if number), self.known)
        return min(zeros + 1, self.known)

    def __str__(self) -> str:
        numbers = ".".join(str(number) for number in self._written) or "*"
        pre = f"-{'.'.join(self.low.pre)}" if self.low.pre else ""
        return f"{'' if self.op == '=' else self.op}{numbers}{pre}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which versions are allowed. text: as it was written. any_of: one of these must hold as a whole."""

    text: str
    any_of: tuple[tuple[Comparator, ...], ...]

    def refuses(self, version: Version) -> str:
        """Why this version is not in the range, "" when it is."""
        named = [every for every in self.any_of if not version.pre or any(part.low.pre for part in every)]
        if any(all(part.allows(version) for part in every) for every in named):
            return ""
        if not named:
            return "a pre-release, and the range names none"
        return f"outside {self.text}"

    def __str__(self) -> str:
        """The range in one spelling; reads as the same range."""
        return " || ".join(" ".join(str(part) for part in every) for every in self.any_of)


def _comparator(op: str, numbers: tuple[str | None, ...], pre: str | None) -> Comparator:
    known = next((place for place, number in enumerate(numbers) if number is None or number in "xX*"), len(numbers))
    major, minor, patch = (int(number or 0) if place < known else 0 for place, number in enumerate(numbers))
    low = Version(core=(major, minor, patch), pre=tuple(pre.split(".")) if pre else ())
    return Comparator(op=_SPELLINGS.get(op, op), low=low, known=known)


def _comparators(text: str) -> tuple[Comparator, ...] | None:
    """What is joined by "and"; None when it is not that."""
    found: list[Comparator] = []
    at = 0
    while True:
        if match := _HYPHEN.match(text, at):
            found.append(_comparator(">=", match.groups()[:3], match[4]))
            found.append(_comparator("<=", match.groups()[4:7], match[8]))
        elif match := _COMPARATOR.match(text, at):
            found.append(_comparator(match[1] or "", match.groups()[1:4], match[5]))
        else:
            return None
        gap = _GAP.match(text, match.end())
        if gap is None:
            return tuple(found)
        at = gap.end()


def read_range(text: str) -> Range | None:
    """The range, None when it is not one. Blank is every release."""
    written = re.sub(r" +", " ", text).strip() or "*"
    groups = [_comparators(part.strip()) for part in written.split("||")]
    any_of = tuple(group for group in groups if group is not None)
    return Range(text=written, any_of=any_of) if len(any_of) == len(groups) else None
