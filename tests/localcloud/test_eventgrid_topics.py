"""Topics over Azure Resource Manager, made and changed by azure-mgmt-eventgrid, published to by azure-eventgrid."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, generate_sas
from azure.eventgrid.aio import EventGridPublisherClient

from localcloud import identity
from tests.localcloud.arm.cloud import GROUP
from tests.localcloud.event_topics import ORDERS, REGISTRY, RG, ask, refusal, topics

OWN = {"location": "eastus", "properties": {"source": REGISTRY, "topicType": "microsoft.containerregistry.registries"}}
PUSHED = "Microsoft.ContainerRegistry.ImagePushed"


def event(name: str = "e1") -> EventGridEvent:
    return EventGridEvent(subject="a", event_type="t", data={"n": 1}, data_version="1", id=name)


async def publish(endpoint: str, key: str, *events: Any) -> None:
    async with EventGridPublisherClient(endpoint, AzureKeyCredential(key)) as publisher:
        await publisher.send(list(events))


async def test_a_topic_is_creating_without_an_endpoint_until_its_operation_is_over() -> None:
    body = {"location": "East US", "tags": {"team": "shop"}, "properties": {"minimumTlsVersionAllowed": "1.2"}}
    async with topics(seconds=60) as it:
        status, made, headers = await ask(it, "PUT", ORDERS, body)
        _, going, _ = await ask(it, "GET", headers["azure-asyncoperation"])
        it.clock.advance(timedelta(seconds=60))
        _, over, _ = await ask(it, "GET", headers["azure-asyncoperation"])
        _, found, _ = await ask(it, "GET", ORDERS.upper())
    assert (status, made["properties"]["provisioningState"], made["properties"]["endpoint"]) == (201, "Creating", None)
    assert "location" not in headers
    assert (going["status"], over["status"], over["name"]) == ("InProgress", "Succeeded", over["name"].lower())
    assert found == {
        "properties": {
            "provisioningState": "Succeeded",
            "endpoint": f"{it.grid.handshakes.base}/topics/orders/api/events",
            "inputSchema": "EventGridSchema",
            "publicNetworkAccess": "Enabled",
            "disableLocalAuth": False,
            "minimumTlsVersionAllowed": "1.2",
            "metricResourceId": made["properties"]["metricResourceId"],
        },
        "sku": {"name": "Basic"},
        "identity": {"type": "None", "principalId": None, "tenantId": None, "userAssignedIdentities": None},
        "kind": "Azure",
        "systemData": None,
        "location": "eastus",
        "tags": {"team": "shop"},
        "id": ORDERS,
        "name": "orders",
        "type": "Microsoft.EventGrid/topics",
    }


async def test_what_is_published_with_a_topics_key_is_delivered_until_its_subscription_is_deleted() -> None:
    async with topics() as it:
        topic = await it.topic()
        await it.subscribe()
        key = (await it.client.topics.list_shared_access_keys(RG, "orders")).key1
        await publish(topic.endpoint, key, event("first"))
        await it.grid.settle(10)
        await (await it.client.topic_event_subscriptions.begin_delete(RG, "orders", "team")).result()
        await publish(topic.endpoint, key, event("second"))
        await it.grid.settle(10)
        assert it.hook.ids() == ["first"]
        assert it.hook.got[0][1][0]["topic"] == ORDERS
        with pytest.raises(ResourceNotFoundError):
            await it.client.topic_event_subscriptions.get(RG, "orders", "team")


async def test_a_key_that_was_renewed_opens_nothing_and_the_other_one_still_does() -> None:
    async with topics() as it:
        topic = await it.topic()
        before = await it.client.topics.list_shared_access_keys(RG, "orders")
        renewed = await it.client.topics.begin_regenerate_key(RG, "orders", {"keyName": "key1"})
        after = await renewed.result()
        assert (after.key1 == before.key1, after.key2 == before.key2) == (False, True)
        assert (await refusal(publish(topic.endpoint, before.key1, event())))[0] == 401
        assert (await refusal(publish(topic.endpoint, it.grid.keys_of("weighbridge").key1, event())))[0] == 401
        await publish(topic.endpoint, before.key2, event())
        await publish(topic.endpoint, after.key1, event())
        unknown: Any = {"keyName": "key3"}
        assert await refusal(it.client.topics.begin_regenerate_key(RG, "orders", unknown)) == (400, "InvalidRequest")


async def test_a_topic_without_local_authentication_takes_tokens_of_the_directory_and_neither_key_nor_signature() -> (
    None
):
    async with topics() as it:
        topic = await it.topic(properties={"disableLocalAuth": True})
        key = (await it.client.topics.list_shared_access_keys(RG, "orders")).key1
        signed = generate_sas(topic.endpoint, key, it.grid.now() + timedelta(hours=1))
        for credential in (AzureKeyCredential(key), AzureSasCredential(signed)):
            async with EventGridPublisherClient(topic.endpoint, credential) as publisher:
                assert (await refusal(publisher.send(event())))[0] == 401
        token = {"Authorization": f"Bearer {identity.token('https://eventgrid.azure.net')}"}
        url = f"{topic.endpoint}?api-version=2018-01-01"
        async with aiohttp.ClientSession() as http, http.post(url, json=[], headers=token) as answer:
            assert answer.status == 200
        body: Any = {"tags": {"a": "b"}, "properties": {"disableLocalAuth": False}}
        changed = await (await it.client.topics.begin_update(RG, "orders", body)).result()
        assert (changed.tags, changed.disable_local_auth) == ({"a": "b"}, False)
        await publish(topic.endpoint, key, event())


@pytest.mark.parametrize(
    ("schema", "taken", "refused"),
    [
        ("EventGridSchema", event(), CloudEvent(source="s", type="t")),
        ("CloudEventSchemaV1_0", CloudEvent(source="s", type="t"), event()),
    ],
)
async def test_a_topic_takes_events_of_its_own_schema_alone(schema: str, taken: Any, refused: Any) -> None:
    async with topics() as it:
        topic = await it.topic(schema=schema)
        key = (await it.client.topics.list_shared_access_keys(RG, "orders")).key1
        await publish(topic.endpoint, key, taken)
        assert (await refusal(publish(topic.endpoint, key, refused)))[0] == 400
        other = "EventGridSchema" if schema != "EventGridSchema" else "CloudEventSchemaV1_0"
        assert await refusal(it.topic(schema=other)) == (400, "InvalidRequest")


async def test_topics_are_listed_by_group_and_page_and_name() -> None:
    async with topics() as it:
        for name in ("one", "two", "three"):
            await it.topic(name)
        elsewhere: Any = {"location": "eastus"}
        await (await it.client.topics.begin_create_or_update("rg-other", "four", elsewhere)).result()
        listed = it.client.topics
        assert [one.name async for one in listed.list_by_subscription()] == ["four", "one", "three", "two"]
        assert [one.name async for one in listed.list_by_resource_group(RG, top=2)] == ["one", "three", "two"]
        assert [one.name async for one in listed.list_by_resource_group(RG, filter="name eq 'Two'")] == ["two"]
        page = (await ask(it, "GET", f"{GROUP}/providers/Microsoft.EventGrid/topics", **{"$top": "2"}))[1]
        assert [one["name"] for one in page["value"]] == ["one", "three"]
        odd = await ask(
            it, "GET", f"{GROUP}/providers/Microsoft.EventGrid/topics", **{"$filter": "contains(name, 'o')"}
        )
        assert (odd[0], odd[1]["error"]["code"]) == (501, "NotSupportedByLocalCloud")
        assert (await ask(it, "GET", f"{GROUP}/providers/Microsoft.EventGrid/topics", **{"$top": "101"}))[0] == 400


async def test_a_deleted_topic_is_gone_with_its_subscriptions() -> None:
    async with topics() as it:
        await it.topic()
        await it.subscribe()
        status, _, headers = await ask(it, "DELETE", ORDERS)
        assert (status, (await ask(it, "GET", headers["azure-asyncoperation"]))[1]["status"]) == (202, "Succeeded")
        assert (await ask(it, "GET", headers["location"]))[0] == 200
        assert not it.grid.subscriptions
        with pytest.raises(ResourceNotFoundError) as gone:
            await it.client.topics.get(RG, "orders")
        assert gone.value.error is not None
        assert gone.value.error.code == "ResourceNotFound"
        await (await it.client.topics.begin_delete(RG, "orders")).result()


async def test_a_topic_is_a_resource_of_its_group_and_goes_with_it() -> None:
    async with topics() as it:
        elsewhere: Any = {"location": "eastus"}
        await (await it.client.topics.begin_create_or_update("rg-other", "orders", elsewhere)).result()
        scope, body = ORDERS.replace("rg-local", "rg-other"), {"properties": {"destination": it.to_hook()}}
        await (await it.client.event_subscriptions.begin_create_or_update(scope[1:], "team", body)).result()
        resources = "/subscriptions/00000000-0000-0000-0000-000000000001/resources"
        kinds = {one["name"]: one["type"] for one in (await ask(it, "GET", resources))[1]["value"]}
        assert kinds == {"orders": "Microsoft.EventGrid/topics", "weighbridge": "Microsoft.EventGrid/systemTopics"}
        group = GROUP.replace("rg-local", "rg-other")
        _, _, headers = await ask(it, "DELETE", group)
        async with asyncio.timeout(10):
            while (await ask(it, "GET", headers["location"]))[0] == 202:
                pass
        assert (await ask(it, "GET", group))[0] == 404
        assert ([*it.grid.topics], it.grid.subscriptions) == (["weighbridge"], {})


async def test_the_registrys_system_topic_may_be_replaced_by_one_of_another_name() -> None:
    async with topics() as it:
        made: Any = OWN
        other = it.client.system_topics.begin_create_or_update(RG, "pushes", made)
        assert await refusal(other) == (400, "InvalidRequest")
        await (await it.client.system_topics.begin_delete(RG, "weighbridge")).result()
        own = await (await it.client.system_topics.begin_create_or_update(RG, "pushes", made)).result()
        assert (own.source, own.topic_type) == (REGISTRY, "Microsoft.ContainerRegistry.Registries")
        body: Any = {"properties": {"destination": it.to_hook()}}
        subscriptions = it.client.system_topic_event_subscriptions
        team = await (await subscriptions.begin_create_or_update(RG, "pushes", "team", body)).result()
        assert (team.type, team.topic) == ("Microsoft.EventGrid/systemTopics/eventSubscriptions", own.id)
        assert team.filter.included_event_types[0] == PUSHED
        assert it.grid.resource_id("weighbridge") == REGISTRY
        await it.grid.publish("weighbridge", {**pushed(), "id": "p1"})
        await it.grid.settle(10)
        assert it.hook.ids() == ["p1"]
        identity: Any = {"tags": {"a": "b"}, "identity": {"type": "SystemAssigned"}}
        changed = await (await it.client.system_topics.begin_update(RG, "pushes", identity)).result()
        assert (changed.tags, changed.identity.type, bool(changed.identity.principal_id)) == (
            {"a": "b"},
            "SystemAssigned",
            True,
        )


@pytest.mark.parametrize(
    ("name", "body", "status", "code", "says"),
    [
        ("orders", {}, 400, "LocationRequired", "location"),
        ("a", {"location": "eastus"}, 400, "InvalidRequest", "3 to 50"),
        ("or_ders", {"location": "eastus"}, 400, "InvalidRequest", "or_ders"),
        ("orders", {"location": 1}, 400, "InvalidRequest", "$.location"),
        ("orders", {"location": "eastus", "properties": {"inputSchema": "Other"}}, 400, "InvalidRequest", "Other"),
        ("orders", {"properties": {"inputSchema": "CustomEventSchema"}}, 501, "", "CustomEventSchema"),
        ("orders", {"properties": {"publicNetworkAccess": "Disabled"}}, 501, "", "publicNetworkAccess"),
        ("orders", {"properties": {"inboundIpRules": [{"ipMask": "1.2.3.4"}]}}, 501, "", "inboundIpRules"),
        ("orders", {"sku": {"name": "Premium"}}, 501, "", "sku"),
        ("orders", {"identity": {"type": "UserAssigned"}}, 501, "", "identity.type"),
        ("Weighbridge", {"location": "eastus"}, 501, "", "a second Microsoft.EventGrid/topics"),
    ],
)
async def test_a_topic_that_cannot_be_made_is_refused(
    name: str, body: dict[str, Any], status: int, code: str, says: str
) -> None:
    wanted = {"location": "eastus", **body} if status == 501 else body
    async with topics() as it:
        answer = await ask(it, "PUT", f"{GROUP}/providers/Microsoft.EventGrid/topics/{name}", wanted)
        error = answer[1]["error"]
        assert (answer[0], error["code"]) == (status, code or "NotSupportedByLocalCloud")
        assert says in error["message"]
        assert [one.name async for one in it.client.topics.list_by_subscription()] == []


@pytest.mark.parametrize(
    ("properties", "status", "says"),
    [
        (
            {"source": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a", "topicType": "x"},
            501,
            "storageAccounts/a",
        ),
        ({"source": REGISTRY, "topicType": "Microsoft.Storage.StorageAccounts"}, 400, "Microsoft.Storage"),
        ({}, 501, "the source none"),
    ],
)
async def test_a_system_topic_of_anything_but_the_registry_is_refused(
    properties: dict[str, str], status: int, says: str
) -> None:
    path = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/weighbridge"
    async with topics() as it:
        answer = await ask(it, "PUT", path, {"location": "eastus", "properties": properties})
    assert (answer[0], says in answer[1]["error"]["message"]) == (status, True)


def pushed() -> dict[str, object]:
    return {
        "id": "1",
        "topic": REGISTRY,
        "subject": "shop/web:1.0.0",
        "eventType": PUSHED,
        "eventTime": "2026-11-24T02:00:00Z",
        "data": {},
        "dataVersion": "1.0",
    }
