"""Policy rows from a file, as the tools that export tables write them: JSON, CSV or YAML.

JSON: an array of entities, or one under `items` (az storage entity query), `value` (OData) or `rows`. CSV: with a
header, as Azure Storage Explorer exports it (`Status@type` beside `Status`). YAML: a list of mappings, whose scalars
are texts as they stand. Keys, Timestamp, etag and annotations are no cells; a `/` in a PartitionKey is read as `|`.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.text_file import FileError, read_text
from policies.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES = 256 * 1024 * 1024
_NO_CELLS = frozenset({"partitionkey", "rowkey", "timestamp", "etag"})
_LISTS = ("items", "value", "rows")
_NUMBERS: Mapping[str, Callable[[str], object]] = {"edm.int32": int, "edm.int64": int, "edm.double": float}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row as its file has it. slashed: its PartitionKey was written with `/`."""

    partition: str
    key: str
    columns: Mapping[str, object]
    slashed: bool = False


def read_rows(name: str) -> list[FileRow]:
    """The rows of a file, `-` for standard input. Raises `FileError`."""
    text = read_text(name, MOST_BYTES, "rows")
    read = {"json": _from_json, "csv": _from_csv, "yaml": _from_yaml}[_form(name, text)]
    try:
        return [_row(f"{name}: {where}", columns) for where, columns in read(text)]
    except ValueError as error:
        raise FileError(f"{name}: {error}") from error


def _form(name: str, text: str) -> str:
    """By the suffix, else by how the text begins."""
    suffix = Path(name).suffix.lower()
    if suffix in (".json", ".csv", ".yaml", ".yml"):
        return "yaml" if suffix == ".yml" else suffix[1:]
    start = text.lstrip()[:400]
    if start[:1] in ("[", "{"):
        return "json"
    header = [cell.strip(' "').lower() for cell in start.partition("\n")[0].split(",")]
    return "csv" if "partitionkey" in header else "yaml"


def _from_json(text: str) -> list[tuple[str, Mapping[str, object]]]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: expected JSON: {error.msg}") from error
    except RecursionError as error:
        raise ValueError("expected JSON of rows, found one that is nested too deeply") from error
    if isinstance(found, dict):
        found = next((found[name] for name in _LISTS if isinstance(found.get(name), list)), [found])
    return _entities(found, "entity")


def _entities(found: object, what: str) -> list[tuple[str, Mapping[str, object]]]:
    if not isinstance(found, list):
        raise ValueError(f"expected a list of rows, found {type(found).__name__}")  # noqa: TRY004 - a file's fault
    entities: list[tuple[str, Mapping[str, object]]] = []
    for place, entity in enumerate(found, start=1):
        if not isinstance(entity, dict):
            raise ValueError(f"{what} {place}: expected columns with their cells, found {type(entity).__name__}")  # noqa: TRY004 - same
        entities.append((f"{what} {place}", {str(name): _plain(entity, str(name)) for name in entity}))
    return entities


def _plain(entity: Mapping[str, object], name: str) -> object:
    """A cell's value: tools wrap those whose type JSON cannot say."""
    value = entity[name]
    if isinstance(value, dict) and "value" in value:
        return _as(str(value.get("edm_type") or value.get("type") or ""), value["value"])
    return _as(str(entity.get(f"{name}@odata.type") or ""), value)


def _as(kind: str, value: object) -> object:
    """Text of a column whose type is said, as what it is: a number's cell is a mistake that has to be seen."""
    if not isinstance(value, str):
        return value
    if kind.lower() == "edm.boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    number = _NUMBERS.get(kind.lower())
    try:
        return number(value) if number else value
    except ValueError:
        return value


def _from_csv(text: str) -> list[tuple[str, Mapping[str, object]]]:
    csv.field_size_limit(MOST_BYTES)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        return [
            (f"line {lines.line_num}", _csv_row(header, line, lines.line_num))
            for line in lines
            if any(map(str.strip, line))
        ]
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: expected CSV: {error}") from error


def _csv_row(header: list[str], line: list[str], number: int) -> Mapping[str, object]:
    if len(line) > len(header) and any(cell.strip() for cell in line[len(header) :]):
        raise ValueError(f"line {number}: expected {len(header)} cells, as the header has, found {len(line)}")
    cells = dict(zip(header, line, strict=False))
    return {name: _as(cells.get(f"{name}@type", ""), value) for name, value in cells.items() if value}


def _from_yaml(text: str) -> list[tuple[str, Mapping[str, object]]]:
    import yaml  # noqa: PLC0415 - only who writes rows as YAML needs it

    # Scalars stay as they stand: what YAML would make of `2026-12-20` or `on` is not what a table would hold.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        found = yaml.load(text, Loader=loader)  # noqa: S506 - it builds texts, lists and mappings, and nothing else
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}expected YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"expected YAML: {str(error).splitlines()[0]}") from error
    return _entities(found or [], "row")


def _row(where: str, entity: Mapping[str, object]) -> FileRow:
    keys = {name.lower(): value for name, value in entity.items() if name.lower() in ("partitionkey", "rowkey")}
    for name in ("PartitionKey", "RowKey"):
        if not isinstance(keys.get(name.lower()), str):
            found = quoted(", ".join(entity)) if entity else "no columns"
            raise FileError(f"{where}: expected a {name}, found {found}")
    partition = str(keys["partitionkey"])
    slashed = "/" in partition and "://" not in partition
    return FileRow(
        partition=partition.replace("/", "|") if slashed else partition,
        key=str(keys["rowkey"]),
        columns={name: value for name, value in entity.items() if _is_cell(name)},
        slashed=slashed,
    )


def _is_cell(name: str) -> bool:
    """Whether a property is a cell: not a key, nor what tools and the service add."""
    return name.lower() not in _NO_CELLS and "@" not in name and not name.lower().startswith("odata.")
