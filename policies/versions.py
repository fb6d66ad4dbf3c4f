"""Semantic versions, and ranges of them read as Masterminds/semver reads them.

Comma or blank is "and", `||` is "or"; `=`, `!=`, `>`, `<`, `>=`, `<=`, `~`, `^`, `x` and `1.2 - 1.4` are known.
A pre-release is in a range only where that part of the range (between two `||`) names a pre-release.
Source: README and constraints.go of github.com/Masterminds/semver, version 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Core = tuple[int, int, int]
Key = tuple[Core, bool, tuple[tuple[bool, int, str], ...]]

_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?", re.ASCII)
_PART = rf"(?:{_NUMBER}|[xX*])"
_PARTIAL = rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?"
_COMPARATOR = re.compile(rf"(=|==|!=|>=|=>|<=|=<|>|<|~>|~|\^)? ?{_PARTIAL}(?=[ ,]|$)", re.ASCII)
_HYPHEN = re.compile(r"(\S+) - (\S+)", re.ASCII)
_SPELLINGS = {"": "=", "==": "=", "=>": ">=", "=<": "<=", "~>": "~"}


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
    words = tuple(pre.split(".")) if pre else ()
    if any(word.isdigit() and word != "0" and word.startswith("0") for word in words):
        return None
    return Version(core=(int(major), int(minor), int(patch)), pre=words)


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
                return self._equals(version)
            case "!=":
                return not self._equals(version)
            case ">":
                whole = self.known == len(version.core)
                return version.key > self.low.key if whole else version.core[: self.known] > self._written
            case "<":
                return version.key < self.low.key
            case "<=":
                whole = self.known == len(version.core)
                return version.key <= self.low.key if whole else version.core[: self.known] <= self._written
            case "~":
                return self._within(version, min(self.known, 2))
            case "^":
                return self._within(version, self._caret())
            case _:
                return version.key >= self.low.key

    @property
    def _written(self) -> tuple[int, ...]:
        return self.low.core[: self.known]

    def _equals(self, version: Version) -> bool:
        if self.known == len(version.core):
            return version.key == self.low.key
        if self.op == "!=" and self.low.pre and version.pre != self.low.pre:
            return False
        return self._within(version, self.known) if self.op == "=" else version.core[: self.known] == self._written

    def _within(self, version: Version, same: int) -> bool:
        """At least `low`, with its first `same` numbers."""
        # In this dialect ~0.0.0 is a spelling of "any version".
        if self.op == "~" and self.known == len(version.core) and not any(self.low.core):
            same = 0
        return version.key >= self.low.key and version.core[:same] == self.low.core[:same]

    def _caret(self) -> int:
        """How many numbers `^` holds fast: up to the first one written that is not 0."""
        zeros = next((place for place, number in enumerate(self._written) if number), self.known)
        return min(zeros + 1, self.known)


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


def _comparators(text: str) -> tuple[Comparator, ...] | None:
    found: list[Comparator] = []
    at = 0
    while at < len(text):
        match = _COMPARATOR.match(text, at)
        if match is None:
            return None
        op, *numbers, pre = match.groups()
        known = next((place for place, number in enumerate(numbers) if number is None or number in "xX*"), 3)
        major, minor, patch = (int(numbers[place]) if place < known else 0 for place in range(3))
        spelled = _SPELLINGS.get(op or "", op or "")
        if known == 0 and spelled not in {"=", ">=", "~", "^"}:
            return None
        low = Version(core=(major, minor, patch), pre=tuple(pre.split(".")) if pre else ())
        found.append(Comparator(op=spelled, low=low, known=known))
        at = match.end()
        at += len(re.match(r" ?,? ?", text[at:]).group())  # type: ignore[union-attr]  # matches the empty text too
    return tuple(found) or None


def read_range(text: str) -> Range | None:
    """The range, None when it is not one. Blank is every release."""
    written = re.sub(r" +", " ", text).strip() or "*"
    groups = [_comparators(_HYPHEN.sub(r">=\1 <=\2", part.strip())) for part in written.split("||")]
    any_of = tuple(group for group in groups if group is not None)
    return Range(text=written, any_of=any_of) if len(any_of) == len(groups) else None
