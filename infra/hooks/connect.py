"""After `azd deploy`: deploys connect.bicep, which reaches the registry and the apps, and subscribes to events.

Run it again whenever the registry or the apps change: `azd hooks run postdeploy`. It reads the azd environment:
WEIGHBRIDGE_REGISTRY (a name or a resource id; none: one is made), WEIGHBRIDGE_APP_GROUPS, WEIGHBRIDGE_APPS
(`<group>/<app>`), WEIGHBRIDGE_WORKSPACES (`<group>/<name>`), WEIGHBRIDGE_SCAN_SENDERS (object ids),
WEIGHBRIDGE_DELIVERY, WEIGHBRIDGE_DEFENDER, WEIGHBRIDGE_ALERT_GROUPS; lists have commas between.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.hooks.az import Stop, az, listed, needed, patiently, run, say, switch

TEMPLATE = Path(__file__).parents[1] / "connect.bicep"
FUNCTIONS = ("image_pushed", "scan_completed", "queued_event")


@dataclass(frozen=True, kw_only=True)
class Registry:
    """id: its resource id. made: there is none yet, or it is one of ours. abac: rights are given by repository."""

    id: str
    location: str
    made: bool
    abac: bool


@dataclass(frozen=True, kw_only=True)
class Topic:
    """The registry's system topic. made: it is ours to make."""

    name: str
    made: bool


def registry() -> Registry:
    """The registry that the environment names; without one, the name of one to make in a group of its own."""
    named = listed("WEIGHBRIDGE_REGISTRY")
    if not named:
        token = needed("AZURE_FUNCTION_APP_NAME").rpartition("-")[2]
        group = (
            f"/subscriptions/{needed('AZURE_SUBSCRIPTION_ID')}/resourceGroups/rg-{needed('AZURE_ENV_NAME')}-registry"
        )
        id_ = f"{group}/providers/Microsoft.ContainerRegistry/registries/crwb{token}"
        return Registry(id=id_, location=needed("AZURE_LOCATION"), made=True, abac=False)
    if len(named) > 1:
        raise Stop(f"WEIGHBRIDGE_REGISTRY: expected one, found {len(named)}; docs/deploy.md says how to add more")
    asked = ["--ids", named[0]] if named[0].startswith("/") else ["--name", named[0]]
    found = az("acr", "show", *asked)
    abac = "abac" in str(found.get("roleAssignmentMode") or "").lower()
    return Registry(id=str(found["id"]), location=str(found["location"]), made=False, abac=abac)


def topic(of: Registry) -> Topic:
    """A registry can have one system topic only: who made it first is shared with."""
    group, name = of.id.split("/")[4], of.id.rpartition("/")[2]
    ours = f"evgt-{name}"
    for found in az("eventgrid", "system-topic", "list"):
        if str(found.get("source", "")).lower() != of.id.lower():
            continue
        where = str(found["resourceGroup"])
        if where.lower() != group.lower():
            raise Stop(f"{name}: expected its system topic in {group}, found {found['name']} in {where}")
        if found["name"] == ours:
            return Topic(name=ours, made=True)
        if "SystemAssigned" not in str((found.get("identity") or {}).get("type")):
            how = f"az eventgrid system-topic update -g {where} -n {found['name']} --identity systemassigned"
            raise Stop(f"{found['name']}: expected a system-assigned identity, found none; its owner may run: {how}")
        return Topic(name=str(found["name"]), made=False)
    return Topic(name=ours, made=True)


def pairs(name: str) -> list[dict[str, str]]:
    """`<group>/<name>`, with commas between."""
    found = []
    for part in listed(name):
        group, slash, inner = part.partition("/")
        if not (group and slash and inner) or "/" in inner:
            raise Stop(f"{name}: expected <group>/<name>, found {part!r}")
        found.append({"group": group, "name": inner})
    return found


def parameters() -> dict[str, object]:
    """Those of connect.bicep."""
    of = registry()
    told = topic(of)
    return {
        "location": needed("AZURE_LOCATION"),
        "resourceGroupName": needed("AZURE_RESOURCE_GROUP"),
        "functionAppName": needed("AZURE_FUNCTION_APP_NAME"),
        "storageAccountName": needed("AZURE_STORAGE_ACCOUNT_NAME"),
        "scansTopicName": needed("WEIGHBRIDGE_SCANS_TOPIC"),
        "identityPrincipalId": needed("WEIGHBRIDGE_IDENTITY"),
        "operatorRole": needed("WEIGHBRIDGE_OPERATOR_ROLE"),
        "registryId": of.id,
        "registryLocation": of.location,
        "makeRegistry": of.made,
        "registryAbac": of.abac,
        "systemTopicName": told.name,
        "makeSystemTopic": told.made,
        "appGroups": listed("WEIGHBRIDGE_APP_GROUPS"),
        "apps": pairs("WEIGHBRIDGE_APPS"),
        "delivery": switch("WEIGHBRIDGE_DELIVERY", "AzureFunction", "StorageQueue"),
        "scanSenders": listed("WEIGHBRIDGE_SCAN_SENDERS"),
        "workspaces": pairs("WEIGHBRIDGE_WORKSPACES"),
        "alertGroups": listed("WEIGHBRIDGE_ALERT_GROUPS"),
        "defender": switch("WEIGHBRIDGE_DEFENDER", "off", "on"),
    }


def wait_for_functions() -> None:
    """A subscription to a function that Azure does not know yet is refused."""
    group, name = needed("AZURE_RESOURCE_GROUP"), needed("AZURE_FUNCTION_APP_NAME")
    site = (
        f"/subscriptions/{needed('AZURE_SUBSCRIPTION_ID')}/resourceGroups/{group}/providers/Microsoft.Web/sites/{name}"
    )
    for function in FUNCTIONS:
        url = f"{site}/functions/{function}?api-version=2024-04-01"
        patiently(f"function {function}", "rest", "--method", "get", "--url", url)


def main() -> None:
    given = parameters()
    wait_for_functions()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parameters.json"
        schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
        values = {name: {"value": value} for name, value in given.items()}
        path.write_text(json.dumps({"$schema": schema, "contentVersion": "1.0.0.0", "parameters": values}))
        patiently(
            "connect.bicep",
            *("deployment", "sub", "create", "--name", f"weighbridge-{needed('AZURE_ENV_NAME')}"),
            *("--location", needed("AZURE_LOCATION"), "--template-file", str(TEMPLATE), "--parameters", f"@{path}"),
        )
    say(f"connected to {str(given['registryId']).rpartition('/')[2]}; it delivers by {given['delivery']}")
    if not given["appGroups"] and not given["apps"]:
        say("no app may be rolled out yet: azd env set WEIGHBRIDGE_APPS <group>/<app>, then azd hooks run postdeploy")


if __name__ == "__main__":
    sys.exit(run(main))
