"""Rows of a table as the tools that export tables write them in JSON, to rows as the table itself has them.

An entity is a mapping: `az storage entity query` puts a list of them under `items`, the service's own OData under
`value`. Keys, Timestamp, etag and annotations are no cells. A value whose type JSON cannot say is wrapped, or the type
stands beside it under `<column>@odata.type`. No key may hold a `/`, so one in a PartitionKey is read as `|`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from policies.errors import quoted

LISTS = ("items", "value", "rows")
MOST_TOLD = 20  # entities without keys that an error names
_NO_CELLS = frozenset({"partitionkey", "rowkey", "timestamp", "etag"})
_NUMBERS: Mapping[str, Callable[[str], object]] = {"edm.int32": int, "edm.int64": int, "edm.double": float}
_LONGEST_NUMBER = 400  # characters; a longer one is no number that a table holds


class NotRows(Exception):
    """What was read are no rows: one `where: expected X, found Y` a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - MOST_TOLD
        super().__init__("\n".join([*self.problems[:MOST_TOLD], *([f"… and {more} more"] if more > 0 else [])]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A row as it was written. columns: its cells. slashed: its PartitionKey was written with `/`."""

    partition: str
    key: str
    columns: Mapping[str, object]
    slashed: bool = False


def listed(found: object) -> object:
    """The list of entities in what a tool exported; a single entity is a list of one."""
    if isinstance(found, Mapping):
        return next((found[name] for name in LISTS if isinstance(found.get(name), list)), [found])
    return found


def read_entities(found: object) -> list[Entity]:
    """The rows of an export; raises `NotRows`."""
    rows = listed(found)
    if not isinstance(rows, list):
        raise NotRows([f"expected a list of rows, found {type(rows).__name__}"])
    return keyed((f"entity {place}", entity) for place, entity in enumerate(rows, start=1))


def keyed(found: Iterable[tuple[str, object]]) -> list[Entity]:
    """The rows of mappings, each with where it stands; raises `NotRows` with every one that has no keys."""
    rows: list[Entity] = []
    problems: list[str] = []
    for where, entity in found:
        if isinstance(entity, Mapping):
            missing = [name for name in ("PartitionKey", "RowKey") if not isinstance(_key(entity, name), str)]
            problems += [f"{where}: expected a {name}, found {_columns(entity)}" for name in missing]
            rows += [] if missing else [_entity(entity)]
        else:
            problems.append(f"{where}: expected columns with their cells, found {type(entity).__name__}")
    if problems:
        raise NotRows(problems)
    return rows


def typed(kind: str, value: object) -> object:
    """Text of a column whose type is said, as what it is: a number's cell is a mistake that has to be seen."""
    if not isinstance(value, str):
        return value
    if kind.lower() == "edm.boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    number = _NUMBERS.get(kind.lower())
    try:
        return number(value) if number and len(value) <= _LONGEST_NUMBER else value
    except ValueError:
        return value


def _columns(entity: Mapping[str, object]) -> str:
    return quoted(", ".join(str(name) for name in entity)) if entity else "no columns"


def _key(entity: Mapping[str, object], name: str) -> object:
    return next((entity[column] for column in entity if str(column).lower() == name.lower()), None)


def _entity(entity: Mapping[str, object]) -> Entity:
    partition = str(_key(entity, "PartitionKey"))
    slashed = "/" in partition and "://" not in partition
    return Entity(
        partition=partition.replace("/", "|") if slashed else partition,
        key=str(_key(entity, "RowKey")),
        columns={str(name): _plain(entity, str(name)) for name in entity if _is_cell(str(name))},
        slashed=slashed,
    )


def _is_cell(name: str) -> bool:
    """Whether a property is a cell: not a key, nor what tools and the service add."""
    return name.lower() not in _NO_CELLS and "@" not in name and not name.lower().startswith("odata.")


def _plain(entity: Mapping[str, object], name: str) -> object:
    value = entity.get(name)
    if isinstance(value, Mapping) and "value" in value:
        return typed(_kind(value, "edm_type", "type"), value["value"])
    return typed(_kind(entity, f"{name}@odata.type", f"{name}@type"), value)


def _kind(told: Mapping[str, object], *names: str) -> str:
    """The type that is said. Only a text says one: of a value whose parts YAML repeats no text may be made."""
    return next((kind for kind in map(told.get, names) if isinstance(kind, str) and kind), "")
