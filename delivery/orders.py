"""A person's order: a row in the app's partition, and a tick at once in the same call (DESIGN 3)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - msgspec reads it from Asked at run time
from typing import TYPE_CHECKING

from delivery import codec, index, names, state
from delivery.errors import Malformed
from delivery.ports import Insert
from delivery.tick import Wake, tick
from rollouts.model import Consume, Order, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports
    from rollouts.model import Actor, App

TRIES = 5
TO_APP = (Verb.HOLD, Verb.RELEASE)
DONE = "done"
LATER = "accepted: another tick is under way and obeys it next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks, as decoded from the request. Fields left out are filled in from the live rollout."""

    verb: Verb
    n: int | None = None
    digest: str = ""
    step: int | None = None
    until: datetime | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How the order was taken: `done`, `refused: …`, or accepted for the next tick."""

    order: Order
    answer: str


async def give(ports: Ports, app: str, asked: Asked, actor: Actor) -> Answered:
    """Insert the order and run a tick that obeys it. Raises `Malformed` for an order that names nothing to act on.

    Twice is once: a second tick finds the row gone. If the process dies in between, the next tick obeys it, and an
    idle app has been listed for the sweep before.
    """
    now = ports.clock.now()
    loaded = (await state.load(ports.rows, app)).app
    order = _order(loaded, asked, actor, now)
    if loaded.indexed is None:
        await index.put(ports.rows, app, now)
    columns = {"schema": codec.SCHEMA, "order": codec.text(order), "verb": order.verb.value, "actor": actor.name}
    await ports.rows.commit(names.ROLLOUTS, app, [Insert(key=order.id, columns=columns)])
    for _ in range(TRIES):
        ticked = await tick(ports, Wake(app=app))
        effects = ticked.decision.effects if ticked.decision and ticked.won else ()
        taken = next((e for e in effects if isinstance(e, Consume) and e.order.id == order.id), None)
        if taken is not None:
            return Answered(order=order, answer=taken.answer)
        if await ports.rows.get(names.ROLLOUTS, app, order.id) is None:
            return Answered(order=order, answer="done: another tick took it; see the audit for its answer")
    return Answered(order=order, answer=LATER)


def _order(app: App, asked: Asked, actor: Actor, now: datetime) -> Order:
    order = Order(
        id=names.order_key(now, uuid.uuid4().hex[:8]),
        verb=asked.verb,
        actor=actor,
        at=now,
        n=asked.n,
        digest=asked.digest,
        step=asked.step,
        until=asked.until,
        comment=asked.comment[: codec.LONGEST_TEXT],
    )
    if asked.verb in TO_APP and asked.n is None:
        return order
    if asked.n is None or not asked.digest:
        return _named(app, order)
    return order


def _named(app: App, order: Order) -> Order:
    """Fill in which rollout is meant: the one of this number, or the one that holds the app."""
    known = [*((app.live,) if app.live else ()), *app.waiting]
    found = next((r for r in known if order.n in (None, r.n) and order.digest in ("", r.image.digest)), None)
    if found is None:
        what = f"rollout {order.n}" if order.n is not None else "a rollout under way"
        raise Malformed(f"order {order.verb}: app {names.resource_id(app.key)}: expected {what}, found none")
    return replace(order, n=found.n, digest=found.image.digest)


def read(body: Mapping[str, object], verb: str) -> Asked:
    """The order in an HTTP request. Raises `Malformed` with every verb that exists."""
    if verb not in tuple(Verb):
        known = ", ".join(Verb)
        raise Malformed(f"order: verb: expected one of {known}; found {verb!r}")
    return codec.convert({**body, "verb": verb}, Asked, "order")
