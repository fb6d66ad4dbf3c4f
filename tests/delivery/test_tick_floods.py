"""Too much of anything at once makes a tick do some of it now and the rest later, never fail for its size."""

from __future__ import annotations

from datetime import timedelta

from delivery import codec, names
from delivery.ports import Insert, Put
from rollouts.model import Actor, ActorKind, Phase
from rollouts.seen import Order, Verb
from tests.delivery.schedule_stories import SHORT, finish, opened, step, until_weight
from tests.delivery.shop import KEY, Shop, digest

ANN = Actor(kind=ActorKind.PERSON, id="ann", name="Ann")


async def insert(shop: Shop, place: int, verb: Verb, *, n: int | None = None) -> None:
    key = names.order_key(shop.clock.now() + timedelta(microseconds=place), f"{place:08x}")
    order = Order(id=key, verb=verb, actor=ANN, at=shop.clock.now(), n=n, digest=digest(1) if n else "")
    await shop.rows.commit(names.ROLLOUTS, KEY, [Insert(key=key, columns={"order": codec.text(order)})])


def orders_left(shop: Shop) -> int:
    return sum(row.key.startswith("order:") for row in shop.rows.peek(names.ROLLOUTS))


async def test_two_hundred_orders_at_once_are_all_obeyed_in_turn() -> None:
    """A transaction has 100 changes; the last order is the abort, and it is obeyed too."""
    shop = await opened(row={**SHORT, "Steps": "50% for 1h, 100% for 10s", "Notify": "hook all, audit all"})
    await shop.push(1)
    await until_weight(shop)
    for place in range(199):
        await insert(shop, place, Verb.HOLD if place % 2 else Verb.RELEASE)
    await insert(shop, 199, Verb.ABORT, n=1)

    await finish(shop, timedelta(days=2))

    assert not shop.failures
    assert not orders_left(shop)
    assert [done.phase for done in (await shop.state()).done] == [Phase.ABORTED]


async def test_an_order_nobody_can_read_stops_nothing() -> None:
    shop = await opened()
    for place in range(30):
        rubbish = Insert(key=names.order_key(shop.clock.now(), f"{place:08x}"), columns={"order": "{"})
        await shop.rows.commit(names.ROLLOUTS, KEY, [rubbish])
    await shop.push(1)
    await until_weight(shop)
    shop.clock.advance(timedelta(seconds=1))
    await insert(shop, 1, Verb.ABORT, n=1)
    await finish(shop)

    assert [done.phase for done in (await shop.state()).done] == [Phase.ABORTED]
    assert orders_left(shop) == 30


async def test_one_image_that_ends_ten_others_tells_of_all_of_them() -> None:
    shop = await opened(row={**SHORT, "Notify": "hook all, audit all, third all"})
    hook = {"kind": "webhook", "url": "https://hook.test/"}
    await shop.rows.commit(names.NAMES, "channel", [Put(key=name, columns=hook) for name in ("audit", "third")])
    await insert(shop, 0, Verb.HOLD)
    for n in range(1, 11):
        await shop.push(n)
        while shop.queue.due():
            await step(shop)
    assert len((await shop.state()).waiting) == 10
    shop.clock.advance(timedelta(seconds=1))
    await insert(shop, 1, Verb.RELEASE)
    await shop.push(10)
    await finish(shop)

    said = [event for event in shop.channel.got if event["type"] == "Weighbridge.RolloutSuperseded"]
    assert len({str(event["id"]) for event in said}) == 9 * 3
