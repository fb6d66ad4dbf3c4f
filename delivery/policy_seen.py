"""What was last seen of each policy row: its version and cells, and a diff of every edit.

Kept under `policies|<partition>` in the rollouts table, so that a problem is announced once per version of a row and
an edit can be read later. What the registry's `defaults` row says belongs to the version of each of its rows.
Beside it stands what came of the last time the registry was read for the row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery import codec, names
from delivery.bounds import cut
from delivery.notices import notice
from delivery.ports import Merge, Put

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from delivery.policy_check import Checked
    from delivery.ports import Row, Rows
    from policies.errors import PolicyError

LONGEST_NAME = 200  # of a row or partition that becomes part of another key; a key holds 512 UTF-16 units
MOST_CELLS = 24 * 1024  # characters of JSON that are kept of a row's cells; a column holds 32 Ki
LONGEST_DIFF = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of reading the registry for a row. version: of the policy it was read for, "" before the first.

    offered: short names of the images that were best then (`reevaluate.mark_of`). aside: for its Status.
    """

    version: str = ""
    offered: frozenset[str] = frozenset()
    aside: str = ""

    def columns(self) -> dict[str, object]:
        """Its part of the row."""
        return {"read_for": self.version, "offered": " ".join(sorted(self.offered)), "aside": self.aside}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A row as it was noted. changed: this version was new. letters: keys of the messages that wait now."""

    changed: bool
    letters: tuple[str, ...] = ()
    reading: Reading


def partition(checked: Checked) -> str:
    """Where the history of a row is kept."""
    return f"policies|{_key(checked.row.partition)}"


async def note(rows: Rows, checked: Checked, now: datetime) -> Noted:
    """Keep a version that was not seen before, with its diff and what is wrong with it, all at once."""
    last = await _last(rows, checked)
    reading = _reading(last)
    if last is not None and last.columns.get("version") == version_of(checked):
        return Noted(changed=False, reading=reading)
    key, version, kept = _key(checked.row.key), version_of(checked), _kept(checked.cells)
    diff = _diff(last, kept)
    letters = [_broken(checked, checked.error, version, diff, now)] if checked.error else []
    noted = {"version": version, "at": now}
    changes = [
        Put(key=f"seen:{key}", columns={**noted, "cells": codec.text(kept), **reading.columns()}),
        Put(key=f"event:{key}:{now:%Y%m%dT%H%M%S}", columns={**noted, "diff": diff}),
    ]
    await rows.commit(names.ROLLOUTS, partition(checked), [*changes, *letters])
    return Noted(changed=True, letters=tuple(letter.key for letter in letters), reading=reading)


async def remember(rows: Rows, checked: Checked, noted: Noted, reading: Reading) -> None:
    """Keep what came of reading the registry, if it is not what came of it before."""
    if reading != noted.reading:
        change = Merge(key=f"seen:{_key(checked.row.key)}", columns=reading.columns())
        await rows.commit(names.ROLLOUTS, partition(checked), [change])


def _reading(last: Row | None) -> Reading:
    if last is None:
        return Reading()
    version, offered, aside = (str(last.columns.get(name) or "") for name in Reading().columns())
    return Reading(version=version, offered=frozenset(offered.split()), aside=aside)


async def _last(rows: Rows, checked: Checked) -> Row | None:
    return await rows.get(names.ROLLOUTS, partition(checked), f"seen:{_key(checked.row.key)}")


def version_of(checked: Checked) -> str:
    """A short hash of every cell that counts for the row."""
    return hashlib.sha256(repr(sorted(checked.cells.items())).encode()).hexdigest()[:16]


def _key(name: str) -> str:
    """The name as part of a key: whole where it fits, else its beginning and a hash of it."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME // 2]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _kept(cells: Mapping[str, str]) -> dict[str, str]:
    """What one column can hold of them: each cut, and the last ones left out where they are too many."""
    kept: dict[str, str] = {}
    room = MOST_CELLS
    for name in sorted(cells):
        value = cut(cells[name], codec.LONGEST_TEXT)
        room -= len(codec.text({name: value}))
        if room < 0:
            break
        kept[name] = value
    return kept


def _diff(last: Row | None, kept: Mapping[str, str]) -> str:
    old = codec.cells(str(last.columns.get("cells") or "{}")) if last else {}
    lines = [f"- {name}: {value}" for name, value in old.items() if kept.get(name) != value]
    lines += [f"+ {name}: {value}" for name, value in kept.items() if old.get(name) != value]
    return "\n".join(lines)[:LONGEST_DIFF]


def _broken(checked: Checked, error: PolicyError, version: str, diff: str, now: datetime) -> Put:
    return notice(
        "PolicyRowBroken",
        source=f"policies/{checked.key}",
        subject=checked.key,
        edge=version,
        summary=f"ROW BROKEN  {checked.key}: nothing will ship from it. No rollout is disturbed.",
        because=" · ".join(str(problem) for problem in error.problems),
        diff=diff,
        now=now,
    )
