"""Event subscriptions over Azure Resource Manager, by azure-mgmt-eventgrid: what they say, deliver and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.localcloud.event_topics import ORDERS, REGISTRY, RG, TEAM, ask, placed, refusal, topics
from tests.localcloud.serving import until

ADVANCED = [
    {"values": [2, 3], "operatorType": "NumberIn", "key": "data.n"},
    {"value": True, "operatorType": "BoolEquals", "key": "data.b"},
    {"values": [[1, 5]], "operatorType": "NumberInRange", "key": "data.n"},
    {"operatorType": "IsNotNull", "key": "data.b"},
]


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
