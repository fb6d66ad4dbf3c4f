"""Event subscriptions that Azure Resource Manager refuses, and in what words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.event_topics import FUNCTION, LETTERS, REGISTRY, TEAM, ask, topics

TOO_MANY = {"endpointUrl": "http://127.0.0.1:9/", "maxEventsPerBatch": 5001}


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


@pytest.mark.parametrize("path", [TEAM, f"{REGISTRY}x/providers/Microsoft.EventGrid/eventSubscriptions/team"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_topic_that_is_not_there_has_no_subscriptions(method: str, path: str) -> None:
    async with topics() as it:
        found = await ask(it, method, path, {"properties": {"destination": it.to_hook()}})
    assert (found[0], found[1]["error"]["code"]) == (404, "ResourceNotFound")
