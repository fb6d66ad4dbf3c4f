"""The chain of ticks never breaks, costs nothing while nothing can be done, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from delivery import codec, names
from delivery.errors import Retry
from delivery.ports import Put
from delivery.tick import Ticked, read, tick
from rollouts.decided import Deactivate
from rollouts.model import Actor, ActorKind, Phase
from rollouts.seen import Order, Verb
from tests.delivery.schedule import Call, Counting, tapped
from tests.delivery.schedule_stories import busy
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest
from tests.fakes.azure import Trouble

ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.test", name="Ann")
CANARY = "ca-web--wb1-000001"
STABLE = {"ca-web--first": 100}
HALF = {**ROW, "Steps": "50% for 10m, 100% for 1m"}
OBSERVE = {**ROW, "Mode": "observe"}


# ---- it never breaks


class Overtaken:
    """The answer of one send comes so late that the next tick has loaded the row, and is recorded before it saves."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.next: asyncio.Task[Ticked] | None = None
        self.sent_at = shop.clock.now()
        self.saving = asyncio.Event()
        self.recorded = asyncio.Event()

    async def before(self, call: Call) -> object:
        if call.name == "send" and self.next is None:
            self.sent_at = self.shop.clock.advance(timedelta(seconds=3))
            message = self.shop.queue.pop_due(names.TICKS)
            assert message is not None, "the next wake-up is sent before anything that can hang"
            self.next = asyncio.create_task(tick(self.shop.ports, read(message.body)))
            await self.saving.wait()
            raise Retry("ARM 409 ContainerAppOperationInProgress")
        if asyncio.current_task() is self.next and changes(call, "seq"):
            self.saving.set()
            await self.recorded.wait()
        return None

    async def after(self, call: Call, token: object) -> None:
        _ = token
        if changes(call, "answers") and not changes(call, "seq"):
            self.recorded.set()


def changes(call: Call, column: str) -> bool:
    return call.name == "commit" and any(column in getattr(change, "columns", {}) for change in call.arguments[2])


async def test_a_tick_that_loses_to_the_record_of_an_answer_goes_on_within_seconds() -> None:
    shop = await Shop(row=HALF).open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    shop.app.revisions[CANARY].crashed = True
    overtaken = Overtaken(shop)
    shop.ports = tapped(shop.ports, overtaken)
    while overtaken.next is None:
        assert await shop.step()
    assert not (await overtaken.next).won
    while shop.weights() != STABLE:
        assert await shop.step()

    assert shop.clock.now() - overtaken.sent_at < timedelta(seconds=5) + shop.azure.latency


async def test_an_order_that_cannot_be_obeyed_is_left_for_a_person_and_the_app_goes_on() -> None:
    """An `until` without a zone, text that is no order, and a row without one."""
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    live = (await shop.state()).live
    assert live is not None
    naive = Order(
        id="order:1",
        verb=Verb.PAUSE,
        actor=ANN,
        at=shop.clock.now(),
        n=1,
        digest=live.image.digest,
        until=shop.clock.now().replace(tzinfo=None),
    )
    rows = {"order:1": {"order": codec.text(naive)}, "order:2": {"order": "{"}, "order:3": {"verb": "hold"}}
    puts = [Put(key=key, columns=columns) for key, columns in rows.items()]
    await shop.rows.commit(names.ROLLOUTS, KEY, puts)
    await shop.run(timedelta(hours=3))

    assert not shop.failures
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]
    assert [row.key for row in shop.rows.peek(names.ROLLOUTS) if row.key in rows] == list(rows)


async def test_an_image_that_came_while_the_last_write_was_open_starts_when_it_has_ended() -> None:
    """The old revision is being deactivated, which no start may overtake."""
    shop = await Shop(row={**ROW, "Keep": "none"}).open()
    await shop.push(1)
    while not any(isinstance(write, Deactivate) for write in shop.app.writes):
        assert await shop.step()
    await shop.push(2)
    began = shop.clock.now()
    while not (await shop.state()).live:
        assert await shop.step()

    assert shop.clock.now() - began < timedelta(seconds=10)


# ---- it costs nothing while nothing can be done


def asked_of_azure(tap: Counting) -> int:
    return sum(call.port == "apps" for call in tap.calls)


async def test_an_image_costs_one_look_when_it_comes_none_while_it_waits_and_starts_when_it_may() -> None:
    shop = await Shop(row={**ROW, "Scan": "critical 0"}).open()
    tap = Counting()
    shop.ports = tapped(shop.ports, tap)
    await shop.push(1)
    await shop.run(timedelta(hours=6))
    assert [r.because for r in (await shop.state()).waiting] == ["scan: no scan has come"]
    assert len(shop.ticked) > 60
    assert asked_of_azure(tap) == 1

    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns=ROW)])
    await shop.run(timedelta(hours=2))
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


