"""What is wrong with rows beside one another: an After that names nobody or goes round, lanes that order apart.

A row by itself is read by `policies/parse.py`; here every row of a table, or of one repository, is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Protocol

from policies.after import AfterRule
from policies.cells import nearest, normalise
from policies.durations import write_duration
from policies.errors import PolicyError, Problem, quoted
from policies.keys import DEFAULTS
from policies.lanes import apart
from policies.model import Policy
from policies.parse import check_defaults, parse

_MOST_SHOWN = 8  # policies of a circle, or of those that could have been named
_MOST_COMPARED = 40  # names that a wrong one is compared with


class Row(Protocol):
    """A row as its author left it. columns: without keys and Timestamp."""

    @property
    def partition(self) -> str:
        """`<login server>|<repository>`, or `<login server>|*`."""
        ...

    @property
    def key(self) -> str:
        """The policy's name."""
        ...

    @property
    def columns(self) -> Mapping[str, object]:
        """Cells by column."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A row, read. policy: None for a broken row, and for `defaults`, which makes none."""

    row: Row
    policy: Policy | None = None
    error: PolicyError | None = None

    @property
    def key(self) -> str:
        """`<partition>/<row key>`."""
        return f"{self.row.partition}/{self.row.key}"

    def wrong(self, problems: Iterable[Problem]) -> Linted:
        """The row with these problems as well; itself without any."""
        known = self.error.problems if self.error else ()
        added = tuple(problems)
        return replace(self, policy=None, error=PolicyError(self.key, [*known, *added])) if added else self


def lint(rows: Iterable[Row]) -> tuple[Linted, ...]:
    """A whole table for its author: each row with every problem, those included that no row has by itself."""
    read = check(rows, whole=True)
    problems = apart(one.policy for one in read if one.policy)
    return tuple(one.wrong(problems.get(one.key, ())) for one in read)


def check(rows: Iterable[Row], *, whole: bool) -> tuple[Linted, ...]:
    """Each row with the problems for which nothing ships from it.

    whole: these are all rows of the table; else those of some repositories, with the patterns of their registries. Then
    it is not known whether a policy that a pattern row names exists where the pattern applies.
    """
    written = list(rows)
    defaults = {row.partition: row.columns for row in written if row.key == DEFAULTS}
    table = _Table([_read(row, defaults.get(f"{_registry(row)}|*")) for row in written])
    return tuple(one.wrong(_after(one, table, whole=whole)) for one in table.rows)


def needs_others(policy: Policy | None) -> bool:
    """Whether `check` can find anything with the row that `parse` cannot."""
    return bool(_rules(policy))


def _read(row: Row, defaults: Mapping[str, object] | None) -> Linted:
    try:
        if row.key == DEFAULTS:
            check_defaults(row.partition, row.columns)
            return Linted(row=row)
        return Linted(row=row, policy=parse(row.partition, row.key, row.columns, defaults))
    except PolicyError as error:
        return Linted(row=row, error=error)


def _registry(row: Row) -> str:
    return row.partition.partition("|")[0]


