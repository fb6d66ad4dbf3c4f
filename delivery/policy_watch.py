"""The one scan: once a minute changed policy rows are read, checked, answered in their Status, and acted on.

What was last seen of each row is kept under `policies|<partition>` in the rollouts table, with a diff per change, so
that a problem is announced once per version of a row and an edit can be read later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import codec, names, outbox, state
from delivery.errors import Conflict, Malformed
from delivery.intake import HEARD
from delivery.notices import notice
from delivery.ports import Merge, Put
from delivery.tick import Wake
from policies.errors import PolicyError
from policies.keys import DEFAULTS
from policies.parse import check_defaults, parse
from policies.status import broken_line, status_line
from rollouts.model import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports, Row
    from policies.model import Policy

STATUS = "Status"
OVERLAP = timedelta(minutes=5)
WHOLE_EVERY = timedelta(hours=1)
MOST_STATUSES = 200
MARK = "watched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One row as it is now: the policy it makes, or every problem it has."""

    row: Row
    policy: Policy | None
    error: PolicyError | None

    @property
    def key(self) -> str:
        """`<partition>/<row>`."""
        return f"{self.row.partition}/{self.row.key}"


async def watch(ports: Ports) -> int:
    """Read what changed since the last time (everything, once an hour). Answers how many rows had changed."""
    now = ports.clock.now()
    mark = await ports.rows.get(names.ACTIVE, MARK, "policies")
    since, whole = _since(mark, now)
    rows = await ports.rows.scan(names.POLICIES, changed_since=since)
    defaults = await _defaults(ports, rows, everything=since is None)
    heard = {row.key for row in await ports.rows.scan(names.NAMES, HEARD)}
    rolling = await _rolling(ports)
    changed = 0
    for row in rows:
        checked = check(row, defaults.get(_registry(row)))
        changed += await _note(ports, checked, now)
        await _answer(ports, checked, heard, rolling)
    columns = {"read_at": now, "whole_at": now if since is None else whole}
    await ports.rows.commit(names.ACTIVE, MARK, [Put(key="policies", columns=columns)])
    return changed


