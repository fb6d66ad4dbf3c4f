"""Storages, Dapr components, quotas and workload profiles of environments: as recorded, and true of what runs here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localcloud.profile import Latency
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, GROUP, QUICK, SUBSCRIPTION, cloud, image
from tests.localcloud.arm.conversation import replay
from tests.localcloud.arm.recordings import SUBSCRIPTION as ZEROS
from tests.localcloud.arm.recordings import recording

STORAGE, COMPONENT = f"{ENVIRONMENT}/storages/share", f"{ENVIRONMENT}/daprComponents/state"
ENVIRONMENTS = "providers/Microsoft.App/managedEnvironments"
RECORDED = {
    "env_storage": "containerapp-env000003",
    "env_dapr_components": "containerapp-e2e-env000002",
    "env_usages": "containerapp-e2e-env000002",
    "env_workload_profiles_list_supported": "none",
}


@pytest.mark.parametrize("name", RECORDED)
async def test_what_is_recorded_goes_the_same_way(name: str) -> None:
    async with replay() as conversation:
        await conversation.arm.create_environment(ZEROS, "clitest.rg000001", RECORDED[name], "two.localhost")
        await conversation.play(recording(name))

        assert not conversation.found


async def test_the_key_of_a_share_is_taken_and_neither_told_nor_kept() -> None:
    share = {"accountName": "a", "accountKey": "s3cret", "shareName": "s", "accessMode": "readwrite"}
    async with cloud() as it:
        made = await it.ask("PUT", STORAGE, {"properties": {"azureFile": share}})
        listed = await it.ask("GET", f"{ENVIRONMENT}/storages")
        nfs = {"server": "files.example", "shareName": "/s", "accessMode": "ReadOnly"}
        other = await it.ask("PUT", f"{STORAGE}-2", {"properties": {"nfsAzureFile": nfs}})

        told = {"azureFile": {"accountName": "a", "shareName": "s", "accessMode": "ReadWrite"}}
        assert (made.body["properties"], [one["properties"] for one in listed.body["value"]]) == (told, [told])
        assert other.body["properties"] == {"nfsAzureFile": nfs}
        assert "s3cret" not in str([child.properties for child in it.arm.store.children.all()])


async def test_a_body_that_is_no_object_is_refused() -> None:
    async with cloud() as it:
        bodies: tuple[object, ...] = (None, [], "text")
        refused = [await it.ask("PUT", STORAGE, body) for body in bodies]

        assert [(one.status, one.body["error"]["code"]) for one in refused] == [(400, "InvalidRequestContent")] * 3


async def test_a_group_that_goes_takes_what_is_in_its_environments() -> None:
    made = f"{GROUP}-2/{ENVIRONMENTS}/env-new"
    async with cloud() as it:
        await it.ask("PUT", made, {"location": "eastus"})
        await it.until(made, skip=1, provisioningState="Succeeded")
        await it.ask("PUT", f"{made}/storages/share", {"properties": {}})
        await it.ask("PUT", STORAGE, {"properties": {}})
        await it.end(await it.ask("DELETE", f"{GROUP}-2"))

        assert [child.id for child in it.arm.store.children.all()] == [STORAGE]


async def test_an_environment_takes_nothing_before_it_is_provisioned() -> None:
    made = f"{GROUP}/{ENVIRONMENTS}/env-new"
    async with cloud(replace(QUICK, put=Latency(p50=60, p90=61))) as it:
        await it.ask("PUT", made, {"location": "eastus"})
        early = await it.ask("PUT", f"{made}/storages/share", {"properties": {}})

        assert (early.status, early.body["code"]) == (400, "ManagedEnvironmentNotProvisioned")


async def test_a_mode_of_access_is_one_of_two() -> None:
    async with cloud() as it:
        refused = await it.ask("PUT", STORAGE, {"properties": {"azureFile": {"accessMode": "Write"}}})

        assert (refused.status, refused.body["error"]["code"]) == (400, "ManagedEnvironmentStorageInvalid")
        assert "expected one of ReadOnly, ReadWrite, found Write" in refused.body["error"]["message"]


async def test_secrets_of_a_component_are_told_by_list_secrets_alone() -> None:
    body = {"properties": {"componentType": "state.redis", "secrets": [{"name": "key", "value": "s3cret"}]}}
    async with cloud() as it:
        made = await it.ask("PUT", COMPONENT, body)
        got = await it.ask("GET", COMPONENT)
        secrets = await it.ask("POST", f"{COMPONENT}/listsecrets")
        missing = await it.ask("POST", f"{COMPONENT}-2/listSecrets")

        assert "s3cret" not in str((made.body, got.body))
        assert secrets.body == {"value": [{"name": "key", "value": "s3cret"}]}
        assert (missing.status, missing.body["error"]["code"]) == (404, "DaprComponentNotFound")


async def test_a_component_that_is_changed_keeps_when_it_was_made() -> None:
    async with cloud() as it:
        made = (await it.ask("PUT", COMPONENT, {"properties": {"version": "v1"}})).body["systemData"]
        await it.control("POST", "/clock", {"seconds": 60})
        changed = (await it.ask("PUT", COMPONENT, {"properties": {"version": "v2"}})).body

        assert changed["systemData"]["createdAt"] == made["createdAt"].removesuffix("Z")
        assert changed["systemData"]["lastModifiedAt"] > made["lastModifiedAt"]
        assert changed["properties"] == {"version": "v2"}


async def usage(it: Any, environment: str = ENVIRONMENT) -> dict[str, float]:
    value = (await it.ask("GET", f"{environment}/usages")).body["value"]
    return {one["name"]["value"].removeprefix("ManagedEnvironment"): one["currentValue"] for one in value}


async def test_quotas_count_the_cores_of_running_replicas() -> None:
    containers = [{**image("1")["containers"][0], "resources": {"cpu": 0.75, "memory": "1.5Gi"}}]
    async with cloud() as it:
        none = await usage(it)
        name = await it.create(containers=containers, scale={"minReplicas": 3})
        running = await usage(it)
        await it.arm.create_environment(SUBSCRIPTION, "rg-local", "other", "two.localhost")
        assert await usage(it, ENVIRONMENT.replace("env-local", "other")) == none
        await it.ask("POST", f"{APP}/revisions/{name}/deactivate")
        await it.until(f"{APP}/revisions/{name}", active=False)

        assert none == {"GeneralPurposeCores": 0, "MemoryOptimizedCores": 0, "ConsumptionCores": 0}
        assert running["ConsumptionCores"] == 2.25
        assert await usage(it) == none


async def test_a_profile_has_the_machines_it_always_has_and_they_count() -> None:
    profiles = [
        {"name": "Consumption", "workloadProfileType": "Consumption"},
        {"name": "big", "workloadProfileType": "D8", "minimumCount": 2, "maximumCount": 5},
        {"name": "wide", "workloadProfileType": "E4", "minimumCount": 1, "maximumCount": 1},
    ]
    made = f"{GROUP}/{ENVIRONMENTS}/env-new"
    async with cloud() as it:
        await it.ask("PUT", made, {"location": "eastus", "properties": {"workloadProfiles": profiles}})
        states = (await it.ask("GET", f"{made}/workloadProfileStates")).body["value"]

        assert [(one["type"], *one["properties"].values()) for one in states] == [
            ("Consumption", "Consumption", "Consumption"),
            ("D8", 2, "D8", "big", 2, 5),
            ("E4", 1, "E4", "wide", 1, 1),
        ]
        assert [one["id"] for one in states][:1] == [f"{made}/workloadProfileStates/Consumption"]
        assert await usage(it, made) == {"GeneralPurposeCores": 16, "MemoryOptimizedCores": 4, "ConsumptionCores": 0}
        plain = (await it.ask("GET", f"{ENVIRONMENT}/workloadProfileStates")).body["value"]
        assert [one["name"] for one in plain] == ["Consumption"]


async def test_counts_of_machines_may_be_sent_as_texts_and_nothing_else() -> None:
    """Recorded in create_with_workloadprofile_yaml of 2023, whose CLI sends texts."""
    big = {"name": "big", "workloadProfileType": "D8", "minimumCount": "2", "maximumCount": "5"}
    made = f"{GROUP}/{ENVIRONMENTS}/env-new"
    async with cloud() as it:
        await it.ask("PUT", made, {"location": "eastus", "properties": {"workloadProfiles": [big]}})
        (kept,) = (await it.ask("GET", made)).body["properties"]["workloadProfiles"]
        assert (kept["minimumCount"], kept["maximumCount"]) == (2, 5)
        assert (await usage(it, made))["GeneralPurposeCores"] == 16

        wrong = {"location": "eastus", "properties": {"workloadProfiles": [{**big, "maximumCount": "many"}]}}
        assert (await it.ask("PUT", f"{made}-2", wrong)).status == 400


async def test_what_is_not_here_is_refused_by_verb_and_name() -> None:
    everywhere = {
        f"GET {ENVIRONMENT}/certificates": "Microsoft.App/managedEnvironments/certificates",
        f"PUT {ENVIRONMENT}/certificates/mine": "Microsoft.App/managedEnvironments/certificates",
        f"PUT {ENVIRONMENT}/managedCertificates/mine": "Microsoft.App/managedEnvironments/managedCertificates",
        f"PUT {COMPONENT}/resiliencyPolicies/p": "managedEnvironments/daprComponents/resiliencyPolicies",
        f"PATCH {STORAGE}": "Microsoft.App/managedEnvironments/storages",
        f"PUT {APP}/sourcecontrols/current": "Microsoft.App/containerApps/sourcecontrols",
        f"GET {APP}/detectors": "Microsoft.App/containerApps/detectors",
        f"GET {GROUP}/providers/Microsoft.App/jobs": "Microsoft.App/jobs",
        f"GET /subscriptions/{SUBSCRIPTION}/providers/Microsoft.App/locations/eastus/usages": "Microsoft.App/locations",
    }
    async with cloud() as it:
        for request, kind in everywhere.items():
            verb, _, path = request.partition(" ")
            answer = await it.ask(verb, path, {} if verb != "GET" else None)

            assert (answer.status, f"localcloud: {verb} " in answer.body["error"]["message"]) == (501, True)
            assert kind in answer.body["error"]["message"]
