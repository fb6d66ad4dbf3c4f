"""What clients ask around container apps: groups, providers, resources, a workspace, the registry, logs."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from localcloud.arm import Arm
from localcloud.clock import Clock
from localcloud.profile import FAST
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, GROUP, SUBSCRIPTION, Cloud, cloud, served
from tests.localcloud.arm.fake_plane import FakeDataPlane

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.arm.calls import Call, Reply

HOME = f"/subscriptions/{SUBSCRIPTION}"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/weighbridge"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"


async def test_a_group_is_there_once_it_was_made_or_something_is_in_it() -> None:
    async with cloud() as it:
        fresh = f"{HOME}/resourcegroups/fresh"
        assert (await it.ask("HEAD", fresh)).status == 404
        assert (await it.ask("GET", fresh)).body["error"]["code"] == "ResourceGroupNotFound"
        assert (await it.ask("PUT", fresh, {"location": "East US", "tags": {"a": "b"}})).status == 201
        assert (await it.ask("PUT", fresh, {"location": "East US"})).status == 200
        assert (await it.ask("HEAD", fresh)).status == 204
        assert (await it.ask("GET", f"{HOME}/resourceGroups/RG-Local")).body["name"] == "rg-local"
        assert [g["name"] for g in (await it.ask("GET", f"{HOME}/resourcegroups")).body["value"]] == [
            "rg-local",
            "fresh",
        ]


async def test_a_deleted_group_takes_everything_in_it_along() -> None:
    async with cloud() as it:
        await it.create()
        await it.ask("PUT", WORKSPACE, {"location": "eastus"})
        begun = await it.ask("DELETE", GROUP)
        assert begun.status == 202
        assert (await it.end(begun)).status == 200
        assert [(await it.ask("GET", path)).status for path in (APP, ENVIRONMENT, WORKSPACE, GROUP)] == [404] * 4
        assert it.plane.running == {}
        assert (await it.ask("DELETE", GROUP)).status == 404


async def test_the_group_of_the_registry_stays() -> None:
    async with cloud() as it:
        it.arm.registries.add(REGISTRY, "weighbridge.azurecr.io", it.clock.now(), ("one", "two"))
        assert (await it.ask("DELETE", GROUP)).status == 501
        assert (await it.ask("GET", ENVIRONMENT)).status == 200


async def test_providers_are_registered_and_unknown_ones_refused() -> None:
    async with cloud() as it:
        asked = await it.ask("POST", f"{HOME}/providers/microsoft.app/register", version="2024-11-01")
        assert (asked.body["namespace"], asked.body["registrationState"]) == ("Microsoft.App", "Registered")
        kinds = {kind["resourceType"]: kind for kind in asked.body["resourceTypes"]}
        assert "North Central US (Stage)" in kinds["managedEnvironments"]["locations"]  # the CLI refuses others itself
        places = (await it.ask("GET", f"{HOME}/locations")).body["value"]
        assert "northcentralusstage" in [place["name"] for place in places]
        assert (await it.ask("GET", f"{HOME}/providers/Microsoft.Compute")).status == 501


async def test_resources_are_listed_by_their_type_alone() -> None:
    async with cloud() as it:
        await it.create()
        everything = (await it.ask("GET", f"{HOME}/resources")).body["value"]
        assert {r["type"] for r in everything} == {"Microsoft.App/managedEnvironments", "Microsoft.App/containerApps"}
        one = "$filter=resourceType%20eq%20%27microsoft.app/containerapps%27"
        assert [r["name"] for r in (await it.ask("GET", f"{HOME}/resources?{one}")).body["value"]] == ["web"]
        assert (await it.ask("GET", f"{HOME}/resources?$filter=name%20eq%20%27web%27")).status == 501


async def test_a_workspace_is_created_when_it_is_asked_for_next_and_its_id_and_keys_stay() -> None:
    """Recorded in test_containerapp_env_e2e of the Azure CLI."""
    async with cloud() as it:
        made = await it.ask("PUT", WORKSPACE, {"location": "eastus", "properties": {"retentionInDays": 60}})
        assert (made.status, made.body["properties"]["provisioningState"]) == (201, "Creating")
        there = await it.ask("GET", made.headers["location"])
        assert there.body["properties"] == {**made.body["properties"], "provisioningState": "Succeeded"}
        assert (there.body["properties"]["retentionInDays"], there.body["properties"]["sku"]["name"]) == (
            60,
            "PerGB2018",
        )
        again = await it.ask("PUT", WORKSPACE, {"location": "eastus"})
        assert (again.status, again.body) == (200, there.body)
        keys = (await it.ask("POST", f"{WORKSPACE}/sharedKeys")).body
        assert keys == (await it.ask("POST", f"{WORKSPACE}/sharedKeys")).body
        assert keys["primarySharedKey"] != keys["secondarySharedKey"]
        assert [len(b64decode(key)) for key in keys.values()] == [64, 64]
        assert (await it.ask("DELETE", WORKSPACE)).status == 200
        assert [(await it.ask(verb, WORKSPACE)).status for verb in ("GET", "DELETE")] == [404, 204]


async def test_an_environment_keeps_where_its_logs_go_but_never_tells_the_key() -> None:
    async with cloud() as it:
        place = f"{GROUP}/providers/Microsoft.App/managedEnvironments/other"
        logs = {"destination": "log-analytics", "logAnalyticsConfiguration": {"customerId": "c", "sharedKey": "opens"}}
        made = await it.ask("PUT", place, {"location": "eastus", "properties": {"appLogsConfiguration": logs}})
        shown = {"destination": "log-analytics", "logAnalyticsConfiguration": {"customerId": "c", "sharedKey": None}}
        assert made.body["properties"]["appLogsConfiguration"] == shown
        await it.end(made)
        assert (await it.ask("PATCH", place, {"tags": {"a": "b"}})).body["tags"] == {"a": "b"}
        assert (await it.properties(place))["appLogsConfiguration"] == shown
        assert (await it.ask("PATCH", place, {"properties": {"zoneRedundant": True}})).status == 501


async def test_an_environment_with_an_app_in_it_stays() -> None:
    async with cloud() as it:
        await it.create()
        refused = await it.ask("DELETE", ENVIRONMENT)
        assert (refused.status, refused.body["error"]["code"]) == (409, "ManagedEnvironmentHasContainerApps")
        assert (await it.ask("GET", APP)).status == 200


async def test_the_admin_users_passwords_are_told_and_taken_only_while_it_is_enabled() -> None:
    async with cloud() as it:
        it.arm.registries.add(REGISTRY, "weighbridge.azurecr.io", it.clock.now(), ("one", "two"))
        assert (await it.ask("POST", f"{REGISTRY}/listCredentials")).status == 400
        assert not it.arm.registries.signs_in("weighbridge", "one")
        await it.ask("PATCH", REGISTRY, {"properties": {"adminUserEnabled": True}})
        told = (await it.ask("POST", f"{REGISTRY}/listCredentials")).body
        assert [p["value"] for p in told["passwords"]] == ["one", "two"]
        tried = [("weighbridge", "two"), ("weighbridge", "three"), ("another", "one")]
        assert [it.arm.registries.signs_in(*pair) for pair in tried] == [True, False, False]


async def test_a_name_is_free_until_it_is_the_registrys_and_no_second_is_made() -> None:
    async with cloud() as it:
        check = f"{HOME}/providers/Microsoft.ContainerRegistry/checkNameAvailability"
        assert (await it.ask("POST", check, {"name": "Weighbridge"})).body["nameAvailable"] is True
        it.arm.registries.add(REGISTRY, "weighbridge.azurecr.io", it.clock.now(), ("one", "two"))
        assert (await it.ask("POST", check, {"name": "Weighbridge"})).body["reason"] == "AlreadyExists"
        assert (await it.ask("PUT", REGISTRY + "2", {"sku": {"name": "Basic"}})).status == 501
        assert (await it.ask("PUT", REGISTRY, {"sku": {"name": "Premium"}})).body["sku"]["tier"] == "Premium"


async def _stream(it: Cloud, path: str, token: str, **query: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with it.http.get(f"{it.base}{path}", params=query, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_console_logs_are_the_last_whole_lines_of_the_replica_for_who_has_a_token(tmp_path: Path) -> None:
    async with cloud() as it:
        revision = await it.create()
        it.plane.logs = tmp_path
        (replica,) = (await it.ask("GET", f"{APP}/revisions/{revision}/replicas")).body["value"]
        (container,) = replica["properties"]["containers"]
        path = container["logStreamEndpoint"].removeprefix(it.arm.store.streams)
        it.plane.log(revision, replica["name"]).write_text("one\ntwo\nthree\nhalf a li")
        token = (await it.ask("POST", f"{APP}/getAuthToken")).body["properties"]["token"]

        status, told = await _stream(it, path, token, tailLines="2")
        connected = [
            "Connecting to the container 'web'...",
            f"Successfully Connected to container: 'web' [Revision: '{revision}', Replica: '{replica['name']}']",
        ]
        assert (status, [json.loads(line)["Log"] for line in told.splitlines()]) == (200, [*connected, "two", "three"])
        _, plain = await _stream(it, path, token, output="text", tailLines="1")
        assert [line.partition(" ")[2].strip() for line in plain.splitlines()] == [*connected, "three"]
        assert (await _stream(it, path, "another"))[0] == 401
        assert (await _stream(it, path.replace(replica["name"], "gone"), token))[0] == 404
        assert (await it.ask("POST", f"{ENVIRONMENT}/getAuthToken")).body["properties"]["token"] == token
        assert (await it.ask("POST", f"{APP}x/getAuthToken")).status == 404


async def test_a_followed_log_goes_on_with_what_is_written_and_ends_with_the_replica(tmp_path: Path) -> None:
    async with cloud() as it:
        revision = await it.create()
        it.plane.logs = tmp_path
        (replica,) = (await it.ask("GET", f"{APP}/revisions/{revision}/replicas")).body["value"]
        path = replica["properties"]["containers"][0]["logStreamEndpoint"].removeprefix(it.arm.store.streams)
        log = it.plane.log(revision, replica["name"])
        log.write_text("before\n")
        token = (await it.ask("POST", f"{APP}/getAuthToken")).body["properties"]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with it.http.get(f"{it.base}{path}?follow=true&output=text", headers=headers) as answer:
            assert [b"onnect" in await answer.content.readline() for _ in range(2)] == [True, True]
            assert (await answer.content.readline()).endswith(b" before\n")
            with log.open("a") as out:
                out.write("after\n")
            assert (await answer.content.readline()).endswith(b" after\n")
            await it.plane.stop(revision)
            assert await answer.content.readline() == b""


async def test_what_breaks_inside_is_500_in_azures_envelope_and_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def breaks(_: Call) -> Reply:
        raise ZeroDivisionError("by hand")

    route = ("GET", "/subscriptions/{subscription}/providers/Microsoft.Broken/things", breaks)
    arm = Arm(clock=Clock(), dataplane=FakeDataPlane(), profile=FAST, more=(route,))
    async with served(arm.app()) as base, ClientSession() as http:
        url = f"{base}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Broken/things?api-version=2024-01-01"
        async with http.get(url) as answer:
            error = (await answer.json())["error"]
    await arm.close()

    assert (answer.status, error["code"]) == (500, "InternalServerError")
    assert error["message"].rpartition(" ")[2] in caplog.text
    assert "by hand" in caplog.text
