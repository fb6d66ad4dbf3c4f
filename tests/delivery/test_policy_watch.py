"""The watch over policy rows: a mistake is named once, in the row itself and to a person, and disturbs nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from delivery import names, parking, policy_watch, reads
from delivery.errors import Refused, Retry
from delivery.ports import Delete, Put
from rollouts.model import Phase
from tests.delivery.shop import PARTITION, REGISTRY, Crash, Shop

BAD = {"App": "rg-shop/ca-web", "Steps": "5,25,50", "Stepz": "x"}


@pytest.fixture
async def shop() -> Shop:
    shop = await Shop().open()
    hook = {"kind": "webhook", "url": "https://hook.test/"}
    await shop.rows.commit(names.NAMES, "channel", [Put(key="default", columns=hook)])
    return shop


async def status(shop: Shop, key: str, partition: str = PARTITION) -> str:
    row = await shop.rows.get(names.POLICIES, partition, key)
    assert row is not None
    return str(row.columns.get("Status"))


async def test_a_good_row_says_how_long_a_rollout_takes_and_that_no_event_came_yet(shop):
    await policy_watch.watch(shop.ports)
    assert await status(shop, "production") == f"ok: takes 3 m; no event ever came from {REGISTRY}"
    await shop.push(1)
    await shop.run()
    await policy_watch.watch(shop.ports)
    assert await status(shop, "production") == "ok: takes 3 m"


async def test_a_broken_row_gets_every_problem_in_its_status_and_is_announced_once_per_version(shop):
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="bad", columns=BAD)])
    for _ in range(3):
        await policy_watch.watch(shop.ports)
        await shop.run()
        shop.clock.advance(timedelta(minutes=1))
    found = await status(shop, "bad")
    assert found.startswith("broken: ")
    assert "Steps" in found
    assert "Stepz" in found
    assert shop.channel.types() == ["PolicyRowBroken"]
    assert "did you mean" in str(shop.channel.got[0]["data"])
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="bad", columns={**BAD, "Steps": "7"})])
    await policy_watch.watch(shop.ports)
    await shop.run()
    assert shop.channel.types() == ["PolicyRowBroken", "PolicyRowBroken"]
    assert shop.channel.got[1]["data"]["diff"] == [f"- Steps: {BAD['Steps']}", "+ Steps: 7"]


async def test_a_mended_row_loses_its_broken_status_and_its_edit_is_kept_as_a_diff(shop):
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="bad", columns=BAD)])
    await policy_watch.watch(shop.ports)
    shop.clock.advance(timedelta(minutes=1))
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="bad", columns={"App": "rg-shop/ca-api"})])
    await policy_watch.watch(shop.ports)
    assert (await status(shop, "bad")).startswith("ok: takes 40 m")
    events = await shop.rows.scan(names.ROLLOUTS, f"policies|{PARTITION}", first="event:bad", last="event:bad~")
    assert [str(event.columns["diff"]).splitlines() for event in events][-1] == [
        "- App: rg-shop/ca-web",
        "- Steps: 5,25,50",
        "- Stepz: x",
        "+ App: rg-shop/ca-api",
    ]


async def test_a_broken_row_ships_nothing_and_disturbs_no_other_row(shop):
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="bad", columns=BAD)])
    assert len(await shop.push(1)) == 1
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


async def test_a_row_that_is_wrong_only_beside_the_others_says_so_in_its_status(shop):
    late = {"App": "rg-shop/ca-api", "After": "staging"}
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="late", columns=late)])
    await policy_watch.watch(shop.ports)
    expected = 'After: expected policies of shop/web: production, found "staging"'
    assert await status(shop, "late") == f"broken: {expected}"
    assert [one["problems"] for one in await reads.policies(shop.ports) if one["problems"]] == [[expected]]

    shop.clock.advance(timedelta(minutes=1))
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="staging", columns={"App": "rg-shop/ca-stg"})])
    await policy_watch.watch(shop.ports)
    assert (await status(shop, "late")).startswith("ok: takes 40 m")


async def test_a_row_that_breaks_while_its_rollout_is_under_way_disturbs_it_not(shop):
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns=BAD)])
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


async def test_the_status_of_a_live_row_tells_what_it_is_doing(shop):
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    await policy_watch.watch(shop.ports)
    assert (await status(shop, "production")).startswith("rolling 1.1.0 at 25 %: ")


async def test_a_cell_a_person_edits_at_the_same_moment_is_not_overwritten(shop):
    async def edit(name: str, _arguments: tuple[object, ...]) -> None:
        if name == "commit" and _arguments[0] == names.POLICIES:
            shop.rows.before = None
            await shop.rows.commit(
                names.POLICIES, PARTITION, [Put(key="production", columns={"App": "rg-shop/ca-new"})]
            )

    shop.rows.before = edit
    await policy_watch.watch(shop.ports)
    row = await shop.rows.get(names.POLICIES, PARTITION, "production")
    assert row is not None
    assert row.columns == {"App": "rg-shop/ca-new"}


@pytest.mark.parametrize(
    ("partition", "found"),
    [("https:||contoso.azurecr.io|shop", "broken: PartitionKey"), ("contoso|shop", "broken: PartitionKey")],
)
async def test_a_row_under_a_key_no_event_will_ever_read_is_found_all_the_same(shop, partition, found):
    await shop.rows.commit(names.POLICIES, partition, [Put(key="production", columns={"App": "rg-shop/ca-web"})])
    await policy_watch.watch(shop.ports)
    assert (await status(shop, "production", partition)).startswith(found)


async def test_only_changed_rows_are_read_between_the_hourly_whole_reads(shop):
    await policy_watch.watch(shop.ports)
    shop.clock.advance(timedelta(minutes=10))
    assert await policy_watch.watch(shop.ports) == 0
    shop.clock.advance(timedelta(minutes=10))
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns={"App": "rg-shop/ca-new"})])
    assert await policy_watch.watch(shop.ports) == 1


async def test_a_policy_row_that_goes_while_its_candidate_waits_rejects_it(shop):
    columns = {"App": "rg-shop/ca-web", "Scan": "critical 0", "Notify": "hook"}
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns=columns)])
    await shop.push(1)
    await shop.run(timedelta(minutes=2))
    assert len((await shop.state()).waiting) == 1
    await shop.rows.commit(names.POLICIES, PARTITION, [Delete(key="production")])
    await shop.run(timedelta(minutes=10))
    assert [done.phase for done in (await shop.state()).done] == [Phase.REJECTED]
    assert shop.app.writes == []


ODD_PARTITION = "aaa.azurecr.io|x"  # read before the rows of the shop


@pytest.mark.parametrize(
    ("partition", "key", "columns"),
    [
        (ODD_PARTITION, "k" * 510, {"App": "a/b"}),
        (f"aaa.azurecr.io|{'x' * 490}", "production", {"App": "a/b"}),
        ("a" * 512, "production", {"App": "a/b"}),
        (ODD_PARTITION, "production", {f"c{n}": "x" * 400 for n in range(150)}),
        (ODD_PARTITION, "production", {f"c{n}": "\x01\ud7ff" * 1000 for n in range(150)}),
    ],
    ids=["long key", "long partition", "no registry", "wide", "wide and unprintable"],
)
async def test_one_odd_row_is_told_what_is_wrong_and_stops_the_watch_over_no_other(shop, partition, key, columns):
    await shop.rows.commit(names.POLICIES, partition, [Put(key=key, columns=columns)])
    await policy_watch.watch(shop.ports)
    assert (await status(shop, key, partition)).startswith("broken: ")
    assert (await status(shop, "production")).startswith("ok: ")
    shop.clock.advance(timedelta(minutes=1))
    assert await policy_watch.watch(shop.ports) == 0


async def test_two_long_names_that_begin_alike_are_two_rows(shop):
    for end in "ab":
        await shop.rows.commit(names.POLICIES, ODD_PARTITION, [Put(key="k" * 500 + end, columns={"App": end})])
    assert await policy_watch.watch(shop.ports) == 3


def failing(shop: Shop, error: Exception) -> None:
    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[1] == f"policies|{ODD_PARTITION}":
            raise error

    shop.rows.before = before


async def test_a_row_whose_history_the_store_refuses_is_told_so_and_parked_and_the_others_go_on(shop):
    await shop.rows.commit(names.POLICIES, ODD_PARTITION, [Put(key="production", columns={"App": "a/b"})])
    failing(shop, Refused("too big", status=413))
    await policy_watch.watch(shop.ports)
    assert await status(shop, "production", ODD_PARTITION) == "broken: it cannot be watched: too big"
    assert (await status(shop, "production")).startswith("ok: ")
    [parked] = await parking.parked(shop.ports)
    assert parked.columns["source"] == f"policy row {ODD_PARTITION}/production"


async def test_a_row_the_store_was_away_for_is_read_again_and_the_others_go_on(shop):
    await shop.rows.commit(names.POLICIES, ODD_PARTITION, [Put(key="production", columns={"App": "rg/ca-x"})])
    failing(shop, Retry("503"))
    with pytest.raises(Retry):
        await policy_watch.watch(shop.ports)
    assert (await status(shop, "production")).startswith("ok: ")
    shop.rows.before = None
    shop.clock.advance(timedelta(minutes=30))
    assert await policy_watch.watch(shop.ports) == 1
    assert (await status(shop, "production", ODD_PARTITION)).startswith("ok: ")


async def share(shop: Shop, **cells: str) -> None:
    await shop.rows.commit(names.POLICIES, f"{REGISTRY}|*", [Put(key="defaults", columns=cells)])


async def test_a_row_that_an_edit_of_the_defaults_breaks_is_announced_at_once_and_once(shop):
    await policy_watch.watch(shop.ports)
    shop.clock.advance(timedelta(minutes=10))
    await share(shop, Deadline="2m", Steps="100% for 1m")  # good by itself, and too short for the bakes of the row
    for _ in range(3):
        await policy_watch.watch(shop.ports)
        await shop.run()
        shop.clock.advance(timedelta(minutes=1))
    assert (await status(shop, "production")).startswith("broken: Deadline (defaults row): ")
    assert (await status(shop, "defaults", f"{REGISTRY}|*")).startswith("ok: ")
    assert [event["subject"] for event in shop.channel.got] == [f"{PARTITION}/production"]
    events = await shop.rows.scan(names.ROLLOUTS, f"policies|{PARTITION}", first="event:", last="event:~")
    assert "+ Deadline (defaults row): 2m" in str(events[-1].columns["diff"])
    await share(shop, Deadline="2h")
    await policy_watch.watch(shop.ports)
    assert (await status(shop, "production")).startswith("ok: takes 3 m")


async def test_an_edit_of_the_defaults_survives_a_watch_that_dies_over_the_rows_it_is_for(shop):
    await policy_watch.watch(shop.ports)
    shop.clock.advance(timedelta(minutes=10))
    await share(shop, Deadline="2m", Steps="100% for 1m")

    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[1] == f"policies|{PARTITION}":
            raise Crash

    shop.rows.before = before
    with pytest.raises(Crash):
        await policy_watch.watch(shop.ports)
    shop.rows.before = None
    await policy_watch.watch(shop.ports)
    assert (await status(shop, "production")).startswith("broken: Deadline (defaults row): ")


async def test_a_note_in_the_defaults_makes_no_row_a_new_one(shop):
    await share(shop, Note="ours")
    assert await policy_watch.watch(shop.ports) == 2
    shop.clock.advance(timedelta(minutes=10))
    await share(shop, Note="theirs")
    assert await policy_watch.watch(shop.ports) == 1
