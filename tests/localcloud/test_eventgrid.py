"""Event Grid delivers at least once, as its pages say: handshake, headers, retries, dead letters; and makes trouble."""

from __future__ import annotations

import io
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AzureKeyCredential
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient

from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid, State
from tests.localcloud.serving import serving, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from multidict import CIMultiDictProxy

CLOUD = "CloudEventSchemaV1_0"
PUSHED = "Microsoft.ContainerRegistry.ImagePushed"


def pushed(name: str, kind: str = PUSHED) -> dict[str, object]:
    return {
        "id": name,
        "topic": "/registries/weighbridge",
        "subject": "shop/web:1.0.0",
        "eventType": kind,
        "data": {"action": "push"},
        "dataVersion": "2.0",
        "metadataVersion": "1",
        "eventTime": "2026-11-24T02:00:00.1234567Z",
    }


@dataclass(frozen=True)
class Received:
    headers: CIMultiDictProxy[str]
    body: Any


class Webhook:
    """An endpoint that remembers.

    answers: statuses it gives in turn, the last one for ever. ready: shakes hands. later: it means to call back.

    code: answers the handshake with this instead of the code it was sent.

    asked: headers of handshakes. addresses: to call back, as it was asked. questions: events of handshakes.
    """

    def __init__(self) -> None:
        self.answers = [202]
        self.ready = True
        self.later = False
        self.code = ""
        self.addresses: list[str] = []
        self.questions: list[dict[str, Any]] = []
        self.url = ""
        self.asked: list[CIMultiDictProxy[str]] = []
        self.received: list[Received] = []

    @property
    def handshakes(self) -> int:
        return len(self.asked)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/hook", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.Response:
        kind = request.headers.get("aeg-event-type", "")
        if request.method == "OPTIONS" or kind == "SubscriptionValidation":
            self.asked.append(request.headers)
        if request.method == "OPTIONS":
            self.addresses.append(request.headers.get("WebHook-Request-Callback", ""))
            return self._handshake({"WebHook-Allowed-Origin": "eventgrid.azure.net"}, {})
        if kind == "SubscriptionValidation":
            self.questions += await request.json()
            data = self.questions[-1]["data"]
            self.addresses.append(data.get("validationUrl", ""))
            return self._handshake({}, {"validationResponse": self.code or data["validationCode"]})
        self.received.append(Received(request.headers, await request.json()))
        return web.Response(status=self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    def _handshake(self, headers: Mapping[str, str], body: Mapping[str, str]) -> web.Response:
        if not self.ready:
            return web.Response(status=404)
        return web.Response() if self.later else web.json_response(body, headers=headers)


@dataclass
class Local:
    grid: EventGrid
    hook: Webhook
    clock: Clock
    base: str


@asynccontextmanager
async def local_grid(**more: Any) -> AsyncIterator[Local]:
    clock, hook = Clock(), Webhook()
    grid = EventGrid(clock=clock, **{"schedule": 0.0001, "key": "k3y", "handshake_every": 0.001, **more})
    async with serving(hook.app()) as url, serving(grid.app()) as base:
        grid.handshakes.base = base
        hook.url = f"{url}/hook?functionName=image_pushed&code=secret"
        try:
            yield Local(grid, hook, clock, base)
        finally:
            await grid.close()


@pytest.fixture
async def local() -> AsyncIterator[Local]:
    async with local_grid() as one:
        yield one


async def test_an_event_comes_as_an_array_of_one(local: Local) -> None:
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
    await local.grid.publish("weighbridge", pushed("e1"))
    await local.grid.settle(10)
    (one,) = local.hook.received
    assert one.body == [pushed("e1")]


async def test_the_same_event_as_a_cloud_event_is_one_object_with_the_same_data(local: Local) -> None:
    """Only the envelope differs, as ACR's recorded pair of payloads shows."""
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, schema=CLOUD)
    event = pushed("e1")
    await local.grid.publish("weighbridge", event)
    await local.grid.settle(10)
    (one,) = local.hook.received
    assert one.headers["Content-Type"].startswith("application/cloudevents+json")
    assert one.body == {
        "id": "e1",
        "source": event["topic"],
        "specversion": "1.0",
        "type": PUSHED,
        "subject": event["subject"],
        "time": event["eventTime"],
        "data": event["data"],
    }


