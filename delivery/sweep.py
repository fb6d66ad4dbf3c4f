"""The safety net, once a minute: wake the apps whose tick is late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import index, names
from delivery.tick import Wake

if TYPE_CHECKING:
    from delivery.ports import Ports

MOST = 500


async def sweep(ports: Ports) -> int:
    """Wake every overdue app, the latest first, up to 500 a run. Answers how many."""
    keys = await index.overdue(ports.rows, ports.clock.now(), MOST)
    for key in keys:
        await ports.queue.put(names.TICKS, Wake(app=key).message(), timedelta())
    return len(keys)
