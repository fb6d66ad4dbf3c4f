"""Managed environments over the wire, as recordings of the Azure CLI's own tests have them.

Their names are those of files in `src/azure-cli/azure/cli/command_modules/containerapp/tests/latest/recordings` of
Azure/azure-cli, or of the same folder of the extension in Azure/azure-cli-extensions.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

from localcloud.profile import Latency
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, GROUP, QUICK, Answer, Cloud, app_body, cloud

OTHER = ENVIRONMENT.replace("env-local", "env-two")
SLOW = Latency(p50=60, p90=61)
PROFILES = {"workloadProfiles": [{"workloadProfileType": "Consumption", "Name": "Consumption"}]}
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
MTLS = {"peerAuthentication": {"mtls": {"enabled": True}}}


async def make(it: Cloud, properties: dict[str, Any], version: str = "2024-03-01") -> Answer:
    """An environment that is provisioned; the answer to its PUT."""
    body = {"location": "eastus", "properties": properties}
    made = await it.ask("PUT", OTHER, body, version)
    assert made.status == 200 or (await it.end(made, skip=40)).body["status"] == "Succeeded"
    return made


@pytest.mark.fidelity(60)
async def test_changing_an_environment_is_an_operation_whose_results_end_with_it() -> None:
    """Recorded in test_containerapp_env_mtls: 202 with `location` alone, 202 while it runs, then 200."""
    async with cloud(replace(QUICK, environment=SLOW)) as it:
        await make(it, PROFILES)
        before = (await it.ask("GET", OTHER, version="2024-03-01")).body
        begun = await it.ask("PATCH", OTHER, {"location": "East US", "properties": MTLS}, "2024-03-01")
        assert (begun.status, begun.body, begun.headers["content-length"]) == (202, None, "0")
        assert "/locations/eastus/managedEnvironmentOperationResults/" in begun.headers["location"]
        assert "azure-asyncoperation" not in begun.headers
        running = await it.ask("GET", begun.headers["location"])
        assert (running.status, running.body) == (202, None)
        assert running.headers["location"] == begun.headers["location"]
        ended = await it.end(begun, skip=40)
        assert (ended.status, ended.body["properties"]["provisioningState"]) == (200, "Succeeded")
        assert ended.body["properties"]["peerAuthentication"] == MTLS["peerAuthentication"]
        assert ended.body["properties"]["workloadProfiles"] == before["properties"]["workloadProfiles"]
        assert ended.body["systemData"]["createdAt"] == before["systemData"]["createdAt"]
        assert ended.body["systemData"]["lastModifiedAt"] > before["systemData"]["lastModifiedAt"]


@pytest.mark.fidelity(60)
async def test_deleting_an_environment_is_an_operation_whose_results_end_with_204() -> None:
    """Recorded in test_containerapp_env_e2e."""
    async with cloud(replace(QUICK, environment_delete=SLOW)) as it:
        await make(it, {})
        begun = await it.ask("DELETE", OTHER)
        assert (begun.status, begun.body) == (202, None)
        assert (await it.ask("GET", begun.headers["location"])).status == 202
        assert (await it.properties(OTHER))["provisioningState"] == "ScheduledForDelete"
        body = app_body()
        body["properties"]["environmentId"] = OTHER
        early = (await it.ask("PUT", APP, body)).body
        assert early["code"] == "ManagedEnvironmentNotProvisioned"
        assert early["message"] == f"The environment '{OTHER}' has not been provisioned successfully."
        assert (await it.end(begun, skip=40)).status == 204
        assert [(await it.ask(verb, OTHER)).status for verb in ("GET", "DELETE")] == [404, 204]


@pytest.mark.fidelity(41, 60)
async def test_an_environment_is_changed_by_one_operation_at_a_time() -> None:
    async with cloud(replace(QUICK, environment=SLOW)) as it:
        made = await it.ask("PUT", OTHER, {"location": "eastus"})
        refused = [await it.ask(verb, OTHER, {"location": "eastus"}) for verb in ("PUT", "PATCH", "DELETE")]
        assert {(r.status, r.body["error"]["code"]) for r in refused} == {
            (409, "ManagedEnvironmentOperationInProgress")
        }
        assert (await it.end(made, skip=40)).body["status"] == "Succeeded"
        assert (await it.ask("PATCH", OTHER, {"properties": MTLS})).status == 202


@pytest.mark.fidelity(60)
@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
async def test_a_write_of_what_is_so_already_answers_at_once_with_the_environment(verb: str) -> None:
    """Recorded at the end of test_containerapp_env_enable_workload_profiles_infer_env_type_v1, and of
    test_containerapp_env_logs_e2e: logs to null, where they went already."""
    async with cloud() as it:
        await make(it, {})
        body = {"location": "East US", "properties": {"appLogsConfiguration": {"destination": None}}}
        answer = await it.ask(verb, OTHER, body, "2023-04-01-preview")
        assert (answer.status, answer.body["properties"]["provisioningState"]) == (200, "Succeeded")
        assert not {"location", "azure-asyncoperation"} & set(answer.headers)
        assert answer.headers["vary"] == "Accept-Encoding"
        times = answer.body["systemData"]
        assert (times["createdAt"][-1] == "Z", times["lastModifiedAt"][-1]) == (False, "Z")


@pytest.mark.fidelity(60)
async def test_an_environment_that_is_put_again_is_replaced_and_keeps_its_domain() -> None:
    async with cloud() as it:
        first = await make(it, {**PROFILES, **MTLS})
        again = await make(it, PROFILES)
        assert again.status == 201
        assert again.body["properties"]["peerAuthentication"]["mtls"]["enabled"] is False
        assert again.body["properties"]["defaultDomain"] == first.body["properties"]["defaultDomain"]
        assert (await it.ask("PUT", OTHER, {"location": "eastus", "properties": {"zoneRedundant": True}})).status == 501


@pytest.mark.fidelity(60)
async def test_without_workload_profiles_an_environment_is_of_the_kind_consumption_only() -> None:
    """Recorded in test_containerapp_env_e2e (null) and test_containerapp_env_environment_mode of the extension."""
    async with cloud() as it:
        only = (await make(it, {})).body["properties"]
        modes = [(await it.ask("GET", path, version="2025-10-02-preview")).body for path in (OTHER, ENVIRONMENT)]
        assert only["workloadProfiles"] is None
        assert [m["properties"]["environmentMode"] for m in modes] == ["ConsumptionOnly", "WorkloadProfiles"]
        profiles = (await it.ask("GET", ENVIRONMENT, version="2024-03-01")).body["properties"]["workloadProfiles"]
        assert profiles == [{"workloadProfileType": "Consumption", "name": "Consumption"}]
        (newer,) = modes[1]["properties"]["workloadProfiles"]
        assert list(newer.items()) == [*profiles[0].items(), ("enableFips", False)]


@pytest.mark.fidelity(14, 60)
async def test_an_app_in_an_environment_without_workload_profiles_names_none() -> None:
    """Printed of an app of August 2023 in Azure's own tutorials: `"workloadProfileName": null`."""
    async with cloud() as it:
        await make(it, {})
        body = app_body()
        body["properties"]["environmentId"] = OTHER
        only = await it.ask("PUT", APP, body)
        both = await it.ask("PUT", f"{APP}2", app_body())
        named = [answer.body["properties"]["workloadProfileName"] for answer in (only, both)]
        assert named == [None, "Consumption"]


