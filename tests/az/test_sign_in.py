"""The sign-in, and the reads around container apps: subscription, groups, providers, the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud import identity, images, samples
from tests.az.az import Az, AzError

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.cloud import LocalCloud

pytestmark = [pytest.mark.az, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


async def test_a_service_principal_signs_in_with_its_secret_only(cloud: LocalCloud, az: Az, tmp_path: Path) -> None:
    account = await az("account", "show")
    assert (account["tenantId"], account["user"]["type"]) == (identity.TENANT, "servicePrincipal")
    other = Az({**cloud.endpoints, "client_secret": "wrong"}, tmp_path)
    with pytest.raises(AzError, match="AADSTS7000215"):
        await other.sign_in()


async def test_a_managed_identity_signs_in(cloud: LocalCloud, tmp_path: Path) -> None:
    az = Az(cloud.endpoints, tmp_path)
    await az("cloud", "register", "--name", "local", "--endpoint-resource-manager", cloud.endpoints["arm"])
    await az("cloud", "set", "--name", "local")
    (account,) = await az("login", "--identity")
    assert account["id"] == cloud.endpoints["subscription"]
    assert await az("containerapp", "list") == []


async def test_groups_and_providers_are_there_before_anything_is(az: Az) -> None:
    assert await az("group", "exists", "--name", "fresh") is False
    await az("group", "create", "--name", "fresh", "--location", "eastus")
    assert await az("group", "exists", "--name", "fresh") is True
    for namespace in ("Microsoft.App", "Microsoft.OperationalInsights"):
        await az("provider", "register", "--namespace", namespace)
        assert (await az("provider", "show", "--namespace", namespace))["registrationState"] == "Registered"


async def test_the_registry_is_found_and_read_by_its_real_name(cloud: LocalCloud, az: Az) -> None:
    digest = await images.push(samples.good("1.0.0"), f"http://{cloud.endpoints['registry']}", "shop/web", "1.0.0")
    (registry,) = await az("acr", "list")
    assert registry["loginServer"] == "weighbridge.azurecr.io"
    named = ("--name", registry["name"])
    assert (await az("acr", "check-name", *named))["nameAvailable"] is False
    assert await az("acr", "repository", "list", *named) == ["shop/web"]
    tags = ("acr", "repository", "show-tags", *named, "--repository", "shop/web")
    assert await az(*tags) == ["1.0.0"]
    assert (await az(*tags, "--detail"))[0]["digest"] == digest
    assert (await az("acr", "repository", "show", *named, "--image", "shop/web:1.0.0"))["digest"] == digest


async def test_the_admin_user_has_passwords_once_it_is_enabled(az: Az) -> None:
    named = ("--name", "weighbridge")
    with pytest.raises(AzError, match="admin"):
        await az("acr", "credential", "show", *named)
    await az("acr", "update", *named, "--admin-enabled", "true")
    shown = await az("acr", "credential", "show", *named)
    who = ("--username", shown["username"], "--password", shown["passwords"][0]["value"])
    assert "shop/web" in await az("acr", "repository", "list", *named, *who)
    with pytest.raises(AzError):
        await az("acr", "repository", "list", *named, "--username", shown["username"], "--password", "wrong")


async def test_a_second_registry_and_a_build_are_refused_by_name(az: Az) -> None:
    where = ("--resource-group", "rg-local", "--name", "another", "--sku", "Basic")
    with pytest.raises(AzError, match="NotSupportedByLocalCloud"):
        await az("acr", "create", *where)
