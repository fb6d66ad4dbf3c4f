"""The cells of a row, read by what they mean: blank is absent, a type is an accident, a name has no case."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from policies.errors import Problem, quoted

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
    "Signed": "notation: release-key",
    "MinAge": "24h",
    "Approvers": "1 of shop-leads within 24h",
    "Window": "Mon-Thu 09:00-16:00 Europe/London",
    "Freeze": "2026-12-20..2027-01-03",
    "After": "staging for 2h",
    "Lock": "Scan, Freeze",
    "Notify": "default",
    "Mode": "observe",
    "Runbook": "https://wiki.contoso.com/shop",
    "Note": "ask the shop team first",
    "Status": "",
}
GATE_COLUMNS = ("Scan", "Signed", "MinAge", "Approvers", "Window", "Freeze", "After")
LOCKED = " (locked)"
NEVER_INHERITED = frozenset({"Repository", "Note", "Status", "Lock"})
_NAMES = {name.lower(): name for name in EXAMPLES}
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
    """The cells that count, by column: the row's own, else the registry's defaults row's.

    A gate that the defaults row locks counts beside the row's own, under its name and `LOCKED`.
    """
    shared = _row(defaults or {}, inherited=True, problems=problems)
    own = _row(columns, inherited=False, problems=problems)
    inherited = {column: cell for column, cell in shared.items() if column not in NEVER_INHERITED}
    locked = _locked(shared.get("Lock"), problems)
    if "Lock" in own:
        expected = "a blank cell: gates are locked in the registry's defaults row"
        problems.append(Problem(column="Lock", expected=expected, found=quoted(own.pop("Lock").text)))
    beside = {f"{name}{LOCKED}": shared[name] for name in locked if name in shared and name in own}
    return inherited | own | beside


def _locked(cell: Cell | None, problems: list[Problem]) -> tuple[str, ...]:
    """The gate columns that a Lock cell names."""
    if cell is None or cell.off:
        return ()
    gates = {name.lower(): name for name in GATE_COLUMNS}
    named = [part.strip() for part in cell.text.split(",")]
    wrong = next((name for name in named if name.lower() not in gates), None)
    if wrong is not None:
        expected = f"gate columns: {', '.join(GATE_COLUMNS)}"
        near = nearest(wrong, list(GATE_COLUMNS))
        hint = ", ".join(near if name == wrong else name for name in named) if near else ""
        problems.append(Problem(column=cell.name, expected=expected, found=quoted(wrong), hint=hint))
    return tuple(gates[name.lower()] for name in named if name.lower() in gates)
