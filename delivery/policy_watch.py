"""The one scan: once a minute changed policy rows are read, checked, answered in their Status, and acted on.

A row that the store will not keep stops no other row: it is parked, and told so in its Status where that can be.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import codec, metric_rows, names, outbox, parking, policy_seen, state
from delivery.bounds import cut
from delivery.errors import Conflict, Malformed, Refused, Retry
from delivery.intake import HEARD
from delivery.policy_check import STATUS, Checked, check, is_shared, registry
from delivery.ports import Merge, Put
from delivery.tick import Wake
from policies.keys import DEFAULTS
from policies.status import LONGEST_STATUS, broken_line, status_line
from rollouts.model import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports, Row
    from policies.model import Policy

OVERLAP = timedelta(minutes=5)
WHOLE_EVERY = timedelta(hours=1)
MOST_STATUSES = 200
LONGEST_REGISTRY = 255  # of a login server, as in the scan event's schema
MARK = "watched"


async def watch(ports: Ports) -> int:
    """Read what changed since the last time (everything once an hour, and when a `defaults` or `metric` row changed).

    Answers how many rows had changed. Raises `Retry` or `Conflict` after the last row when one could not be tended
    for that; they are all read again the next time.
    """
    now = ports.clock.now()
    mark = await ports.rows.get(names.ACTIVE, MARK, "policies")
    since, whole = _since(mark, now)
    rows = await ports.rows.scan(names.POLICIES, changed_since=since)
    metrics = {row.key: row for row in await ports.rows.scan(names.NAMES, metric_rows.METRIC)}
    edited = since is not None and any(row.timestamp >= since for row in metrics.values())
    if since is not None and (edited or await _shared_changed(ports, rows)):
        since, rows = None, await ports.rows.scan(names.POLICIES)
    defaults = await _defaults(ports, rows, everything=since is None)
    heard = {row.key for row in await ports.rows.scan(names.NAMES, HEARD)}
    rolling = await _rolling(ports)
    changed = 0
    away: Retry | Conflict | None = None
    # A `defaults` row comes last: until it is noted, it is a reason to read the rows that share it.
    for row in sorted(rows, key=is_shared):
        checked = check(row, defaults.get(registry(row)))
        try:
            changed += await _tend(ports, checked, _status(checked, heard, rolling, metrics), now)
        except (Retry, Conflict) as error:
            away = error
    if away is not None:
        raise away
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


async def _shared_changed(ports: Ports, rows: list[Row]) -> bool:
    """Whether one of these is a `defaults` row in a version that was not noted yet."""
    return any([await policy_seen.is_new(ports.rows, check(row, None)) for row in rows if is_shared(row)])


async def _defaults(ports: Ports, rows: list[Row], *, everything: bool) -> Mapping[str, Mapping[str, object]]:
    """The `defaults` row of every registry among these rows."""
    found = {registry(row): row.columns for row in rows if is_shared(row)}
    if everything:
        return found
    for server in {registry(row) for row in rows} - set(found):
        row = await ports.rows.get(names.POLICIES, f"{server}|*", DEFAULTS) if _sound(server) else None
        if row is not None:
            found[server] = row.columns
    return found


def _sound(server: str) -> bool:
    return 0 < len(server) <= LONGEST_REGISTRY and not any(char in server for char in "/\\#?")


async def _tend(ports: Ports, checked: Checked, status: str, now: datetime) -> bool:
    """Note one row and answer it. Whether it had changed."""
    refused: list[str] = []
    letters: list[str] | None = None
    try:
        letters = await policy_seen.note(ports.rows, checked, now)
    except Refused as error:
        refused.append(str(error))
        status = cut(f"broken: it cannot be watched: {error}", LONGEST_STATUS)
    if letters is not None:
        await outbox.wake(ports, policy_seen.partition(checked), letters)
        await _wake(ports, checked.policy)
    try:
        await _answer(ports, checked, status)
    except Refused as error:
        refused.append(str(error))
    if refused:
        await parking.park(ports, f"policy row {checked.key}", str(checked.cells), "; ".join(refused))
    return letters is not None


async def _wake(ports: Ports, policy: Policy | None) -> None:
    """An app that we know looks at its rows again."""
    if policy is None or policy.mode is Mode.OFF or "{name}" in policy.app.text:
        return
    app = policy.app.app_key(ports.settings.subscription, policy.repository)
    if await ports.rows.get(names.ROLLOUTS, app, state.APP) is not None:
        await ports.queue.put(names.TICKS, Wake(app=app).message(), timedelta())


async def _answer(ports: Ports, checked: Checked, text: str) -> None:
    """Write the Status cell, if it says something else now; a person's edit meanwhile is left alone."""
    if checked.row.columns.get(STATUS) == text:
        return
    change = Merge(key=checked.row.key, columns={STATUS: text}, etag=checked.row.etag)
    try:
        await ports.rows.commit(names.POLICIES, checked.row.partition, [change])
    except Conflict:
        return


def _status(checked: Checked, heard: set[str], rolling: Mapping[str, str], metrics: Mapping[str, Row]) -> str:
    if checked.error is not None:
        return broken_line(checked.error)
    if checked.policy is None:
        return "ok: shared by the registry's other rows"
    if checked.key in rolling:
        return rolling[checked.key]
    if wrong := metric_rows.broken(checked.policy, metrics):
        return cut(f"broken: Checks: {wrong}", LONGEST_STATUS)
    server = registry(checked.row)
    quiet = "" if server in heard else f"; no event ever came from {server}"
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
