"""What people and programs may read: apps, rollouts with their audit, policies with their problems, health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import codec, index, names, parking, state, waits
from delivery.errors import Malformed
from policies import lint
from policies.status import broken_line, status_line

if TYPE_CHECKING:
    from delivery.ports import Ports, Row
    from rollouts.model import App, Rollout

MOST = 200

Json = dict[str, object]


async def apps(ports: Ports) -> list[Json]:
    """Every app something is going on with, most urgent first."""
    listed = [row for shard in range(names.SHARDS) for row in await ports.rows.scan(names.ACTIVE, f"{shard:02}")]
    soonest = sorted(listed, key=lambda row: str(row.columns.get(index.DUE)))[:MOST]
    return [await _summary(ports, row.key) for row in soonest]


async def _summary(ports: Ports, key: str) -> Json:
    try:
        loaded = (await state.load(ports.rows, key)).app
    except Malformed as error:
        return {"app": names.resource_id(key), "problem": str(error)}
    return {
        "app": names.resource_id(key),
        "hold": codec.builtins(loaded.hold) if loaded.hold else None,
        "pin": codec.builtins(loaded.pin) if loaded.pin else None,
        "stable": codec.builtins(loaded.stable) if loaded.stable else None,
        "live": line(loaded.live) if loaded.live else None,
        "waiting": [line(rollout) for rollout in loaded.waiting],
    }


def line(rollout: Rollout) -> Json:
    """A rollout as lists of them show it."""
    step = rollout.plan.steps[rollout.step] if rollout.plan else None
    return {
        "n": rollout.n,
        "image": rollout.image.short,
        "digest": rollout.image.digest,
        "policy": rollout.policy,
        "phase": rollout.phase.value,
        "mode": rollout.mode.value if rollout.mode else None,
        "step": rollout.step,
        "steps": len(rollout.plan.steps) if rollout.plan else None,
        "weight": step.weight if step and rollout.phase == "baking" else 0,
        "paused": rollout.paused.because if rollout.paused else None,
        "needs": waits.needs(rollout),
        "because": rollout.because,
        "offered": rollout.offered_at.isoformat(),
        "finished": rollout.finished_at.isoformat() if rollout.finished_at else None,
    }


async def app(ports: Ports, key: str) -> Json | None:
    """One app: what holds it, what waits, what is remembered; None for an app nobody heard of."""
    loaded = await state.load(ports.rows, key)
    if not loaded.etag:
        return None
    held = await ports.rows.scan(names.ROLLOUTS, key, first="quarantine:", last="quarantine:" + names.LAST)
    return {
        **await _summary(ports, key),
        "writes": [codec.builtins(write) for write in loaded.app.writes],
        "retire": [codec.builtins(entry) for entry in loaded.app.retire],
        "done": [codec.builtins(done) for done in loaded.app.done],
        "quarantine": [{"digest": r.key.partition(":")[2], "because": r.columns.get("because")} for r in held],
        "undelivered": [_letter(row) for row in await _letters(ports, key)],
    }


async def _letters(ports: Ports, key: str) -> list[Row]:
    return await ports.rows.scan(names.ROLLOUTS, key, first="outbox:", last="outbox:" + names.LAST)


def _letter(row: Row) -> Json:
    columns = row.columns
    return {
        "id": row.key.partition(":")[2],
        "channel": columns.get("channel"),
        "tries": columns.get("tries"),
        "parked": bool(columns.get("parked")),
        "because": columns.get("because"),
    }


async def rollouts(ports: Ports, key: str) -> list[Json]:
    """The rollouts of an app, newest first: live, waiting, then history."""
    loaded = (await state.load(ports.rows, key)).app
    present = {r.n: line(r) for r in _present(loaded)}
    rows = await ports.rows.scan(names.ROLLOUTS, key, first="rollout:", last="rollout:" + names.LAST)
    for row in rows:
        try:
            past = codec.decode_rollout(row)
        except Malformed as error:
            present.setdefault(int(row.key.partition(":")[2]), {"problem": str(error)})
            continue
        present.setdefault(past.n, line(past))
    return [present[n] for n in sorted(present, reverse=True)][:MOST]


def _present(loaded: App) -> list[Rollout]:
    return [*loaded.waiting, *((loaded.live,) if loaded.live else ())]


async def rollout(ports: Ports, key: str, n: int) -> Json | None:
    """One rollout whole, with its audit and becauses, oldest first; None when there is none of this number."""
    loaded = (await state.load(ports.rows, key)).app
    found = next((r for r in _present(loaded) if r.n == n), None)
    if found is None:
        row = await ports.rows.get(names.ROLLOUTS, key, names.rollout_key(n))
        if row is None:
            return None
        found = codec.decode_rollout(row)
    first = names.audit_key(n, 0)
    events = await ports.rows.scan(names.ROLLOUTS, key, first=first, last=names.audit_key(n + 1, 0))
    return {
        **line(found),
        "finding": codec.builtins(found.finding) if found.finding else None,
        "plan": codec.builtins(found.plan) if found.plan else None,
        "measurements": [codec.builtins(m) for m in found.measurements],
        "audit": [_event(row) for row in events],
    }


def _event(row: Row) -> Json:
    columns = row.columns
    return {
        "seq": int(row.key.rpartition(":")[2]),
        "at": str(columns.get("at")),
        "because": columns.get("because"),
        "said": codec.untext(str(columns.get("said") or "[]")),
        "orders": codec.untext(str(columns.get("orders") or "[]")),
        "write": codec.untext(str(columns.get("write") or "null")),
    }


async def policies(ports: Ports) -> list[Json]:
    """Every policy row with what it does, or everything that is wrong with it."""
    rows = await ports.rows.scan(names.POLICIES)
    found: list[Json] = []
    for checked in lint.check(rows, whole=True):
        problems = [str(problem) for problem in checked.error.problems] if checked.error else []
        status = broken_line(checked.error) if checked.error else ""
        if checked.policy is not None:
            status = status_line(checked.policy)
        found.append({"key": checked.key, "status": status, "problems": problems})
    return found


async def health(ports: Ports) -> Json:
    """Whether the weigher itself is well: late apps, parked messages. Needs the store to answer."""
    now = ports.clock.now()
    late = await index.overdue(ports.rows, now - index.GRACE, MOST)
    parked = await parking.parked(ports)
    return {"healthy": not late, "overdue": [names.resource_id(key) for key in late], "parked": len(parked)}
