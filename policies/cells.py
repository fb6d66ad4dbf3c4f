"""The cells of a row, read by what they mean: blank is absent, a type is an accident, a name has no case."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from policies.errors import NotKept, Problem, quoted

LONGEST_CELL = 4096
EXAMPLES = {
    "App": "rg-shop/ca-web",
    "Container": "web",
    "Repository": "shop/*",
    "Tags": "semver: >=1.4 <2",
    "Steps": "5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m",
    "Checks": "restarts == 0; errors <= stable x 2",
    "OnNoData": "probe",
    "Deadline": "6h",
    "Keep": "1h",
    "OnFailure": "rollback",
    "OnNewImage": "supersede",
    "OnDrift": "pause",
    "Scan": "critical 0, within 1h else hold",
    "Notify": "default",
    "Mode": "observe",
    "Runbook": "https://wiki.contoso.com/shop",
    "Note": "ask the shop team first",
    "Status": "",
}
NOT_KEPT = ("Signed", "MinAge", "Approvers", "Window", "Freeze", "After", "Lock")
NEVER_INHERITED = frozenset({"Repository", "Note", "Status"})
_NAMES = {name.lower(): name for name in (*EXAMPLES, *NOT_KEPT)}
_FREE_TEXT = frozenset({"Note", "Status"})
_HARMLESS_NUMBER = frozenset({"Note", "Status", "Container"})
_LARGEST_BITS = 64  # Edm.Int64 is the widest integer a table holds
_PASTED = str.maketrans(
    {
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "×": "x",
        "％": "%",
        "“": '"',
        "”": '"',
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\t\r\n", " "),
        **dict.fromkeys("\u200b\ufeff"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell that is not blank. typed: what it is when it is not text ("the number 5"), else ""."""

    column: str
    text: str
    typed: str = ""
    inherited: bool = False

    @property
    def name(self) -> str:
        """The column as a problem names it."""
        return f"{self.column} (defaults row)" if self.inherited else self.column

    @property
    def off(self) -> bool:
        """Whether the cell switches its setting off."""
        return self.text.lower() == "none"


def normalise(text: str) -> str:
    """The text without the marks that pasting from a document leaves behind."""
    flat = re.sub(r" +", " ", text.translate(_PASTED)).strip()
    return re.sub(r"([0-9]) %", r"\1%", flat)


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str:
    """The known word that was probably meant, "" when none is near."""
    by_case = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower()[:64], by_case, n=1)
    return by_case[near[0]] if near else ""


def _meaning(column: str, value: object) -> tuple[str, str]:
    """The cell as text, and what it is if it is not text and that matters."""
    if value is None:
        return "", ""
    if isinstance(value, str):
        return (value.strip() if column in _FREE_TEXT else normalise(value)), ""
    if isinstance(value, bool):
        if column == "Mode":
            return ("on" if value else "off"), ""
        return str(value).lower(), "" if column in _FREE_TEXT else f"the boolean {str(value).lower()}"
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        return "a number", "a number of more than 64 bits"
    if isinstance(value, int | float):
        return str(value), "" if column in _HARMLESS_NUMBER else f"the number {value}"
    kind = type(value).__name__
    return kind, f"a cell of type {kind}"


def _row(columns: Mapping[str, object], *, inherited: bool, problems: list[Problem]) -> dict[str, Cell]:
    where = " (defaults row)" if inherited else ""
    cells: dict[str, Cell] = {}
    spelled: dict[str, str] = {}
    for written, value in columns.items():
        if written.startswith("_"):
            continue
        column = _NAMES.get(written.strip().lower(), "")
        text, typed = _meaning(column, value)
        if column in spelled:
            twice = f"{quoted(spelled[column])} and {quoted(written)}"
            problems.append(Problem(column=column + where, expected="one column of this name", found=twice))
        elif not column and text:
            label = quoted(written)[1:-1] or "a column"
            near = nearest(written, list(_NAMES.values()))
            expected = "a column of the reference"
            problems.append(Problem(column=label + where, expected=expected, found=quoted(written), hint=near))
        elif len(text) > LONGEST_CELL and column not in _FREE_TEXT:
            found = f"{len(text)} characters"
            expected = f"at most {LONGEST_CELL} characters"
            problems.append(Problem(column=column + where, expected=expected, found=found))
        elif column and text:
            cells[column] = Cell(column=column, text=text, typed=typed, inherited=inherited)
        if column:
            spelled.setdefault(column, written)
    return cells


def effective(
    columns: Mapping[str, object], defaults: Mapping[str, object] | None, problems: list[Problem]
) -> dict[str, Cell]:
    """The cells that count, by column: the row's own, else the registry's defaults row's."""
    shared = _row(defaults or {}, inherited=True, problems=problems)
    own = _row(columns, inherited=False, problems=problems)
    inherited = {column: cell for column, cell in shared.items() if column not in NEVER_INHERITED}
    cells = inherited | own
    for column in NOT_KEPT:
        cell = cells.pop(column, None)
        if cell is not None and not cell.off:
            problems.append(NotKept(column=cell.name, found=quoted(cell.text)))
    return cells
