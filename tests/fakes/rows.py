"""Table Storage in memory: stricter than Azurite, in step with Azure, and interruptible before and after each call."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from cloud import entities
from delivery.errors import Conflict
from delivery.ports import Delete, Insert, Merge, Put, Replace, Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from delivery.ports import Change, Clock

    Hook = Callable[[str, tuple[object, ...]], Awaitable[None]]
    Partition = dict[str, Row]


class MemoryRows:
    """`delivery.ports.Rows`; tests/contract holds it to what Azurite does.

    before: awaited with the call's name and arguments when it arrives; what it raises, the call raises, without
        effect. A scheduler that interleaves tasks lives here.
    after: awaited once the call has taken effect; what it raises is an answer that was lost.
    A call itself never yields, so it is atomic. Values are copied in and out.
    """

    def __init__(self, clock: Clock, *, before: Hook | None = None, after: Hook | None = None) -> None:
        self.before = before
        self.after = after
        self._clock = clock
        self._writes = itertools.count(1)
        self._tables: dict[str, dict[str, Partition]] = {}

    async def get(self, table: str, partition: str, key: str) -> Row | None:
        call = ("get", (table, partition, key))
        await _run(self.before, call)
        path = f"table {table}: partition {partition}: row {key}"
        entities.check_table(table)
        entities.check_key(path, partition)
        entities.check_key(path, key)
        row = self._partition(table, partition).get(key)
        await _run(self.after, call)
        return _copy(row) if row else None

    async def scan(
        self,
        table: str,
        partition: str | None = None,
        *,
        first: str = "",
        last: str = "",
        changed_since: datetime | None = None,
        after: str = "",
        most: int = 0,
    ) -> list[Row]:
        call = ("scan", (table, partition, first, last, changed_since, after, most))
        await _run(self.before, call)
        path = f"table {table}: scan"
        entities.check_table(table)
        if partition is not None:
            entities.check_key(path, partition)
        if changed_since is not None:
            changed_since = entities.check_moment(path, changed_since)
        found = [
            _copy(row)
            for row in (self.peek(table) if partition is None else self._in_order(table, partition))
            if (partition is None or row.partition == partition)
            and (not after or entities.ordinal(row.partition) > entities.ordinal(after))
            and entities.ordinal(first) <= entities.ordinal(row.key)
            and (not last or entities.ordinal(row.key) < entities.ordinal(last))
            and (changed_since is None or row.timestamp >= changed_since)
        ]
        await _run(self.after, call)
        return found[:most] if most else found

    async def commit(self, table: str, partition: str, changes: Sequence[Change]) -> tuple[str, ...]:
        call = ("commit", (table, partition, tuple(changes)))
        await _run(self.before, call)
        ready = entities.prepared(table, partition, changes)
        after = dict(self._partition(table, partition))
        etags = tuple(self._apply(after, f"table {table}: partition {partition}", partition, each) for each in ready)
        self._tables.setdefault(table.lower(), {})[partition] = after
        await _run(self.after, call)
        return etags

    def _in_order(self, table: str, partition: str) -> list[Row]:
        return sorted(self._partition(table, partition).values(), key=lambda row: entities.ordinal(row.key))

    def peek(self, table: str) -> list[Row]:
        """Every row in order, without running a hook."""
        rows = [row for rows in self._tables.get(table.lower(), {}).values() for row in rows.values()]
        return sorted(rows, key=lambda row: (entities.ordinal(row.partition), entities.ordinal(row.key)))

    def _partition(self, table: str, partition: str) -> Partition:
        # Table names keep their case but are compared without it.
        return self._tables.get(table.lower(), {}).get(partition, {})

    def _apply(self, rows: Partition, path: str, partition: str, change: Change) -> str:
        found = rows.get(change.key)
        _check_condition(f"{path}: row {change.key}", change, found)
        match change:
            case Delete():
                rows.pop(change.key, None)
                return ""
            case Merge():
                columns = {**(found.columns if found else {}), **change.columns}
            case Insert() | Put() | Replace():
                columns = dict(change.columns)
        kept = entities.stored(path, columns)
        entities.check_entity(f"{path}: row {change.key}", partition, change.key, kept)
        now = self._clock.now()
        etag = f"W/\"datetime'{now.isoformat()}'; {next(self._writes)}\""
        rows[change.key] = Row(partition=partition, key=change.key, columns=kept, etag=etag, timestamp=now)
        return etag


def _check_condition(path: str, change: Change, found: Row | None) -> None:
    match change:
        case Insert() if found:
            raise Conflict(f"{path}: expected no such row, found one")
        case Replace() | Merge() if not found:
            raise Conflict(f"{path}: expected the row to change, found none")
        case Delete(etag=str()) if not found:
            raise Conflict(f"{path}: expected the row to delete, found none")
        case Replace(etag=str(etag)) | Merge(etag=str(etag)) | Delete(etag=str(etag)) if found and found.etag != etag:
            raise Conflict(f"{path}: expected ETag {etag}, found {found.etag}")
        case _:
            return


async def _run(hook: Hook | None, call: tuple[str, tuple[object, ...]]) -> None:
    if hook is not None:
        await hook(*call)


def _copy(row: Row) -> Row:
    """Column values are immutable, so a copy of the mapping is a deep one."""
    return Row(partition=row.partition, key=row.key, columns=dict(row.columns), etag=row.etag, timestamp=row.timestamp)
