"""What a decision adds beside the app's row, in the same transaction: audit, history, quarantine, orders that go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import codec, names
from delivery.ports import Delete, Put
from delivery.versions import SCHEMA
from rollouts.decided import Announce, Consume, Decision, Quarantine, Release

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.ports import Change
    from rollouts.model import App, Rollout


def changes(before: App, decision: Decision, now: datetime) -> list[Change]:
    """Every row but the app's own and its messages."""
    found: list[Change] = []
    for effect in decision.effects:
        match effect:
            case Quarantine(digest=digest, because=because, n=n):
                columns = {"because": because[: codec.LONGEST_TEXT], "rollout": n, "at": now}
                found.append(Put(key=names.quarantine_key(digest), columns=columns))
            case Release(digest=digest):
                found.append(Delete(key=names.quarantine_key(digest)))
            case Consume(order=order):
                found.append(Delete(key=order.id))
            case Announce():
                pass
    found += [Put(key=names.rollout_key(r.n), columns=codec.rollout_columns(r)) for r in _moved(before, decision)]
    found += [_audit(decision, n, now) for n in _spoken_of(decision)]
    return _last_of_each(found)


def _last_of_each(found: list[Change]) -> list[Change]:
    """One change a row: a transaction may not name a row twice."""
    return list({change.key: change for change in found}.values())


def _moved(before: App, decision: Decision) -> list[Rollout]:
    """Rollouts whose phase or step is not what it was, for the history."""
    old = {r.n: (r.phase, r.step) for r in (*before.waiting, *((before.live,) if before.live else ()))}
    after = decision.next
    present = (*decision.finished, *decision.reported, *after.waiting, *((after.live,) if after.live else ()))
    return [r for r in present if old.get(r.n) != (r.phase, r.step)]


def _spoken_of(decision: Decision) -> list[int]:
    """The rollouts this tick said, obeyed or wrote something about; 0 is the app itself."""
    numbers: dict[int, None] = {}
    for effect in decision.effects:
        match effect:
            case Announce(n=n):
                numbers[n or 0] = None
            case Consume(order=order):
                numbers[order.n or 0] = None
            case Quarantine(n=n):
                numbers[n] = None
            case Release():
                numbers[0] = None
    if decision.write is not None:
        numbers[_holder(decision)] = None
    return list(numbers)


def _holder(decision: Decision) -> int:
    """Whose write a tick's write is: the rollout's that holds the app, or did until this tick; else the app's."""
    live = decision.next.live
    return live.n if live else (decision.finished[-1].n if decision.finished else 0)


def _audit(decision: Decision, n: int, now: datetime) -> Put:
    """One row a rollout and a tick: what was said, obeyed and written, and because of what."""
    said = [effect for effect in decision.effects if isinstance(effect, Announce) and (effect.n or 0) == n]
    orders = [effect for effect in decision.effects if isinstance(effect, Consume) and (effect.order.n or 0) == n]
    write = decision.write if n == _holder(decision) else None
    columns: dict[str, object] = {
        "schema": SCHEMA,
        "at": now,
        "because": decision.because[: codec.LONGEST_TEXT * 4],
        "said": codec.text([{"said": s.said, "n": s.n, "because": s.because, "actor": s.actor} for s in said]),
        "orders": codec.text([{"order": o.order, "answer": o.answer} for o in orders]),
        "write": codec.text(codec.tagged(write)) if write else "",
    }
    return Put(key=names.audit_key(n, decision.next.seq), columns=columns)
