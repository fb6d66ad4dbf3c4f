"""Where Event Grid cannot call the function app it writes to a queue, and a push is heard from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from delivery import names
from localcloud.eventgrid.model import Schema
from localcloud.hosted_app import PUSHES
from localcloud.options import REGISTRY

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
NAME, REPOSITORY = "ca-queue", "shop/queue"


async def test_a_push_that_comes_by_queue_starts_what_one_by_call_would(stage: Stage) -> None:
    await stage.push("1.0.0", repository=REPOSITORY)
    await stage.create_app("1.0.0", name=NAME, repository=REPOSITORY)
    row = {"App": f"{stage.at['resource_group']}/{NAME}", "Notify": "hook all", "Mode": "observe"}
    await stage.put_policy(repository=REPOSITORY, **row)

    grid = stage.cloud.eventgrid
    del grid.subscriptions[REGISTRY, PUSHES]
    grid.subscribe("by-queue", REGISTRY, endpoint=f"queue://{names.EVENTS}", schema=Schema.CLOUD_EVENTS)
    await stage.push("1.1.0", repository=REPOSITORY)

    async def would_have() -> bool:
        told = [event["type"] for event in stage.hooks.got if "1.1.0" in str(event["data"])]
        return "Weighbridge.RolloutWouldHaveStarted" in told

    await stage.wait_for(would_have, within=60)
    # A row that was just written is also held against its registry within a minute; that keeps evidence marked so.
    evidence = stage.tables.get_table_client(names.EVIDENCE)
    rows = [one async for one in evidence.list_entities() if one.get("tag") == "1.1.0"]
    assert [bool(one.get("listed")) for one in rows] == [False]
    delivered = [one for one in grid.deliveries if one.subscription == "by-queue"]
    assert [(one.outcome, one.attempt) for one in delivered] == [("delivered", 1)]
