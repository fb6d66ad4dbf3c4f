"""What should not ship does not, says why, and disturbs nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery import index, names, parking
from delivery.ports import Put
from rollouts.model import Phase
from tests.delivery.shop import KEY, PARTITION, REPOSITORY, ROW, Shop, digest
from tests.fakes.azure import Fate

INDEX = "application/vnd.oci.image.index.v1+json"


async def pushed(shop: Shop, **manifest: Any) -> Shop:
    """The shop after version 1.1.0 was pushed as this manifest, and everything settled."""
    await shop.open()
    await shop.push(1)
    if manifest.pop("gone", False):
        shop.registry.manifests.clear()
    else:
        shop.registry.push(REPOSITORY, "1.1.0", digest(1), **manifest)
    await shop.run()
    return shop


@pytest.mark.parametrize(
    ("manifest", "because"),
    [
        ({"gone": True}, "gone from the registry"),
        ({"media_type": INDEX, "config": "", "children": {"linux/arm64": digest(9)}}, "no linux/amd64 in the index"),
        ({"config": "application/vnd.cncf.helm.config.v1+json"}, "manifest"),
        ({"artifact": "application/vnd.cncf.notary.signature", "subject": True}, "manifest"),
        ({"subject": True}, "manifest"),
    ],
    ids=["digest gone", "no amd64", "chart", "signature", "referrer"],
)
async def test_what_is_no_runnable_image_is_rejected_with_its_reason(manifest, because):
    shop = await pushed(Shop(), **manifest)
    state = await shop.state()
    assert [done.phase for done in state.done] == [Phase.REJECTED]
    assert shop.app.writes == []
    last = shop.channel.got[-1]
    assert last["type"] == "Weighbridge.RolloutRejected"
    assert because in str(last["data"])


async def test_an_app_that_is_not_there_is_named_with_the_cell_to_correct():
    shop = Shop(row={**ROW, "App": "rg-shop/ca-nowhere"})
    await shop.open()
    await shop.push(1)
    await shop.run()
    assert "correct App in the policy row" in str(shop.channel.got[-1]["data"])
    assert shop.app.writes == []


async def test_an_app_in_single_mode_is_refused_with_the_two_commands():
    shop = Shop()
    shop.app.multiple = False
    await pushed(shop)
    said = str(shop.channel.got[-1]["data"])
    assert "az containerapp ingress traffic set" in said
    assert "az containerapp revision set-mode" in said
    assert shop.app.writes == []


async def test_an_image_that_cannot_be_pulled_fails_and_is_not_quarantined():
    shop = Shop()
    shop.azure.fates[digest(1)] = Fate.NO_IMAGE
    await pushed(shop)
    assert [done.phase for done in (await shop.state()).done] == [Phase.FAILED]
    assert await shop.rows.get(names.ROLLOUTS, KEY, names.quarantine_key(digest(1))) is None
    assert shop.weights() == {"ca-web--first": 100}


async def test_a_failed_verdict_quarantines_and_the_same_digest_does_not_start_again_until_released():
    shop = Shop()
    shop.metrics.error_rates = {"wb1": 0.4}
    await pushed(shop)
    assert [done.phase for done in (await shop.state()).done] == [Phase.ROLLED_BACK]
    writes = len(shop.app.writes)
    shop.clock.advance(timedelta(minutes=5))
    await shop.push(1)
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.ROLLED_BACK, Phase.REJECTED]
    assert len(shop.app.writes) == writes
    assert "quarantine" in str(shop.channel.got[-1]["data"])


async def test_a_registry_that_is_away_is_neither_a_yes_nor_a_no():
    shop = await Shop().open()
    shop.registry.away = True
    await shop.push(1)
    await shop.run(timedelta(minutes=10))
    state = await shop.state()
    assert len(state.waiting) == 1
    assert "cannot tell" in state.waiting[0].because
    shop.registry.away = False
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


async def test_two_rows_that_select_one_image_for_one_container_both_refuse_it():
    shop = await Shop().open()
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="twin", columns=dict(ROW))])
    await shop.push(1)
    await shop.run()
    assert {done.phase for done in (await shop.state()).done} == {Phase.REJECTED}
    assert len((await shop.state()).done) == 2
    assert f"{PARTITION}/twin" in str(shop.channel.got)
    assert shop.app.writes == []


async def test_something_malformed_is_kept_once_with_its_reason_and_cut():
    shop = await Shop().open()
    for _ in range(2):
        await parking.park(shop.ports, "event image_pushed", "x" * 1_000_000, "event: body: expected JSON")
    rows = await parking.parked(shop.ports)
    assert len(rows) == 1
    assert len(str(rows[0].columns["body"])) == parking.LONGEST
    assert rows[0].columns["length"] == 1_000_000


async def test_a_tick_that_keeps_failing_is_announced_and_tried_again_in_five_minutes():
    shop = await Shop().open()
    await shop.rows.commit(
        names.NAMES, "channel", [Put(key="default", columns={"kind": "webhook", "url": "https://h/"})]
    )
    await parking.park_tick(shop.ports, {"app": KEY, "seq": 3}, "{}")
    assert shop.queue.waiting(names.TICKS) == []
    assert await index.overdue(shop.rows, shop.clock.now() + timedelta(seconds=299), 9) == []
    assert await index.overdue(shop.rows, shop.clock.now() + timedelta(minutes=5), 9) == [KEY]
    await shop.run()
    assert shop.channel.types() == ["AppParked"]


async def test_a_tick_that_did_better_meanwhile_keeps_its_own_time():
    shop = await Shop().open()
    soon = shop.clock.now() + timedelta(seconds=15)
    await index.put(shop.rows, KEY, soon)
    await parking.park_tick(shop.ports, {"app": KEY, "seq": 3}, "{}")
    assert await index.overdue(shop.rows, soon, 9) == [KEY]


async def test_an_app_that_is_parked_is_told_of_once_an_hour_and_woken_by_nobody_but_the_sweep():
    """Each message that failed used to put another one into the queue, and the sweep added its own each minute."""
    shop = await Shop().open()
    hook = {"kind": "webhook", "url": "https://h/"}
    await shop.rows.commit(names.NAMES, "channel", [Put(key="default", columns=hook)])
    await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key="app", columns={"schema": 1, "state": "{"})])
    await index.put(shop.rows, KEY, shop.clock.now())
    most, end = 0, shop.clock.now() + timedelta(hours=2, minutes=30)
    while shop.clock.now() < end and await shop.step():
        most = max(most, len(shop.queue.waiting(names.TICKS)))
        while shop.poison:
            message = shop.poison.pop()
            await parking.park_tick(shop.ports, message.body, str(message.body))
    assert most < 5
    assert shop.channel.types() == ["AppParked"] * 3
    [row] = await parking.parked(shop.ports)
    assert "state: expected an app's state" in str(row.columns["because"])


async def test_a_wake_up_of_nothing_is_parked_and_not_repeated():
    shop = await Shop().open()
    await parking.park_tick(shop.ports, {}, "nonsense")
    assert shop.queue.waiting(names.TICKS) == []
    assert len(await parking.parked(shop.ports)) == 1
