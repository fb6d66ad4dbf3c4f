"""Rows as text: the cells a table takes of a file, and the YAML that keeps rows as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.cells import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STATUS = "Status"
_NAMES = {name.lower(): name for name in EXAMPLES}
_PLACE = {name: place for place, name in enumerate(EXAMPLES)}


def named(column: str) -> str:
    """The column as the reference spells it; a note, or one that is not known, as it is written."""
    return column if column.startswith("_") else _NAMES.get(column.strip().lower(), column)


def cells(columns: Mapping[str, object]) -> dict[str, str]:
    """What a person keeps in a row, as text in the order of the reference: not Status, and no blank cell.

    A number's or boolean's cell is not text where that matters, which the lint says before any of it is written.
    """
    found = {named(column): _text(named(column), value) for column, value in columns.items()}
    kept = {column: text for column, text in found.items() if column != STATUS and text.strip()}
    return dict(sorted(kept.items(), key=lambda cell: (_PLACE.get(cell[0], len(_PLACE)), cell[0])))


def differ(columns: Mapping[str, object], wanted: Mapping[str, str]) -> bool:
    """Whether a stored row is not just what is wanted: also where only a cell's type or a column's case differs."""
    told = {name: value for name, value in columns.items() if named(name) != STATUS}
    return {name: value for name, value in told.items() if _text(name, value).strip()} != dict(wanted)


def _text(column: str, value: object) -> str:
    if isinstance(value, bool):
        return ("on" if value else "off") if column == "Mode" else str(value).lower()
    return "" if value is None else str(value)


def as_yaml(rows: Iterable[tuple[str, str, Mapping[str, str]]]) -> str:
    """Rows as a file that `weighbridge policy apply` and `lint` read: partition, key and cells of each."""
    import yaml  # noqa: PLC0415 - only who reads or writes YAML needs it

    def written(partition: str, key: str, columns: Mapping[str, str]) -> str:
        row = [{"PartitionKey": partition, "RowKey": key, **columns}]
        text: str = yaml.safe_dump(row, sort_keys=False, allow_unicode=True, width=2**31)
        return text

    return "\n".join(written(*row) for row in rows)
