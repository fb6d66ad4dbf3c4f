"""Globs and regular expressions over tags and repositories; all of them run in linear time."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Protocol

HOLE = "{}"
_LOOK_AROUND = {"(?=": "look-ahead", "(?!": "look-ahead", "(?<=": "look-behind", "(?<!": "look-behind"}
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P=", re.ASCII)
_ESCAPED_OR_NAME = re.compile(r"\\.|\(\?P?<([A-Za-z0-9_]+)>", re.ASCII | re.DOTALL)
_MOST_GROUPS = 20  # where they are kept track of; each costs as much as the rest of the expression
# Bytes an expression may take, which bounds its program, and by it the time a tag takes: some 10 ms at most.
_MOST_MEMORY = 1 << 18


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


class _Match(Protocol):
    def groups(self) -> tuple[str | None, ...]: ...


# In front also behind flags as in `(?i)^v`; behind unless it is an escaped dollar.
_ANCHORED = re.compile(r"^(?:\(\?[a-zA-Z]+\))?\^|(?<!\\)(?:\\\\)*\$$", re.ASCII)


class _Compiled(Protocol):
    groups: int
    groupindex: dict[str, int]

    def fullmatch(self, text: str) -> _Match | None: ...
    def search(self, text: str) -> _Match | None: ...


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str, *, captures: bool = True) -> _Compiled:
    # Imported here: most installations have no regex row, and a cold start should not pay for them.
    import re2  # noqa: PLC0415  # see above

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    options.never_capture = not captures
    compiled: _Compiled = re2.compile(pattern, options)
    return compiled


def regex_fault(pattern: str) -> str:
    """Why RE2 does not take this expression, "" when it does."""
    if not pattern.isascii():
        return "a character no tag can hold"
    import re2  # noqa: PLC0415  # only when a row holds a regex

    try:
        compiled = _compiled(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        return _left_out(pattern) or (said.decode("ascii", "replace") if isinstance(said, bytes) else str(said))
    names = [found[1] for found in _ESCAPED_OR_NAME.finditer(pattern) if found[1]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        return f"two groups named {twice}"
    too_many = names and compiled.groups > _MOST_GROUPS
    return f"{compiled.groups} groups, more than {_MOST_GROUPS}" if too_many else ""


def _left_out(pattern: str) -> str:
    """What other dialects have and RE2 has not, by name: its own words for it help nobody."""
    for mark, name in _LOOK_AROUND.items():
        if mark in pattern:
            return f"{name} {mark}…), which RE2 leaves out to stay linear"
    if _BACK_REFERENCE.search(pattern):
        return "a back-reference, which RE2 leaves out to stay linear"
    return ""


def regex_groups(pattern: str) -> tuple[str, ...]:
    """The names of its groups, in the order in which they stand in it. pattern: one without a fault."""
    index = _compiled(pattern).groupindex
    return tuple(sorted(index, key=index.__getitem__))


def anchors_itself(pattern: str) -> bool:
    """Whether it says by `^` in front or `$` behind where it must fit: then it is searched for, as other tools do."""
    return _ANCHORED.search(pattern) is not None


def regex_parts(pattern: str, text: str) -> tuple[str | None, ...] | None:
    """What its named groups hold, in their order (None: took no part); None when it does not fit.

    An expression without an anchor must fit the whole text: what is left unsaid should let no more tags in.
    """
    places = sorted(_compiled(pattern).groupindex.values())
    # To keep track of groups that nobody asks for would cost more than the match itself.
    compiled = _compiled(pattern, captures=bool(places))
    match = compiled.search(text) if anchors_itself(pattern) else compiled.fullmatch(text)
    if match is None:
        return None
    groups = match.groups()
    return tuple(groups[place - 1] for place in places)
