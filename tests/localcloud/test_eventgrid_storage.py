"""Event Grid writes events to a queue, and what it gave up to a container, of a real storage emulator."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.model import DeadLetter, Schema, Subscription
from localcloud.eventgrid.schedule import RetryPolicy
from localcloud.eventgrid.storage import Account
from tests.localcloud.test_eventgrid import pushed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localcloud.azurite import Azurite

ONCE = RetryPolicy(max_delivery_attempts=1)


@pytest_asyncio.fixture
async def grid(azurite: Azurite) -> AsyncIterator[EventGrid]:
    account = Account(azurite.connection_string)
    grid = EventGrid(clock=Clock(), schedule=0.001, account=account)
    yield grid
    await grid.close()
    await account.close()


async def texts(connection: str, queue: str) -> list[Any]:
    async with QueueServiceClient.from_connection_string(connection) as service:
        found = service.get_queue_client(queue).receive_messages()
        return [json.loads(base64.b64decode(message.content)) async for message in found]


async def blobs(connection: str, container: str) -> list[tuple[str, Any]]:
    async with BlobServiceClient.from_connection_string(connection) as service:
        client = service.get_container_client(container)
        return [
            (blob.name, json.loads(await (await client.download_blob(blob.name)).readall()))
            async for blob in client.list_blobs()
        ]


async def made(connection: str, container: str) -> None:
    async with BlobServiceClient.from_connection_string(connection) as service:
        await service.create_container(container)


@pytest.mark.parametrize("schema", Schema)
async def test_an_event_is_one_message_in_base64(azurite: Azurite, grid: EventGrid, schema: Schema) -> None:
    queue = f"events-{schema.lower().replace('_', '-')}"
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        await service.create_queue(queue)
    grid.subscribe("q", "scans", endpoint=f"queue://{queue}", schema=schema)
    await grid.publish("scans", pushed("1"))
    await grid.publish("scans", pushed("2"))
    await grid.settle(10)
    found = await texts(azurite.connection_string, queue)
    assert sorted(one["id"] for one in found) == ["1", "2"]
    assert ("specversion" in found[0]) is (schema is Schema.CLOUD_EVENTS)


@pytest.mark.parametrize(("schema", "lower"), [(Schema.EVENT_GRID, False), (Schema.CLOUD_EVENTS, True)])
async def test_what_is_given_up_is_a_blob_with_five_fields_more(
    azurite: Azurite,
    grid: EventGrid,
    schema: Schema,
    *,
    lower: bool,
) -> None:
    container = f"dead-{schema.lower().replace('_', '-')}"
    endpoint = "queue://there-is-none"
    await made(azurite.connection_string, container)
    grid.subscribe("q", "scans", endpoint=endpoint, schema=schema, retry=ONCE, dead_letters=container)
    await grid.publish("scans", pushed("1"))
    await grid.settle(10)
    ((name, [letter]),) = await blobs(azurite.connection_string, container)
    assert name.startswith("scans/Q/20")
    names = ("deadLetterReason", "deliveryAttempts", "lastDeliveryOutcome", "publishTime", "lastDeliveryAttemptTime")
    added = {one: letter.pop(one.lower() if lower else one) for one in names}
    assert (added["deadLetterReason"], added["deliveryAttempts"]) == ("MaxDeliveryAttemptsExceeded", 1)
    assert added["lastDeliveryOutcome"] == "NotFound"
    assert added["publishTime"] <= added["lastDeliveryAttemptTime"]
    assert letter == grid.dead_letters[0].event


async def test_a_dead_letter_whose_container_is_not_there_is_dropped_and_said(
    azurite: Azurite, grid: EventGrid, caplog: pytest.LogCaptureFixture
) -> None:
    grid.subscribe("q", "scans", endpoint="queue://there-is-none", retry=ONCE, dead_letters="nowhere")
    await grid.publish("scans", pushed("1"))
    await grid.settle(10)
    assert "expected the container nowhere for dead letters, found none" in caplog.text
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        assert not await service.get_container_client("nowhere").exists()


async def test_storage_that_is_away_is_said_to_be_for_the_schedule_to_try_again(unused_tcp_port: int) -> None:
    away = ";".join(f"{part}Endpoint=http://127.0.0.1:{unused_tcp_port}/a" for part in ("Blob", "Queue"))
    account = Account(f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;{away};")
    now = datetime.now(UTC)
    letter = DeadLetter(
        at=now,
        published=now,
        topic="scans",
        subscription="q",
        reason="r",
        attempts=1,
        last_outcome="Busy",
        event=pushed("1"),
    )
    subscription = Subscription(
        name="q", topic="scans", endpoint="queue://q", types=(), schema=Schema.EVENT_GRID, dead_letters="dead"
    )
    assert await account.put("q", pushed("1")) == (None, "SocketError")
    assert not await account.bury(subscription, letter)
    await account.close()


async def test_a_message_that_a_queue_does_not_take_is_given_up_as_too_large(azurite: Azurite, grid: EventGrid) -> None:
    async with QueueServiceClient.from_connection_string(azurite.connection_string) as service:
        await service.create_queue("small")
    grid.subscribe("q", "scans", endpoint="queue://small")
    await grid.publish("scans", pushed("1") | {"data": "x" * 70_000})
    await grid.settle(10)
    assert [(one.attempt, one.status) for one in grid.deliveries] == [(1, 413)]
    assert grid.dead_letters[0].reason == "UndeliverableDueToHttpPayloadTooLarge"
