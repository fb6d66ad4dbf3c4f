"""How far the watch over policy rows has come: since when changes are read, and where its hourly walk stands.

The walk reads the table in the order of its keys, whole partitions at a time: the rows of a repository stand together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import codec, names
from delivery.ports import Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Row, Rows

MOST = 200  # rows that are walked in one run
WHOLE_EVERY = timedelta(hours=1)
MARK = "watched"
KEY = "policies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """read_at: up to when changes were read, None before the first whole walk began. began: when the walk did.

    after: the last partition walked, "" at the beginning; None: it has ended. again: another begins when it ends,
    because a row could not be tended. shared: the version of each `defaults` row, by login server.
    """

    read_at: datetime | None = None
    began: datetime | None = None
    after: str | None = None
    again: bool = False
    shared: Mapping[str, str]

    def at(self, now: datetime, *, anew: bool) -> Walk:
        """The walk of this run. anew: from the beginning, whatever it has come to."""
        due = self.began is None or now - self.began >= WHOLE_EVERY or self.again
        if anew or (self.after is None and due):
            return replace(self, began=now, after="", again=False)
        return self


async def load(rows: Rows) -> Walk:
    """Where the last run left it; a mark that cannot be read begins it anew."""
    mark = await rows.get(names.ACTIVE, MARK, KEY)
    if mark is None:
        return Walk(shared={})
    read_at, began, after = (mark.columns.get(name) for name in ("read_at", "began", "after"))
    return Walk(
        read_at=read_at if isinstance(read_at, datetime) else None,
        began=began if isinstance(began, datetime) else None,
        after=after if isinstance(after, str) and mark.columns.get("walking") else None,
        again=mark.columns.get("again") is True,
        shared=codec.cells(str(mark.columns.get("shared"))),
    )


async def save(rows: Rows, walk: Walk) -> None:
    """Keep it for the next run."""
    times = {name: value for name, value in (("read_at", walk.read_at), ("began", walk.began)) if value is not None}
    columns = {
        **times,
        "walking": walk.after is not None,
        "after": walk.after or "",
        "again": walk.again,
        "shared": codec.text(dict(walk.shared)),
    }
    await rows.commit(names.ACTIVE, MARK, [Put(key=KEY, columns=columns)])


async def stretch(rows: Rows, walk: Walk) -> tuple[list[Row], bool]:
    """The next rows of a walk that is under way, and whether they are its last. 1 read, or 2.

    A partition is never cut: of a repository with more rows than a run walks, all are read, and of a registry all its
    pattern rows.
    """
    found = await rows.scan(names.POLICIES, after=walk.after or "", most=MOST)
    if len(found) < MOST:
        return found, True
    cut = found[-1].partition
    return [row for row in found if row.partition != cut] + await rows.scan(names.POLICIES, cut), False