@pytest.mark.fidelity(60)
async def test_an_environment_in_a_subnet_gets_its_address_late_and_a_group_for_its_parts() -> None:
    """Recorded in test_containerapp_env_workload_profiles_delete and test_containerapp_env_internal_only_e2e."""
    async with cloud() as it:
        vnet = {"infrastructureSubnetId": SUBNET, "dockerBridgeCidr": None}
        made = (await make(it, {"vnetConfiguration": vnet, **PROFILES})).body["properties"]
        assert made["vnetConfiguration"] == {
            "internal": False,
            "infrastructureSubnetId": SUBNET,
            "dockerBridgeCidr": None,
            "platformReservedCidr": None,
            "platformReservedDnsIP": None,
        }
        assert made["infrastructureResourceGroup"] == "ME_env-two_rg-local_eastus"
        long = OTHER.replace("rg-local", "rg-local-and-some-more")
        told = await it.ask("PUT", long, {"location": "eastus", "properties": {"vnetConfiguration": vnet, **PROFILES}})
        assert told.body["properties"]["infrastructureResourceGroup"] == "ME_env-two_rg-local-and-some-mo_eastus"
        assert "staticIp" not in made
        assert (await it.properties(OTHER))["staticIp"] == "127.0.0.1"


@pytest.mark.fidelity(60)
@pytest.mark.parametrize("internal", [True, False])
async def test_an_app_in_an_internal_environment_tells_no_address_that_it_calls_from(*, internal: bool) -> None:
    """Recorded in test_containerapp_tcp_ingress: null; in test_containerapp_revision_labels_mode_e2e, which is open to
    the outside: many."""
    async with cloud() as it:
        await make(it, {"vnetConfiguration": {"infrastructureSubnetId": SUBNET, "internal": internal}, **PROFILES})
        body = app_body()
        body["properties"]["environmentId"] = OTHER
        inside = await it.ask("PUT", APP, body)
        outside = await it.ask("PUT", f"{APP}2", app_body())
        found = [answer.body["properties"]["outboundIpAddresses"] for answer in (inside, outside)]
        assert found == [None if internal else ["127.0.0.1"], ["127.0.0.1"]]


