"""An image ships when its push and its scan are both known, whichever is heard first, twice, late, or by nobody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from delivery import codec, intake, names
from delivery.tick import Wake, tick
from policies.evidence import ScanEvidence, Severities
from rollouts.model import Phase
from rollouts.seen import Offer
from tests.delivery.schedule import Call
from tests.delivery.schedule_explore import Function, Run, explore, working
from tests.delivery.schedule_stories import SHORT, Story, ended, finish, holds, ids, opened, step, until_weight
from tests.delivery.shop import KEY, REGISTRY, REPOSITORY, Shop, digest
from tests.fakes.queue import Message

DEEP = bool(os.environ.get("WEIGHBRIDGE_FUZZ"))
pytestmark = pytest.mark.timeout(3600 if DEEP else 60)
SAMPLE = 0 if DEEP else 40

SCANNED = {**SHORT, "Scan": "critical 0, high 0"}
CLEAN = Severities(critical=0, high=0, medium=0, low=0, negligible=0, unknown=0)


def scan(shop: Shop, n: int, counts: Severities = CLEAN) -> ScanEvidence:
    return ScanEvidence(
        registry=REGISTRY,
        repository=REPOSITORY,
        digest=digest(n),
        scanner="trivy",
        status="completed",
        completed_at=shop.clock.now(),
        counts=counts,
    )


def shipped(row: Mapping[str, object]) -> Story:
    return Story(name="shipped", tell=finish, ends={1: Phase.PROMOTED}, image=1, row=row)


async def hear_push(shop: Shop) -> object:
    return await intake.image_pushed(shop.ports, shop.event(1))


async def hear_scan(shop: Shop) -> object:
    return await intake.scan_completed(shop.ports, scan(shop, 1))


def always(run: Run) -> None:
    holds(run.shop)


def alone(_actor: str, call: Call) -> bool:
    return call.port == "rows" and call.name in ("get", "scan") and call.arguments[0] in (names.POLICIES, names.NAMES)


@pytest.mark.parametrize("heard", ["both", "push first", "scan first"])
async def test_in_whatever_order_push_scan_and_ticks_fall_the_image_ships(heard: str) -> None:
    shop = await opened(row=SCANNED)
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    functions: dict[str, Function] = {"push": hear_push, "scan": hear_scan, "host": lambda shop: working(shop, 2)}
    if heard == "push first":
        await functions.pop("push")(shop)
    if heard == "scan first":
        await functions.pop("scan")(shop)
    ends: set[int] = set()

    async def then(run: Run) -> None:
        after = run.shop.fork()
        await finish(after)
        await ended(after, shipped(SCANNED))
        ends.add(len(ids(after)))

    found = await explore(shop, functions, always=always, finally_=then, alone=alone, sample=SAMPLE)
    print(f"{heard}: {found.runs} orders, {found.cut} cut, {found.steps} calls")  # noqa: T201 - shown with -s
    assert ends


async def test_an_image_whose_wake_ups_are_lost_ships_all_the_same() -> None:
    """The messages of both events are lost once the app waits: its own next look finds the scan."""
    shop = await opened(row=SCANNED)
    await shop.push(1)
    await step(shop)
    waiting = (await shop.state()).waiting
    assert [rollout.n for rollout in waiting] == [1]
    await shop.scanned(scan(shop, 1))
    shop.queue.messages.clear()

    await finish(shop)
    await ended(shop, shipped(SCANNED))


async def test_a_scan_that_never_comes_rejects_or_holds_as_the_row_says() -> None:
    rejecting = await opened(row={**SHORT, "Scan": "critical 0, within 10m else reject"})
    await rejecting.push(1)
    await finish(rejecting)
    app = await rejecting.state()
    assert [done.phase for done in app.done] == [Phase.REJECTED]
    assert not rejecting.app.writes
    assert rejecting.channel.types()[-1] == "RolloutRejected"

    holding = await opened(row={**SHORT, "Scan": "critical 0, within 10m else hold"})
    await holding.push(1)
    end = holding.clock.now() + timedelta(hours=6)
    while holding.clock.now() < end:
        assert await step(holding)
    assert [rollout.n for rollout in (await holding.state()).waiting] == [1]
    assert holding.channel.types() == ["RolloutWaiting"]

    await holding.scanned(scan(holding, 1))
    await finish(holding)
    await ended(holding, shipped({**SHORT}))


async def test_a_dirty_scan_rejects_whichever_event_comes_first() -> None:
    dirty = Severities(critical=1, high=0, medium=0, low=0, negligible=0, unknown=0)
    for push_first in (True, False):
        shop = await opened(row=SCANNED)
        for pushes in (push_first, not push_first):
            await (shop.push(1) if pushes else shop.scanned(scan(shop, 1, dirty)))
        await finish(shop)
        assert [done.phase for done in (await shop.state()).done] == [Phase.REJECTED]
        assert not shop.app.writes


@pytest.mark.parametrize("known", [False, True])
async def test_the_scanners_last_word_counts_however_two_of_its_events_race(known: bool) -> None:  # noqa: FBT001 - a case
    """Clean at nine, dirty at ten, both heard at once: in every order the image stays where it is."""
    shop = await opened(row=SCANNED)
    if known:
        await shop.scanned(replace(scan(shop, 1), completed_at=shop.clock.now() - timedelta(hours=1)))
    clean = scan(shop, 1)
    shop.clock.advance(timedelta(hours=1))
    dirty = scan(shop, 1, Severities(critical=1, high=0, medium=0, low=0, negligible=0, unknown=0))
    functions: dict[str, Function] = {
        "clean": lambda shop: intake.scan_completed(shop.ports, clean),
        "dirty": lambda shop: intake.scan_completed(shop.ports, dirty),
    }

    async def then(run: Run) -> None:
        after = run.shop.fork()
        await after.push(1)
        await finish(after)
        assert [done.phase for done in (await after.state()).done] == [Phase.REJECTED]

    await explore(shop, functions, always=always, finally_=then, alone=alone)


async def test_a_scan_heard_while_a_tick_is_under_way_is_looked_at_within_seconds() -> None:
    """The tick may have asked before the scan was kept, and its save then beats the scan's own tick."""
    shop = await opened(row=SCANNED)
    await shop.push(1)
    while shop.queue.due() or not (await shop.state()).waiting[0].finding:
        await step(shop)
    shop.clock.advance(timedelta(minutes=5))

    async def due(shop: Shop) -> object:
        return await tick(shop.ports, Wake(app=KEY))

    async def scanned(shop: Shop) -> object:
        await hear_scan(shop)
        shop.queue.messages = [m for m in shop.queue.messages if m.body["seq"] is not None]  # its own is taken here
        return await tick(shop.ports, Wake(app=KEY))

    async def then(run: Run) -> None:
        after = run.shop.fork()
        while not (await after.state()).live:
            await step(after)
        assert after.clock.now() - run.shop.clock.now() < timedelta(seconds=5)

    functions: dict[str, Function] = {"due": due, "scan": scanned}
    await explore(shop, functions, always=always, finally_=then, alone=alone, sample=SAMPLE)