async def test_an_observed_image_costs_no_call_to_azure_once_it_was_said_and_starts_when_the_mode_is_on() -> None:
    shop = await Shop(row=OBSERVE).open()
    await shop.push(1)
    await shop.run(timedelta(minutes=1))
    assert shop.channel.types() == ["RolloutWouldHaveStarted"]
    tap = Counting()
    shop.ports = tapped(shop.ports, tap)
    await shop.run(timedelta(hours=24))
    assert not asked_of_azure(tap)
    assert not shop.app.writes

    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns=ROW)])
    await shop.run(timedelta(hours=2))
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


async def test_what_would_have_started_ends_the_lesser_images_that_only_rehearse() -> None:
    shop = await Shop(row=OBSERVE).open()
    for n in (1, 2):
        await shop.push(n)
        await shop.run(timedelta(minutes=10))
    app = await shop.state()

    assert [r.image.tag for r in app.waiting] == ["1.2.0"]
    assert [(d.tag, d.phase) for d in app.done] == [("1.1.0", Phase.SUPERSEDED)]
    assert shop.app.history == []


async def test_an_observed_downgrade_would_not_have_started() -> None:
    """What runs is looked at before it is said."""
    shop = await Shop(row=OBSERVE).open()
    shop.app.template["web"] = shop.app.revisions["ca-web--first"].images["web"] = f"{REGISTRY}/{REPOSITORY}:1.5.0"
    await shop.push(2)
    await shop.run(timedelta(hours=1))

    assert shop.channel.types() == ["RolloutRejected"]


# ---- it ends


async def in_phase(phase: Phase, row: Mapping[str, object] = HALF) -> Shop:
    """A rollout in this phase; while rolling back, Azure refuses the write."""
    shop = await Shop(row=row).open()
    await shop.push(1)
    if phase is Phase.ROLLING_BACK:
        await shop.run_until(Phase.BAKING, 0)
        shop.app.revisions[CANARY].crashed = True
        shop.azure.trouble = lambda _app, _write: Trouble.BUSY
    await shop.run_until(phase, 0 if phase is Phase.BAKING else None)
    return shop


@pytest.mark.parametrize("phase", [Phase.DEPLOYING, Phase.BAKING, Phase.ROLLING_BACK])
async def test_an_app_that_is_deleted_ends_its_rollout_aloud_and_is_looked_after_no_more(phase: Phase) -> None:
    shop = await in_phase(phase)
    shop.azure.apps.clear()
    shop.metrics.away = True
    await shop.run(timedelta(minutes=10))

    app = await shop.state()
    assert [done.phase for done in app.done] == [Phase.FAILED]
    assert not busy(app)
    assert shop.channel.types()[-1] == "RolloutFailed"
    assert not shop.failures
    assert not shop.rows.peek(names.ACTIVE)
    assert not shop.queue.messages


async def test_an_app_is_idle_though_a_revision_that_was_to_retire_is_stable_again() -> None:
    """Promoted, taken back by hand within the keep, and the next image fails."""
    shop = await Shop().open()
    await shop.push(1)
    while not (await shop.state()).done:
        assert await shop.step()
    shop.azure.set_traffic(shop.app, first=100)
    shop.metrics.error_rates["--wb2"] = 1.0
    await shop.push(2)
    await shop.run(timedelta(hours=3))

    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED, Phase.ROLLED_BACK]
    assert shop.weights() == STABLE
    assert not (await shop.state()).retire
    assert not shop.rows.peek(names.ACTIVE)
    assert not shop.queue.messages


async def test_forty_images_pushed_while_one_write_is_open_fit_the_row() -> None:
    shop = await in_phase(Phase.BAKING, {**HALF, "OnNewImage": "finish", "Steps": "50% for 1m, 100% for 1m"})
    shop.azure.trouble = lambda _app, _write: Trouble.LOST
    while not (await shop.state()).writes:
        assert await shop.step()
    for n in range(2, 42):
        await shop.push(n)
        while (await shop.state()).counter < n:
            assert await shop.step()
        assert (await shop.state()).writes
    row = await shop.rows.get(names.ROLLOUTS, KEY, "app")

    assert row is not None
    assert len(str(row.columns["lists"])) < codec.LISTS_BYTES
    assert not shop.failures
    waiting = (await shop.state()).waiting
    assert sorted(r.image.digest for r in waiting) == [digest(n) for n in range(32, 42)]
