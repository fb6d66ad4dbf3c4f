"""Event Grid and rights as Azure Resource Manager shows them: to a client that only looks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.arm import Arm
from localcloud.arm.calls import Call, Reply
from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.arm import ArmCalls
from localcloud.eventgrid.model import DeadLetter, Schema, Subscription
from localcloud.eventgrid.topics import Kind
from tests.localcloud.arm.cloud import APP, IMAGE, QUICK, until
from tests.localcloud.arm.fake_plane import FakeDataPlane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = "/subscriptions/s/resourceGroups/rg-local"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/weighbridge"
SYSTEM = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/weighbridge"
SCANS = f"{GROUP}/providers/Microsoft.EventGrid/topics/scans"
HOOK = "http://127.0.0.1:9/runtime/webhooks/EventGrid?functionName=scan_completed&code=secret"
FUNCTION = "function://scan_completed"


@asynccontextmanager
async def cloud() -> AsyncIterator[tuple[Arm, EventGrid]]:
    clock = Clock()
    grid = EventGrid(clock=clock, handshakes=1, handshake_every=0.001, scope=GROUP, function=lambda _: HOOK)
    grid.topic("weighbridge", kind=Kind.SYSTEM, source=REGISTRY)
    grid.topic("scans")
    more = ArmCalls(grid, clock, registry=REGISTRY, stream="weighbridge", seconds=0).routes()
    arm = Arm(clock=clock, dataplane=FakeDataPlane(), profile=QUICK, more=more)
    try:
        yield arm, grid
    finally:
        await arm.close()
        await grid.close()


async def get(arm: Arm, path: str, version: str = "2025-02-15") -> Reply:
    query = {"api-version": version}
    return await arm.answer(Call(method="GET", path=path, query=query, body=None, base="https://localhost"))


async def listed(arm: Arm, path: str) -> list[dict[str, Any]]:
    reply = await get(arm, path)
    assert reply.status == 200, reply
    found: list[dict[str, Any]] = reply.body["value"]
    return found


async def test_a_registrys_topic_is_a_system_topic_and_every_other_a_custom_one() -> None:
    async with cloud() as (arm, _):
        [system] = await listed(arm, "/subscriptions/s/providers/Microsoft.EventGrid/systemTopics")
        [custom] = await listed(arm, "/subscriptions/s/providers/microsoft.eventgrid/TOPICS")
    assert (system["id"], system["properties"]["source"]) == (SYSTEM, REGISTRY)
    assert custom["id"] == SCANS


async def test_a_subscription_to_a_function_is_shown_by_the_functions_id_and_without_its_key() -> None:
    async with cloud() as (arm, grid):
        grid.subscribe("scans", "scans", endpoint=FUNCTION, types=("Weighbridge.ImageScanCompleted",))
        await asyncio.wait_for(grid.subscriptions["scans", "scans"].settled.wait(), 10)
        [found] = await listed(arm, f"{SCANS}/eventSubscriptions")
        assert await listed(arm, f"{SYSTEM}/eventSubscriptions") == []
        grid.subscribe("other", "weighbridge", endpoint="http://127.0.0.1:9/hook?code=secret")
        [other] = await listed(arm, f"{SYSTEM}/eventSubscriptions")
    properties = found["properties"]
    assert properties["provisioningState"] == "Failed"
    assert properties["destination"]["endpointType"] == "AzureFunction"
    assert properties["destination"]["properties"]["resourceId"].endswith("/sites/fn-local/functions/scan_completed")
    assert properties["filter"]["includedEventTypes"] == ["Weighbridge.ImageScanCompleted"]
    assert other["properties"]["destination"]["properties"]["endpointBaseUrl"] == "http://127.0.0.1:9/hook"
    assert "includedEventTypes" not in other["properties"]["filter"]
    assert "deadLetterDestination" not in other["properties"]
    assert "secret" not in str([found, other])


async def test_what_was_given_up_is_counted_by_its_topic() -> None:
    async with cloud() as (arm, grid):
        grid.subscribe("scans", "weighbridge", endpoint=HOOK)
        grid.begin(Subscription(name="scans", topic="scans", endpoint=HOOK, types=(), schema=Schema.EVENT_GRID))
        letter = DeadLetter(
            at=Clock().now(),
            published=Clock().now(),
            topic="scans",
            subscription="scans",
            reason="x",
            attempts=1,
            last_outcome="500",
            event={},
        )
        grid.dead_letters.append(letter)
        counts = {}
        for topic in (SCANS, SYSTEM):
            found = await listed(arm, f"{topic}/providers/Microsoft.Insights/metrics")
            counts[topic] = {one["name"]["value"]: one["timeseries"][0]["data"][0]["total"] for one in found}
    assert counts[SCANS] == {"DeadLetteredCount": 1, "DroppedEventCount": 0}
    assert counts[SYSTEM] == {"DeadLetteredCount": 0, "DroppedEventCount": 0}


@pytest.mark.parametrize("topic", [SCANS.replace("scans", "nobody"), SYSTEM.replace("systemTopics", "topics")])
async def test_a_topic_that_is_not_there_or_of_the_other_kind_is_not_found(topic: str) -> None:
    async with cloud() as (arm, _):
        assert (await get(arm, f"{topic}/eventSubscriptions")).status == 404


async def test_the_caller_may_do_everything_but_what_was_taken() -> None:
    path = f"{APP}/providers/Microsoft.Authorization/permissions"
    async with cloud() as (arm, _):
        assert (await get(arm, path, "2022-04-01")).status == 404
        await arm.create_environment("00000000-0000-0000-0000-000000000001", "rg-local", "env-local", "wb.localhost")
        await create(arm)
        assert (await get(arm, path, "2022-04-01")).body["value"][0]["notActions"] == []
        arm.permissions.taken["web"] = ("Microsoft.App/containerApps/write",)
        role = (await get(arm, path, "2022-04-01")).body["value"][0]
    assert (role["actions"], role["notActions"]) == (["*"], ["Microsoft.App/containerApps/write"])


async def create(arm: Arm) -> None:
    environment = APP.replace("containerApps/web", "managedEnvironments/env-local")
    body = {
        "location": "eastus",
        "properties": {
            "environmentId": environment,
            "template": {"containers": [{"name": "web", "image": IMAGE}]},
        },
    }
    query = {"api-version": "2026-07-01"}
    made = await arm.answer(Call(method="PUT", path=APP, query=query, body=body, base="https://localhost"))
    assert made.status == 201, made
    await until(lambda: bool(list(arm.store.apps())))
