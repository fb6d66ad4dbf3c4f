"""Events write their own evidence first, and wake just the apps that rows name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from delivery import heard, intake, names
from delivery.errors import Conflict
from delivery.ports import Put
from policies.evidence import ScanEvidence, Severities, evidence_partition
from policies.pushes import PushEvidence, push_from_columns
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


async def test_a_scan_dated_into_the_future_does_not_keep_later_ones_out(shop):
    ahead = scan(shop, 1, completed_at=shop.clock.now() + timedelta(days=3650))
    await intake.scan_completed(shop.ports, ahead)
    await intake.scan_completed(shop.ports, scan(shop, 1, status="failed", counts=None))
    (row,) = await shop.rows.scan(names.EVIDENCE, evidence_partition(REGISTRY, digest(1)))
    assert row.columns["status"] == "failed"


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


# ---- one push, told of by several events


async def kept(shop: Shop, n: int) -> PushEvidence:
    row = await shop.rows.get(names.EVIDENCE, evidence_partition(REGISTRY, digest(n)), shop.event(n).key)
    assert row is not None
    return push_from_columns("row", row.columns)


def costs(shop: Shop) -> list[str]:
    calls: list[str] = []

    async def count(name: str, arguments: tuple[object, ...]) -> None:
        calls.append(f"{name} {arguments[0]}")

    shop.rows.before = shop.queue.before = count
    return calls


async def test_a_repeated_push_event_finds_its_row_and_writes_nothing(shop):
    push = shop.event(1)
    await intake.image_pushed(shop.ports, push)
    before = shop.rows.peek(names.EVIDENCE)
    calls = costs(shop)
    await intake.image_pushed(shop.ports, push)
    assert sorted(calls) == ["commit evidence", "get evidence", "put ticks", "scan policies", "scan policies"]
    assert shop.rows.peek(names.EVIDENCE) == before


async def test_the_regions_that_have_an_image_accumulate_and_its_push_stays_when_it_was(shop):
    push = replace(shop.event(1), location="westeurope", pushed_by="ann")
    await intake.image_pushed(shop.ports, push)
    for minutes, region in ((3, "eastus"), (4, "northeurope"), (3, "eastus")):
        copy = replace(push, location=region, pushed_by="", pushed_at=push.pushed_at + timedelta(minutes=minutes))
        await intake.image_pushed(shop.ports, copy)
    known = await kept(shop, 1)
    assert set(known.places) == {"westeurope", "eastus", "northeurope"}
    assert (known.pushed_at, known.location, known.pushed_by) == (push.pushed_at, "westeurope", "ann")


async def test_events_of_two_regions_that_race_for_the_row_both_stay(shop):
    push = replace(shop.event(1), location="westeurope")
    copy = replace(push, location="eastus", pushed_at=push.pushed_at + timedelta(minutes=1))
    racing = [copy]

    async def overtake(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.EVIDENCE and racing:
            await intake.image_pushed(shop.ports, racing.pop())

    shop.rows.before = overtake
    await intake.image_pushed(shop.ports, push)
    assert set((await kept(shop, 1)).places) == {"westeurope", "eastus"}


async def test_an_event_whose_row_others_keep_changing_comes_again(shop):
    async def lose(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.EVIDENCE:
            raise Conflict("412")

    shop.rows.before = lose
    with pytest.raises(Conflict):
        await intake.image_pushed(shop.ports, shop.event(1))
    assert shop.queue.messages == []


async def test_a_row_that_cannot_be_read_is_written_anew(shop):
    push = shop.event(1)
    await shop.rows.commit(names.EVIDENCE, push.partition, [Put(key=push.key, columns={"v": 1})])
    await intake.image_pushed(shop.ports, push)
    assert (await kept(shop, 1)).pushed_at == push.pushed_at


async def test_a_copy_that_arrives_after_the_image_was_refused_is_no_second_attempt(shop):
    dirty = Severities(critical=1, high=0, medium=0, low=0, negligible=0, unknown=0)
    push = replace(shop.event(1), location="westeurope")
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    await intake.scan_completed(shop.ports, scan(shop, 1, counts=dirty))
    await intake.image_pushed(shop.ports, push)
    await shop.run()
    told = shop.channel.types()
    shop.clock.advance(timedelta(minutes=10))
    await intake.image_pushed(shop.ports, replace(push, location="eastus", pushed_at=shop.clock.now()))
    await shop.run()
    assert [done.attempt for done in (await shop.state()).done] == [1]
    assert shop.channel.types() == told


async def test_a_refused_image_that_is_pushed_again_is_a_second_attempt(shop):
    dirty = Severities(critical=1, high=0, medium=0, low=0, negligible=0, unknown=0)
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    await intake.scan_completed(shop.ports, scan(shop, 1, counts=dirty))
    for _ in range(2):
        await intake.image_pushed(shop.ports, replace(shop.event(1), location="westeurope"))
        await shop.run()
        shop.clock.advance(timedelta(minutes=10))
    assert [done.attempt for done in (await shop.state()).done] == [1, 2]


async def test_the_copy_of_an_older_image_that_arrives_late_does_not_make_it_the_newest():
    shop = await Shop(row={**ROW, "Tags": "newest"}).open()
    older, newer = (replace(shop.event(n), location="westeurope") for n in (1, 2))
    newer = replace(newer, pushed_at=older.pushed_at + timedelta(minutes=1))
    for n, push in ((1, older), (2, newer)):
        shop.registry.push(REPOSITORY, push.tag, digest(n))
        await intake.image_pushed(shop.ports, push)
        await shop.run()
    copied_at = shop.clock.now() + timedelta(minutes=1)
    shop.clock.advance(timedelta(minutes=2))
    await intake.image_pushed(shop.ports, replace(older, location="eastus", pushed_at=copied_at))
    await shop.run()
    assert [done.tag for done in (await shop.state()).done] == ["1.1.0", "1.2.0"]


async def test_a_registry_and_each_of_its_regions_are_noted_once_by_a_process(shop):
    for region in ("westeurope", "", "eastus", "westeurope"):
        await intake.image_pushed(shop.ports, replace(shop.event(1), location=region))
    assert await heard.regions(shop.rows, REGISTRY) == {"westeurope", "eastus"}
    calls = costs(shop)
    await intake.image_pushed(shop.ports, replace(shop.event(2), location="eastus"))
    assert "commit names" not in calls
    shop.ports.heard.clear()
    await intake.image_pushed(shop.ports, replace(shop.event(2), location="eastus"))
    assert calls.count("commit names") == 1


async def test_the_regions_of_a_registry_whose_name_begins_alike_are_its_own(shop):
    await heard.note(shop.ports, "contoso.azurecr.io", "westeurope")
    await heard.note(shop.ports, "contoso.azurecr.io.test", "eastus")
    await heard.note(shop.ports, "contoso.azurecr", "northeurope")
    assert await heard.regions(shop.rows, "contoso.azurecr.io") == {"westeurope"}
