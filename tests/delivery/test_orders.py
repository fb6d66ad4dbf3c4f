"""A person's order survives the death of the process that took it, also on an app nothing else would wake."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from delivery import names, orders
from rollouts.model import Actor, ActorKind, Phase, Verb
from tests.delivery.shop import KEY, Crash, Shop

ADA = Actor(kind=ActorKind.PERSON, id="42", name="Ada")


def crash_after(name: str, count: int) -> Any:
    left = [count]

    async def hook(called: str, _arguments: tuple[object, ...]) -> None:
        if called == name:
            left[0] -= 1
            if left[0] < 0:
                raise Crash

    return hook


@pytest.mark.parametrize(("commits", "obeyed"), [(0, False), (1, False), (2, True), (3, True)])
async def test_an_order_to_an_idle_app_whose_process_dies_is_obeyed_once_its_row_is_written(commits, obeyed):
    shop = await Shop().open()
    shop.rows.before = crash_after("commit", commits)
    with contextlib.suppress(Crash):
        await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.HOLD), ADA)
    shop.rows.before = None
    await shop.run()
    assert ((await shop.state()).hold is not None) == obeyed
    assert await shop.rows.scan(names.ACTIVE, names.shard(KEY)) == []


async def test_an_order_given_twice_is_obeyed_once():
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    answers = [await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ABORT), ADA) for _ in range(2)]
    assert [a.answer for a in answers] == ["done", "refused: it is rolling back already"]
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.ABORTED]


async def test_a_digest_in_quarantine_ships_once_a_person_releases_it():
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ABORT), ADA)
    await shop.run()
    digest = (await shop.state()).done[0].digest
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.RELEASE, digest=digest), ADA)
    await shop.push(1)
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.ABORTED, Phase.PROMOTED]
