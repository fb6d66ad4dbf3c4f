"""docs/permissions.md lists every right with the call that needs it, and infra/ grants these and no others.

The calls are made against servers on this machine. A right follows from a call by Azure's own rule: the provider, the
types of the path, and read, write or the action's name (learn.microsoft.com/azure/role-based-access-control, "Actions
format").
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from cloud.arm import Arm
from cloud.container_apps import ContainerApps
from cloud.monitor import Monitor
from cloud.registry import ContainerRegistry
from cloud.resource_graph import ResourceGraph
from cloud.rights import Rights as OwnRights
from delivery.doctor_app import WANTED
from delivery.errors import DeliveryError
from delivery.settings import MDVM_KEY, Defender
from rollouts.decided import Activate, Deactivate
from scripts.check_infra.bicep import read
from scripts.check_infra.checks import role_table
from scripts.check_infra.values import Fields, Items, Plain
from tests.cloud.fake_acr import ACR, IMAGE, SHA
from tests.cloud.fake_arm import APP, CANARY, LATER, NEW, OLD, TO_SPLIT, serve_app
from tests.cloud.loopback import Answer, Asked, FakeCredential, Loopback, loopback, recorded, settings
from tests.cloud.test_monitor import METRICS, SINCE, UNTIL, split
from tests.cloud.test_resource_graph import page
from tests.fakes.clock import FakeClock
from tests.source import ROOT, text

PAGE = text("docs/permissions.md")
ROLES = ROOT / "infra" / "types" / "built-in-roles.json"
VERBS = {"GET": "read", "HEAD": "read", "PATCH": "write", "PUT": "write", "DELETE": "delete"}
OPERATION = "/subscriptions/s/providers/Microsoft.App/locations/eastus/containerapp{}/1?api-version=2026-07-01"
Rights = dict[str, set[str]]  # right, in lower case: who asks


def right(asked: Asked) -> str:
    """The right that a call to Azure Resource Manager needs."""
    provider, *parts = asked.path.rpartition("/providers/")[2].split("/")
    kinds = "/".join([provider, *parts[::2]])
    if provider == "Microsoft.ResourceGraph":  # its one action is called read, although it is a POST
        return f"{kinds}/read".lower()
    return f"{kinds}/{VERBS.get(asked.method, 'action')}".lower()


def rows(heading: str, columns: int) -> list[list[str]]:
    """The cells of the table below a heading."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in part.splitlines() if "|" in line]
    return [row for row in found[2:] if len(row) == columns]


def listed(heading: str, columns: int) -> Rights:
    return {row[0].strip("`").lower(): set(re.findall(r"`([^`]+)`", row[1])) for row in rows(heading, columns)}


# ---- Azure Resource Manager


async def asked_of_arm() -> Rights:
    """Every method of every adapter that asks Azure Resource Manager, and the rights of its calls."""
    found: Rights = {}
    async with loopback() as server:
        serve(server)
        arm = Arm(settings(arm=server.url), FakeCredential)
        apps, graph = ContainerApps(arm, FakeClock()), ResourceGraph(arm, Defender(keys=(MDVM_KEY,)))
        calls = [
            ("ContainerApps.look", apps.look(APP)),
            ("ContainerApps.restarts", apps.restarts(APP, OLD)),
            *(("ContainerApps.operation", apps.operation(server.url + OPERATION.format(kind))) for kind in KINDS),
            *(("ContainerApps.send", apps.send(APP, write, LATER)) for write in WRITES),
            ("Monitor.totals", Monitor(arm).totals(APP, NEW, OLD, SINCE, UNTIL)),
            ("Rights.lacking", OwnRights(arm).lacking(APP, WANTED)),
            ("ResourceGraph.sub_assessments", graph.sub_assessments(ACR, SHA)),
        ]
        for name, call in calls:
            before = len(server.asked)
            await call
            assert server.asked[before:], name
            for one in server.asked[before:]:
                found.setdefault(right(one), set()).add(name)
        await arm.close()
    return found


KINDS = ("OperationResults", "OperationStatuses")
WRITES = (TO_SPLIT, CANARY, Activate(revision=NEW), Deactivate(revision=OLD))


def serve(server: Loopback) -> None:
    serve_app(server)
    server.on("GET", "/replicas", Answer(200, {"value": []}))
    server.on("GET", METRICS, Answer(200, split(NEW, OLD)))
    server.on("GET", "/1", Answer(204))
    server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))
    server.on("POST", "/resources", page())
    server.on("GET", "/permissions", Answer(200, {"value": []}))
    server.on("POST", "ivate", Answer(200))


async def test_every_right_of_azure_resource_manager_is_listed_with_who_asks():
    assert listed("Azure Resource Manager", 3) == await asked_of_arm()


async def test_the_two_roles_of_our_own_grant_what_is_asked_and_nothing_else():
    """Resource Graph is everybody's."""
    asked = {name for name in await asked_of_arm() if not name.startswith("microsoft.resourcegraph/")}
    assert actions("operator") | actions("operations") == asked
    assert not actions("operator") & actions("operations")


def actions(role: str) -> set[str]:
    properties = read(ROOT / "infra" / "main.bicep", "main").resources[role].body.fields["properties"]
    assert isinstance(properties, Fields)
    permissions = properties.fields["permissions"]
    assert isinstance(permissions, Items)
    [permission] = permissions.items
    assert isinstance(permission, Fields)
    granted = permission.fields["actions"]
    assert isinstance(granted, Items)
    return {str(item.literal).lower() for item in granted.items if isinstance(item, Plain)}


