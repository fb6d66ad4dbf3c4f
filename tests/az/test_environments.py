"""`az containerapp env`: what is inside an environment, made, shown and removed by the CLI; its routes are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from localcloud import images, samples
from localcloud.options import ENVIRONMENT, GROUP
from tests.az.az import Az, AzError

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.cloud import LocalCloud

pytestmark = [pytest.mark.az, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
HERE = ("--resource-group", GROUP, "--name", ENVIRONMENT)
ENV = ("containerapp", "env")


async def asked(cloud: LocalCloud, host: str, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://{host}{path}", proxy=cloud.endpoints["proxy"]) as got:
        return got.status, (await got.text()).strip()


async def test_a_route_is_made_changed_served_and_removed(az: Az, cloud: LocalCloud, tmp_path: Path) -> None:
    await images.push(samples.good("1.0.0"), f"http://{cloud.endpoints['registry']}", "shop/web", "1.0.0")
    await az(
        *("containerapp", "create", "--resource-group", GROUP, "--name", "web", "--environment", ENVIRONMENT),
        *("--image", f"{cloud.endpoints['login_server']}/shop/web:1.0.0", "--min-replicas", "1"),
        *("--target-port", "80", "--ingress", "internal"),
    )
    file = tmp_path / "routes.yml"
    rule = "rules:\n- routes:\n  - match:\n      prefix: /{}\n    action:\n      prefixRewrite: /\n"
    targets = "  targets:\n  - containerApp: web\n"
    routes, one = (*ENV, "http-route-config"), (*HERE, "--http-route-config-name", "shop")
    file.write_text(rule.format("one") + targets)
    made = await az(*routes, "create", *one, "--yaml", str(file))
    host = made["properties"]["fqdn"]

    assert await asked(cloud, host, "/one") == (200, "1.0.0")
    file.write_text(rule.format("two") + targets)
    await az(*routes, "update", *one, "--yaml", str(file))
    assert [await asked(cloud, host, path) for path in ("/one", "/two")] == [(404, ""), (200, "1.0.0")]
    assert await az(*routes, "show", *one) == (await az(*routes, "list", *HERE))[0]
    await az(*routes, "delete", *one, "--yes")
    assert await az(*routes, "list", *HERE) == []


async def test_a_share_is_named_shown_and_removed(az: Az) -> None:
    storage, one = (*ENV, "storage"), (*HERE, "--storage-name", "share")
    account = (
        "--azure-file-account-name",
        "files",
        "--azure-file-account-key",
        "a2V5",
        "--azure-file-share-name",
        "share",
    )
    await az(*storage, "set", *one, *account, "--access-mode", "ReadOnly")
    shown = (await az(*storage, "show", *one))["properties"]["azureFile"]

    assert (shown["accountName"], shown["shareName"], shown["accessMode"]) == ("files", "share", "ReadOnly")
    await az(*storage, "remove", *one, "--yes")
    assert await az(*storage, "list", *HERE) == []


async def test_a_component_is_set_shown_and_removed(az: Az, tmp_path: Path) -> None:
    file = tmp_path / "component.yml"
    file.write_text("componentType: state.redis\nversion: v1\nsecrets:\n- name: key\n  value: opens\n")
    component, one = (*ENV, "dapr-component"), (*HERE, "--dapr-component-name", "state")
    await az(*component, "set", *one, "--yaml", str(file))

    assert (await az(*component, "show", *one))["properties"]["secrets"] == [{"name": "key"}]
    await az(*component, "remove", *one)
    assert await az(*component, "list", *HERE) == []


async def test_quotas_and_profiles_are_listed_and_certificates_refused(az: Az) -> None:
    usages = await az(*ENV, "list-usages", *HERE)
    profiles = await az(*ENV, "workload-profile", "list", *HERE)
    kinds = await az(*ENV, "workload-profile", "list-supported", "--location", "eastus")

    assert "ManagedEnvironmentConsumptionCores" in [one["name"]["value"] for one in usages["value"]]
    assert [one["name"] for one in profiles] == ["Consumption"]
    assert "D4" in [one["name"] for one in kinds]
    with pytest.raises(AzError, match="managedEnvironments/managedCertificates"):
        await az(*ENV, "certificate", "list", *HERE)
