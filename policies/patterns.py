"""Globs and regular expressions over tags and repositories; all of them run in linear time."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Protocol

HOLE = "{}"
_LOOK_AROUND = {"(?=": "look-ahead", "(?!": "look-ahead", "(?<=": "look-behind", "(?<!": "look-behind"}
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P=", re.ASCII)


def glob_matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits: `*` is any run of characters (`/` too, as in ACR's token scopes), `?` is one."""
    at = here = 0
    star, resume = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            # Only the last star is ever widened: that is what keeps this linear in the text per star.
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return all(char == "*" for char in pattern[at:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A `from` pattern: a glob, or a text with one `{}` where the compared part stands."""

    text: str

    @property
    def has_hole(self) -> bool:
        """Whether the pattern says which part is compared."""
        return HOLE in self.text

    def part(self, tag: str) -> str | None:
        """The compared part (the whole tag for a glob), None when the tag does not fit."""
        if not self.has_hole:
            return tag if glob_matches(self.text, tag) else None
        before, after = self.text.split(HOLE, 1)
        fits = len(tag) > len(before) + len(after) and tag.startswith(before) and tag.endswith(after)
        return tag[len(before) : len(tag) - len(after)] if fits else None


class _Compiled(Protocol):
    def fullmatch(self, text: str) -> object | None: ...


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> _Compiled:
    # Imported here: most installations have no regex row, and a cold start should not pay for them.
    import re2  # noqa: PLC0415  # see above

    options = re2.Options()
    options.log_errors = False
    compiled: _Compiled = re2.compile(pattern, options)
    return compiled


def regex_fault(pattern: str) -> str:
    """Why RE2 does not take this expression, "" when it does."""
    for mark, name in _LOOK_AROUND.items():
        if mark in pattern:
            return f"{name} {mark}…), which RE2 leaves out to stay linear"
    if _BACK_REFERENCE.search(pattern):
        return "a back-reference, which RE2 leaves out to stay linear"
    if not pattern.isascii():
        return "a character no tag can hold"
    import re2  # noqa: PLC0415  # only when a row holds a regex

    try:
        _compiled(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        return said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    return ""


def regex_matches(pattern: str, text: str) -> bool:
    """Whether the expression matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None
