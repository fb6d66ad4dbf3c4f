"""The real SDK, over https with a certificate authority and over http, notices nothing."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient

from localcloud.tls import make_ca
from tests.localcloud.arm.cloud import SUBSCRIPTION, Cloud, app_body, cloud, image, to, traffic, until
from tests.localcloud.credential import Credential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

GROUP, APP = "rg-local", "web"


@asynccontextmanager
async def sdk(scheme: str, folder: Path) -> AsyncIterator[tuple[Cloud, ContainerAppsAPIClient]]:
    ca = make_ca(folder, ["wb.localhost"])
    context = None
    more: dict[str, Any] = {"authentication_policy": SansIOHTTPPolicy()}
    if scheme == "https":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(ca.cert_file, ca.key_file)
        more = {
            "connection_verify": str(ca.ca_file),
            "credential_scopes": ["https://management.azure.com/.default"],
        }
    async with cloud(context=context) as it:
        client = ContainerAppsAPIClient(
            Credential(),
            SUBSCRIPTION,
            base_url=it.base,
            polling_interval=0,
            retry_total=0,
            **more,
        )
        async with client:
            yield it, client


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_whole_rollout_by_the_sdk(scheme: str, tmp_path: Path) -> None:
    async with sdk(scheme, tmp_path) as (it, client):
        apps, revisions = client.container_apps, client.container_apps_revisions
        created = await (await apps.begin_create_or_update(GROUP, APP, app_body())).result()  # type: ignore[call-overload] # a plain dict
        stable = created.latest_revision_name
        template = image("2", revisionSuffix="two")
        body: Any = {"properties": {"template": template, "configuration": traffic(to(stable, 100))}}
        updated = await (await apps.begin_update(GROUP, APP, body)).result()

        assert updated.latest_revision_name == "web--two"
        listed = [r async for r in revisions.list_revisions(GROUP, APP)]
        assert [(r.name, r.active, r.traffic_weight) for r in listed] == [(stable, True, 100), ("web--two", True, 0)]
        split: Any = {"properties": {"configuration": traffic(to(stable, 50), to("web--two", 50))}}
        await (await apps.begin_update(GROUP, APP, split)).result()
        assert it.plane.served["web.wb.localhost"] == ((stable, 50), ("web--two", 50))
        await revisions.deactivate_revision(GROUP, APP, stable)
        await until(lambda: stable not in it.plane.running)
        replicas = await client.container_apps_revision_replicas.list_replicas(GROUP, APP, "web--two")
        assert replicas.value[0].containers[0].restart_count == 0
        secrets = await apps.list_secrets(GROUP, APP)
        assert secrets.value == []
        assert [a.name async for a in apps.list_by_subscription()] == [APP]
        assert (await client.managed_environments.get(GROUP, "env-local")).default_domain == "wb.localhost"
        await (await apps.begin_delete(GROUP, APP)).result()
        with pytest.raises(ResourceNotFoundError) as missing:
            await apps.get(GROUP, APP)
        assert missing.value.error is not None
        assert missing.value.error.code == "ResourceNotFound"


async def test_an_environment_is_made_changed_and_deleted_by_the_sdk(tmp_path: Path) -> None:
    async with sdk("https", tmp_path) as (_, client):
        environments = client.managed_environments
        body: Any = {"location": "eastus", "properties": {"appLogsConfiguration": {"destination": "azure-monitor"}}}
        made = await (await environments.begin_create_or_update(GROUP, "two", body)).result()
        assert (made.provisioning_state, made.workload_profiles) == ("Succeeded", None)
        mtls: Any = {"properties": {"peerAuthentication": {"mtls": {"enabled": True}}}}
        for _ in range(2):  # an operation, then nothing to be done
            changed = await (await environments.begin_update(GROUP, "two", mtls)).result()
            assert changed.peer_authentication is not None
            assert changed.peer_authentication.mtls is not None
            assert changed.peer_authentication.mtls.enabled is True
        await (await environments.begin_delete(GROUP, "two")).result()
        assert [e.name async for e in environments.list_by_subscription()] == ["env-local"]


async def test_errors_are_what_the_sdk_expects_of_azure(tmp_path: Path) -> None:
    async with sdk("https", tmp_path) as (it, client):
        apps = client.container_apps
        await it_created(client)
        it.plane.missing["weighbridge.azurecr.io/shop/web:gone"] = "MANIFEST_UNKNOWN"
        gone: Any = {"properties": {"template": image("gone")}}
        with pytest.raises(HttpResponseError) as failed:
            await (await apps.begin_update(GROUP, APP, gone)).result()
        assert failed.value.error is not None
        assert failed.value.error.code == "ContainerAppOperationError"

        await it.control("POST", "/trouble", {"kind": "locked", "method": "PATCH"})
        with pytest.raises(ResourceExistsError) as conflict:
            await apps.begin_update(GROUP, APP, gone)
        assert conflict.value.error is not None
        assert conflict.value.error.code == "ContainerAppLockConflict"


async def it_created(client: ContainerAppsAPIClient) -> None:
    await (await client.container_apps.begin_create_or_update(GROUP, APP, app_body())).result()  # type: ignore[call-overload] # a plain dict