async def test_a_subscription_gets_only_the_types_and_the_topic_it_asked_for(local: Local) -> None:
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, types=(PUSHED,))
    await local.grid.publish("weighbridge", pushed("deleted", "Microsoft.ContainerRegistry.ImageDeleted"))
    await local.grid.publish("another", pushed("elsewhere"))
    await local.grid.publish("weighbridge", pushed("wanted"))
    await local.grid.settle(10)
    assert [one.body[0]["id"] for one in local.hook.received] == ["wanted"]


@pytest.mark.parametrize("schema", ["EventGridSchema", CLOUD])
async def test_nothing_is_delivered_before_the_handshake_and_it_is_tried_until_it_works(
    local: Local, schema: str
) -> None:
    local.hook.ready = False
    subscription = local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, schema=schema)
    await local.grid.publish("weighbridge", pushed("early"))
    await until(lambda: local.hook.handshakes >= 3)
    assert local.hook.received == []
    states = [subscription.state]
    local.hook.ready = True
    await local.grid.settle(10)
    assert [*states, subscription.state] == [State.CREATING, State.SUCCEEDED]
    assert len(local.hook.received) == 1


async def test_an_endpoint_that_never_shakes_hands_fails_its_subscription() -> None:
    async with local_grid(handshakes=3) as local:
        local.hook.ready = False
        subscription = local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
        await local.grid.publish("weighbridge", pushed("e1"))
        await local.grid.settle(10)
        assert (subscription.state, local.hook.handshakes) == (State.FAILED, 3)
        assert [letter.reason for letter in local.grid.dead_letters] == ["the endpoint never answered the handshake"]


async def test_an_endpoint_that_answers_another_code_has_not_shaken_hands() -> None:
    async with local_grid(handshakes=2) as local:
        local.hook.code = "another"
        subscription = local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
        await local.grid.settle(10)
        assert subscription.state is State.FAILED


async def test_a_failed_delivery_is_repeated_and_counted(local: Local) -> None:
    local.hook.answers = [500, 503, 202]
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
    await local.grid.publish("weighbridge", pushed("e1"))
    await local.grid.settle(10)
    assert [one.headers["aeg-delivery-count"] for one in local.hook.received] == ["0", "1", "2"]
    assert [(one.attempt, one.status, one.outcome) for one in local.grid.deliveries] == [
        (1, 500, "500"),
        (2, 503, "503"),
        (3, 202, "delivered"),
    ]
    assert not local.grid.dead_letters


async def test_the_first_retry_waits_for_its_time_on_the_clouds_clock() -> None:
    async with local_grid(schedule=1000, jitter=0) as local:
        local.hook.answers = [500, 202]
        local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
        await local.grid.publish("weighbridge", pushed("e1"))
        await until(lambda: len(local.grid.deliveries) == 1)
        local.clock.advance(timedelta(seconds=9_000))
        with pytest.raises(TimeoutError):
            await local.grid.settle(0.05)
        assert len(local.hook.received) == 1
        local.clock.advance(timedelta(seconds=1_000))
        await local.grid.settle(10)
        assert len(local.hook.received) == 2


async def test_what_a_retry_cannot_mend_is_a_dead_letter_at_once(local: Local) -> None:
    local.hook.answers = [400]
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
    await local.grid.publish("weighbridge", pushed("e1"))
    await local.grid.settle(10)
    (letter,) = local.grid.dead_letters
    assert (letter.reason, letter.attempts, letter.event["id"]) == ("UndeliverableDueToHttpBadRequest", 1, "e1")
    assert len(local.hook.received) == 1


async def test_an_endpoint_that_fails_for_a_day_is_given_up() -> None:
    async with local_grid(schedule=0.00001) as local:
        local.hook.answers = [500]
        local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
        await local.grid.publish("weighbridge", pushed("e1"))
        await local.grid.settle(10)
        (letter,) = local.grid.dead_letters
        assert (letter.reason, letter.last_outcome) == ("TimeToLiveExceeded", "Busy")
        assert letter.attempts == len(local.hook.received) > 5


