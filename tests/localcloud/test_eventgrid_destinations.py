"""Where a subscription made over Azure Resource Manager delivers to, in what batches, and with which headers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient

from localcloud.azurite import Azurite
from localcloud.eventgrid.storage import Account
from tests.localcloud.event_topics import FUNCTION, LETTERS, RG, STORAGE, TEAM, ask, placed, refusal, topics


async def test_a_batch_is_as_large_as_it_was_asked_to_be() -> None:
    async with topics() as it:
        await it.topic()
        to = it.to_hook(maxEventsPerBatch=2, preferredBatchSizeInKilobytes=32)
        made = await it.subscribe(destination=to)
        for name in ("e1", "e2", "e3"):
            await it.grid.publish("orders", placed(name))
        await it.grid.settle(10)
        shown = (made.destination.max_events_per_batch, made.destination.preferred_batch_size_in_kilobytes)
        assert (shown, sorted(len(body) for _, body in it.hook.got)) == ((2, 32), [1, 2])


async def test_headers_are_delivered_and_secret_ones_are_told_only_to_who_asks_for_them() -> None:
    wanted = [
        {"name": "Authorization", "type": "Static", "properties": {"value": "Bearer t0ken", "isSecret": True}},
        {"name": "x-kind", "type": "Static", "properties": {"value": "order", "isSecret": False}},
        {"name": "x-number", "type": "Dynamic", "properties": {"sourceField": "data.n"}},
        {"name": "x-truth", "type": "Dynamic", "properties": {"sourceField": "data.b"}},
        {"name": "x-none", "type": "Dynamic", "properties": {"sourceField": "data.none"}},
        {"name": "x-lines", "type": "Dynamic", "properties": {"sourceField": "data.lines"}},
    ]
    async with topics() as it:
        await it.topic()
        made = await it.subscribe(destination=it.to_hook(deliveryAttributeMappings=wanted))
        told = await it.client.topic_event_subscriptions.get_delivery_attributes(RG, "orders", "team")
        await it.grid.publish("orders", placed("e1"))
        await it.grid.settle(10)
        got = it.hook.got[0][0]
    shown = {one.name: one.as_dict() for one in made.destination.delivery_attribute_mappings}
    assert shown["Authorization"] == {"name": "Authorization", "type": "Static", "value": "Hidden", "is_secret": True}
    assert shown["x-number"] == {"name": "x-number", "type": "Dynamic", "source_field": "data.n"}
    assert [one.value for one in told.value if one.name == "Authorization"] == ["Bearer t0ken"]
    own = {name: value for name, value in got.items() if name.startswith("x-") or name == "Authorization"}
    assert own == {"Authorization": "Bearer t0ken", "x-kind": "order", "x-number": "2", "x-truth": "true"}


async def test_what_a_patch_sends_back_as_it_was_shown_stays_as_it_was() -> None:
    secret = {"name": "x-key", "type": "Static", "properties": {"value": "s3cret", "isSecret": True}}
    async with topics() as it:
        await it.topic()
        await it.subscribe(destination=it.to_hook(deliveryAttributeMappings=[secret]))
        shown = (await ask(it, "GET", TEAM))[1]["properties"]["destination"]
        assert (await ask(it, "PATCH", TEAM, {"destination": shown, "labels": ["a"]}))[0] == 201
        await it.grid.settle(10)
        (one,) = it.grid.subscriptions.values()
    assert (one.endpoint, one.labels) == (f"{it.hook.url}/in?code=s3cret", ("a",))
    assert [header.value for header in one.attributes] == ["s3cret"]


async def test_a_function_is_called_at_its_own_address_and_shown_by_its_id() -> None:
    async with topics() as it:
        await it.topic()
        to = {"endpointType": "AzureFunction", "properties": {"resourceId": FUNCTION}}
        made = await it.subscribe(destination=to)
        await it.grid.publish("orders", placed("e1"))
        await it.grid.settle(10)
        assert (made.destination.endpoint_type, made.destination.resource_id) == ("AzureFunction", FUNCTION)
        assert it.hook.ids() == ["e1"]
        assert await refusal(it.client.topic_event_subscriptions.get_full_url(RG, "orders", "team")) == (
            400,
            "InvalidRequest",
        )


async def test_a_queue_gets_events_and_a_container_what_nobody_took(azurite: Azurite) -> None:
    account = Account(azurite.connection_string)
    try:
        async with topics(account) as it:
            await it.topic()
            queue = {"resourceId": STORAGE, "queueName": "orders", "queueMessageTimeToLiveInSeconds": -1}
            to = {"endpointType": "StorageQueue", "properties": queue}
            made = await it.subscribe(destination=to, deadLetterDestination=LETTERS)
            assert made.destination.as_dict() == {
                "endpoint_type": "StorageQueue",
                "resource_id": STORAGE,
                "queue_name": "orders",
                "queue_message_time_to_live_in_seconds": -1,
            }
            async with QueueClient.from_connection_string(azurite.connection_string, "orders") as messages:
                await messages.create_queue()
                await it.grid.publish("orders", placed("e1"))
                await it.grid.settle(10)
                got = await messages.receive_message()
                assert got is not None
                assert json.loads(base64.b64decode(got.content))["id"] == "e1"
                assert got.expires_on is not None
                assert got.expires_on.year == 9999
                await messages.delete_queue()

            at_once = {**to, "properties": {**queue, "queueMessageTimeToLiveInSeconds": 0}}
            assert await refusal(it.subscribe(destination=at_once)) == (400, "InvalidRequest")
            elsewhere = {**to, "properties": {**queue, "resourceId": f"{STORAGE}2"}}
            assert await refusal(it.subscribe(destination=elsewhere)) == (400, "Endpoint validation")
            await it.subscribe(name="calls", deadLetterDestination=LETTERS)
            it.hook.status = 400
            await (await it.client.topic_event_subscriptions.begin_delete(RG, "orders", "team")).result()
            async with BlobServiceClient.from_connection_string(azurite.connection_string) as blobs:
                container = await blobs.create_container("letters")
                await it.grid.publish("orders", placed("e2"))
                await it.grid.settle(10)
                (name,) = [one async for one in container.list_blob_names()]
                (letter,) = json.loads(await (await container.download_blob(name)).readall())
                await container.delete_container()
            assert (letter["id"], name.startswith("orders/CALLS/")) == ("e2", True)
            calls = await it.client.topic_event_subscriptions.get(RG, "orders", "calls")
            assert calls.dead_letter_destination.as_dict() == {
                "endpoint_type": "StorageBlob",
                "resource_id": STORAGE,
                "blob_container_name": "letters",
            }
    finally:
        await account.close()


async def test_what_is_delivered_as_the_topics_identity_is_shown_as_such(azurite: Azurite) -> None:
    """As `infra/` of many projects asks for it, whose storage takes no keys."""
    account = Account(azurite.connection_string)
    identity = {"type": "SystemAssigned"}
    to = {"endpointType": "StorageQueue", "properties": {"resourceId": STORAGE, "queueName": "orders"}}
    given = {
        "deliveryWithResourceIdentity": {"identity": identity, "destination": to},
        "deadLetterWithResourceIdentity": {"identity": identity, "deadLetterDestination": LETTERS},
    }
    try:
        async with topics(account) as it:
            await it.topic(identity=identity)
            assert (await ask(it, "PUT", TEAM, {"properties": given}))[0] == 201
            found = (await ask(it, "GET", TEAM))[1]["properties"]
    finally:
        await account.close()
    assert {name: found[name] for name in given} == given
    assert (found["destination"], "deadLetterDestination" in found) == (None, False)


@pytest.mark.parametrize(
    "mapped",
    [
        {"name": "aeg-own", "type": "Static", "properties": {"value": "1"}},
        {"name": "Content-Length", "type": "Static", "properties": {"value": "1"}},
        {"name": "a b", "type": "Static", "properties": {"value": "1"}},
        {"name": "a", "type": "Static", "properties": {"value": "x" * 4097}},
        {"name": "a", "type": "Static", "properties": {"value": "1\r\nb: 2"}},
        {"name": "a", "type": "Other"},
        {"name": "a", "type": "Dynamic"},
    ],
)
async def test_a_header_that_cannot_be_is_refused(mapped: dict[str, Any]) -> None:
    assert await with_headers([mapped]) == (400, "InvalidRequest")


async def test_ten_headers_are_the_most() -> None:
    one = {"name": "a", "type": "Static", "properties": {"value": "1"}}
    assert await with_headers([one] * 10) == (201, None)
    assert await with_headers([one] * 11) == (400, "InvalidRequest")


async def with_headers(wanted: list[dict[str, Any]]) -> tuple[int, str | None]:
    async with topics() as it:
        await it.topic()
        to = it.to_hook(deliveryAttributeMappings=wanted)
        status, body, _ = await ask(it, "PUT", TEAM, {"properties": {"destination": to}})
        return status, body.get("error", {}).get("code")