async def test_a_push_heard_five_times_and_long_after_its_end_is_one_rollout() -> None:
    shop = await opened(row=SHORT)
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    event = shop.event(1)
    for _ in range(3):
        await intake.image_pushed(shop.ports, event)
    await until_weight(shop)
    await intake.image_pushed(shop.ports, event)
    await finish(shop)
    await intake.image_pushed(shop.ports, event)
    await finish(shop)

    await ended(shop, shipped(SHORT))
    assert len({unique for kind, unique in ids(shop) if kind.endswith("Promoted")}) == 1


async def test_an_older_image_heard_of_late_supersedes_nothing() -> None:
    """1.1.0 is heard of while 1.2.0 bakes: it is no upgrade, so it neither disturbs nor ships."""
    shop = await opened(row={**SHORT, "Steps": "50% for 2m, 100% for 10s"})
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    old = shop.event(1)
    await shop.push(2)
    await until_weight(shop)
    await intake.image_pushed(shop.ports, old)
    await finish(shop)

    app = await shop.state()
    assert {done.tag: done.phase for done in app.done}["1.2.0"] is Phase.PROMOTED
    assert {done.tag: done.phase for done in app.done}["1.1.0"] in (Phase.REJECTED, Phase.SUPERSEDED)
    assert shop.azure.weights(shop.app) == {f"ca-web--wb1-{2:06x}": 100}
    assert not [name for name in shop.app.revisions if "wb2" in name]


async def test_a_message_repeated_three_times_ends_as_one_chain() -> None:
    """Every wake-up of the whole story is doubled twice: the copies are stale, and nothing happens more often."""
    calm = await opened(row=SHORT)
    await calm.push(1)
    await finish(calm)

    shop = await opened(row=SHORT)
    await shop.push(1)
    known: set[int] = set()
    while await step(shop):
        for message in shop.queue.waiting():
            if id(message) not in known:
                copies = [message, replace(message), replace(message)]
                known.update(map(id, copies))
                shop.queue.messages.extend(copies[1:])
                KEEP.extend(copies)
    await ended(shop, shipped(SHORT))
    assert shop.app.writes == calm.app.writes
    assert ids(shop) == ids(calm)
    assert shop.clock.now() - calm.clock.now() < timedelta(minutes=1)
    assert sum(ticked.won for ticked in shop.ticked) <= sum(ticked.won for ticked in calm.ticked) + 2


KEEP: list[object] = []  # so that no id is given twice


@pytest.mark.parametrize("times", [0.5, 20.0], ids=["early", "late"])
async def test_messages_that_come_early_or_late_cost_time_and_nothing_else(times: float) -> None:
    """Every delay is halved, or twenty times as long, so that the sweep is often first."""
    shop = await opened(row=SHORT)
    await shop.push(1)
    seen: set[int] = set()
    while await step(shop):
        for place, message in enumerate(shop.queue.messages):
            if id(message) not in seen:
                delay = (message.visible_at - shop.clock.now()) * times
                moved = Message(queue=message.queue, body=message.body, visible_at=shop.clock.now() + delay)
                shop.queue.messages[place] = moved
                seen.add(id(moved))
                KEEP.append(moved)
    await ended(shop, shipped(SHORT))


async def test_a_tick_that_lost_its_save_offers_its_image_again() -> None:
    """An offer is in no row until a save won; the wake-up that carried it is sent again."""
    shop = await opened(row=SHORT)
    await shop.push(1)
    message = shop.queue.pop_due()
    assert message is not None
    rival = Wake(app=KEY)

    async def saved_first(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.ROLLOUTS:
            shop.rows.before = None
            await tick(shop.ports, rival)

    shop.rows.before = saved_first
    await shop.handle(message)
    assert [codec.convert(m.body, Wake, "test").offers for m in shop.queue.waiting(names.TICKS)] != [()]
    assert all(
        isinstance(offer, Offer) for m in shop.queue.waiting() for offer in codec.convert(m.body, Wake, "").offers
    )
    await finish(shop)
    await ended(shop, shipped(SHORT))
