"""Event Grid writes events to a queue, and what it gave up to a container, of a real storage emulator."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.model import Schema
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
    grid.subscribe("q", "scans", endpoint=endpoint, schema=schema, retry=ONCE, dead_letters=container)
    await grid.publish("scans", pushed("1"))
    await grid.settle(10)
    ((name, [letter]),) = await blobs(azurite.connection_string, container)
    assert name.startswith("scans/Q/20")
    names = ("deadLetterReason", "deliveryAttempts", "lastDeliveryOutcome", "publishTime", "lastDeliveryAttemptTime")
    added = {one: letter.pop(one.lower() if lower else one) for one in names}
    assert (added["deadLetterReason"], added["deliveryAttempts"]) == ("MaxDeliveryAttemptsExceeded", 1)
    assert added["lastDeliveryOutcome"] == "404"
    assert added["publishTime"] <= added["lastDeliveryAttemptTime"]
    assert letter == grid.dead_letters[0].event
