"""The subscription that `infra/modules/pushes.bicep` deploys, made over Azure Resource Manager, brings a push here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from delivery import names
from localcloud.hosted_app import DEAD_LETTERS, PUSHED
from localcloud.options import REGISTRY

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


async def test_a_push_comes_by_the_subscription_of_the_template(stage: Stage) -> None:
    at = stage.at
    group = f"/subscriptions/{at['subscription']}/resourceGroups/{at['resource_group']}/providers"
    storage = f"{group}/Microsoft.Storage/storageAccounts/devstoreaccount1"
    letters = {"resourceId": storage, "blobContainerName": DEAD_LETTERS}
    wanted = {
        "destination": {
            "endpointType": "AzureFunction",
            "properties": {
                "resourceId": f"{group}/Microsoft.Web/sites/fn-local/functions/image_pushed",
                "maxEventsPerBatch": 1,
                "preferredBatchSizeInKilobytes": 64,
            },
        },
        "eventDeliverySchema": "CloudEventSchemaV1_0",
        "filter": {
            "includedEventTypes": [PUSHED],
            "advancedFilters": [{"operatorType": "IsNotNull", "key": "data.target.tag"}],
        },
        "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
        "deadLetterWithResourceIdentity": {
            "identity": {"type": "SystemAssigned"},
            "deadLetterDestination": {"endpointType": "StorageBlob", "properties": letters},
        },
    }
    many = f"{group}/Microsoft.EventGrid/systemTopics/{REGISTRY}/eventSubscriptions"

    async def made() -> bool:
        state: str = (await stage.arm("GET", f"{many}/weighbridge"))["properties"]["provisioningState"]
        return state == "Succeeded"

    await stage.arm("DELETE", f"{many}/pushes")
    await stage.arm("PUT", f"{many}/weighbridge", {"properties": wanted})
    await stage.wait_for(made, within=10)
    found = (await stage.arm("GET", f"{many}/weighbridge"))["properties"]
    shown = {"destination", "eventDeliverySchema", "retryPolicy", "deadLetterWithResourceIdentity"}
    assert {name: found[name] for name in shown} == {name: wanted[name] for name in shown}

    await stage.push("1.0.0", repository="shop/template")
    await stage.cloud.eventgrid.settle(30)
    delivered = [(one.subscription, one.outcome) for one in stage.cloud.eventgrid.deliveries]
    assert delivered == [("weighbridge", "delivered")]
    rows = [one async for one in stage.tables.get_table_client(names.EVIDENCE).list_entities()]
    assert [one["tag"] for one in rows if one.get("repository") == "shop/template"] == ["1.0.0"]
