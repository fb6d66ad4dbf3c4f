"""The Azure CLI makes topics and event subscriptions in the local cloud, changes them, and takes them away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.az.az import AzError
from tests.localcloud.event_topics import Endpoint
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localcloud.cloud import LocalCloud
    from tests.az.az import Az

pytestmark = [pytest.mark.az, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
HERE = ("--resource-group", "rg-local")
OF = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-local/providers"
STORAGE = f"{OF}/Microsoft.Storage/storageAccounts/devstoreaccount1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hook() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    endpoint.open.set()
    async with serving(endpoint.app()) as endpoint.url:
        yield endpoint


async def test_a_topic_and_who_subscribes_to_it(cloud: LocalCloud, az: Az, hook: Endpoint) -> None:
    named = ("--name", "orders")
    topic = await az("eventgrid", "topic", "create", *HERE, *named, "--location", "eastus", "--tags", "team=shop")
    assert (topic["provisioningState"], topic["tags"]) == ("Succeeded", {"team": "shop"})
    keys = await az("eventgrid", "topic", "key", "list", *HERE, *named)
    renewed = await az("eventgrid", "topic", "key", "regenerate", *HERE, *named, "--key-name", "key1")
    assert (renewed["key1"] == keys["key1"], renewed["key2"] == keys["key2"]) == (False, True)

    of = ("--name", "team", "--source-resource-id", topic["id"])
    what = ("--included-event-types", "Placed", "--advanced-filter", "data.n", "NumberIn", "1", "2")
    header = ("--delivery-attribute-mapping", "x-key", "static", "s3cret", "true")
    many = "eventgrid", "event-subscription"
    made = await az(*many, "create", *of, "--endpoint", f"{hook.url}/in?code=c0de", *what, *header)
    assert (made["provisioningState"], made["destination"]["endpointBaseUrl"]) == ("Succeeded", f"{hook.url}/in")
    assert made["filter"]["advancedFilters"] == [{"key": "data.n", "operatorType": "NumberIn", "values": [1.0, 2.0]}]
    await az(*many, "update", *of, "--subject-ends-with", "/2")
    shown = await az(*many, "show", *of, "--include-full-endpoint-url", "--include-static-delivery-attribute-secret")
    assert (shown["filter"]["subjectEndsWith"], shown["destination"]["endpointUrl"]) == (
        "/2",
        f"{hook.url}/in?code=c0de",
    )
    assert "s3cret" in str(shown["destination"]["deliveryAttributeMappings"])
    await az(*many, "delete", *of)
    assert await az(*many, "list", "--source-resource-id", topic["id"]) == []
    await az("eventgrid", "topic", "delete", *HERE, *named)
    assert "orders" not in cloud.eventgrid.topics


async def test_the_registrys_topic_writes_to_a_queue_and_to_a_container(az: Az) -> None:
    (topic,) = await az("eventgrid", "system-topic", "list", *HERE)
    assert topic["topicType"] == "Microsoft.ContainerRegistry.Registries"
    many = ("eventgrid", "system-topic", "event-subscription")
    of = (*HERE, "--system-topic-name", topic["name"])
    queue = ("--endpoint-type", "storagequeue", "--endpoint", f"{STORAGE}/queueservices/default/queues/pushes")
    letters = ("--deadletter-endpoint", f"{STORAGE}/blobServices/default/containers/letters")
    made = await az(*many, "create", *of, "--name", "by-queue", *queue, *letters, "--max-delivery-attempts", "3")
    assert (made["destination"]["queueName"], made["retryPolicy"]["maxDeliveryAttempts"]) == ("pushes", 3)
    assert made["deadLetterDestination"]["blobContainerName"] == "letters"
    assert [one["name"] for one in await az(*many, "list", *of)] == ["by-queue"]
    await az(*many, "delete", *of, "--name", "by-queue", "--yes")
    assert await az(*many, "list", *of) == []


async def test_az_says_what_the_local_cloud_cannot_deliver_to(az: Az, hook: Endpoint) -> None:
    hub = f"{OF}/Microsoft.EventHub/namespaces/n/eventhubs/h"
    of = ("--name", "team", "--source-resource-id", f"{OF}/Microsoft.EventGrid/topics/scans")
    schema = ("--event-delivery-schema", "cloudeventschemav1_0")
    create = ("eventgrid", "event-subscription", "create", *of, *schema)
    with pytest.raises(AzError, match="EventHub"):
        await az(*create, "--endpoint-type", "eventhub", "--endpoint", hub)
    hook.handshake = 404
    with pytest.raises(AzError, match="Url validation"):
        await az(*create, "--endpoint", f"{hook.url}/in")
