"""Apps over the wire: statuses, headers, envelopes and bodies as Azure gives them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from localcloud.arm.knobs import Knobs
from localcloud.arm.trouble import Kind
from localcloud.profile import Latency
from tests.localcloud.arm.cloud import (
    APP,
    ENVIRONMENT,
    GROUP,
    QUICK,
    SUBSCRIPTION,
    VERSION,
    app_body,
    cloud,
    image,
    until,
)


@pytest.mark.fidelity(1, 3, 11, 13, 14, 15, 52, 57)
async def test_creating_answers_201_with_what_is_not_known_yet_left_blank() -> None:
    async with cloud(knobs=Knobs(day="2024-05-27")) as it:
        answer = await it.ask("PUT", APP, app_body("single"))

        assert answer.status == 201
        assert "location" not in answer.headers
        assert "retry-after" not in answer.headers
        assert answer.headers["x-ms-async-operation-timeout"] == "PT15M"
        assert answer.headers["azure-asyncoperation"].startswith(f"{it.base}/subscriptions/{SUBSCRIPTION}/providers/")
        assert answer.body["id"] == APP.replace("containerApps", "containerapps")
        assert answer.body["location"] == "East US"
        assert answer.body["systemData"]["createdAt"].endswith("Z")
        properties = answer.body["properties"]
        assert properties["provisioningState"] == "InProgress"
        assert properties["latestRevisionName"] == properties["latestReadyRevisionName"] == ""
        assert properties["latestRevisionFqdn"] == ""
        assert properties["workloadProfileName"] == "Consumption"
        configuration = properties["configuration"]
        assert configuration["activeRevisionsMode"] == "Single"
        assert configuration["maxInactiveRevisions"] == 100
        ingress = configuration["ingress"]
        assert ingress["fqdn"] == "web.wb.localhost"
        assert ingress["traffic"] == [{"weight": 100, "latestRevision": True}]
        assert (ingress["transport"], ingress["exposedPort"], ingress["allowInsecure"]) == ("Auto", 0, False)
        assert properties["template"]["containers"][0]["resources"] == {
            "cpu": 0.5,
            "memory": "1Gi",
            "ephemeralStorage": "2Gi",
        }
        assert properties["template"]["scale"] == {
            "minReplicas": None,
            "maxReplicas": 10,
            "cooldownPeriod": 300,
            "pollingInterval": 30,
            "rules": None,
        }


@pytest.mark.fidelity(4, 52)
async def test_a_statuses_address_answers_exactly_four_members_until_it_succeeded() -> None:
    async with cloud() as it:
        answer = await it.slow("PUT", app_body())
        first = await it.ask("GET", answer.headers["azure-asyncoperation"])
        last = await it.end(answer, skip=600)

        assert (first.status, first.body["status"]) == (200, "InProgress")
        assert set(first.body) == set(last.body) == {"id", "name", "status", "startTime"}
        assert last.body["status"] == "Succeeded"
        got = await it.ask("GET", APP)
        assert got.body["properties"]["provisioningState"] == "Succeeded"
        assert not got.body["systemData"]["createdAt"].endswith("Z")


@pytest.mark.fidelity(1)
async def test_a_new_revision_has_its_name_long_before_its_operation_ends() -> None:
    """Recorded in compose_create_with_ingress_internal: 2 s after the PUT, and 8 s before its end."""
    async with cloud() as it:
        await it.slow("PUT", app_body())
        it.clock.advance(timedelta(seconds=1))
        assert (await it.properties())["latestRevisionName"] == ""
        it.clock.advance(timedelta(seconds=1))
        await until(lambda: all(app.latest for app in it.arm.store.apps()))

        found = await it.properties()
        assert found["provisioningState"] == "InProgress"
        assert found["latestRevisionFqdn"] == f"{found['latestRevisionName']}.wb.localhost"


@pytest.mark.fidelity(47)
@pytest.mark.parametrize(("suffix", "slow", "ends"), [("one", 600, 300), ("two", 901, 900)])
async def test_one_that_cannot_take_effect_fails_half_way_and_one_that_is_too_long_at_its_limit(
    suffix: str, slow: int, ends: int
) -> None:
    async with cloud() as it:
        await it.create(revisionSuffix="one")
        it.arm.troubles.add(Kind.SLOW, seconds=slow)
        answer = await it.ask("PATCH", APP, {"properties": {"template": image("2", revisionSuffix=suffix)}})
        for seconds in (3, ends - 4):
            it.clock.advance(timedelta(seconds=seconds))
            for _ in range(5):
                running = await it.ask("GET", answer.headers["azure-asyncoperation"])
        assert running.body["status"] == "InProgress"

        it.clock.advance(timedelta(seconds=2))
        assert (await it.end(answer)).body["status"] == "Failed"


@pytest.mark.fidelity(2, 15)
async def test_putting_again_answers_201_and_forgets_what_it_omits() -> None:
    async with cloud() as it:
        await it.create()
        answer = await it.ask("PUT", APP, app_body(image="weighbridge.azurecr.io/shop/web:2"))

        assert answer.status == 201
        assert answer.body["properties"]["configuration"]["maxInactiveRevisions"] is None
        await it.end(answer)
        assert (await it.properties())["configuration"]["maxInactiveRevisions"] is None


@pytest.mark.fidelity(5, 6)
async def test_a_patch_answers_202_with_nothing_and_its_results_end_with_the_app() -> None:
    async with cloud() as it:
        await it.create()
        answer = await it.slow("PATCH", {"properties": {"template": image("2")}}, version="2024-03-01")

        assert (answer.status, answer.body, answer.headers["content-length"]) == (202, None, "0")
        assert "azure-asyncoperation" not in answer.headers
        running = await it.ask("GET", answer.headers["location"])
        assert (running.status, running.body) == (202, None)
        assert running.headers["location"] == answer.headers["location"]
        done = await it.end(answer, skip=600)
        assert (done.status, done.body["name"]) == (200, "web")


@pytest.mark.fidelity(7, 53)
async def test_later_api_versions_give_a_patch_both_addresses() -> None:
    async with cloud() as it:
        await it.create()
        answer = await it.ask("PATCH", APP, {"properties": {"template": image("2")}})

        assert {"location", "azure-asyncoperation"} <= set(answer.headers)
        assert len(answer.headers["location"]) > 400


@pytest.mark.fidelity(15, 16)
async def test_a_merge_patch_merges_objects_replaces_arrays_and_null_removes() -> None:
    async with cloud() as it:
        await it.create(scale={"minReplicas": 1, "maxReplicas": 3})
        await it.patch({"template": {"scale": {"minReplicas": None}}})

        properties = await it.properties()
        assert properties["template"]["scale"]["minReplicas"] is None
        assert properties["template"]["scale"]["maxReplicas"] == 3
        assert len(properties["template"]["containers"]) == 1
        assert properties["configuration"]["activeRevisionsMode"] == "Multiple"
        assert properties["configuration"]["maxInactiveRevisions"] == 100


@pytest.mark.fidelity(8)
async def test_deleting_answers_202_then_204_and_an_absent_app_204() -> None:
    async with cloud() as it:
        revision = await it.create()
        answer = await it.ask("DELETE", APP)

        assert (answer.status, answer.body) == (202, None)
        assert (await it.end(answer)).status == 204
        assert (await it.ask("DELETE", APP)).status == 204
        assert it.plane.told[-2:] == ["route", f"stop {revision}"]
        assert it.plane.served == {}


async def test_a_put_answers_with_the_host_that_its_own_ingress_will_have() -> None:
    """Recorded in ingress_e2e: ingress was off, and the answer to the PUT already names the internal host."""
    async with cloud() as it:
        await it.create()
        await it.patch({"configuration": {"ingress": None}})
        body = app_body()
        body["properties"]["configuration"]["ingress"]["external"] = False
        answer = await it.ask("PUT", APP, body, "2024-03-01")

        assert answer.body["properties"]["configuration"]["ingress"]["fqdn"] == "web.internal.wb.localhost"


@pytest.mark.fidelity(46)
async def test_nulls_of_lists_go_memory_is_shortened_and_identities_get_their_ids() -> None:
    async with cloud() as it:
        body = app_body()
        body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {"/id/one": {}}}
        container = body["properties"]["template"]["containers"][0]
        container |= {"env": [{"name": "A", "value": "1", "secretRef": None}], "resources": {"memory": "1.0Gi"}}
        await it.end(await it.ask("PUT", APP, body))

        answer = await it.ask("GET", APP)
        shown = answer.body["properties"]["template"]["containers"][0]
        assert shown["env"] == [{"name": "A", "value": "1"}]
        assert shown["resources"]["memory"] == "1Gi"
        assert set(answer.body["identity"]["userAssignedIdentities"]["/id/one"]) == {"principalId", "clientId"}


@pytest.mark.fidelity(44)
async def test_a_write_that_the_provider_refuses_is_counted_and_one_of_what_is_not_there_is_not() -> None:
    """Recorded at the end of test_containerapp_env_premium_sku_e2e and of _env_p2p_traffic_encryption, with 400."""
    async with cloud() as it:
        counted = "x-ms-ratelimit-remaining-subscription-resource-requests"
        refused = await it.ask("PUT", APP, app_body("neither"))
        missing = await it.ask("PATCH", APP, {})
        assert (refused.status, refused.headers[counted]) == (400, "799")
        frame = await it.ask("PUT", APP, app_body(), version="2019-01-01")
        assert (frame.status, frame.headers.get(counted)) == (400, None)
        assert (missing.status, missing.headers.get(counted)) == (404, None)


async def test_answers_to_early_api_versions_say_what_the_front_runs_on() -> None:
    """Recorded with versions up to 2023-05-01, and not from 2023-11-02-preview on; never of what has no provider."""
    async with cloud() as it:
        versions = ("2022-06-01-preview", "2023-05-01", "2023-11-02-preview", "2026-07-01")
        answers = [await it.ask("GET", ENVIRONMENT, version=version) for version in versions]
        missing = await it.ask("GET", APP, version="2022-06-01-preview")
        told = [answer.headers.get("server") for answer in (*answers, missing)]
        assert told == ["Microsoft-IIS/10.0", "Microsoft-IIS/10.0", None, None, None]


@pytest.mark.parametrize("path", [APP, APP.lower(), ENVIRONMENT])
async def test_a_token_for_streams_is_given_for_an_hour(path: str) -> None:
    """An environment's has a type of its own, however the path is spelled (recorded in containerapp_eventstream)."""
    async with cloud() as it:
        await it.create()
        answer = await it.ask("POST", f"{path}/getAuthToken", version="2023-05-02-preview")

        kind = "environments" if path == ENVIRONMENT else "containerApps"
        assert (answer.status, answer.body["type"]) == (200, f"Microsoft.App/{kind}/accesstoken")
        assert set(answer.body["properties"]) == {"token", "expires"}