class _Table:
    """Rows by what After calls them."""

    def __init__(self, rows: list[Linted]) -> None:
        self.rows = rows
        self._by_key = {(one.row.partition, one.row.key): one for one in rows if one.row.key != DEFAULTS}
        self._names: dict[str, set[str]] = defaultdict(set)
        self._stuck: dict[str, dict[str, str]] = {}
        self._choices: dict[str, list[str]] = {}
        for partition, name in self._by_key:
            self._names[partition].add(name)
            self._names[partition.partition("|")[0]].add(name)

    def named(self, partition: str, name: str) -> Linted | None:
        """The row that a row of this partition means: one of the same repository before one of a pattern."""
        registry, _, path = partition.partition("|")
        own, pattern = self._by_key.get((partition, name)), self._by_key.get((f"{registry}|*", name))
        if own or pattern is None or pattern.policy is None:
            return own or pattern
        return pattern if path == "*" or pattern.policy.covers(registry, path.replace("|", "/")) else None

    def exists(self, partition: str, name: str, *, whole: bool) -> bool:
        """Whether a row of the partition may name it: for a pattern row, wherever it is, for it may apply there."""
        registry, _, path = partition.partition("|")
        elsewhere = path == "*" and (not whole or name in self._names.get(registry, ()))
        return elsewhere or self.named(partition, name) is not None

    def choices(self, partition: str) -> list[str]:
        """What an After of this partition could have named: in order, and not all where nobody would read them."""
        if partition not in self._choices:
            registry, _, path = partition.partition("|")
            where = (registry,) if path == "*" else (partition, f"{registry}|*")
            names = sorted(set().union(*(self._names.get(each, ()) for each in where)))
            real = (name for name in names if path == "*" or self.named(partition, name))
            self._choices[partition] = list(islice(real, _MOST_COMPARED))
        return self._choices[partition]

    def circle(self, one: Linted) -> str:
        """How what this row waits for comes to wait for itself; "" when it does not."""
        partition = one.row.partition
        if partition not in self._stuck:
            self._stuck[partition] = _stuck(self._edges(partition))
        return self._path(one.key, self._stuck[partition])

    def _edges(self, partition: str) -> dict[str, list[str]]:
        """For each row of the partition that waits for others, and for those in turn, the keys of the others."""
        edges: dict[str, list[str]] = {}
        todo = [self._by_key[partition, name] for name in self._names[partition]]
        while todo:
            one = todo.pop()
            if one.key not in edges:
                others = [other for name in _before(one) if (other := self.named(partition, name))]
                edges[one.key] = [other.key for other in others]
                todo += others
        return edges

    @staticmethod
    def _path(key: str, stuck: Mapping[str, str]) -> str:
        if key not in stuck:
            return ""
        path = [key]
        while len(path) < _MOST_SHOWN and stuck[path[-1]] not in path:
            path.append(stuck[path[-1]])
        return " → ".join(each.partition("/")[2] for each in [*path, stuck[path[-1]]])


def _stuck(edges: Mapping[str, list[str]]) -> dict[str, str]:
    """Those that wait for a circle, or are in one: for each, one that it waits for in vain. Linear in the edges."""
    left = {key: len(others) for key, others in edges.items()}
    waits: dict[str, list[str]] = defaultdict(list)
    for key, others in edges.items():
        for other in others:
            waits[other].append(key)
    free = [key for key, number in left.items() if not number]
    while free:
        for key in waits[free.pop()]:
            left[key] -= 1
            if not left[key]:
                free.append(key)
    return {key: next(other for other in edges[key] if left[other]) for key, number in left.items() if number}


def _rules(policy: Policy | None) -> list[AfterRule]:
    return [rule for rule in policy.gates if isinstance(rule, AfterRule)] if policy else []


def _before(one: Linted) -> list[str]:
    return list(dict.fromkeys(name for rule in _rules(one.policy) for name, _ in rule.before))


def _after(one: Linted, table: _Table, *, whole: bool) -> Iterator[Problem]:
    """What is wrong with the policies that its After names."""
    for rule in _rules(one.policy):
        missing = [name for name, _ in rule.before if not table.exists(one.row.partition, name, whole=whole)]
        for name in missing:
            yield _unknown(one, rule, name, table.choices(one.row.partition))
        circle = table.circle(one)
        if circle:
            expected = "policies that can be promoted before this one"
            yield Problem(column=_column(one, rule), expected=expected, found=circle)


def _unknown(one: Linted, rule: AfterRule, name: str, choices: list[str]) -> Problem:
    path = one.row.partition.partition("|")[2]
    where = "this registry" if path == "*" else path.replace("|", "/")
    known = [each for each in choices if each != one.row.key]
    expected = f"policies of {where}: {', '.join(known[:_MOST_SHOWN])}" if known else f"another policy of {where}"
    near = nearest(name, known)
    parts = [(near if each == name else each, soak) for each, soak in rule.before]
    hint = ", ".join(_part(each, soak) for each, soak in parts) if near else ""
    return Problem(column=_column(one, rule), expected=expected, found=quoted(name), hint=hint)


def _part(name: str, soak: timedelta) -> str:
    return f"{name} for {write_duration(soak)}" if soak else name


def _column(one: Linted, rule: AfterRule) -> str:
    """After, as a problem names it: the row's own cell, or one of the registry's `defaults` row."""
    cells = [value for name, value in one.row.columns.items() if name.strip().lower() == "after"]
    own = any(isinstance(value, str) and normalise(value) == rule.text for value in cells)
    return "After" if own else "After (defaults row)"
