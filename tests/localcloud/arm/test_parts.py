"""Parts of a configuration go in as the Azure CLI sends them and come out as Azure was recorded to store them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.arm.cloud import APP, app_body, cloud

GIVEN: dict[str, tuple[str, Any, Any]] = {
    "cors_policy": (
        "ingress.corsPolicy",
        {
            "allowedOrigins": ["*"],
            "allowedMethods": ["GET"],
            "allowedHeaders": ["header1"],
            "exposeHeaders": [],
            "allowCredentials": False,
            "maxAge": "0",
        },
        {
            "allowedOrigins": ["*"],
            "allowedMethods": ["GET"],
            "allowedHeaders": ["header1"],
            "exposeHeaders": None,
            "maxAge": 0,
            "allowCredentials": False,
        },
    ),
    "ip_restrictions": (
        "ingress.ipSecurityRestrictions",
        [
            {"name": None, "ipAddressRange": "1.0.0.0/23", "action": "Allow", "description": "test"},
            {"action": "Allow", "name": "name2", "ipAddressRange": "192.168.1.1/8", "description": None},
        ],
        [
            {"description": "test", "ipAddressRange": "1.0.0.0/23", "action": "Allow"},
            {"name": "name2", "ipAddressRange": "192.168.1.1/8", "action": "Allow"},
        ],
    ),
    "up_registry_identity_system": (
        "registries",
        [{"server": "one.azurecr.io", "identity": "system"}],
        [{"server": "one.azurecr.io", "username": "", "passwordSecretRef": "", "identity": "system"}],
    ),
    "dapr_e2e": (
        "dapr",
        {"appId": "one", "appPort": 800, "appProtocol": "grpc", "enabled": True, "logLevel": "debug"},
        {
            "enabled": True,
            "appId": "one",
            "appProtocol": "grpc",
            "appPort": 800,
            "httpReadBufferSize": None,
            "httpMaxRequestSize": None,
            "logLevel": "debug",
            "enableApiLogging": None,
        },
    ),
}


def put_in(configuration: dict[str, Any], path: str, value: object) -> None:
    *way, last = path.split(".")
    for word in way:
        configuration = configuration[word]
    configuration[last] = value


def got_from(configuration: dict[str, Any], path: str) -> Any:
    found: Any = configuration
    for word in path.split("."):
        found = found[word]
    return found


@pytest.mark.parametrize("recording", GIVEN)
async def test_a_part_is_stored_as_recorded_members_in_azures_order(recording: str) -> None:
    path, sent, stored = GIVEN[recording]
    async with cloud() as it:
        body = app_body()
        put_in(body["properties"]["configuration"], path, sent)
        await it.end(await it.ask("PUT", APP, body))

        found = got_from((await it.properties())["configuration"], path)
        assert (found, str(found)) == (stored, str(stored))


@pytest.mark.parametrize("path", ["ingress.ipSecurityRestrictions", "ingress.customDomains", "registries", "secrets"])
async def test_an_empty_list_is_stored_as_null(path: str) -> None:
    async with cloud() as it:
        body = app_body()
        put_in(body["properties"]["configuration"], path, [])
        await it.end(await it.ask("PUT", APP, body))

        assert got_from((await it.properties())["configuration"], path) is None


async def test_members_of_a_container_and_a_volume_come_in_azures_order() -> None:
    """Recorded in mount_azurefile_e2e: what is mounted follows the resources, in a revision after its probes."""
    async with cloud() as it:
        body = app_body(
            volumes=[{"storageType": "AzureFile", "mountOptions": "uid=1", "storageName": "s", "name": "v"}]
        )
        container = body["properties"]["template"]["containers"][0]
        container |= {"volumeMounts": [{"volumeName": "v", "mountPath": "/mnt"}], "env": [{"name": "A", "value": "1"}]}
        created = await it.ask("PUT", APP, body, version="2024-03-01")
        await it.end(created)

        template = created.body["properties"]["template"]
        assert list(template["containers"][0]) == ["image", "name", "env", "resources", "volumeMounts"]
        assert list(template["volumes"][0]) == ["name", "storageType", "storageName", "mountOptions"]
        (revision,) = (await it.ask("GET", f"{APP}/revisions", version="2024-03-01")).body["value"]
        shown = revision["properties"]["template"]["containers"][0]
        assert list(shown) == ["image", "name", "env", "resources", "probes", "volumeMounts"]
