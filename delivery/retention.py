"""Old history goes when new history comes: an app that ends a rollout forgets its oldest one that is due to go.

Finished rollouts are kept at least 90 days, and the newest 20 for ever; an idle app costs nothing, not even this.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names
from delivery.ports import Delete

if TYPE_CHECKING:
    from delivery.ports import Ports, Row

KEPT = timedelta(days=90)
LEAST = 20
MOST = 90  # deletions of one run: a transaction has 100 changes


async def forget(ports: Ports, key: str, newest: int) -> int:
    """Delete the oldest rollout that is old enough, with its audit, and old audit of the app itself.

    newest: the number of the rollout that has just ended. Answers how many rows went, at most 180.
    """
    old = ports.clock.now() - KEPT
    last = names.rollout_key(max(newest - LEAST, 0))
    oldest = [row for row in await _scan(ports, key, "rollout:", last, 1) if row.timestamp < old]
    gone = 0
    for n in (0, *(int(row.key.partition(":")[2]) for row in oldest)):
        events = await _scan(ports, key, names.audit_key(n, 0), names.audit_key(n + 1, 0), MOST)
        changes = [Delete(key=event.key) for event in events if event.timestamp < old]
        if n and len(changes) == len(events) < MOST:
            changes.append(Delete(key=names.rollout_key(n)))
        if changes:
            await ports.rows.commit(names.ROLLOUTS, key, changes)
        gone += len(changes)
    return gone


async def _scan(ports: Ports, key: str, first: str, last: str, most: int) -> list[Row]:
    return await ports.rows.scan(names.ROLLOUTS, key, first=first, last=last, most=most)
