"""Event subscriptions over Azure Resource Manager, by azure-mgmt-eventgrid: what they say, deliver and refuse."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient

from localcloud.azurite import Azurite
from localcloud.eventgrid.storage import Account
from tests.localcloud.arm.cloud import GROUP
from tests.localcloud.event_topics import FUNCTION, REGISTRY, RG, ask, refusal, topics
from tests.localcloud.serving import until

ORDERS = f"{GROUP}/providers/Microsoft.EventGrid/topics/orders"
TEAM = f"{ORDERS}/eventSubscriptions/team"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
LETTERS = {"endpointType": "StorageBlob", "properties": {"resourceId": STORAGE, "blobContainerName": "letters"}}
TOO_MANY = {"endpointUrl": "http://127.0.0.1:9/", "maxEventsPerBatch": 5001}
ADVANCED = [
    {"values": [2, 3], "operatorType": "NumberIn", "key": "data.n"},
    {"value": True, "operatorType": "BoolEquals", "key": "data.b"},
    {"values": [[1, 5]], "operatorType": "NumberInRange", "key": "data.n"},
    {"operatorType": "IsNotNull", "key": "data.b"},
]


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


async def test_a_subscription_is_shown_as_azure_shows_it() -> None:
    """As the tests of azure-cli recorded it in 2022; the path and the type are those of REST API 2025-02-15."""
    where = {
        "subjectBeginsWith": "Shop/",
        "isSubjectCaseSensitive": True,
        "enableAdvancedFilteringOnArrays": True,
        "includedEventTypes": ["Placed"],
        "advancedFilters": ADVANCED,
    }
    retry = {"maxDeliveryAttempts": 3, "eventTimeToLiveInMinutes": 60}
    async with topics() as it:
        await it.topic()
        body = {
            "properties": {
                "destination": it.to_hook(),
                "filter": where,
                "retryPolicy": retry,
                "labels": ["one"],
                "eventDeliverySchema": "CloudEventSchemaV1_0",
            }
        }
        status, begun, headers = await ask(it, "PUT", TEAM, body)
        await it.grid.settle(10)
        over = (await ask(it, "GET", headers["azure-asyncoperation"]))[1]
        found = (await ask(it, "GET", TEAM))[1]
    assert (status, begun["properties"]["provisioningState"], over["status"]) == (201, "Creating", "Succeeded")
    assert found == {
        "properties": {
            "topic": ORDERS,
            "provisioningState": "Succeeded",
            "destination": {
                "properties": {
                    "endpointUrl": None,
                    "endpointBaseUrl": f"{it.hook.url}/in",
                    "maxEventsPerBatch": 1,
                    "preferredBatchSizeInKilobytes": 64,
                },
                "endpointType": "WebHook",
            },
            "filter": {"subjectEndsWith": "", **where},
            "labels": ["one"],
            "eventDeliverySchema": "CloudEventSchemaV1_0",
            "retryPolicy": retry,
        },
        "systemData": None,
        "id": TEAM,
        "name": "team",
        "type": "Microsoft.EventGrid/topics/eventSubscriptions",
    }
    assert "s3cret" not in str([begun, found])


async def test_a_subscription_is_creating_until_its_endpoint_has_answered() -> None:
    async with topics() as it:
        await it.topic()
        it.hook.open.clear()
        _, _, headers = await ask(it, "PUT", TEAM, {"properties": {"destination": it.to_hook()}})
        going = (await ask(it, "GET", headers["azure-asyncoperation"]))[1]
        creating = (await ask(it, "GET", TEAM))[1]["properties"]["provisioningState"]
        it.hook.open.set()
        await it.grid.settle(10)
        over = (await ask(it, "GET", headers["azure-asyncoperation"]))[1]
    assert (going["status"], creating, over["status"]) == ("InProgress", "Creating", "Succeeded")


async def test_one_that_says_only_where_to_gets_what_azure_gives_by_default() -> None:
    async with topics() as it:
        await it.topic()
        made = (await it.subscribe()).as_dict()
    assert made["filter"] == {"subject_begins_with": "", "subject_ends_with": ""}
    assert made["retry_policy"] == {"max_delivery_attempts": 30, "event_time_to_live_in_minutes": 1440}
    assert (made["event_delivery_schema"], "dead_letter_destination" in made) == ("EventGridSchema", False)


async def test_an_endpoint_that_does_not_shake_hands_fails_the_operation_and_the_subscription() -> None:
    async with topics() as it:
        await it.topic()
        it.hook.handshake = 404
        with pytest.raises(HttpResponseError) as failed:
            await it.subscribe()
        assert failed.value.error is not None
        assert (failed.value.error.code, it.hook.asked) == ("Url validation", 1)
        assert "s3cret" not in failed.value.message
        failing = await it.client.topic_event_subscriptions.get(RG, "orders", "team")
        assert failing.provisioning_state == "Failed"
        it.hook.handshake = 200
        assert (await it.subscribe()).provisioning_state == "Succeeded"


async def test_an_endpoint_that_is_to_call_back_fails_the_operation_and_its_subscription_awaits_the_call() -> None:
    async with topics() as it:
        await it.topic()
        it.hook.silent = True
        assert (await refusal(it.subscribe()))[1] == "Url validation"
        waiting = await it.client.topic_event_subscriptions.get(RG, "orders", "team")
        assert waiting.provisioning_state == "AwaitingManualAction"
        assert (await ask(it, "GET", it.hook.addresses[0]))[0] == 200
        await it.grid.settle(10)
        assert (await it.client.topic_event_subscriptions.get(RG, "orders", "team")).provisioning_state == "Succeeded"


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


async def test_events_pass_a_subscriptions_filter_and_one_that_is_patched_from_then_on() -> None:
    async with topics() as it:
        await it.topic()
        await it.subscribe(filter={"subjectBeginsWith": "shop/", "advancedFilters": ADVANCED})
        for one in (placed("in"), placed("n", n=9), placed("subject", subject="bar/1")):
            await it.grid.publish("orders", one)
        await it.grid.settle(10)
        body: Any = {"filter": {"subjectEndsWith": "/2"}}
        changed = await (await it.client.topic_event_subscriptions.begin_update(RG, "orders", "team", body)).result()
        url = await it.client.topic_event_subscriptions.get_full_url(RG, "orders", "team")
        for one in (placed("again"), placed("other", n=9, subject="bar/2")):
            await it.grid.publish("orders", one)
        await it.grid.settle(10)
        assert it.hook.ids() == ["in", "other"]
        assert changed.filter.as_dict() == {"subject_begins_with": "", "subject_ends_with": "/2"}
        assert url.endpoint_url == f"{it.hook.url}/in?code=s3cret"


async def test_a_patch_is_answered_as_updating_and_changes_no_more_than_it_names() -> None:
    async with topics() as it:
        await it.topic()
        await it.subscribe(labels=["a"], retryPolicy={"maxDeliveryAttempts": 5})
        status, begun, _ = await ask(it, "PATCH", TEAM, {"retryPolicy": {"maxDeliveryAttempts": 7}})
        await it.grid.settle(10)
        found = (await ask(it, "GET", TEAM))[1]["properties"]
    assert (status, begun["properties"]["provisioningState"]) == (201, "Updating")
    assert (found["labels"], found["retryPolicy"]["maxDeliveryAttempts"]) == (["a"], 7)
    assert found["destination"]["properties"]["endpointBaseUrl"].endswith("/in")


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


async def test_a_name_is_one_topics_and_an_extension_of_the_topic_is_the_same_subscription() -> None:
    async with topics() as it:
        for topic in ("orders", "scans"):
            await it.topic(topic)
            await it.subscribe(topic, labels=[topic])
        assert [one.labels async for one in it.client.topic_event_subscriptions.list(RG, "scans")] == [["scans"]]
        same = await it.client.event_subscriptions.get(ORDERS[1:], "team")
        assert (same.id, same.type, same.labels) == (
            f"{ORDERS}/providers/Microsoft.EventGrid/eventSubscriptions/team",
            "Microsoft.EventGrid/eventSubscriptions",
            ["orders"],
        )
        await (await it.client.event_subscriptions.begin_delete(ORDERS[1:], "TEAM")).result()
        assert [one.topic for one in it.grid.subscriptions.values()] == ["scans"]


async def test_who_subscribes_to_the_registry_itself_gets_its_pushes() -> None:
    async with topics() as it:
        it.grid.drop("weighbridge")
        body: Any = {"properties": {"destination": it.to_hook(), "filter": {"includedEventTypes": ["Placed"]}}}
        with pytest.raises(ResourceNotFoundError):
            await it.client.event_subscriptions.get(REGISTRY[1:], "team")
        assert not it.grid.topics
        begun = await it.client.event_subscriptions.begin_create_or_update(REGISTRY[1:], "team", body)
        assert (await begun.result()).topic == REGISTRY
        await it.grid.publish("weighbridge", placed("p1"))
        await it.grid.settle(10)
        found = it.client.event_subscriptions.list_by_resource
        listed = found(RG, "Microsoft.ContainerRegistry", "registries", "weighbridge")
        assert [one.name async for one in listed] == ["team"]
        assert it.hook.ids() == ["p1"]
        assert [one.name async for one in it.client.system_topics.list_by_subscription()] == ["weighbridge"]


async def test_a_deleted_subscription_does_not_even_get_what_is_tried_again() -> None:
    async with topics() as it:
        await it.topic()
        await it.subscribe()
        it.hook.status = 503
        await it.grid.publish("orders", placed("e1"))
        await until(lambda: len(it.grid.deliveries) >= 1)
        assert (await ask(it, "DELETE", TEAM))[0] == 202
        assert (await ask(it, "DELETE", TEAM))[0] == 204
        await it.grid.settle(10)
        assert (len(it.hook.got), len(it.grid.dead_letters)) == (len(it.grid.deliveries), 0)


async def test_one_that_is_deleted_before_its_endpoint_has_answered_gets_nothing() -> None:
    async with topics() as it:
        await it.topic()
        it.hook.open.clear()
        assert (await ask(it, "PUT", TEAM, {"properties": {"destination": it.to_hook()}}))[0] == 201
        await it.grid.publish("orders", placed("e1"))
        assert (await ask(it, "DELETE", TEAM))[0] == 202
        it.hook.open.set()
        await it.grid.settle(10)
        assert (it.hook.got, [*it.grid.deliveries], [*it.grid.dead_letters]) == ([], [], [])


def at_url(text: str) -> dict[str, Any]:
    return {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": text}}}


def advanced(**member: Any) -> dict[str, Any]:
    return {"filter": {"advancedFilters": [{"key": "data.n", **member}]}}


@pytest.mark.parametrize(
    ("properties", "status", "code", "says"),
    [
        ({"destination": None}, 400, "InvalidRequest", "destination"),
        ({"destination": {"endpointType": "WebHook"}}, 400, "InvalidRequest", "endpointUrl"),
        (at_url("ftp://a/b"), 400, "InvalidRequest", "endpointUrl"),
        (at_url("http://["), 400, "InvalidRequest", "endpointUrl"),
        ({"retryPolicy": {"maxDeliveryAttempts": 31}}, 400, "InvalidRequest", "maxDeliveryAttempts"),
        ({"retryPolicy": {"eventTimeToLiveInMinutes": 0}}, 400, "InvalidRequest", "eventTimeToLiveInMinutes"),
        ({"destination": {"endpointType": "WebHook", "properties": TOO_MANY}}, 400, "InvalidRequest", "5000"),
        (advanced(operatorType="NumberAround", values=[1]), 400, "InvalidRequest", "NumberAround"),
        (advanced(operatorType="NumberIn", values=[*range(26)]), 400, "InvalidRequest", "25 values"),
        (
            {"filter": {"advancedFilters": [{"operatorType": "IsNotNull", "key": "data.n"}] * 26}},
            400,
            "InvalidRequest",
            "25 at most",
        ),
        ({"filter": {"includedEventTypes": "Placed"}}, 400, "InvalidRequest", "array"),
        ({"eventDeliverySchema": "EventGridSchema"}, 400, "InvalidRequest", "eventDeliverySchema"),
        ({"eventDeliverySchema": "Other"}, 400, "InvalidRequest", "Other"),
        ({"eventDeliverySchema": "CustomInputSchema"}, 501, "NotSupportedByLocalCloud", "CustomInputSchema"),
        ({"expirationTimeUtc": "2030-01-01T00:00:00Z"}, 501, "NotSupportedByLocalCloud", "expirationTimeUtc"),
        ({"destination": {"endpointType": "EventHub"}}, 501, "NotSupportedByLocalCloud", "EventHub"),
        ({"destination": {"endpointType": "ServiceBusQueue"}}, 501, "NotSupportedByLocalCloud", "ServiceBusQueue"),
        (
            {"destination": {"endpointType": "AzureFunction", "properties": {"resourceId": FUNCTION + "s"}}},
            400,
            "Endpoint validation",
            "image_pusheds",
        ),
        ({"deadLetterDestination": LETTERS}, 400, "Endpoint validation", "devstoreaccount1"),
        ({"deadLetterDestination": {"endpointType": "Queue"}}, 501, "NotSupportedByLocalCloud", "dead letters"),
    ],
)
async def test_a_subscription_that_cannot_be_made_is_refused(
    properties: dict[str, Any], status: int, code: str, says: str
) -> None:
    async with topics() as it:
        await it.topic(schema="CloudEventSchemaV1_0")
        body = {"properties": {"destination": it.to_hook(), **properties}}
        found = await ask(it, "PUT", TEAM, body)
        assert (found[0], found[1]["error"]["code"]) == (status, code)
        assert says in found[1]["error"]["message"]
        assert not it.grid.subscriptions


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


@pytest.mark.parametrize("path", [TEAM, f"{REGISTRY}x/providers/Microsoft.EventGrid/eventSubscriptions/team"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_topic_that_is_not_there_has_no_subscriptions(method: str, path: str) -> None:
    async with topics() as it:
        found = await ask(it, method, path, {"properties": {"destination": it.to_hook()}})
    assert (found[0], found[1]["error"]["code"]) == (404, "ResourceNotFound")
