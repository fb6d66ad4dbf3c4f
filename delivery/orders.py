"""A person's order: a row in the app's partition, and a tick at once in the same call (DESIGN 3)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from delivery import codec, index, names, state
from delivery.bounds import cut
from delivery.errors import Malformed
from delivery.ports import Insert
from delivery.tick import Wake, tick
from delivery.versions import SCHEMA
from policies.evidence import DIGEST
from rollouts.decided import Consume
from rollouts.orders import RAISING
from rollouts.seen import Order, Verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports
    from rollouts.model import Actor, App, Rollout

TRIES = 5
TO_APP = (Verb.HOLD, Verb.RELEASE, Verb.RETRY, Verb.PIN, Verb.UNDO)
Count = Annotated[int, Meta(ge=0, le=10**9)]
DONE = "done"
LATER = "accepted: another tick is under way and obeys it next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks, as decoded from the request.

    n, digest: which rollout; filled in from the live one where the order can only lower its canary. step: which one
    it was at. until: with a zone.
    """

    verb: Verb
    n: Count | None = None
    digest: str = ""
    step: Count | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
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
    columns = {"schema": SCHEMA, "order": codec.text(order), "verb": order.verb.value, "actor": actor.name}
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
        comment=cut(asked.comment, codec.LONGEST_TEXT),
    )
    if asked.verb in TO_APP and asked.n is None:
        return order
    if asked.verb in RAISING:
        return _whole(app, order)
    if asked.n is None or not asked.digest:
        return _named(app, order)
    return order


def _named(app: App, order: Order) -> Order:
    """Fill in which rollout is meant: the one of this number, or the one that holds the app."""
    found = _meant(app, order)
    return replace(order, n=found.n, digest=found.image.digest)


def _whole(app: App, order: Order) -> Order:
    """An order that lets a canary rise must say at which step it was given: a click on an old message raises nothing.

    The error carries the values as they are now, so that a person who means them can send them.
    """
    if order.n is not None and order.digest and order.step is not None:
        return order
    now = _meant(app, order)
    body = json.dumps({"n": now.n, "digest": now.image.digest, "step": now.step})
    raise Malformed(f"order {order.verb}: expected n, digest and step, found not all of them; now they are {body}")


def _meant(app: App, order: Order) -> Rollout:
    known: list[Rollout] = [*((app.live,) if app.live else ()), *app.waiting]
    found = next((r for r in known if order.n in (None, r.n) and order.digest in ("", r.image.digest)), None)
    if found is None:
        what = f"rollout {order.n}" if order.n is not None else "a rollout under way"
        raise Malformed(f"order {order.verb}: app {names.resource_id(app.key)}: expected {what}, found none")
    return found


def read(body: Mapping[str, object], verb: str) -> Asked:
    """The order in an HTTP request. Raises `Malformed` for what could not be kept or obeyed later."""
    if verb not in tuple(Verb):
        known = ", ".join(Verb)
        raise Malformed(f"order: verb: expected one of {known}; found {verb[:40]!r}")
    asked = codec.convert({**body, "verb": verb}, Asked, "order")
    if asked.digest and DIGEST.fullmatch(asked.digest) is None:
        raise Malformed(f"order: digest: expected sha256: and 64 hex digits, found {asked.digest[:80]!r}")
    try:
        until = asked.until.astimezone(UTC) if asked.until else None
    except OverflowError as error:
        raise Malformed(f"order: until: expected a time of this era, found {asked.until}") from error
    return replace(asked, until=until)
