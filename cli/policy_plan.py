"""What has to change for a table to hold the wanted rows, and what would be wrong with it then. Nothing is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.policy_text import STATUS, cells, differ
from policies.entities import Entity
from policies.errors import printable
from policies.keys import DEFAULTS
from policies.lint import lint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.policy_table import Stored

Keys = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that changes. before: as the table has it, None: it is new. wanted: its cells, None: it goes."""

    partition: str
    key: str
    before: Stored | None
    wanted: Mapping[str, str] | None

    @property
    def name(self) -> str:
        """`<partition>/<row key>`."""
        return f"{self.partition}/{self.key}"

    @property
    def columns(self) -> dict[str, object]:
        """What is written: what is wanted, and the Status that the service keeps there."""
        status = {STATUS: self.before.columns[STATUS]} if self.before and STATUS in self.before.columns else {}
        return {**(self.wanted or {}), **status}

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """Where it is written among others: what a registry shares first, what goes last."""
        return self.wanted is None, self.key != DEFAULTS, self.name


def plan(table: Sequence[Stored], wanted: Iterable[Entity], *, prune: bool) -> list[Change]:
    """The rows that change. prune: those of the wanted rows' registries that are not wanted go."""
    there = {(row.partition, row.key): row for row in table}
    rows = {(row.partition, row.key): cells(row.columns) for row in wanted}
    changes = [
        Change(partition=keys[0], key=keys[1], before=there.get(keys), wanted=columns)
        for keys, columns in rows.items()
        if keys not in there or differ(there[keys].columns, columns)
    ]
    registries = {_registry(partition) for partition, _ in rows}
    gone = [row for keys, row in there.items() if prune and keys not in rows and _registry(row.partition) in registries]
    changes += [Change(partition=row.partition, key=row.key, before=row, wanted=None) for row in gone]
    return sorted(changes, key=lambda change: change.rank)


def _registry(partition: str) -> str:
    return partition.partition("|")[0]


def repeated(wanted: Iterable[Entity]) -> list[str]:
    """Rows that stand there twice: which of them is meant, nobody can say."""
    times = Counter((row.partition, row.key) for row in wanted)
    found = [f"{partition}/{key}" for (partition, key), count in times.items() if count > 1]
    return [f"{name}: RowKey: expected one row of these keys, found more in these files" for name in found]


def faults(table: Sequence[Stored], wanted: Sequence[Entity], changes: Iterable[Change]) -> list[str]:
    """Every problem of the wanted rows beside those in the table, and every one that they make in another row."""
    before = [Entity(partition=row.partition, key=row.key, columns=row.columns) for row in table]
    asked = {(row.partition, row.key): row for row in wanted}
    gone = {(change.partition, change.key) for change in changes if change.wanted is None}
    left = [row for row in before if (row.partition, row.key) not in {*asked, *gone}]
    was = _problems(before)
    now = _problems([*left, *asked.values()])
    mine = {f"{partition}/{key}" for partition, key in asked}
    return [text for key, texts in now.items() for text in texts if key in mine or text not in was.get(key, ())]


def _problems(rows: Iterable[Entity]) -> dict[str, list[str]]:
    return {one.key: [f"{one.key}: {each}" for each in one.error.problems] for one in lint(rows) if one.error}


def as_text(changes: Sequence[Change], rows: int) -> str:
    """The changes as a person reads them. rows: how many are wanted."""
    lines = [line for change in changes for line in _lines(change)]
    new, gone = sum(c.before is None for c in changes), sum(c.wanted is None for c in changes)
    edited = len(changes) - new - gone
    counts = f"{new} new, {edited} changed, {gone} deleted, {rows - new - edited} as they are"
    return "\n".join([*lines, counts])


def _lines(change: Change) -> list[str]:
    wanted = change.wanted
    if change.before is None:
        return [f"+ {printable(change.name)}", *(_cell("+", name, text) for name, text in (wanted or {}).items())]
    if wanted is None:
        return [f"- {printable(change.name)}"]
    before = change.before.columns
    was, lines = cells(before), [f"~ {printable(change.name)}"]
    for name in dict.fromkeys([*wanted, *was]):
        if before.get(name) != wanted.get(name):
            typed = "" if isinstance(before.get(name, ""), str) else f" ({type(before[name]).__name__}, not text)"
            lines += [_cell("-", name, f"{was[name]}{typed}")] if name in was else []
            lines += [_cell("+", name, wanted[name])] if name in wanted else []
    return lines


def _cell(mark: str, name: str, text: str) -> str:
    return f"    {mark} {printable(name)}: {printable(text)}"