@pytest.mark.parametrize(
    ("region", "short"), [("North Central US (Stage)", "northcentralusstage"), ("East US", "eastus")]
)
async def test_an_operation_is_in_its_region_by_letters_and_digits_alone(region: str, short: str) -> None:
    """Recorded in kind_functionapp of 2025."""
    async with cloud() as it:
        answer = await it.ask("PUT", APP, {**app_body(), "location": region})

        assert f"/locations/{short}/containerappOperationStatuses/" in answer.headers["azure-asyncoperation"]


async def test_bodies_are_as_short_as_json_can_be() -> None:
    """As the content-length of every recorded answer says."""
    async with cloud() as it:
        await it.create()
        async with it.http.get(f"{it.base}{APP}?api-version={VERSION}") as got:
            raw = await got.text()
        assert raw == json.dumps(json.loads(raw), separators=(",", ":"))


async def test_times_have_seven_digits_and_no_zero_at_the_end() -> None:
    """Recorded everywhere; a client that reads three or six alone must not get by here."""
    async with cloud() as it:
        await it.create()
        told = (await it.ask("GET", APP)).body["systemData"]
        assert all(re.fullmatch(r".*\.[0-9]{6}[1-9]", told[name]) for name in ("createdAt", "lastModifiedAt"))


async def test_the_kind_of_an_app_comes_last_and_its_label_follows_its_mode() -> None:
    """Recorded in kind_functionapp of 2025."""
    async with cloud() as it:
        await it.end(await it.ask("PUT", APP, {**app_body(), "kind": "functionapp"}))
        body = (await it.ask("GET", APP, version="2025-10-02-preview")).body

        assert list(body)[-2:] == ["identity", "kind"]
        (revision,) = (await it.ask("GET", f"{APP}/revisions")).body["value"]
        by_requests = {"name": "http-scale-rule", "http": {"metadata": {"concurrentRequests": "10"}}}
        assert revision["properties"]["template"]["scale"]["rules"] == [by_requests]  # function_list_show_multirevision
        assert body["properties"]["template"]["scale"]["rules"] is None
        first = list(body["properties"]["configuration"])[:5]
        assert first == ["secrets", "activeRevisionsMode", "targetLabel", "revisionTransitionThreshold", "ingress"]
        assert "customMetricsSettings" not in body["properties"]["template"]


