"""Rows that people wrote for an earlier version are good rows still, and mean what they meant: they have no number."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from delivery import approvals, metric_rows, names, outbox, trust
from delivery.ports import Put
from policies.parse import parse
from rollouts.model import OnDrift
from tests.delivery.shop import KEY, PARTITION, REGISTRY, Shop

EDITED = Path(__file__).parents[1] / "golden" / "edited"
PLACES = {"channel": "ops", "group": "leads", "metric": "backlog", "key": "release-key"}


def written(kind: str) -> dict[str, Any]:
    """Never change these: a cell that is read otherwise from now on breaks rows that nobody edits."""
    cells: dict[str, Any] = json.loads((EDITED / f"{kind}.json").read_text())
    return cells


async def installed() -> Shop:
    """An installation with one row of every kind that people edit."""
    shop = await Shop(row=written("policy")).open()
    await shop.rows.commit(names.POLICIES, f"{REGISTRY}|*", [Put(key=names.DEFAULTS, columns=written("defaults"))])
    for partition, key in PLACES.items():
        await shop.rows.commit(names.NAMES, partition, [Put(key=key, columns=written(partition))])
    return shop


def test_there_is_one_of_every_kind() -> None:
    assert {path.stem for path in EDITED.glob("*.json")} == {"policy", "defaults", *PLACES}


def test_a_policy_row_and_its_defaults_say_what_they_said() -> None:
    policy = parse(PARTITION, "production", written("policy"), written("defaults"))
    assert [(step.weight, step.until_approved) for step in policy.plan.steps] == [(5, False), (50, True), (100, False)]
    assert [check.kind.value for check in policy.plan.checks] == ["probe", "restarts", "errors", "metric"]
    assert (policy.plan.keep, policy.plan.on_drift, policy.plan.notify) == (
        timedelta(hours=2),
        OnDrift.RESTORE,
        ("ops",),
    )
    assert [need.group for need in policy.plan.approvers] == ["leads"]
    assert [type(rule).__name__ for rule in policy.gates] == [
        "ScanRule",
        "SignedRule",
        "MinAgeRule",
        "ApproversRule",
        "WindowRule",
        "FreezeRule",
    ]


async def test_the_rows_it_names_are_good_still() -> None:
    shop = await installed()
    policy = parse(PARTITION, "production", written("policy"), written("defaults"))
    assert await metric_rows.broken(shop.rows, policy) == ""
    assert await trust.broken(shop.rows, policy) == []
    leads = await approvals.members(shop.rows, "leads")
    assert leads == frozenset({"ann@contoso.test", "11111111-2222-3333-4444-555555555555"})


async def test_a_channel_s_row_carries_a_message_with_its_secret() -> None:
    shop = await installed()
    shop.ports = replace(shop.ports, secrets={"WEIGHBRIDGE_SECRET_OPS": "s3"})
    letter = {"schema": 1, "channel": "ops", "event": "{}", "due_at": shop.clock.now(), "tries": 0}
    await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key="outbox:1", columns=letter)])
    assert (await outbox.deliver(shop.ports, outbox.Letter(app=KEY, key="outbox:1"))).became == "delivered"
    assert len(shop.channel.got) == 1
