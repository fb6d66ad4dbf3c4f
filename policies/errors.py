"""What is wrong with a row or with evidence: every problem, named by column, found and expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 80  # characters of a cell that a message repeats


def printable(text: str) -> str:
    """One line that any store and any log takes: control characters and halves of surrogate pairs are replaced."""
    return "".join(char if char.isprintable() else "�" for char in text)


def quoted(text: str) -> str:
    """What was found, fit for a message: one line, quoted, cut with a mark."""
    if not text:
        return "nothing"
    flat = printable(text[: SHOWN + 1])
    return f'"{flat[:SHOWN]}…"' if len(text) > SHOWN else f'"{flat}"'


def written(value: object, most: int = SHOWN) -> str:
    """A value of JSON, fit for a message. It may be too deep to be written where it could just be read."""
    try:
        whole = repr(value)
    except RecursionError:
        whole = f"a {type(value).__name__} that is nested too deeply"
    return f"{whole[:most]}…" if len(whole) > most else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of a row. expected, found: as they are said. hint: the corrected cell, "" if none can be offered."""

    column: str
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        offer = f'; did you mean "{self.hint}"?' if self.hint else ""
        return f"{self.column}: expected {self.expected}, found {self.found}{offer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKept(Problem):
    """A wish that is understood and cannot be kept: shipping without it would break a promise."""

    expected: str = "a blank cell"
    part: str = ""  # the part of the cell; "": the whole of it

    def __str__(self) -> str:
        what, way_out = (quoted(self.part), "take it out") if self.part else ("it", "clear the cell")
        return f"{self.column}: this version cannot keep {what}, so nothing ships from this row; {way_out}"


class CellError(Exception):
    """A cell that cannot be read; never leaves this package."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class PolicyError(Exception):
    """A row that ships nothing until its author mends it. source: `<partition>/<row key>`."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = tuple(problems)


class EvidenceError(Exception):
    """Evidence that cannot be read, for its sender: one `source: path: expected X, found Y` a line."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.source = source
        self.problems = tuple(problems)