async def test_an_app_that_names_no_port_is_served() -> None:
    """Its port is found then and told as 0 (recorded in containerapp_e2e of August 2024)."""
    async with cloud() as it:
        body = app_body()
        body["properties"]["configuration"]["ingress"]["targetPort"] = None
        await it.end(await it.ask("PUT", APP, body))
        properties = await it.properties()

        assert properties["configuration"]["ingress"]["targetPort"] == 0
        assert it.plane.running[properties["latestRevisionName"]].port == 80


@pytest.mark.fidelity(9, 10)
async def test_a_missing_app_is_told_in_azures_words() -> None:
    async with cloud() as it:
        answer = await it.ask("GET", APP)

        assert answer.status == 404
        assert answer.body == {
            "error": {
                "code": "ResourceNotFound",
                "message": "The Resource 'Microsoft.App/containerApps/web' under resource group 'rg-local' was not "
                "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            }
        }


@pytest.mark.fidelity(12)
async def test_names_are_matched_without_case() -> None:
    async with cloud() as it:
        revision = await it.create()

        assert (await it.ask("GET", APP.upper())).status == 200
        assert (await it.ask("GET", f"{APP.lower()}/REVISIONS/{revision.upper()}")).body["name"] == revision


@pytest.mark.fidelity(41)
async def test_an_overlapping_write_is_refused_with_409() -> None:
    async with cloud() as it:
        await it.create()
        first = await it.slow("PATCH", {"properties": {"template": image("2")}})
        refused = [
            await it.ask("PATCH", APP, {"properties": {"template": image("3")}}),
            await it.ask("PUT", APP, app_body()),
            await it.ask("DELETE", APP),
        ]

        assert {r.status for r in refused} == {409}
        assert {r.body["code"] for r in refused} == {"ContainerAppOperationInProgress"}
        assert (await it.end(first, skip=600)).body["status"] == "Succeeded"


@pytest.mark.fidelity(10, 41, 44)
async def test_an_overlapping_write_is_told_the_operation_that_runs_and_counts() -> None:
    """Recorded in revision_label_e2e of June 2022, the one 409 of an app in the recordings known here."""
    async with cloud() as it:
        await it.create()
        first = await it.slow("PATCH", {"properties": {"template": image("2")}})
        refused = await it.ask("PATCH", APP, {"properties": {"template": image("3")}}, "2022-03-01")

        running = first.headers["location"].partition("?")[0].rpartition("/")[2]
        assert refused.body == {
            "code": "ContainerAppOperationInProgress",
            "message": "Cannot modify a container app 'web' because there is an active provisioning operation in "
            f"progress. OperationId: '{running}'.",
        }
        assert "x-ms-ratelimit-remaining-subscription-resource-requests" in refused.headers


@pytest.mark.fidelity(23)
async def test_turning_ingress_off_takes_the_addresses_away_and_makes_no_revision() -> None:
    async with cloud() as it:
        revision = await it.create()
        await it.patch({"configuration": {"ingress": None}})

        properties = await it.properties()
        assert properties["configuration"]["ingress"] is None
        assert properties["latestRevisionFqdn"] == ""
        assert properties["latestRevisionName"] == revision
        # Recorded in containerapp_exec: a revision tells an address all the same.
        assert (await it.revision(revision))["fqdn"] == f"{revision}.wb.localhost"
        assert it.plane.served == {}


@pytest.mark.fidelity(42)
async def test_secrets_are_answered_by_name_and_echoing_them_is_refused() -> None:
    async with cloud() as it:
        body = app_body()
        body["properties"]["configuration"]["secrets"] = [{"name": "key", "value": "hunter2"}]
        body["properties"]["template"]["containers"][0]["env"] = [{"name": "KEY", "secretRef": "key"}]
        await it.end(await it.ask("PUT", APP, body))

        shown = (await it.properties())["configuration"]["secrets"]
        assert shown == [{"name": "key"}]
        assert (await it.ask("POST", f"{APP}/listSecrets")).body == {"value": [{"name": "key", "value": "hunter2"}]}
        assert next(iter(it.plane.running.values())).env["KEY"] == "hunter2"
        echoed = await it.ask("PATCH", APP, {"properties": {"configuration": {"secrets": shown}}})
        assert (echoed.status, echoed.body["error"]["code"]) == (400, "ContainerAppSecretInvalid")
        await it.patch({"template": image("2", revisionSuffix="two")})
        assert (await it.ask("POST", f"{APP}/listSecrets")).body["value"][0]["value"] == "hunter2"


@pytest.mark.fidelity(42)
async def test_a_reference_to_a_secret_that_is_not_there_is_refused() -> None:
    async with cloud() as it:
        for_env, for_registry = app_body(), app_body()
        for_env["properties"]["template"]["containers"][0]["env"] = [{"name": "KEY", "secretRef": "key"}]
        for_registry["properties"]["configuration"]["registries"] = [{"server": "r.io", "passwordSecretRef": "key"}]
        answers = [await it.ask("PUT", APP, body) for body in (for_env, for_registry)]

        assert [(a.status, a.body["error"]["code"]) for a in answers] == [
            (400, "ContainerAppSecretRefNotFound"),
            (400, "ContainerAppRegistriesPasswordSecretRefNotFound"),
        ]
        # Recorded in container_acr.
        assert answers[1].body["error"]["message"] == (
            "PasswordSecretRef 'key' defined for registry server 'r.io' not found."
        )


async def test_secrets_are_listed_with_what_they_have_and_no_blanks() -> None:
    """Recorded in container_acr: the CLI sends keyVaultUrl and identity blank, and gets name and value back."""
    async with cloud() as it:
        body = app_body()
        body["properties"]["configuration"]["secrets"] = [
            {"name": "one", "value": "1", "keyVaultUrl": "", "identity": ""},
            {"name": "two", "keyVaultUrl": "https://v.vault.azure.net/secrets/s", "identity": "system"},
        ]
        await it.end(await it.ask("PUT", APP, body))

        vault = {"name": "two", "keyVaultUrl": "https://v.vault.azure.net/secrets/s", "identity": "system"}
        assert (await it.ask("POST", f"{APP}/listSecrets")).body["value"] == [{"name": "one", "value": "1"}, vault]
        assert (await it.properties())["configuration"]["secrets"] == [{"name": "one"}, vault]


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "MissingApiVersionParameter"), ("?api-version=2019-01-01", "NoRegisteredProviderFound")],
)
@pytest.mark.fidelity(45)
async def test_the_api_version_is_required_and_checked(query: str, code: str) -> None:
    async with cloud() as it:
        answer = await it.ask("GET", f"{it.base}{APP}{query}")

        assert (answer.status, answer.body["error"]["code"]) == (400, code)
        assert "2026-07-01" in answer.headers["api-supported-versions"]


