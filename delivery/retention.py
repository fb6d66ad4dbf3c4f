"""Old history goes when new history comes: an app that ends a rollout forgets its oldest one that is due to go.

Finished rollouts are kept at least 90 days, and the newest 20 for ever; an idle app costs nothing, not even this.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names
from delivery.ports import Delete

if TYPE_CHECKING:
    from delivery.ports import Ports

KEPT = timedelta(days=90)
LEAST = 20
MOST = 90  # deletions of one run: a transaction has 100 changes


async def forget(ports: Ports, key: str, newest: int) -> int:
    """Delete the oldest rollout that is old enough, with its audit, up to 90 rows. Answers how many.

    newest: the number of the rollout that has just ended.
    """
    last = names.rollout_key(max(newest - LEAST, 0))
    oldest = await ports.rows.scan(names.ROLLOUTS, key, first="rollout:", last=last, most=1)
    if not oldest or oldest[0].timestamp >= ports.clock.now() - KEPT:
        return 0
    n = int(oldest[0].key.partition(":")[2])
    first, end = names.audit_key(n, 0), names.audit_key(n + 1, 0)
    events = await ports.rows.scan(names.ROLLOUTS, key, first=first, last=end, most=MOST)
    changes = [Delete(key=event.key) for event in events]
    if len(events) < MOST:
        changes.append(Delete(key=oldest[0].key))
    await ports.rows.commit(names.ROLLOUTS, key, changes)
    return len(changes)
