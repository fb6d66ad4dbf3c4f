"""Loading, saving and amending the row that is an app's lock (DESIGN 3, steps 1, 4 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery import codec, names
from delivery.errors import Conflict, Retry
from delivery.ports import Insert, Merge, Replace
from rollouts.model import App

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.ports import Change, Row, Rows

APP = "app"
TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The app as it was read; etag "" when there is no row yet."""

    app: App
    etag: str


async def load(rows: Rows, key: str) -> Loaded:
    """Step 1. An app nobody heard of is an empty one. Raises `Malformed` for a row that cannot be read."""
    row = await rows.get(names.ROLLOUTS, key, APP)
    if row is None:
        return Loaded(app=App(key=key), etag="")
    return Loaded(app=codec.decode(row), etag=row.etag)


async def save(rows: Rows, loaded: Loaded, app: App, tick: str, others: Sequence[Change]) -> str | None:
    """Step 4: all or nothing, under the ETag that was loaded. Answers the new ETag, or None when another tick won.

    A 412 (or a lost answer) may be this save's own success seen twice: the row says so by this tick's id.
    """
    columns = codec.encode(app, tick)
    first: Change = (
        Replace(key=APP, columns=columns, etag=loaded.etag) if loaded.etag else Insert(key=APP, columns=columns)
    )
    try:
        etags = await rows.commit(names.ROLLOUTS, app.key, [first, *others])
    except Conflict:
        return await _won_after_all(rows, app.key, tick)
    except Retry as retry:
        won = await _won_after_all(rows, app.key, tick) if retry.lost else None
        if won is None:
            raise
        return won
    return etags[0]


async def _won_after_all(rows: Rows, key: str, tick: str) -> str | None:
    row = await rows.get(names.ROLLOUTS, key, APP)
    return row.etag if row is not None and row.columns.get("tick") == tick else None


async def record(rows: Rows, saved: Loaded, write: int, answered: codec.Answered) -> bool:
    """Step 6: put the answer beside the open write, while the row still names it. Answers whether it did.

    saved: the app as this tick saved it, with that save's ETag; only if another tick saved since is the row read.
    """
    known = {w.id: found for w in saved.app.writes if (found := codec.answer_of(w))}
    etag = saved.etag
    for _ in range(TRIES):
        change = Merge(key=APP, columns={"answers": codec.encode_answers({**known, write: answered})}, etag=etag)
        try:
            await rows.commit(names.ROLLOUTS, saved.app.key, [change])
        except Conflict:
            row = await rows.get(names.ROLLOUTS, saved.app.key, APP)
            if row is None or not _names(row, write):
                return False
            known, etag = codec.decode_answers(row), row.etag
        else:
            return True
    return False


def _names(row: Row, write: int) -> bool:
    return any(open_write.id == write for open_write in codec.decode(row).writes)
