"""Two containers of one app, each with its own row: no version of one is compared with a version of the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from delivery import intake, names, orders
from delivery.ports import Put
from policies.evidence import ScanEvidence, Severities
from policies.pushes import PushEvidence
from rollouts.model import Actor, ActorKind, App, Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, REGISTRY, REPOSITORY, ROW, Shop, digest

ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.test", name="Ann")
SIDE = "shop/side"
LONG = {**ROW, "Steps": "50% for 30m, 100% for 1m"}
CLEAN = Severities(critical=0, high=0, medium=0, low=0, negligible=0, unknown=0)


async def two(row: Mapping[str, object] = ROW) -> Shop:
    """`shop/web` 1.0.0 beside `shop/side` 1.0.0, which has a row of its own."""
    shop = await Shop(row=row).open()
    image = f"{REGISTRY}/{SIDE}:1.0.0"
    shop.app.template["side"] = shop.app.revisions["ca-web--first"].images["side"] = image
    columns = {"App": "rg-shop/ca-web", "Steps": "100% for 1m", "Notify": "hook all"}
    await shop.rows.commit(names.POLICIES, f"{REGISTRY}|shop|side", [Put(key="production", columns=columns)])
    return shop


async def push_side(shop: Shop, n: int) -> None:
    """Push version n.0.0 of the other container, newer than any 1.x, and hear of it."""
    shop.registry.push(SIDE, f"{n}.0.0", digest(100 + n))
    event = PushEvidence(
        registry=REGISTRY, repository=SIDE, tag=f"{n}.0.0", digest=digest(100 + n), pushed_at=shop.clock.now()
    )
    await shop.insist(lambda: intake.image_pushed(shop.ports, event))


async def order(shop: Shop, verb: Verb) -> None:
    await orders.give(shop.ports, KEY, orders.Asked(verb=verb), ANN)


def outcomes(app: App) -> dict[str, Phase]:
    return {done.tag: done.phase for done in app.done}


async def test_one_that_starts_leaves_the_other_waiting() -> None:
    shop = await two()
    await order(shop, Verb.HOLD)
    await shop.push(1)
    await push_side(shop, 9)
    await shop.run(timedelta(minutes=6))
    assert [r.image.tag for r in (await shop.state()).waiting] == ["1.1.0", "9.0.0"]
    await order(shop, Verb.RELEASE)
    await shop.run(timedelta(hours=2))

    assert outcomes(await shop.state()) == {"1.1.0": Phase.PROMOTED, "9.0.0": Phase.PROMOTED}
    running = shop.app.revisions[next(iter(shop.weights()))].images
    assert running == {"web": f"{REGISTRY}/{REPOSITORY}@{digest(1)}", "side": f"{REGISTRY}/{SIDE}@{digest(109)}"}


async def test_a_live_one_is_not_superseded_by_the_other_though_azure_is_not_looked_at_in_every_tick() -> None:
    """A newer image of its own waits for a scan meanwhile, so that its row is at hand to compare with."""
    shop = await two({**LONG, "Scan": "critical 0"})
    await shop.push(1)
    scan = ScanEvidence(
        registry=REGISTRY,
        repository=REPOSITORY,
        digest=digest(1),
        scanner="trivy",
        status="completed",
        completed_at=shop.clock.now(),
        counts=CLEAN,
    )
    await shop.scanned(scan)
    await shop.run_until(Phase.BAKING, 0)
    await shop.push(2)
    await push_side(shop, 9)
    await shop.run(timedelta(minutes=10))

    live = (await shop.state()).live
    assert live is not None
    assert (live.image.tag, live.phase) == ("1.1.0", Phase.BAKING)


async def test_a_live_one_is_still_superseded_by_a_newer_image_of_its_own_container() -> None:
    shop = await two(LONG)
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await shop.push(2)
    await shop.run(timedelta(hours=2))

    assert outcomes(await shop.state()) == {"1.1.0": Phase.SUPERSEDED, "1.2.0": Phase.PROMOTED}


async def test_neither_is_downgraded_after_the_other_was_promoted() -> None:
    """The app runs both by digest: only the record says which versions those are."""
    shop = await two()
    await shop.push(5)
    await shop.run(timedelta(minutes=30))
    await push_side(shop, 9)
    await shop.run(timedelta(minutes=30))
    await shop.push(2)
    await shop.run(timedelta(minutes=30))
    await push_side(shop, 8)
    await shop.run(timedelta(minutes=30))

    expected = {"1.5.0": Phase.PROMOTED, "9.0.0": Phase.PROMOTED, "1.2.0": Phase.REJECTED, "8.0.0": Phase.REJECTED}
    assert outcomes(await shop.state()) == expected


async def test_the_record_outlives_a_revision_that_a_person_made_stable() -> None:
    shop = await two()
    await shop.push(5)
    await shop.run(timedelta(minutes=30))
    shop.azure.revise(shop.app, "manual")
    shop.azure.set_traffic(shop.app, manual=100)
    await push_side(shop, 9)
    await shop.run(timedelta(minutes=30))
    await shop.push(2)
    await shop.run(timedelta(minutes=30))

    assert outcomes(await shop.state())["1.2.0"] is Phase.REJECTED


async def test_after_a_person_went_back_the_newer_image_may_ship_again_and_a_lesser_one_too() -> None:
    """What carries the traffic is compared with, not what was recorded last."""
    shop = await Shop().open()
    await shop.push(4)
    await shop.run(timedelta(minutes=20))
    shop.azure.set_traffic(shop.app, first=100)
    await shop.push(3)
    await shop.run(timedelta(minutes=20))
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED] * 2
    shop.azure.set_traffic(shop.app, first=100)
    await shop.push(4)
    await shop.run(timedelta(minutes=20))

    assert [done.tag for done in (await shop.state()).done] == ["1.4.0", "1.3.0", "1.4.0"]
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED] * 3
