"""A tick that keeps failing is parked whole: what its message offered is offered again, every five minutes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names, parking
from delivery.errors import Retry
from rollouts.model import Phase
from tests.delivery.shop import KEY, Shop

if TYPE_CHECKING:
    from tests.fakes.queue import Message


async def park(shop: Shop, message: Message) -> None:
    """As the trigger of the poison queue does."""
    await parking.park_tick(shop.ports, message.body, json.dumps(message.body))


async def pushed() -> tuple[Shop, Message]:
    """A shop, and the wake-up that offers an image to its app."""
    shop = await Shop().open()
    await shop.push(1)
    message = shop.queue.pop_due()
    assert message is not None
    assert message.body["offers"]
    return shop, message


async def test_an_image_offered_while_the_store_was_away_ships_all_the_same() -> None:
    shop = await Shop().open()
    await shop.push(1)
    plain, back = shop.rows.commit, shop.clock.now() + timedelta(minutes=4)

    async def away(table: str, *more: object) -> tuple[str, ...]:
        if table == names.ROLLOUTS and shop.clock.now() < back:
            raise Retry("table rollouts: 503")
        return await plain(table, *more)  # type: ignore[arg-type]  # passed on

    shop.rows.commit = away  # type: ignore[method-assign, assignment]  # an outage
    await shop.run(timedelta(minutes=5))
    assert len(shop.poison) == 1
    await park(shop, shop.poison.pop())
    await shop.run()

    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


async def test_the_parked_row_keeps_the_message_as_it_came() -> None:
    shop, message = await pushed()
    await park(shop, message)

    [row] = await parking.parked(shop.ports)
    assert json.loads(str(row.columns["body"])) == message.body
    assert "every 5 minutes" in str(row.columns["because"])


async def test_a_tick_that_fails_for_its_offers_comes_again_in_five_minutes_and_not_sooner() -> None:
    shop, message = await pushed()
    for _ in range(3):
        await park(shop, message)
        [again] = shop.queue.waiting(names.TICKS)
        assert again.visible_at - shop.clock.now() == timedelta(minutes=5)
        assert again.body == {**message.body, "app": KEY, "seq": None}
        shop.clock.advance(timedelta(minutes=5))
        found = shop.queue.pop_due()
        while found is not None and found.queue != names.TICKS:
            found = shop.queue.pop_due()
        assert found is not None
        message = found


async def test_offers_that_cannot_be_read_are_only_kept() -> None:
    shop = await Shop().open()
    body = {"app": KEY, "seq": None, "offers": [{"image": "shop/web:1.0.0"}]}
    await parking.park_tick(shop.ports, body, json.dumps(body))

    assert shop.queue.waiting(names.TICKS) == []
    [row] = await parking.parked(shop.ports)
    assert json.loads(str(row.columns["body"])) == body