def test_doctor_asks_for_each_right_that_the_role_gives_on_an_app():
    """But the right to ask, which the asking tells of."""
    assert {one.lower() for one in WANTED} == actions("operator") - {"microsoft.authorization/permissions/read"}


ADAPTERS = (ContainerApps, Monitor, ResourceGraph, OwnRights)


async def test_no_method_of_an_adapter_is_left_out():
    said = {name for names in (await asked_of_arm()).values() for name in names}
    assert said == {f"{one.__name__}.{name}" for one in ADAPTERS for name in public(one)}


def public(adapter: type) -> set[str]:
    """What the use cases may await of it."""
    methods = inspect.getmembers(adapter, inspect.iscoroutinefunction)
    return {name for name, _ in methods if not name.startswith("_") and name != "close"}


# ---- registries


def shape(asked: Asked) -> str:
    """`GET /v2/<repository>/manifests/<reference>`."""
    path = re.sub(r"/(v2|acr/v1)/shop/web/", r"/\1/<repository>/", asked.path)
    path = re.sub(r"/manifests/.+", "/manifests/<reference>", path)
    path = re.sub(r"/(blobs|referrers)/.+", r"/\1/<digest>", path)
    return f"{asked.method} {path}"


async def test_every_call_of_a_registry_is_listed_with_who_asks():
    found: Rights = {}
    async with loopback() as server:
        server.on("GET", "/manifests/1.4.2", Answer(200, IMAGE))
        server.on("HEAD", "/manifests/1.4.2", Answer(200, None, {"Docker-Content-Digest": SHA}))
        server.on("GET", "/_tags", Answer(200, {"tags": [{"name": "1.4.2", "digest": SHA}]}))
        server.on("GET", "/_catalog", Answer(200, {"repositories": ["shop/web"]}))
        signature = {
            "mediaType": IMAGE["mediaType"],
            "digest": SHA,
            "artifactType": "application/vnd.cncf.notary.signature",
        }
        server.on("GET", f"/referrers/{SHA}", Answer(200, {"manifests": [signature]}))
        registry = ContainerRegistry(settings(registries={ACR: server.url}), None)
        place = (ACR, "shop/web")
        calls: Mapping[str, Any] = {
            "manifest": registry.manifest(*place, "1.4.2"),
            "digest": registry.digest(*place, "1.4.2"),
            "tags": registry.tags(*place),
            "repositories": registry.repositories(ACR, 10),
            "signatures": registry.signatures(*place, SHA),
        }
        assert set(calls) == public(ContainerRegistry)
        for name, call in calls.items():
            before = len(server.asked)
            with suppress(DeliveryError):  # what hangs on this image is not there to be read: it was asked for
                await call
            for one in server.asked[before:]:
                found.setdefault(shape(one), set()).add(f"ContainerRegistry.{name}")
        await registry.close()
    told = {row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[1])) for row in rows("Registries", 3)}
    blobs = "GET /v2/<repository>/blobs/<digest>"
    assert {call: names for call, names in told.items() if call != blobs} == {
        call: names for call, names in found.items() if call != blobs
    }
    assert found[blobs] <= told[blobs]
    assert {call.partition(" ")[0] for call in found} <= {"GET", "HEAD"}


# ---- storage


def test_every_call_of_the_storage_sdk_is_listed():
    source = text("cloud/tables.py") + text("cloud/queues.py")
    words = r"(?:get|list|query)_entit(?:y|ies)|submit_transaction|create_table_if_not_exists|send_message|create_queue"
    called = set(re.findall(rf"\.({words})\(", source))
    assert 'f"{kind}_entity"' in source  # the one change of a transaction of one
    called |= {f"{kind}_entity" for kind in re.findall(r'return "(\w+)", entities\.entity', source)}
    assert {row[0].strip("`") for row in rows("Storage", 3)} == called


# ---- what is granted


def test_the_assignments_of_the_page_are_those_of_the_deployment():
    named = {key: name for name, key in ((name, camel(name)) for name in names_of_roles())}
    granted = set()
    for path in (ROOT / "infra").rglob("*.bicep"):
        for key, guid in re.findall(r"(\w+): '([0-9a-f-]{36})'", path.read_text(encoding="utf-8")):
            assert role_table(ROLES)[key] == guid
            granted.add(named[key])
    told = {row[1] for row in rows("Every assignment", 4)}
    assert told == granted | {"Weighbridge Operator", "Weighbridge Operations Reader"}


def names_of_roles() -> list[str]:
    return re.findall(r'"([A-Z][^"]+)": "[0-9a-f-]{36}"', ROLES.read_text(encoding="utf-8"))


def camel(name: str) -> str:
    return name[0].lower() + name[1:].replace(" ", "")


@pytest.mark.parametrize("never", ["listSecrets", "delete", "getAuthToken", "exec", "join", "restart", "assign"])
async def test_what_is_never_asked_for(never):
    asked = await asked_of_arm()
    assert not [name for name in asked if name.endswith((f"/{never.lower()}/action", f"/{never.lower()}"))]


def test_the_rule_from_a_call_to_its_right():
    def of(method: str, path: str) -> str:
        return right(Asked(method, path, path, {}, b""))

    app = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/containerApps/web"
    assert of("DELETE", app) == "microsoft.app/containerapps/delete"
    assert of("POST", f"{app}/listSecrets") == "microsoft.app/containerapps/listsecrets/action"
    assert of("GET", f"{app}/revisions/r/replicas") == "microsoft.app/containerapps/revisions/replicas/read"
    assert of("GET", app + METRICS) == "microsoft.insights/metrics/read"
