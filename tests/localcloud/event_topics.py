"""Event Grid behind Azure Resource Manager on loopback, a webhook, and azure-mgmt-eventgrid as their client."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.eventgrid.aio import EventGridManagementClient

from localcloud.arm import Arm
from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.arm import ArmCalls
from localcloud.eventgrid.topics import Kind
from tests.localcloud.arm.cloud import GROUP, QUICK, SUBSCRIPTION
from tests.localcloud.arm.fake_plane import FakeDataPlane
from tests.localcloud.credential import Credential
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localcloud.eventgrid.storage import Account

RG = "rg-local"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/weighbridge"
FUNCTION = f"{GROUP}/providers/Microsoft.Web/sites/fn-local/functions/image_pushed"
ORDERS = f"{GROUP}/providers/Microsoft.EventGrid/topics/orders"
TEAM = f"{ORDERS}/eventSubscriptions/team"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
LETTERS = {"endpointType": "StorageBlob", "properties": {"resourceId": STORAGE, "blobContainerName": "letters"}}
SHORT = 0.02  # seconds until a topic is provisioned


@dataclass
class Endpoint:
    """A webhook that shakes hands with `handshake` while `open`, and answers every delivery with `status`.

    silent: its answer has no code; the addresses it may call instead are kept. asked: how often for its hand.
    """

    url: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    handshake: int = 200
    status: int = 200
    silent: bool = False
    asked: int = 0
    addresses: list[str] = field(default_factory=list)
    got: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    def ids(self) -> list[str]:
        return [(body[0] if isinstance(body, list) else body)["id"] for _, body in self.got]

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return web.Response(status=self.handshake, headers={"WebHook-Allowed-Origin": "*"})
        body = json.loads(await request.read())
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            self.asked += 1
            await self.open.wait()
            code = body[0]["data"]["validationCode"]
            if self.silent:
                self.addresses.append(body[0]["data"]["validationUrl"])
                return web.Response()
            return web.json_response({"validationResponse": code}, status=self.handshake)
        self.got.append((dict(request.headers), body))
        return web.Response(status=self.status)


@dataclass
class Topics:
    grid: EventGrid
    clock: Clock
    arm: str
    client: Any  # azure-mgmt-eventgrid; in its types every member may be missing
    hook: Endpoint

    async def topic(self, name: str = "orders", schema: str = "EventGridSchema", **more: Any) -> Any:
        body: Any = {"location": "East US", "properties": {"inputSchema": schema}, **more}
        return await (await self.client.topics.begin_create_or_update(RG, name, body)).result()

    async def subscribe(self, topic: str = "orders", name: str = "team", **properties: Any) -> Any:
        body: Any = {"properties": {"destination": self.to_hook(), **properties}}
        begun = await self.client.topic_event_subscriptions.begin_create_or_update(RG, topic, name, body)
        return await begun.result()

    def to_hook(self, **properties: Any) -> Any:
        return {
            "endpointType": "WebHook",
            "properties": {"endpointUrl": f"{self.hook.url}/in?code=s3cret", **properties},
        }


def placed(name: str, *, n: int = 2, subject: str = "shop/1") -> dict[str, object]:
    return {
        "id": name,
        "topic": ORDERS,
        "subject": subject,
        "eventType": "Placed",
        "eventTime": "2026-11-24T02:00:00Z",
        "data": {"n": n, "b": True, "lines": "a\r\nb"},
        "dataVersion": "1.0",
    }


async def ask(it: Topics, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any, Any]:
    """Status, body and headers, as they are on the wire."""
    async with aiohttp.ClientSession() as http:
        params = {"api-version": "2025-02-15", **query}
        url = path if path.startswith("http") else f"{it.arm}{path}"
        asked = None if "?" in path else params
        async with http.request(method, url, json=body, params=asked) as got:
            return got.status, await got.json() if got.content_type == "application/json" else None, got.headers


async def refusal(asked: Any) -> tuple[int | None, str | None]:
    with pytest.raises(HttpResponseError) as refused:
        await asked
    return refused.value.status_code, refused.value.error.code if refused.value.error else None


@asynccontextmanager
async def topics(account: Account | None = None, seconds: float = SHORT) -> AsyncIterator[Topics]:
    clock, hook = Clock(), Endpoint()
    hook.open.set()
    async with serving(hook.app()) as url:
        hook.url = url
        functions = {"image_pushed": f"{url}/runtime/webhooks/EventGrid?functionName=image_pushed&code=k"}
        grid = EventGrid(clock=clock, schedule=0.0001, scope=GROUP, account=account, function=functions.get)
        grid.topic("weighbridge", kind=Kind.SYSTEM, source=REGISTRY)
        calls = ArmCalls(grid, clock, registry=REGISTRY, stream="weighbridge", seconds=seconds)
        arm = Arm(clock=clock, dataplane=FakeDataPlane(), profile=QUICK, more=calls.routes())
        arm.store.guests.append(calls)
        more: dict[str, Any] = {"authentication_policy": SansIOHTTPPolicy(), "polling_interval": 0, "retry_total": 0}
        async with (
            serving(grid.app()) as grid.handshakes.base,
            serving(arm.app()) as base,
            EventGridManagementClient(Credential(), SUBSCRIPTION, base_url=base, **more) as client,
        ):
            try:
                yield Topics(grid, clock, base, client, hook)
            finally:
                await arm.close()
                await grid.close()