async def test_what_is_not_there_is_refused_with_501_naming_verb_and_resource() -> None:
    async with cloud() as it:
        answer = await it.ask("PUT", f"{APP}/sourcecontrols/current", {})

        assert answer.status == 501
        assert answer.body["error"]["message"].startswith("localcloud: PUT Microsoft.App/containerApps/sourcecontrols:")


@pytest.mark.fidelity(60)
async def test_apps_environments_and_subscriptions_are_listed() -> None:
    async with cloud() as it:
        await it.create()
        listed = await it.ask("GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.App/containerApps")
        other = await it.ask("GET", f"{GROUP}-other/providers/Microsoft.App/containerApps")

        assert [a["name"] for a in listed.body["value"]] == ["web"]
        assert other.body == {"value": []}
        assert (await it.properties(ENVIRONMENT))["defaultDomain"] == "wb.localhost"
        assert (await it.ask("GET", "/subscriptions")).body["value"][0]["subscriptionId"] == SUBSCRIPTION
        assert (await it.ask("GET", "/providers/Microsoft.App")).body["registrationState"] == "Registered"


@pytest.mark.fidelity(10, 60)
async def test_an_app_needs_an_environment_that_is_there() -> None:
    async with cloud() as it:
        body = app_body()
        body["properties"]["environmentId"] = ENVIRONMENT + "x"
        answer = await it.ask("PUT", APP, body)

        assert (answer.status, answer.body["code"]) == (404, "ManagedEnvironmentNotFound")