@pytest.mark.fidelity(60)
async def test_what_is_secret_in_an_environment_is_answered_as_null() -> None:
    """Recorded in test_containerapp_env_dapr_connection_string, test_containerapp_env_logs_e2e, and at the end of
    the extension's recording without a name (a key of Datadog)."""
    async with cloud() as it:
        logs = {"destination": "log-analytics", "logAnalyticsConfiguration": {"customerId": "c", "sharedKey": "opens"}}
        given: dict[str, Any] = {
            "daprAIConnectionString": "opens",
            "daprAIInstrumentationKey": "opens",
            "appLogsConfiguration": logs,
        }
        given["appInsightsConfiguration"] = {"connectionString": "opens"}
        otlp = {"name": "o", "endpoint": "e", "insecure": False, "headers": [{"key": "k", "value": "opens"}]}
        places = {"dataDogConfiguration": {"site": "s", "key": "opens"}, "otlpConfigurations": [otlp]}
        given["openTelemetryConfiguration"] = {"destinationsConfiguration": places}
        made = await make(it, given, "2025-07-01")
        shown = made.body["properties"]
        assert "opens" not in str(made.body)
        told = shown["openTelemetryConfiguration"]["destinationsConfiguration"]
        assert told["dataDogConfiguration"] == {"site": "s", "key": None}
        assert shown["daprAIConnectionString"] is shown["daprAIInstrumentationKey"] is None
        assert shown["appLogsConfiguration"]["logAnalyticsConfiguration"] == {"customerId": "c", "sharedKey": None}


NEW = ("openTelemetryConfiguration", "appInsightsConfiguration", "ingressConfiguration", "publicNetworkAccess")


