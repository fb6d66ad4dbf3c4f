"""The `active` index: a hint which apps are live and when they are due; may be early, never missing (DESIGN 6).

The app's row remembers in `indexed` what was put last, so that most ticks leave the index alone: it is written only
when it would be found overdue before the next tick, or not soon enough after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import names
from delivery.errors import Conflict
from delivery.ports import Delete, Put
from rollouts.model import Phase

if TYPE_CHECKING:
    from delivery.ports import Row, Rows
    from rollouts.model import App

GRACE = timedelta(seconds=30)  # a tick is overdue when it is this late
SLACK = timedelta(seconds=60)  # how much later than the grace the index may say
DUE = "due_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a tick does to the index. before: put before the save. after: put after it. idle: delete after it.

    app: what the tick saves, with what it puts. due: when the next tick is, None when idle.
    """

    app: App
    due: datetime | None = None
    before: datetime | None = None
    after: datetime | None = None
    idle: bool = False


def plan(app: App, due: datetime | None) -> Plan:
    """Choose the index writes of a tick that saves `app` and is due again at `due`."""
    if due is None:
        return Plan(app=replace(app, indexed=None), idle=True)
    want = due + GRACE
    # While it rolls back the index says when, so that a process that died is noticed at the next sweep.
    slack = timedelta() if app.live is not None and app.live.phase is Phase.ROLLING_BACK else SLACK
    if app.indexed is None or app.indexed > want + slack:
        return Plan(app=replace(app, indexed=want), due=due, before=want)
    if app.indexed < due:
        return Plan(app=replace(app, indexed=want), due=due, after=want)
    return Plan(app=app, due=due)


async def put(rows: Rows, key: str, due: datetime) -> None:
    """List the app, whatever is there."""
    await rows.commit(names.ACTIVE, names.shard(key), [Put(key=key, columns={DUE: due})])


async def read(rows: Rows, key: str) -> Row | None:
    """The app's entry, whose ETag a later deletion needs."""
    return await rows.get(names.ACTIVE, names.shard(key), key)


async def delete(rows: Rows, entry: Row) -> None:
    """Take the app off the list, unless someone has put it there again since `entry` was read."""
    try:
        await rows.commit(names.ACTIVE, entry.partition, [Delete(key=entry.key, etag=entry.etag)])
    except Conflict:
        return


async def overdue(rows: Rows, now: datetime, most: int) -> list[str]:
    """Up to `most` keys of apps whose tick is late, the latest first."""
    late: list[tuple[datetime, str]] = []
    for number in range(names.SHARDS):
        for row in await rows.scan(names.ACTIVE, f"{number:02}"):
            due = row.columns.get(DUE)
            if not isinstance(due, datetime) or due <= now:
                late.append((due if isinstance(due, datetime) else row.timestamp, row.key))
    return [key for _, key in sorted(late)[:most]]
