"""The audit: what was said, obeyed and written is found under the rollout it is about."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from delivery import names, orders
from rollouts.model import Actor, ActorKind, Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, ROW, Shop, digest

ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.test", name="Ann")


async def audit(shop: Shop, n: int) -> list[dict[str, Any]]:
    first, last = names.audit_key(n, 0), names.audit_key(n + 1, 0)
    rows = await shop.rows.scan(names.ROLLOUTS, KEY, first=first, last=last)
    return [
        {
            "said": json.loads(str(row.columns["said"])),
            "orders": json.loads(str(row.columns["orders"])),
            "write": row.columns["write"],
        }
        for row in rows
    ]


def obeyed(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["order"]["verb"], one["order"]["actor"]["name"]) for row in rows for one in row["orders"]]


def said(rows: list[dict[str, Any]]) -> list[str]:
    return [one["said"] for row in rows for one in row["said"]]


async def test_who_aborted_a_waiting_image_beside_a_live_one_is_found_under_its_own_number() -> None:
    shop = await Shop(row={**ROW, "OnNewImage": "finish", "Steps": "5% for 5m, 100% for 5m"}).open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await shop.push(2)
    while not (await shop.state()).waiting:
        assert await shop.step()
    live = await audit(shop, 1)
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ABORT, n=2, digest=digest(2)), ANN)

    assert obeyed(await audit(shop, 2)) == [("abort", "Ann")]
    assert said(await audit(shop, 2))[-1] == "RolloutAborted"
    assert await audit(shop, 1) == live, "nothing of it is told of the live one"


async def test_what_concerns_the_app_is_found_under_nobodys_number() -> None:
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    before = await audit(shop, 1)
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.HOLD), ANN)

    assert obeyed(await audit(shop, 0)) == [("hold", "Ann")]
    assert await audit(shop, 1) == before


async def test_each_write_to_azure_is_kept_once() -> None:
    shop = await Shop().open()
    await shop.push(1)
    await shop.run(timedelta(hours=3))
    kept = [row["write"] for n in range(2) for row in await audit(shop, n) if row["write"]]

    assert len(kept) == len(shop.app.writes)
    assert len(shop.app.writes) == sum(bool(t.won and t.decision and t.decision.write) for t in shop.ticked)
