"""The tick of an app: load, observe, decide, save, schedule and act, record (DESIGN 3). Nothing else changes an app.

A message is only a wake-up. What it may carry besides the app is an image to offer; a tick that loses its save
sends a wake-up that told of news again, so an offer is lost no more than a rollout is.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import codec, elsewhere, index, ledger, names, outbox, retention, state, telemetry
from delivery.errors import Refused, Retry
from delivery.observe import observe
from delivery.versions import SCHEMA
from rollouts.candidates import admit
from rollouts.machine import decide
from rollouts.model import App, Phase, WriteAnswer
from rollouts.seen import Offer  # noqa: TC001 - msgspec reads it from Wake at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports, Put, Row
    from rollouts.decided import ArmWrite, Decision

TRY_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """A wake-up. seq: of the save that scheduled it; None (an event, the sweep, a person) is never stale."""

    app: str
    seq: int | None = None
    offers: tuple[Offer, ...] = ()

    def message(self) -> Mapping[str, object]:
        """The queue message."""
        offers = [codec.builtins(offer) for offer in self.offers]
        return {"schema": SCHEMA, "app": self.app, "seq": self.seq, "offers": offers}


def read(body: Mapping[str, object]) -> Wake:
    """The wake-up in a queue message. Raises `Malformed`, and `Retry` for one of a newer version."""
    codec.of_this_version("queue ticks", body)
    return codec.convert(body, Wake, "queue ticks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What became of a tick. won: its save is the row now. stale: a newer tick has its own wake-up under way."""

    won: bool
    stale: bool = False
    decision: Decision | None = None


async def tick(ports: Ports, wake: Wake) -> Ticked:
    """Run one tick. Raises what the store raises; errors of the ARM write are recorded, never raised."""
    with telemetry.span("weighbridge.tick", {"weighbridge.app": wake.app}) as span:
        ticked = await _tick(ports, wake)
        span.tell({"weighbridge.won": int(ticked.won), "weighbridge.stale": int(ticked.stale)})
        if ticked.decision is not None:
            span.tell(telemetry.told_by(ticked.decision))
    return ticked


async def _tick(ports: Ports, wake: Wake) -> Ticked:
    loaded = await state.load(ports.rows, wake.app)
    if wake.seq is not None and wake.seq < loaded.app.seq:
        return Ticked(won=False, stale=True)
    app = admit(loaded.app, wake.offers, ports.clock.now())
    waiting = await outbox.pending(ports, app.key) if app.undelivered else []
    seen = await observe(ports, app)
    decision = decide(replace(app, undelivered=bool(waiting)), seen, ports.clock.now())
    letters = outbox.compose(ports, loaded.app, seen, decision)
    planned = index.plan(_told(decision.next, letters), _due(ports, decision, letters))
    entry = await index.read(ports.rows, app.key) if planned.idle else None
    if planned.before is not None:
        await index.put(ports.rows, app.key, planned.before)
    changes = [*ledger.changes(loaded.app, decision, ports.clock.now()), *letters]
    etag = await state.save(ports.rows, loaded, planned.app, uuid.uuid4().hex, changes)
    if etag is None:
        if wake.seq is None or await _unmoved(ports, loaded.app):
            # It told of something new, which the tick that won may have been too early to see; or no tick won, but
            # the record of a write's answer, and then nothing else would go on.
            await ports.queue.put(names.TICKS, wake.message(), TRY_AGAIN)
        return Ticked(won=False, decision=decision)
    telemetry.record(telemetry.of_tick(loaded.app, decision, ports.clock.now()))
    await _schedule(ports, planned, entry)
    if decision.write is not None:
        await _act(ports, state.Loaded(app=planned.app, etag=etag), decision.write)
    late = outbox.late(waiting, ports.clock.now())
    await outbox.wake(ports, app.key, [*late, *(letter.key for letter in letters)])
    for rollout in decision.finished:
        await retention.forget(ports, app.key, rollout.n)
        for later in await elsewhere.later(ports, rollout) if rollout.phase is Phase.PROMOTED else ():
            await ports.queue.put(names.TICKS, Wake(app=later).message(), timedelta())
    return Ticked(won=True, decision=decision)


async def _unmoved(ports: Ports, app: App) -> bool:
    return (await state.load(ports.rows, app.key)).app.seq == app.seq


def _told(app: App, letters: list[Put]) -> App:
    return replace(app, undelivered=app.undelivered or bool(letters))


def _due(ports: Ports, decision: Decision, letters: list[Put]) -> datetime | None:
    """An app with undelivered messages is looked after even when it is otherwise idle."""
    if decision.due is None and letters:
        return ports.clock.now() + outbox.LATE
    return decision.due


async def _schedule(ports: Ports, planned: index.Plan, entry: Row | None) -> None:
    """Step 5, before the act: the next wake-up and the index. Sent before anything that can hang."""
    app = planned.app
    if planned.due is not None:
        delay = max(planned.due - ports.clock.now(), timedelta())
        await ports.queue.put(names.TICKS, Wake(app=app.key, seq=app.seq).message(), delay)
    if planned.after is not None:
        await index.put(ports.rows, app.key, planned.after)
    if entry is not None:
        await index.delete(ports.rows, entry)


async def _act(ports: Ports, saved: state.Loaded, write: ArmWrite) -> None:
    """Steps 5 and 6: send the write once, if its observation is fresh still, and record what came back."""
    intent = next(one for one in saved.app.writes if one.id == saved.app.seq)
    answer, location, error = WriteAnswer.ACCEPTED, "", ""
    if ports.clock.now() >= intent.give_up_at:
        answer, error = WriteAnswer.UNSENT, "the observation was older than 10 s"
    else:
        try:
            location = (await ports.apps.send(names.resource_id(saved.app.key), write, intent.give_up_at)).location
        except Retry as retry:
            answer, error = (WriteAnswer.LOST if retry.lost else WriteAnswer.BUSY), str(retry)
        except Refused as refused:
            answer, error = WriteAnswer.REFUSED, str(refused)
    answered = codec.Answered(answer=answer, at=ports.clock.now(), location=location, error=error)
    await state.record(ports.rows, saved, intent.id, answered)