@pytest.mark.fidelity(60)
@pytest.mark.parametrize(
    ("version", "there", "absent"),
    [
        ("2022-06-01-preview", ("useLegionServerlessCompute",), ("vnetConfiguration", "eventStreamEndpoint")),
        ("2022-10-01", ("eventStreamEndpoint",), ("vnetConfiguration", "sku", "useLegionServerlessCompute")),
        ("2022-11-01-preview", ("firstPartyConfiguration", "kedaConfiguration"), ("peerAuthentication",)),
        ("2023-04-01-preview", ("firstPartyConfiguration", "peerAuthentication"), ("peerTrafficConfiguration",)),
        ("2023-05-01", ("firstPartyConfiguration", "peerAuthentication"), ("peerTrafficConfiguration",)),
        ("2023-08-01-preview", ("firstPartyConfiguration", *NEW[:2]), ("peerTrafficConfiguration", *NEW[2:])),
        ("2023-11-02-preview", NEW[:2], ("firstPartyConfiguration", "peerTrafficConfiguration", *NEW[2:])),
        ("2024-03-01", ("peerTrafficConfiguration", "peerAuthentication"), ("firstPartyConfiguration", *NEW)),
        ("2025-07-01", NEW, ("environmentMode", "availabilityZones")),
        ("2025-10-02-preview", (*NEW, "environmentMode", "availabilityZones", "diskEncryptionConfiguration"), ()),
    ],
)
async def test_every_api_version_has_members_of_its_own(
    version: str, there: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    """In the order of the versions: logstream of 2022 (extension), ingress_traffic_e2e (extension, March 2023),
    env_e2e (extension), env_e2e, env_logs_e2e,
    env_custom_domains (extension), env_internal_only_e2e, env_update_workload_profile_on_consumption_only_env,
    env_environment_mode (extension)."""
    async with cloud() as it:
        properties = (await it.ask("GET", ENVIRONMENT, version=version)).body["properties"]
        assert [name for name in there if name not in properties] == []
        assert [name for name in absent if name in properties] == []


@pytest.mark.fidelity(13, 52, 60)
@pytest.mark.parametrize(
    ("version", "location", "zone"),
    [("2022-11-01-preview", "eastus", True), ("2023-05-01", "East US", True), ("2023-11-02-preview", "East US", False)],
)
async def test_regions_are_spelled_out_and_times_of_a_put_lose_their_zone_in_later_versions(
    version: str, location: str, *, zone: bool
) -> None:
    """Recorded in test_containerapp_env_e2e (extension), env_logs_e2e, env_custom_domains (extension)."""
    async with cloud() as it:
        made = await make(it, {}, version)
        assert (made.body["location"], made.body["systemData"]["createdAt"][-1] == "Z") == (location, zone)
        assert (await it.ask("GET", OTHER, version=version)).body["systemData"]["createdAt"][-1] != "Z"


@pytest.mark.fidelity(60)
async def test_an_environment_without_an_identity_does_not_speak_of_one() -> None:
    """Recorded in test_containerapp_env_custom_domains of the extension, whose requests say `None`."""
    async with cloud() as it:
        await make(it, {})
        none = {"type": "None", "userAssignedIdentities": None}
        assert "identity" not in (await it.ask("PATCH", OTHER, {"identity": none})).body
        one = await it.end(await it.ask("PATCH", OTHER, {"identity": {"type": "SystemAssigned"}}))
        assert one.body["identity"]["type"] == "SystemAssigned"


def pfx(password: str) -> str:
    """A certificate for testcert.com and its key, as a client sends them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "testcert.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(datetime(2023, 4, 23, tzinfo=UTC))
    made = builder.not_valid_after(datetime(2028, 4, 23, 2, 36, 9, tzinfo=UTC)).sign(key, hashes.SHA256())
    sealed = BestAvailableEncryption(password.encode())
    return b64encode(pkcs12.serialize_key_and_certificates(b"test", key, made, None, sealed)).decode()


@pytest.mark.fidelity(60)
async def test_of_a_domain_of_its_own_an_environment_tells_the_certificate_and_never_its_value() -> None:
    """Recorded in test_containerapp_env_update_custom_domains."""
    async with cloud() as it:
        await make(it, {})
        suffix = {
            "dnsSuffix": "clitest.example.com",
            "certificateValue": pfx("test12"),
            "certificatePassword": "test12",
        }
        await it.end(await it.ask("PATCH", OTHER, {"properties": {"customDomainConfiguration": suffix}}))
        await it.ask("PATCH", OTHER, {"tags": {"a": "b"}})
        told = (await it.ask("GET", OTHER, version="2024-03-01")).body["properties"]["customDomainConfiguration"]
        assert re.fullmatch("[0-9A-F]{40}", told.pop("thumbprint"))
        assert told == {
            "customDomainVerificationId": "0" * 64,
            "dnsSuffix": "clitest.example.com",
            "certificateValue": None,
            "certificatePassword": None,
            "subjectName": "CN=testcert.com",
            "expirationDate": "2028-04-23T02:36:09",
        }
        suffix["certificatePassword"] = "another"
        refused = await it.ask("PATCH", OTHER, {"properties": {"customDomainConfiguration": suffix}})
        assert refused.status == 400