def _since(mark: Row | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when rows are read (None: all of them), and when they were last read whole."""
    read_at = mark.columns.get("read_at") if mark else None
    whole_at = mark.columns.get("whole_at") if mark else None
    if not isinstance(read_at, datetime) or not isinstance(whole_at, datetime) or now - whole_at >= WHOLE_EVERY:
        return None, None
    return read_at - OVERLAP, whole_at


def _registry(row: Row) -> str:
    return row.partition.partition("|")[0]


async def _defaults(ports: Ports, rows: list[Row], *, everything: bool) -> Mapping[str, Mapping[str, object]]:
    """The `defaults` row of every registry among these rows."""
    found = {_registry(row): row.columns for row in rows if row.key == DEFAULTS and row.partition.endswith("|*")}
    if everything:
        return found
    for registry in {_registry(row) for row in rows} - set(found):
        row = await ports.rows.get(names.POLICIES, f"{registry}|*", DEFAULTS) if _sound(registry) else None
        if row is not None:
            found[registry] = row.columns
    return found


def _sound(registry: str) -> bool:
    return bool(registry) and not any(char in registry for char in "/\\#?")


def check(row: Row, defaults: Mapping[str, object] | None) -> Checked:
    """Parse one row; a `defaults` row is checked for itself and makes no policy."""
    try:
        if row.key == DEFAULTS:
            check_defaults(row.partition, row.columns)
            return Checked(row=row, policy=None, error=None)
        return Checked(row=row, policy=parse(row.partition, row.key, row.columns, defaults), error=None)
    except PolicyError as error:
        return Checked(row=row, policy=None, error=error)


def version(columns: Mapping[str, object]) -> str:
    """A short hash of everything a person may have typed."""
    typed = sorted((name, repr(value)) for name, value in columns.items() if name.lower() != STATUS.lower())
    return hashlib.sha256(repr(typed).encode()).hexdigest()[:16]


async def _note(ports: Ports, checked: Checked, now: datetime) -> bool:
    """Keep a version that was not seen before, with its diff; announce what is wrong with it; wake its app."""
    partition = f"policies|{checked.row.partition}"
    typed = {name: str(value) for name, value in checked.row.columns.items() if name.lower() != STATUS.lower()}
    found = version(checked.row.columns)
    seen = await ports.rows.get(names.ROLLOUTS, partition, f"seen:{checked.row.key}")
    if seen is not None and seen.columns.get("version") == found:
        return False
    diff = _diff(seen, typed)
    letters = [_broken(checked, found, now)] if checked.error else []
    cells = codec.text({name: value[: codec.LONGEST_TEXT] for name, value in typed.items()})
    await ports.rows.commit(
        names.ROLLOUTS,
        partition,
        [
            Put(key=f"seen:{checked.row.key}", columns={"version": found, "cells": cells, "at": now}),
            Put(
                key=f"event:{checked.row.key}:{now:%Y%m%dT%H%M%S}", columns={"version": found, "diff": diff, "at": now}
            ),
            *letters,
        ],
    )
    await outbox.wake(ports, partition, [letter.key for letter in letters])
    policy = checked.policy
    if policy is not None and policy.mode is not Mode.OFF and "{name}" not in policy.app.text:
        app = policy.app.app_key(ports.settings.subscription, policy.repository)
        if (await state.load(ports.rows, app)).etag:
            await ports.queue.put(names.TICKS, Wake(app=app).message(), timedelta())
    return True


def _diff(seen: Row | None, typed: Mapping[str, str]) -> str:
    old = codec.cells(str(seen.columns.get("cells") or "{}")) if seen else {}
    lines = [f"- {name}: {value}" for name, value in old.items() if typed.get(name) != value]
    lines += [f"+ {name}: {value}" for name, value in typed.items() if old.get(name) != value]
    return "\n".join(lines)[: codec.LONGEST_TEXT * 20]


def _broken(checked: Checked, found: str, now: datetime) -> Put:
    problems = checked.error.problems if checked.error else ()
    return notice(
        "PolicyRowBroken",
        source=f"policies/{checked.key}",
        subject=checked.key,
        edge=found,
        summary=f"ROW BROKEN  {checked.key}: nothing will ship from it. No rollout is disturbed.",
        because=" · ".join(str(problem) for problem in problems),
        now=now,
    )


async def _answer(ports: Ports, checked: Checked, heard: set[str], rolling: Mapping[str, str]) -> None:
    """Write the Status cell, if it says something else now; a person's edit meanwhile is left alone."""
    text = _status(checked, heard, rolling)
    if checked.row.columns.get(STATUS) == text:
        return
    change = Merge(key=checked.row.key, columns={STATUS: text}, etag=checked.row.etag)
    try:
        await ports.rows.commit(names.POLICIES, checked.row.partition, [change])
    except Conflict:
        return


def _status(checked: Checked, heard: set[str], rolling: Mapping[str, str]) -> str:
    if checked.error is not None:
        return broken_line(checked.error)
    if checked.policy is None:
        return "ok: shared by the registry's other rows"
    if checked.key in rolling:
        return rolling[checked.key]
    quiet = "" if _registry(checked.row) in heard else f"; no event ever came from {_registry(checked.row)}"
    return f"{status_line(checked.policy)}{quiet}"


async def _rolling(ports: Ports) -> Mapping[str, str]:
    """What the rows of live apps are doing: `rolling …` and `waiting …`, for up to 200 apps."""
    found: dict[str, str] = {}
    keys = [row.key for shard in range(names.SHARDS) for row in await ports.rows.scan(names.ACTIVE, f"{shard:02}")]
    for key in keys[:MOST_STATUSES]:
        try:
            app = (await state.load(ports.rows, key)).app
        except Malformed:
            continue
        for rollout in app.waiting:
            found[rollout.policy] = f"waiting: {rollout.image.tag}: {rollout.because}"[: codec.LONGEST_TEXT]
        if app.live is not None:
            live = app.live
            weight = live.plan.steps[live.step].weight if live.plan else 0
            found[live.policy] = f"rolling {live.image.tag} at {weight} %: {live.because}"[: codec.LONGEST_TEXT]
    return found
