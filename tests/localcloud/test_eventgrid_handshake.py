"""An endpoint that cannot answer the handshake at once has ten minutes to call an address back, in either schema."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web

from localcloud.eventgrid import State, Subscription
from localcloud.eventgrid.model import Schema
from tests.localcloud.serving import serving, until
from tests.localcloud.test_eventgrid import CLOUD, Local, local_grid, pushed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def call(address: str, method: str = "GET") -> int:
    async with aiohttp.ClientSession() as session, session.request(method, address) as answer:
        return answer.status


@pytest.fixture
async def local() -> AsyncIterator[Local]:
    async with local_grid() as one:
        one.hook.later = True
        yield one


async def awaiting(local: Local, schema: str = "EventGridSchema", name: str = "pushes") -> tuple[Subscription, str]:
    """A subscription that awaits a call, and the address for it."""
    subscription = local.grid.subscribe(name, "weighbridge", endpoint=local.hook.url, schema=schema)
    await until(lambda: subscription.state is State.AWAITING)
    return subscription, local.hook.addresses[-1]


@pytest.mark.parametrize("schema", Schema)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_calls_back_is_subscribed_and_gets_what_was_published_meanwhile(
    local: Local, schema: str, method: str
) -> None:
    subscription, address = await awaiting(local, schema)
    await local.grid.publish("weighbridge", pushed("early"))
    assert await call(address, method) == 200
    await local.grid.settle(10)
    assert (subscription.state, local.hook.handshakes) == (State.SUCCEEDED, 1)
    assert len(local.hook.received) == 1


async def test_the_address_is_event_grids_own_with_the_code_as_its_id(local: Local) -> None:
    _, address = await awaiting(local)
    parts = urlsplit(address)
    assert (f"{parts.scheme}://{parts.netloc}", parts.path) == (local.base, "/eventsubscriptions/pushes/validate")
    assert set(parse_qs(parts.query)) == {"id", "t", "apiVersion"}


async def test_the_event_of_the_handshake_names_its_topic_by_the_resource_id(local: Local) -> None:
    await awaiting(local)
    assert local.hook.questions[0]["topic"].endswith("/providers/Microsoft.EventGrid/topics/weighbridge")
    assert local.hook.questions[0]["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"


@pytest.mark.parametrize("schema", ["EventGridSchema", CLOUD])
async def test_who_calls_back_after_ten_minutes_is_refused_and_its_subscription_has_failed(
    local: Local, schema: str
) -> None:
    subscription, address = await awaiting(local, schema)
    await local.grid.publish("weighbridge", pushed("1"))
    local.clock.advance(timedelta(seconds=599))
    with pytest.raises(TimeoutError):
        await local.grid.settle(0.05)
    states = [subscription.state]
    local.clock.advance(timedelta(seconds=1))
    await local.grid.settle(10)
    assert [*states, subscription.state] == [State.AWAITING, State.FAILED]
    assert await call(address) == 400
    assert len(local.grid.dead_letters) == 1
    assert local.hook.received == []


async def test_a_call_with_another_id_or_for_another_subscription_is_refused(local: Local) -> None:
    subscription, address = await awaiting(local)
    base, _, query = address.partition("?")
    assert await call(f"{base}?id=another") == 400
    assert await call(base) == 400
    assert await call(f"{base.replace('/pushes/', '/scans/')}?{query}") == 400
    assert subscription.state is State.AWAITING


async def test_an_address_of_a_subscription_that_was_replaced_is_refused(local: Local) -> None:
    first, address = await awaiting(local)
    second, _ = await awaiting(local)
    assert await call(address) == 400
    assert (first.state, second.state) == (State.FAILED, State.AWAITING)
    local.grid.unsubscribe(("weighbridge", "pushes"))
    await local.grid.settle(10)
    assert second.state is State.FAILED


async def test_a_subscription_replaced_before_its_endpoint_was_asked_holds_nothing_up(local: Local) -> None:
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
    await local.grid.publish("weighbridge", pushed("1"))
    local.grid.unsubscribe(("weighbridge", "pushes"))
    await local.grid.settle(10)
    assert (len(local.grid.dead_letters), local.hook.handshakes) == (1, 0)


async def test_without_an_address_to_call_nobody_is_waited_for() -> None:
    async with local_grid(handshakes=2) as local:
        local.hook.later, local.grid.handshakes.base = True, ""
        subscription = local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
        await local.grid.settle(10)
        assert subscription.state is State.FAILED
        assert local.hook.addresses == ["", ""]


async def test_a_call_from_within_the_answer_comes_too_early() -> None:
    """As people saw on Azure; the endpoint is still asked, and its answer is what the call waits for."""
    calls: list[asyncio.Task[int]] = []
    async with local_grid(handshakes=1, within=0.3) as local:

        async def within(request: web.Request) -> web.Response:
            calls.append(asyncio.create_task(call(request.headers["WebHook-Request-Callback"])))
            await asyncio.wait(calls)
            return web.Response()

        app = web.Application()
        app.router.add_route("OPTIONS", "/hook", within)
        async with serving(app) as url:
            subscription = local.grid.subscribe("pushes", "weighbridge", endpoint=f"{url}/hook", schema=CLOUD)
            await local.grid.settle(10)
            assert subscription.state is State.FAILED
            assert await calls[0] == 400


@pytest.mark.parametrize("origin", ["elsewhere.example", ""])
async def test_an_endpoint_that_allows_another_origin_has_not_agreed(origin: str) -> None:
    async with local_grid(handshakes=1) as local:

        async def options(_: web.Request) -> web.Response:
            return web.Response(headers={"WebHook-Allowed-Origin": origin})

        app = web.Application()
        app.router.add_route("OPTIONS", "/hook", options)
        async with serving(app) as url:
            subscription = local.grid.subscribe("pushes", "weighbridge", endpoint=f"{url}/hook", schema=CLOUD)
            await local.grid.settle(10)
            assert subscription.state is State.FAILED
