"""One control plane for the whole cloud: events, the webhook target, the clock, the log, and the way back."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localcloud.eventgrid.schedule import Pace
from tests.localcloud.arm.cloud import APP, image
from tests.localcloud.controlled import Local, controlled
from tests.localcloud.planes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PUSHED = "Microsoft.ContainerRegistry.ImagePushed"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    """Events of one topic go to the webhook target."""
    async with controlled(tmp_path) as one:
        subscription = {"topic": "weighbridge", "endpoint": f"{one.hook}/pushes"}
        assert (await one.control("PUT", "/events/subscriptions/pushes", subscription)).status == 200
        await one.eventgrid.settle(10)
        yield one


def pushed(name: str) -> dict[str, object]:
    return {
        "id": name,
        "topic": "",
        "subject": f"shop/web:{name}",
        "eventType": PUSHED,
        "data": {},
        "dataVersion": "2.0",
        "eventTime": "2026-11-24T02:00:00Z",
    }


async def push(local: Local, *names: str) -> None:
    for name in names:
        await local.order("/events/publish", topic="weighbridge", event=pushed(name))


def came(local: Local) -> list[str]:
    """Names of the events that reached the webhook target, in their order."""
    return [one.body.partition('"id": "')[2].partition('"')[0] for one in local.hooks.received]


async def attempts(local: Local) -> list[tuple[str, int | None, str]]:
    return [(one["event_id"], one["status"], one["outcome"]) for one in await local.log("events")]


async def test_a_dropped_event_never_comes_and_is_not_tried_again(local: Local) -> None:
    await local.order("/events/trouble", kind="drop")
    await push(local, "a", "b")
    await local.eventgrid.settle(10)

    assert came(local) == ["b"]
    assert set(await attempts(local)) == {("a", None, "dropped on order"), ("b", 200, "delivered")}


async def test_a_doubled_event_comes_again_after_its_seconds(local: Local) -> None:
    await local.order("/events/trouble", kind="duplicate", subject=":b", seconds=60)
    await push(local, "a", "b")
    await until(lambda: sorted(came(local)) == ["a", "b"])
    await local.order("/clock", advance=60)
    await local.eventgrid.settle(10)

    assert sorted(came(local)) == ["a", "b", "b"]


async def test_a_late_event_comes_when_the_clock_says_so(local: Local) -> None:
    await local.order("/events/trouble", kind="delay", seconds=3600, type=PUSHED, subscription="pushes")
    await push(local, "a", "b")
    await until(lambda: came(local) == ["b"])
    await local.order("/clock", advance=3600)
    await local.eventgrid.settle(10)

    assert came(local) == ["b", "a"]
    assert ("a", 200, "delivered, delay on order") in await attempts(local)


async def test_events_are_put_out_of_order_without_any_time(local: Local) -> None:
    await local.order("/events/trouble", kind="reorder", times=2)
    await push(local, "a", "b", "c")
    await local.eventgrid.settle(10)

    assert came(local)[0] == "c"
    assert sorted(came(local)) == ["a", "b", "c"]


async def test_one_that_waits_to_be_overtaken_goes_after_its_limit_or_when_trouble_is_over(local: Local) -> None:
    await local.order("/events/trouble", kind="reorder", seconds=60)
    await push(local, "a")
    await local.order("/clock", advance=60)
    await local.eventgrid.settle(10)
    await local.order("/events/trouble", kind="reorder")
    await push(local, "b")
    await until(lambda: local.eventgrid.orders.orders[1].hits == 1)
    await local.control("DELETE", "/events/trouble")
    await local.eventgrid.settle(10)

    assert came(local) == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "more", "first"),
    [
        ("refuse", {"status": 503}, ("a", 503, "503 on order")),
        ("unreachable", {}, ("a", None, "unreachable on order")),
        ("lost", {}, ("a", None, "its answer was lost on order")),
    ],
)
async def test_an_event_that_fails_on_its_way_is_tried_again(
    local: Local, kind: str, more: dict[str, Any], first: object
) -> None:
    await local.order("/events/trouble", kind=kind, **more)
    await push(local, "a")
    await local.eventgrid.settle(10)

    assert await attempts(local) == [first, ("a", 200, "delivered")]
    assert came(local) == (["a", "a"] if kind == "lost" else ["a"])
    assert local.eventgrid.orders.orders[0].hits == 1


async def test_an_event_that_its_endpoint_may_not_have_is_a_dead_letter(local: Local) -> None:
    await local.order("/events/trouble", kind="refuse", status=401)
    await push(local, "a")
    await local.eventgrid.settle(10)

    (letter,) = (await local.control("GET", "/events/dead-letters")).body["value"]
    assert (letter["reason"], letter["event"]["id"]) == ("UndeliverableDueToHttpUnauthorized", "a")


async def test_the_webhook_target_fails_as_told_and_remembers_what_came(local: Local) -> None:
    await local.order("/webhook/trouble", kind="status", status=418, path="/team")
    await local.order("/webhook/trouble", kind="cut", path="/team")

    async def send(path: str) -> int:
        async with local.http.post(f"{local.hook}{path}", data=b"said", headers={"X-Signature": "s"}) as answer:
            return answer.status

    assert await send("/others") == 200
    assert await send("/team-a") == 418
    with pytest.raises(aiohttp.ClientError):
        await send("/team-a")
    assert await send("/team-a") == 200
    found = (await local.control("GET", "/webhook/received?path=/team")).body["value"]
    assert [(one["status"], one["trouble"]) for one in found] == [(418, "status"), (0, "cut"), (200, "")]
    assert (found[0]["body"], found[0]["headers"]["X-Signature"]) == ("said", "s")


async def test_a_webhook_target_that_hangs_is_let_go_and_a_slow_one_keeps_the_clouds_time(local: Local) -> None:
    await local.order("/webhook/trouble", kind="hang")
    hanging = asyncio.create_task(local.http.post(f"{local.hook}/team"))
    await until(lambda: len(local.hooks.received) == 1)
    await local.control("DELETE", "/webhook/trouble")
    with pytest.raises(aiohttp.ClientError):
        await hanging

    await local.order("/webhook/trouble", kind="slow", seconds=3600)
    slow = asyncio.create_task(local.http.post(f"{local.hook}/team"))
    await until(lambda: len(local.hooks.received) == 2)
    assert not slow.done()
    await local.order("/clock", advance=3600)
    async with await slow as answer:
        assert answer.status == 200


async def test_operations_fates_metrics_and_events_share_one_clock(local: Local) -> None:
    before = datetime.fromisoformat((await local.control("GET", "/clock")).body["now"])
    await local.order("/clock", advance=86400)

    assert local.clock.now() - before >= timedelta(days=1)
    assert local.arm.clock is local.real.fates.clock is local.clock
    await push(local, "a")
    await local.eventgrid.settle(10)
    assert datetime.fromisoformat(local.hooks.received[0].at) - before >= timedelta(days=1)
    name = await local.create()
    created = (await local.revision(name))["createdTime"]
    assert datetime.fromisoformat(created) - before >= timedelta(days=1) - timedelta(seconds=1)


async def test_the_log_tells_all_that_happened_in_its_order(local: Local) -> None:
    await local.order("/trouble", kind="error", method="PATCH")
    await local.create(containers=image("1.0.0")["containers"])
    assert (await local.ask("PATCH", APP, {})).status == 500
    await push(local, "a")
    await local.eventgrid.settle(10)

    log = (await local.control("GET", "/log")).body["value"]
    times = [datetime.fromisoformat(entry["at"]) for entry in log]
    assert times == sorted(times)
    assert {entry["source"] for entry in log} == {"arm", "control", "events", "webhook"}
    orders = [(entry["what"], entry["body"].get("kind")) for entry in log if entry["source"] == "control"]
    assert ("POST /trouble", "error") in orders
    (failed,) = (await local.control("GET", "/log?source=arm&method=PATCH")).body["value"]
    assert (failed["status"], failed["trouble"]) == (500, "error")
    assert (await local.control("GET", "/log?source=rumour")).status == 400


async def test_reset_is_as_it_began(local: Local) -> None:
    await local.create(containers=image("1.0.0")["containers"])
    (running,) = [
        replica.name for replica in local.real.state((await local.properties())["latestRevisionName"]).replicas
    ]
    for path, order in (
        ("/trouble", {"kind": "hang"}),
        ("/fates", {"kind": "crash-loop", "revision": "*"}),
        ("/events/trouble", {"kind": "drop"}),
        ("/webhook/trouble", {"kind": "hang"}),
        ("/metrics", {"delay": 300}),
    ):
        await local.order(path, **order)
    hanging = asyncio.create_task(local.ask("PATCH", APP, {}))
    await until(lambda: local.arm.troubles.orders[0].hits == 1)
    await local.order("/reset")

    with pytest.raises(aiohttp.ClientError):
        await hanging
    assert (await local.ask("GET", APP)).status == 404
    revision = running.rpartition("-")[0].rpartition("-")[0]
    assert local.real.state(revision).replicas == ()
    for path in ("/trouble", "/fates", "/events/trouble", "/webhook/trouble", "/webhook/received", "/held"):
        assert (await local.control("GET", path)).body == {"value": []}, path
    assert local.arm.sampler.delay == local.arm.profile.metrics_delay
    assert [entry["what"] for entry in (await local.control("GET", "/log?source=control")).body["value"]] == [
        "POST /reset"
    ]
    assert await local.create(containers=image("1.0.0")["containers"]) == revision  # names begin again, too


async def test_what_is_to_be_kept_survives_a_reset(local: Local) -> None:
    name = await local.create(containers=image("1.0.0")["containers"])
    await local.order("/reset", apps=False, images=False, log=False)

    assert (await local.ask("GET", f"{APP}/revisions/{name}")).status == 200
    assert (await local.log("arm")) != []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/fates", {"kind": "old age", "revision": "a"}, 400, "expected one of slow-start, port-mismatch, "),
        ("POST", "/fates", {"kind": "degraded", "revision": "*", "times": 1}, 400, "found it with degraded"),
        ("POST", "/fates", {"kind": "degraded"}, 400, "body: expected the member 'revision', found none"),
        (
            "POST",
            "/events/trouble",
            {"kind": "drop", "after": 1},
            400,
            "body: expected one of kind, times, subscription",
        ),
        (
            "POST",
            "/events/publish",
            {"topic": "none", "event": {}},
            400,
            "topic: expected one of weighbridge, found 'none'",
        ),
        ("POST", "/events/publish", {"topic": "weighbridge", "event": {}}, 400, "event: [0].id: expected text"),
        ("POST", "/events/pace", {"factor": 0}, 400, "body.factor: expected a number above 0"),
        ("POST", "/webhook/trouble", {"kind": "status", "status": 42}, 400, "expected a whole number from 200 to 599"),
        ("POST", "/clock", [1], 400, "body: expected an object, found list"),
        ("POST", "/release", {"id": 7}, 404, "id: expected one that GET /held lists, found 7"),
        ("POST", "/revisions/web--no", {}, 404, "revision: expected one that exists, found 'web--no'"),
        ("POST", "/functions/kill", None, 404, "functions: expected a Functions host, found none"),
        ("GET", "/writes?ap=web", None, 400, "query: expected app, found 'ap'"),
        ("GET", "/nowhere", None, 404, "order: expected one that GET / lists, found GET /nowhere"),
        ("PUT", "/clock", None, 405, "order: expected one that GET / lists, found PUT /clock"),
        ("DELETE", "/trouble", {"a": 1}, 400, "body: expected none, found 8 bytes"),
    ],
)
async def test_a_wrong_order_is_told_what_was_expected_and_does_nothing(
    local: Local, method: str, path: str, body: object, status: int, error: str
) -> None:
    before = len(local.journal.entries)
    raw = b"" if body is None else json.dumps(body).encode()
    async with local.http.request(method, f"{local.controls}{path}", data=raw) as got:
        assert got.status == status
        assert error in (await got.json())["error"]
    assert len(local.journal.entries) == before


async def test_what_is_no_json_is_told_so(local: Local) -> None:
    async with local.http.post(f"{local.controls}/clock", data=b"advance=5") as got:
        assert (got.status, await got.json()) == (400, {"error": "body: expected JSON, found something else"})


async def test_event_grids_pace_is_set_member_by_member(local: Local) -> None:
    assert await local.order("/events/pace", factor=0.5) == {"factor": 0.5, "jitter": 0.1, "probation": True}
    assert await local.order("/events/pace", jitter=0, probation=False) == {
        "factor": 0.5,
        "jitter": 0,
        "probation": False,
    }
    assert local.eventgrid.pace == Pace(factor=0.5, jitter=0, probation=False)


async def test_a_subscription_says_until_when_its_endpoint_is_left_alone(local: Local) -> None:
    await local.order("/events/pace", factor=1)
    retry = {"maxDeliveryAttempts": 1}
    wanted = {"topic": "scans", "endpoint": f"{local.hook}/scans", "retry": retry, "batching": {"maxEventsPerBatch": 2}}
    await local.control("PUT", "/events/subscriptions/scans", wanted)
    await local.order("/events/trouble", kind="refuse", times=20, subscription="scans")
    for place in range(20):
        await local.eventgrid.publish("scans", pushed(str(place)))
    await local.eventgrid.settle(10)

    listed = (await local.control("GET", "/events/subscriptions")).body["value"]
    until = {one["name"]: one["unwell_until"] for one in listed}
    assert until["pushes"] is None
    assert datetime.fromisoformat(until["scans"]) > local.clock.now()


async def test_subscriptions_are_listed_without_their_addresses_which_carry_keys(local: Local) -> None:
    wanted = {"topic": "scans", "endpoint": f"{local.hook}/scans?code=s3cret", "schema": "CloudEventSchemaV1_0"}
    await local.control("PUT", "/events/subscriptions/scans", wanted)
    await local.eventgrid.settle(10)

    listed = (await local.control("GET", "/events/subscriptions")).body["value"]
    assert [(one["name"], one["state"], one["schema"]) for one in listed] == [
        ("pushes", "Succeeded", "EventGridSchema"),
        ("scans", "Succeeded", "CloudEventSchemaV1_0"),
    ]
    assert "s3cret" not in str(listed)
