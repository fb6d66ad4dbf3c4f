"""Answers about what is inside apps and environments hold before the judge, in every api-version that takes them."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.arm.versions import VERSIONS
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, cloud
from tests.localcloud.arm.test_answers import Judged

SHARE = {"accountName": "a", "accountKey": "k", "shareName": "s", "accessMode": "ReadOnly"}
SUNDAY = {"weekDay": "Sunday", "startHourUtc": 12, "durationHours": 10}
RULE = {"routes": [{"match": {"prefix": "/1"}, "action": {"prefixRewrite": "/"}}], "targets": [{"containerApp": "web"}]}
COMPONENT = {"componentType": "state.redis", "version": "v1", "secrets": [{"name": "key", "value": "opens"}]}
PROVIDER = {"azureActiveDirectory": {"registration": {"clientId": "c", "clientSecretSettingName": "name"}}}
# Where, the model, what is put there, and how its deletion is answered.
CHILDREN: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "storage": (f"{ENVIRONMENT}/storages/share", "ManagedEnvironmentStorage", {"azureFile": SHARE}, 200),
    "component": (f"{ENVIRONMENT}/daprComponents/state", "DaprComponent", COMPONENT, 204),
    "schedule": (
        f"{ENVIRONMENT}/maintenanceConfigurations/default",
        "MaintenanceConfigurationResource",
        {"scheduledEntries": [SUNDAY]},
        200,
    ),
    "route": (f"{ENVIRONMENT}/httpRouteConfigs/shop", "HttpRouteConfig", {"rules": [RULE]}, 204),
    "auth": (f"{APP}/authConfigs/current", "AuthConfig", {"identityProviders": PROVIDER}, 200),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("child", CHILDREN)
async def test_answers_about_a_child_are_as_its_model_says(child: str, version: str) -> None:
    path, model, properties, deleted = CHILDREN[child]
    async with cloud() as it:
        await it.create()
        ask = Judged(it, version)
        await ask.ask("PUT", path, model, {"properties": properties})
        await ask.ask("GET", path, model)
        assert len(await ask.list(path.rpartition("/")[0], model)) == 1
        await ask.refused("GET", f"{path}-gone", 404)
        await ask.ask("DELETE", path, "", status=deleted)
        await ask.refused("GET", path, 404)

    assert ask.wrong == set()