async def test_an_endpoint_that_is_down_is_tried_again(local: Local, unused_tcp_port: int) -> None:
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
    await local.grid.settle(10)
    local.grid.subscriptions["weighbridge", "pushes"].endpoint = f"http://127.0.0.1:{unused_tcp_port}/hook"
    await local.grid.publish("weighbridge", pushed("e1"))
    await until(lambda: len(local.grid.deliveries) >= 2)
    assert {(one.status, one.outcome) for one in local.grid.deliveries} == {(None, "SocketError")}
    local.grid.subscriptions["weighbridge", "pushes"].endpoint = local.hook.url
    await local.grid.settle(10)
    assert local.grid.deliveries[-1].outcome == "delivered"


async def test_azure_eventgrid_publishes_cloud_events_to_a_topic(local: Local) -> None:
    local.grid.subscribe("scans", "scans", endpoint=local.hook.url, schema=CLOUD)
    event = CloudEvent(source="/scanner", type="Weighbridge.ImageScanCompleted", data={"a": 1}, subject="shop/web")
    async with EventGridPublisherClient(f"{local.base}/topics/scans/api/events", AzureKeyCredential("k3y")) as client:
        await client.send(event)
        await client.send([event, event])
    await local.grid.settle(10)
    assert [one.body["id"] for one in local.hook.received] == [event.id] * 3
    assert local.hook.received[0].body["data"] == {"a": 1}


async def test_azure_eventgrid_publishes_event_grid_events_to_a_topic(local: Local) -> None:
    local.grid.subscribe("scans", "scans", endpoint=local.hook.url)
    event = EventGridEvent(subject="s", event_type="t", data={"a": 1}, data_version="1.0")
    async with EventGridPublisherClient(f"{local.base}/topics/scans/api/events", AzureKeyCredential("k3y")) as client:
        await client.send(event)
    await local.grid.settle(10)
    (one,) = local.hook.received
    assert (one.body[0]["id"], one.body[0]["metadataVersion"]) == (str(event.id), "1")
    assert one.body[0]["topic"].endswith("/providers/Microsoft.EventGrid/topics/scans")


@pytest.mark.parametrize(
    ("path", "kind", "body", "status", "says"),
    [
        ("/topics/none/api/events?api-version=2018-01-01", "application/json", "[]", 404, "'none'"),
        ("/topics/scans/api/events", "application/json", "[]", 400, "api-version"),
        ("/topics/scans/api/events?api-version=2018-01-01", "application/json", "{}", 400, "an array"),
        ("/topics/scans/api/events?api-version=2018-01-01", "application/json", "no", 400, "JSON"),
        ("/topics/scans/api/events?api-version=2018-01-01", "application/json", '[{"id": "1"}]', 400, "[0].subject"),
        (
            "/topics/scans/api/events?api-version=2018-01-01",
            "application/cloudevents-batch+json",
            '[{"id": "1", "source": "s", "type": "t", "specversion": "0.3"}]',
            400,
            "specversion",
        ),
        (
            "/topics/scans/api/events?api-version=2018-01-01",
            "application/cloudevents+json",
            '{"id": "1", "source": "s", "type": "t", "specversion": "1.0"}',
            400,
            "found a CloudEvent",
        ),
        ("/topics/scans/api/events?api-version=2018-01-01", "application/json", "x" * 1024 * 1025, 413, ""),
        ("/topics/scans:publish?api-version=2024-06-01", "application/json", "[]", 501, "does not support"),
    ],
)
async def test_a_publisher_is_told_what_is_wrong_and_nothing_is_delivered(
    local: Local, path: str, kind: str, body: str, status: int, says: str
) -> None:
    local.grid.subscribe("scans", "scans", endpoint=local.hook.url)
    headers = {"aeg-sas-key": "k3y", "Content-Type": kind}
    async with (
        aiohttp.ClientSession() as session,
        session.post(local.base + path, data=io.BytesIO(body.encode()), headers=headers) as answer,
    ):
        assert answer.status == status
        assert says in await answer.text()
    await local.grid.settle(10)
    assert local.hook.received == []
