"""What a decision adds beside the app's row, in the same transaction: audit, history, quarantine, orders that go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import codec, names
from delivery.ports import Delete, Put
from rollouts.model import Announce, App, Consume, Decision, Quarantine, Release, Rollout

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.ports import Change


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
    if decision.effects or decision.write is not None:
        found.append(_audit(decision, now))
    return _last_of_each(found)


def _last_of_each(found: list[Change]) -> list[Change]:
    """One change a row: a transaction may not name a row twice."""
    return list({change.key: change for change in found}.values())


def _moved(before: App, decision: Decision) -> list[Rollout]:
    """Rollouts whose phase or step is not what it was, for the history."""
    old = {r.n: (r.phase, r.step) for r in (*before.waiting, *((before.live,) if before.live else ()))}
    after = decision.next
    present = (*decision.finished, *after.waiting, *((after.live,) if after.live else ()))
    return [r for r in present if old.get(r.n) != (r.phase, r.step)]


def _audit(decision: Decision, now: datetime) -> Put:
    """One row a tick that did something: what was said, obeyed and written, and because of what."""
    app = decision.next
    n = app.live.n if app.live else (decision.finished[-1].n if decision.finished else 0)
    said = [effect for effect in decision.effects if isinstance(effect, Announce)]
    orders = [effect for effect in decision.effects if isinstance(effect, Consume)]
    columns: dict[str, object] = {
        "schema": codec.SCHEMA,
        "at": now,
        "because": decision.because[: codec.LONGEST_TEXT * 4],
        "said": codec.text([{"said": s.said, "n": s.n, "because": s.because, "actor": s.actor} for s in said]),
        "orders": codec.text([{"order": o.order, "answer": o.answer} for o in orders]),
        "write": codec.text(codec.tagged(decision.write)) if decision.write else "",
    }
    return Put(key=names.audit_key(n, app.seq), columns=columns)
