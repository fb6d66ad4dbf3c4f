"""A geo-replicated registry: an image starts in the app's region once it is there, and reads are made only for that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from delivery import heard, intake, names
from delivery.errors import Retry
from rollouts.model import Phase
from tests.delivery.shop import REGISTRY, REPOSITORY, Shop, digest

FIVE = timedelta(minutes=5)


@pytest.fixture
async def shop() -> Shop:
    """An app in West Europe; the registry is known to have replicas there and in East US."""
    shop = await Shop().open()
    shop.app.location = "West Europe"
    for region in ("westeurope", "eastus"):
        await heard.note(shop.ports, REGISTRY, region)
    return shop


async def push(shop: Shop, location: str) -> None:
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    await intake.image_pushed(shop.ports, replace(shop.event(1), location=location))


async def waits(shop: Shop) -> str:
    [rollout] = (await shop.state()).waiting
    assert shop.app.writes == []
    return rollout.because


def reads_of_regions(shop: Shop) -> list[str]:
    calls: list[str] = []

    async def count(name: str, arguments: tuple[object, ...]) -> None:
        if arguments[:2] == (names.NAMES, heard.HEARD):
            calls.append(name)

    shop.rows.before = count
    return calls


async def test_an_image_pushed_elsewhere_starts_when_its_copy_is_told_of(shop):
    await push(shop, "eastus")
    await shop.run(FIVE)
    assert "region: not heard of in westeurope yet" in await waits(shop)
    await push(shop, "westeurope")
    started = await shop.run_until(Phase.DEPLOYING)
    assert started.live is not None
    assert started.live.n == 1


async def test_an_image_whose_copy_is_never_told_of_starts_after_a_quarter_of_an_hour(shop):
    offered_at = shop.clock.now()
    await push(shop, "eastus")
    app = await shop.run_until(Phase.DEPLOYING)
    assert app.live is not None
    assert app.live.started_at is not None
    assert timedelta(minutes=15) <= app.live.started_at - offered_at < timedelta(minutes=16)


async def test_an_image_pushed_into_the_apps_region_starts_at_once_and_without_a_read_of_regions(shop):
    calls = reads_of_regions(shop)
    await push(shop, "westeurope")
    await shop.run_until(Phase.DEPLOYING)
    assert calls == []


async def test_an_app_in_a_region_without_a_replica_is_not_kept_waiting(shop):
    shop.app.location = "Sweden Central"
    calls = reads_of_regions(shop)
    await push(shop, "eastus")
    await shop.run_until(Phase.DEPLOYING)
    assert calls == ["scan"]


async def test_a_store_that_does_not_tell_the_regions_is_no_yes(shop):
    async def away(name: str, arguments: tuple[object, ...]) -> None:
        if name == "scan" and arguments[:2] == (names.NAMES, heard.HEARD):
            raise Retry("table names answers 503")

    shop.rows.before = away
    await push(shop, "eastus")
    await shop.run(FIVE)
    assert await waits(shop) == "region: cannot tell: table names answers 503"
