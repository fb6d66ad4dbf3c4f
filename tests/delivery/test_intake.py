"""Events write their own evidence first, and wake just the apps that rows name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery import intake, names
from delivery.ports import Put
from policies.evidence import ScanEvidence, Severities, evidence_partition
from rollouts.model import Phase
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest

CLEAN = Severities(critical=0, high=0, medium=0, low=0, negligible=0, unknown=0)


def scan(shop: Shop, n: int, **changes: Any) -> ScanEvidence:
    found = {
        "registry": REGISTRY,
        "repository": REPOSITORY,
        "digest": digest(n),
        "scanner": "trivy",
        "status": "completed",
        "completed_at": shop.clock.now(),
        "counts": CLEAN,
        **changes,
    }
    return ScanEvidence(**found)


@pytest.fixture
async def shop() -> Shop:
    return await Shop(row={**ROW, "Scan": "critical 0, within 1h else hold"}).open()


async def test_a_push_costs_one_write_two_reads_and_one_message_per_app(shop):
    await shop.push(9)
    calls: list[str] = []

    async def count(name: str, arguments: tuple[object, ...]) -> None:
        calls.append(f"{name} {arguments[0]}")

    shop.rows.before = shop.queue.before = count
    await shop.push(1)
    assert sorted(calls) == ["commit evidence", "put ticks", "scan policies", "scan policies"]


async def test_a_pattern_row_wakes_the_app_named_after_the_repository(shop):
    cells = {"App": "rg-{name}/ca-{name}", "Repository": "shop/*"}
    await shop.rows.commit(names.POLICIES, f"{REGISTRY}|*", [Put(key="fleet", columns=cells)])
    woken = await shop.push(1)
    assert [key.rsplit("|", 1)[1] for key in woken] == ["ca-web", "ca-web"]
    assert {key.split("|")[4] for key in woken} == {"rg-shop", "rg-web"}


async def test_an_unselected_tag_wakes_nobody_but_is_known(shop):
    event = shop.event(1)
    push = type(event)(**{**{f: getattr(event, f) for f in event.__slots__}, "tag": "latest"})
    assert await intake.image_pushed(shop.ports, push) == ()
    assert await shop.rows.scan(names.EVIDENCE, evidence_partition(REGISTRY, digest(1))) != []


async def test_a_late_older_scan_does_not_overwrite_a_newer_one(shop):
    newer = scan(shop, 1, counts=Severities(critical=2, high=0, medium=0, low=0, negligible=0, unknown=0))
    await intake.scan_completed(shop.ports, newer)
    await intake.scan_completed(shop.ports, scan(shop, 1, completed_at=newer.completed_at - timedelta(hours=1)))
    await shop.push(1)
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.REJECTED]


@pytest.mark.parametrize("scan_first", [True, False])
async def test_push_and_scan_ship_in_either_order(shop, scan_first):
    if scan_first:
        await intake.scan_completed(shop.ports, scan(shop, 1))
        await shop.push(1)
    else:
        await shop.push(1)
        await shop.run(timedelta(minutes=3))
        await intake.scan_completed(shop.ports, scan(shop, 1))
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


@pytest.mark.parametrize("index_told", [True, False])
async def test_an_index_ships_on_the_scan_of_the_manifest_in_it_that_will_run(shop, index_told):
    media_type = "application/vnd.oci.image.index.v1+json"
    await shop.push(1)
    shop.registry.push(
        REPOSITORY, "1.1.0", digest(1), media_type=media_type, config="", children={"linux/amd64": digest(7)}
    )
    await shop.run(timedelta(minutes=3))
    assert [one.n for one in (await shop.state()).waiting] == [1]
    told = {"index_digest": digest(1), "platform": "linux/amd64"} if index_told else {}
    await intake.scan_completed(shop.ports, scan(shop, 7, **told))
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


async def test_a_scan_wakes_the_apps_whose_rows_ask_for_one(shop):
    assert await intake.scan_completed(shop.ports, scan(shop, 1)) == (KEY,)
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns=dict(ROW))])
    assert await intake.scan_completed(shop.ports, scan(shop, 1)) == ()


async def test_a_repeated_push_event_is_no_new_attempt(shop):
    push = shop.event(1)
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    await intake.scan_completed(shop.ports, scan(shop, 1))
    for _ in range(3):
        await intake.image_pushed(shop.ports, push)
        await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


async def test_an_image_that_runs_already_is_nothing_to_do_and_nothing_to_say():
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()
    told, writes = shop.channel.types(), len(shop.app.writes)
    shop.clock.advance(timedelta(minutes=1))
    await shop.push(1)
    await shop.run()
    state = await shop.state()
    assert (state.waiting, state.live, len(state.done)) == ((), None, 1)
    assert shop.channel.types() == told
    assert len(shop.app.writes) == writes


async def test_a_version_pushed_over_itself_ships_if_its_tag_names_the_new_digest():
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()
    shop.clock.advance(timedelta(minutes=1))
    shop.registry.push(REPOSITORY, "1.1.0", digest(7))
    event = shop.event(1)
    await intake.image_pushed(
        shop.ports, type(event)(**{**{f: getattr(event, f) for f in event.__slots__}, "digest": digest(7)})
    )
    await shop.run()
    assert [done.digest for done in (await shop.state()).done] == [digest(1), digest(7)]
    assert shop.weights() == {"ca-web--wb3-000007": 100} or shop.weights() == {"ca-web--wb2-000007": 100}
