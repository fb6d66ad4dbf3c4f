"""Policy rows from a file, as the tools that export tables write them: JSON, CSV or YAML.

JSON: an array of entities, or one under `items` (az storage entity query), `value` (OData) or `rows`. CSV: with a
header, as Azure Storage Explorer exports it (`Status@type` beside `Status`). YAML: a list of mappings, whose scalars
are texts as they stand. What is a cell of them, `policies/entities.py` says.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from cli.text_file import FileError, read_text
from policies.entities import Entity, NotRows, keyed, listed
from policies.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_BYTES = 256 * 1024 * 1024
_SUFFIXES = {".json": "json", ".csv": "csv", ".yaml": "yaml", ".yml": "yaml"}
Found = list[tuple[str, object]]


def read_rows(name: str) -> list[Entity]:
    """The rows of a file, `-` for standard input. Raises `FileError`."""
    text = read_text(name, MOST_BYTES, "rows")
    read = {"json": _from_json, "csv": _from_csv, "yaml": _from_yaml}[_form(name, text)]
    try:
        return keyed(read(text))
    except NotRows as error:
        raise FileError("\n".join(f"{name}: {line}" for line in str(error).splitlines())) from error
    except ValueError as error:
        raise FileError(f"{name}: {error}") from error


def note_slashes(rows: Iterable[Entity]) -> list[str]:
    """What is said of rows whose PartitionKey was written with `/`."""
    return [
        f"note: {row.partition}/{row.key}: its PartitionKey is written with / here; a table takes |"
        for row in rows
        if row.slashed
    ]


def _form(name: str, text: str) -> str:
    """By the suffix, else by how the text begins."""
    suffix = Path(name).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    start = text.lstrip()[:400]
    if start[:1] in ("[", "{"):
        return "json"
    return "csv" if "," in start.partition("\n")[0] else "yaml"


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose names differ: of two cells of one column the first would be lost unseen."""
    _check_once([name for name, _ in pairs])
    return dict(pairs)


def _check_once(names: Iterable[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1 and name]
    if twice:
        raise ValueError(f"expected every column once in a row, found {quoted(twice[0])} twice")


def _from_json(text: str) -> Found:
    try:
        found = listed(json.loads(text, object_pairs_hook=_once))
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: expected JSON: {error.msg}") from error
    except RecursionError as error:
        raise ValueError("expected JSON of rows, found one that is nested too deeply") from error
    return _numbered("entity", found)


def _numbered(what: str, found: object) -> Found:
    if not isinstance(found, list):
        raise ValueError(f"expected a list of rows, found {type(found).__name__}")  # noqa: TRY004 - a file's fault
    return [(f"{what} {place}", entity) for place, entity in enumerate(found, start=1)]


def _from_csv(text: str) -> Found:
    csv.field_size_limit(MOST_BYTES)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_once(header)
        return [
            (f"line {lines.line_num}", _csv_row(header, line, lines.line_num))
            for line in lines
            if any(map(str.strip, line))
        ]
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: expected CSV: {error}") from error


def _csv_row(header: list[str], line: list[str], number: int) -> Mapping[str, object]:
    """Its cells; an empty one is no cell."""
    if len(line) > len(header) and any(cell.strip() for cell in line[len(header) :]):
        raise ValueError(f"line {number}: expected {len(header)} cells, as the header has, found {len(line)}")
    return {name: value for name, value in zip(header, line, strict=False) if value}


def _from_yaml(text: str) -> Found:
    import yaml  # noqa: PLC0415 - only who writes rows as YAML needs it

    # Scalars stay as they stand: what YAML would make of `2026-12-20` or `on` is not what a table would hold.
    class Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]  # which one, the wheel decides
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - yaml's signature
            _check_once([str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
            built: dict[object, object] = super().construct_mapping(node, deep=deep)
            return built

    try:
        found = yaml.load(text, Loader=Loader)  # noqa: S506 - it builds texts, lists and mappings, and nothing else
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{where}expected YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"expected YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise ValueError("expected YAML of rows, found one that is nested too deeply") from error
    return _numbered("row", listed(found) if found else [])
