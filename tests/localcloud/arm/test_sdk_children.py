"""The real SDK makes, reads and removes what is inside environments, and reads members of answers as it knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.appcontainers import models

from tests.localcloud.arm.test_sdk import GROUP, it_created, sdk

if TYPE_CHECKING:
    from pathlib import Path

HERE = (GROUP, "env-local")


async def test_a_route_by_the_sdk_is_served_changed_and_removed(tmp_path: Path) -> None:
    async with sdk("http", tmp_path) as (it, client):
        await it_created(client)
        routes = client.http_route_config
        rule = models.HttpRouteRule(
            routes=[models.HttpRoute(match=models.HttpRouteMatch(path_separated_prefix="/shop"))],
            targets=[models.HttpRouteTarget(container_app="web")],
        )
        made = await routes.create_or_update(
            *HERE, "shop", models.HttpRouteConfig(properties=models.HttpRouteConfigProperties(rules=[rule]))
        )
        assert made.properties is not None
        assert (made.properties.fqdn, made.properties.provisioning_state) == ("shop.wb.localhost", "Succeeded")
        assert "shop.wb.localhost" in it.plane.served
        rule.description = "all of it"
        changed = models.HttpRouteConfig(properties=models.HttpRouteConfigProperties(rules=[rule]))
        updated = await routes.update(*HERE, "shop", changed)
        assert updated == await routes.get(*HERE, "shop")
        assert [one async for one in routes.list(*HERE)] == [updated]
        wrong: Any = {"properties": {"rules": [{"targets": [{"app": "web"}]}]}}
        with pytest.raises(HttpResponseError, match="Bad Request"):
            await routes.create_or_update(*HERE, "shop", wrong)
        await (await routes.begin_delete(*HERE, "shop")).result()
        with pytest.raises(ResourceNotFoundError):
            await routes.get(*HERE, "shop")


async def test_a_schedule_by_the_sdk_is_kept_and_removed(tmp_path: Path) -> None:
    async with sdk("http", tmp_path) as (_, client):
        schedules = client.maintenance_configurations
        entry = models.ScheduledEntry(week_day=models.WeekDay.FRIDAY, start_hour_utc=3, duration_hours=8)
        properties = models.ScheduledEntries(scheduled_entries=[entry])
        resource = models.MaintenanceConfigurationResource(properties=properties)
        made = await schedules.create_or_update(*HERE, "default", resource)

        assert made.properties == properties
        assert [one async for one in schedules.list(*HERE)] == [made]
        await schedules.delete(*HERE, "default")
        with pytest.raises(ResourceNotFoundError, match="Maintenance Configuration not found"):
            await schedules.get(*HERE, "default")


async def test_shares_and_components_by_the_sdk(tmp_path: Path) -> None:
    async with sdk("http", tmp_path) as (_, client):
        storages, components = client.managed_environments_storages, client.dapr_components
        share = models.AzureFileProperties(account_name="a", account_key="k", share_name="s", access_mode="ReadWrite")
        storage = models.ManagedEnvironmentStorage(
            properties=models.ManagedEnvironmentStorageProperties(azure_file=share)
        )
        kept = (await storages.create_or_update(*HERE, "share", storage)).properties
        assert kept is not None
        assert kept.azure_file is not None
        assert (kept.azure_file.account_key, kept.azure_file.access_mode) == (None, "ReadWrite")
        assert len((await storages.list(*HERE)).value) == 1
        await storages.delete(*HERE, "share")
        secrets = [models.Secret(name="key", value="opens")]
        component = models.DaprComponent(
            properties=models.DaprComponentProperties(component_type="state.redis", version="v1", secrets=secrets)
        )
        made = await components.create_or_update(*HERE, "state", component)
        assert made.system_data is not None
        assert made.system_data.created_at is not None
        assert [one.name async for one in components.list(*HERE)] == ["state"]
        assert [(s.name, s.value) for s in (await components.list_secrets(*HERE, "state")).value] == [("key", "opens")]
        await components.delete(*HERE, "state")


async def test_quotas_and_profiles_by_the_sdk(tmp_path: Path) -> None:
    async with sdk("http", tmp_path) as (_, client):
        limits = [one.limit async for one in client.managed_environment_usages.list(*HERE)]
        kinds = {one.name: one.properties async for one in client.available_workload_profiles.get("eastus")}
        states = [one async for one in client.managed_environments.list_workload_profile_states(*HERE)]

        assert limits == [100, 50, 100]
        assert kinds["NC24-A100"] is not None
        assert (kinds["NC24-A100"].memory_gi_b, kinds["NC24-A100"].gpus) == (220, 1)
        assert [(one.name, one.type) for one in states] == [("Consumption", "Consumption")]