@pytest.mark.fidelity(60)
async def test_an_environment_waits_until_its_operation_has_succeeded_and_takes_no_app_before() -> None:
    slow = replace(QUICK, environment=Latency(p50=60, p90=61))
    async with cloud(slow) as it:
        other = ENVIRONMENT.replace("env-local", "env-two")
        answer = await it.ask("PUT", other, {"location": "eastus", "properties": {}})
        assert (answer.status, answer.body["properties"]["provisioningState"]) == (201, "Waiting")
        body = app_body()
        body["properties"]["environmentId"] = other
        early = await it.ask("PUT", APP, body)
        assert (early.status, early.body["code"]) == (400, "ManagedEnvironmentNotProvisioned")
        running = await it.ask("GET", answer.headers["azure-asyncoperation"])
        assert set(running.body) == {"id", "name", "status", "startTime"}
        assert running.body["status"] == "InProgress"
        assert (await it.end(answer, skip=40)).body["status"] == "Succeeded"
        assert (await it.properties(other))["provisioningState"] == "Succeeded"
        assert (await it.ask("PUT", APP, body)).status == 201


@pytest.mark.fidelity(43)
async def test_if_match_is_not_heeded_and_no_etag_is_given() -> None:
    async with cloud() as it:
        await it.create()
        body = {"properties": {"template": image("2")}}
        async with it.http.patch(
            f"{it.base}{APP}?api-version=2026-07-01", json=body, headers={"If-Match": "no"}
        ) as got:
            assert got.status == 202
            assert "etag" not in got.headers
