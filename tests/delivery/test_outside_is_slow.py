"""An outside that takes its whole time to answer holds neither a rollback nor a step back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from delivery import names
from delivery.errors import Retry
from rollouts.model import Phase
from tests.delivery.schedule import Call, tapped
from tests.delivery.shop import ROW, Shop
from tests.fakes.azure import Trouble
from tests.fakes.clock import FakeClock

ANSWERS_AFTER = timedelta(seconds=10)
CANARY = "ca-web--wb1-000001"
STABLE = {"ca-web--first": 100}
FINISH = {**ROW, "OnNewImage": "finish"}
HOUR_AT_HALF = {**FINISH, "Steps": "50% for 1h, 100% for 1m"}


class Slow:
    """Every call to one port takes ten seconds, and fails then if it `fails`. asked: how often, by port."""

    def __init__(self, port: str, clock: FakeClock, *, fails: bool = True) -> None:
        self.port = port
        self.clock = clock
        self.fails = fails
        self.asked: Counter[str] = Counter()

    async def before(self, call: Call) -> object:
        self.asked[call.port] += 1
        if call.port == self.port:
            self.clock.advance(ANSWERS_AFTER)
            if self.fails:
                raise Retry(f"{call.port}: no answer in time")
        return None

    async def after(self, call: Call, token: object) -> None:
        pass


class NoOutbox:
    """The queue of messages takes nothing."""

    async def before(self, call: Call) -> object:
        if call.port == "queue" and call.arguments[0] == names.OUTBOX:
            raise Retry("queue outbox 503")
        return None

    async def after(self, call: Call, token: object) -> None:
        pass


async def half_with_a_newer_waiting() -> Shop:
    shop = await Shop(row=HOUR_AT_HALF).open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await shop.push(2)
    while not (await shop.state()).waiting:
        assert await shop.step()
    return shop


async def until_stable(shop: Shop) -> timedelta:
    """How long it takes from now until stable has everything back."""
    began = shop.clock.now()
    while shop.weights() != STABLE:
        assert shop.clock.now() - began < timedelta(hours=1), f"nothing was written: {(await shop.state()).live}"
        assert await shop.step()
    return shop.clock.now() - began


@pytest.mark.parametrize("port", ["registry", "metrics"])
async def test_a_crash_is_rolled_back_within_a_minute_though_an_outside_takes_ten_seconds_to_fail(port: str) -> None:
    shop = await half_with_a_newer_waiting()
    shop.ports = tapped(shop.ports, Slow(port, shop.clock))
    shop.app.revisions[CANARY].crashed = True

    assert await until_stable(shop) < timedelta(minutes=1)


async def test_while_rolling_back_no_gate_is_asked() -> None:
    shop = await half_with_a_newer_waiting()
    shop.azure.trouble = lambda _app, _write: Trouble.BUSY
    shop.app.revisions[CANARY].crashed = True
    await shop.run_until(Phase.ROLLING_BACK)
    slow = Slow("registry", shop.clock)
    shop.ports = tapped(shop.ports, slow)
    await shop.run(timedelta(minutes=1))

    assert slow.asked["apps"]
    assert not slow.asked["registry"]


@pytest.mark.parametrize("port", ["registry", "metrics"])
async def test_steps_are_raised_though_an_outside_takes_ten_seconds(port: str) -> None:
    shop = await Shop(row=FINISH).open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    shop.ports = tapped(shop.ports, Slow(port, shop.clock, fails=False))
    await shop.push(2)
    began = shop.clock.now()
    while not (await shop.state()).done:
        assert shop.clock.now() - began < timedelta(minutes=15), f"it never rose: {(await shop.state()).live}"
        assert await shop.step()

    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


async def test_a_rollback_does_not_wait_for_the_queue_of_messages() -> None:
    shop = await half_with_a_newer_waiting()
    shop.ports = tapped(shop.ports, NoOutbox())
    shop.app.revisions[CANARY].crashed = True

    assert await until_stable(shop) < timedelta(seconds=30)


async def test_images_that_pile_up_while_rolling_back_cost_no_extra_ticks_and_the_newest_ships() -> None:
    shop = await half_with_a_newer_waiting()
    shop.azure.trouble = lambda _app, _write: Trouble.BUSY
    shop.app.revisions[CANARY].crashed = True
    await shop.run_until(Phase.ROLLING_BACK)
    for n in range(3, 15):
        await shop.push(n)
        while (await shop.state()).counter < n:
            assert await shop.step()
    saved = sum(ticked.won for ticked in shop.ticked)
    await shop.run(timedelta(minutes=1))

    assert sum(ticked.won for ticked in shop.ticked) - saved <= 32, "2 s after each write, as without them"
    assert len((await shop.state()).waiting) == 10
    shop.azure.trouble = lambda _app, _write: Trouble.NONE
    await shop.run(timedelta(minutes=1))
    live = (await shop.state()).live
    assert live is not None
    assert live.image.tag == "1.14.0"
