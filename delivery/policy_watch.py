"""The one scan: once a minute changed policy rows are read, checked, answered in their Status, and acted on.

Beside them the whole table is walked once an hour, and at once when a `defaults` row came, changed or went: 200 rows
a minute in the order of their keys, so that a minute's work has a bound however many rows there are. (By key, not by a
hash of the repository: the rows of a minute are then one range of the table, and no other row is read to find them.)
A walk of more than 12 000 rows takes longer than an hour. Every row that is walked is held against what its registry
has (`reevaluate`); events and ticks read each row as it is and wait for none of this.

A row that the store will not keep stops no other row: it is parked, and told so in its Status where that can be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names, policy_tend, policy_walk, reevaluate
from delivery.errors import Conflict, Retry
from delivery.heard import HEARD
from delivery.policy_check import beside, check, is_shared, registry
from delivery.policy_seen import version_of
from policies.keys import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from delivery.policy_walk import Walk
    from delivery.ports import Ports, Row
    from delivery.reevaluate import Budget

OVERLAP = timedelta(minutes=5)
LONGEST = timedelta(seconds=40)  # that a run walks; the rest waits for the next
LONGEST_REGISTRY = 255  # of a login server, as in the scan event's schema

MOST_CHANGED = 2000  # rows that are tended in one run beside the walk; more than these are left to it

Shared = dict[str, "Row | None"]


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one run knows and has done. shared: the `defaults` row of each registry, None where there is none."""

    ports: Ports
    ends: datetime
    shared: Shared
    heard: frozenset[str]
    budget: Budget
    changed: int = 0
    away: Retry | Conflict | None = None

    async def tend(self, rows: list[Row], *, walked: bool) -> str:
        """Tend rows partition by partition. Answers where it stopped for want of time, "" when it did not.

        A walk stops also when the registries were asked enough: it goes on from there. Rows that changed are
        answered all the same, and read again for what the registry holds.
        """
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(row.partition, []).append(row)
        for place, (partition, group) in enumerate(groups.items()):
            await self._tend(group, walked=walked)
            enough = self.ports.clock.now() >= self.ends or (walked and self.budget.spent)
            if enough and place + 1 < len(groups):
                return partition
        return ""

    async def _tend(self, rows: list[Row], *, walked: bool) -> None:
        shared = self.shared.get(registry(rows[0]))
        alone = [check(row, shared.columns if shared else None) for row in rows]
        try:
            group = await beside(self.ports.rows, alone)
        except (Retry, Conflict) as error:
            self.away = error
            return
        tended = await policy_tend.tend(self.ports, group, walked=walked, heard=self.heard, budget=self.budget)
        self.changed += tended.changed
        self.away = tended.away or self.away


async def watch(ports: Ports) -> int:
    """Read and tend what changed since the last time, and the next stretch of the walk.

    Answers how many rows had changed. Raises `Retry` or `Conflict` after the last row when one could not be tended
    for that; it is read again the next time.

    Nothing having changed: 2 reads, 1 write, and 1 read more a `defaults` row; while it walks, for 200 rows, 3 reads
    and 2 a row more, what `beside` costs a repository, and what `reevaluate` costs.
    """
    now = ports.clock.now()
    before = await policy_walk.load(ports.rows)
    changed = await _changed(ports, before)
    shared = await _shared(ports, {*before.shared, *map(registry, changed)})
    walk = before.at(now, anew=_differs(before, shared, changed))
    if len(changed) > MOST_CHANGED:
        # A walk reaches what was written before it began; the rest may be the watch's own Status cells.
        changed = [row for row in changed if walk.began is None or row.timestamp > walk.began]
    if len(changed) > MOST_CHANGED:
        changed, walk = [], before.at(now, anew=True)
    walked, last = ([], True) if walk.after is None else await policy_walk.stretch(ports.rows, walk)
    shared |= await _shared(ports, {registry(row) for row in walked} - set(shared))
    budget, heard = reevaluate.Budget(left=reevaluate.MOST_CALLS), await _heard(ports, [*changed, *walked])
    run = _Run(ports=ports, ends=now + LONGEST, shared=shared, heard=heard, budget=budget)
    covered = {(row.partition, row.key) for row in walked}
    unread = await run.tend([row for row in changed if (row.partition, row.key) not in covered], walked=False)
    left = await run.tend(walked, walked=True)
    if left:
        after: str | None = left
    elif last:
        after = None
    else:
        after = walked[-1].partition
    walk = replace(walk, after=after, again=walk.again or bool(unread or run.away), shared=_versions(shared))
    await policy_walk.save(ports.rows, replace(walk, read_at=before.read_at if run.away else now))
    if run.away is not None:
        raise run.away
    return run.changed


async def _changed(ports: Ports, walk: Walk) -> list[Row]:
    """What was written since the last time. Before the first time everything was, and the walk reads it."""
    if walk.read_at is None:
        return []
    return await ports.rows.scan(names.POLICIES, changed_since=walk.read_at - OVERLAP)


async def _shared(ports: Ports, servers: Iterable[str]) -> Shared:
    """The `defaults` row of each of these registries, None where there is none."""
    sound = [server for server in servers if _sound(server)]
    return {server: await ports.rows.get(names.POLICIES, f"{server}|*", DEFAULTS) for server in sound}


def _sound(server: str) -> bool:
    return 0 < len(server) <= LONGEST_REGISTRY and not any(char in server for char in "/\\#?")


def _versions(shared: Shared) -> dict[str, str]:
    return {server: version_of(check(row, None)) for server, row in shared.items() if row is not None}


def _differs(walk: Walk, shared: Shared, changed: list[Row]) -> bool:
    """Whether a `defaults` row came, changed or went: then every row of its registry is another one."""
    asked = {*walk.shared, *(registry(row) for row in changed if is_shared(row))}
    found = _versions(shared)
    return any(found.get(server) != walk.shared.get(server) for server in asked)


async def _heard(ports: Ports, rows: list[Row]) -> frozenset[str]:
    """The registries that an event ever came from; not asked where nobody is told."""
    return frozenset([row.key for row in await ports.rows.scan(names.NAMES, HEARD)] if rows else [])
