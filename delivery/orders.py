"""A person's order: a row in the app's partition, and a tick at once in the same call (DESIGN 3)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - msgspec reads it from Asked at run time
from typing import TYPE_CHECKING

from delivery import codec, names, state
from delivery.errors import Malformed
from delivery.ports import Insert
from delivery.tick import Wake, tick
from rollouts.model import Consume, Order, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports
    from rollouts.model import Actor

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

    Twice is once: a second tick finds the row gone. If the process dies in between, the next tick obeys it.
    """
    now = ports.clock.now()
    order = await _order(ports, app, asked, actor, names.order_key(now, uuid.uuid4().hex[:8]))
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


async def _order(ports: Ports, app: str, asked: Asked, actor: Actor, key: str) -> Order:
    order = Order(
        id=key,
        verb=asked.verb,
        actor=actor,
        at=ports.clock.now(),
        n=asked.n,
        digest=asked.digest,
        step=asked.step,
        until=asked.until,
        comment=asked.comment[: codec.LONGEST_TEXT],
    )
    if asked.verb in TO_APP and asked.n is None:
        return order
    if asked.n is None or not asked.digest:
        return await _named(ports, app, order)
    return order


async def _named(ports: Ports, app: str, order: Order) -> Order:
    """Fill in which rollout is meant: the one of this number, or the one that holds the app."""
    loaded = (await state.load(ports.rows, app)).app
    known = [*((loaded.live,) if loaded.live else ()), *loaded.waiting]
    found = next((r for r in known if order.n in (None, r.n) and order.digest in ("", r.image.digest)), None)
    if found is None:
        what = f"rollout {order.n}" if order.n is not None else "a rollout under way"
        raise Malformed(f"order {order.verb}: app {names.resource_id(app)}: expected {what}, found none")
    return replace(order, n=found.n, digest=found.image.digest)


def read(body: Mapping[str, object], verb: str) -> Asked:
    """The order in an HTTP request. Raises `Malformed` with every verb that exists."""
    if verb not in tuple(Verb):
        known = ", ".join(Verb)
        raise Malformed(f"order: verb: expected one of {known}; found {verb!r}")
    return codec.convert({**body, "verb": verb}, Asked, "order")
