"""`az containerapp`, from nothing to a split by labels: what it answers is what the local cloud then does."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio

from localcloud import images, samples
from tests.az.az import Az, AzError

if TYPE_CHECKING:
    from localcloud.cloud import LocalCloud

pytestmark = [pytest.mark.az, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
GROUP, ENVIRONMENT, NAME = "ContainerCompute", "az204-env", "my-container-app"
HERE = ("--resource-group", GROUP, "--name", NAME)
REPOSITORY = "shop/web"


def image(cloud: LocalCloud, tag: str) -> str:
    return f"{cloud.endpoints['login_server']}/{REPOSITORY}:{tag}"


async def answers(cloud: LocalCloud, host: str, times: int = 1) -> list[str]:
    """What this host says, by its real name and port, as a browser behind the proxy would ask."""
    async with aiohttp.ClientSession() as http:
        found = []
        for _ in range(times):
            async with http.get(f"http://{host}/", proxy=cloud.endpoints["proxy"]) as answer:
                found.append((await answer.text()).strip())
        return found


async def fqdn(az: Az) -> str:
    shown = await az("containerapp", "ingress", "show", *HERE)
    return str(shown["fqdn"])


async def until(ask: Any, wanted: object, within: float = 30) -> None:
    """Ask az until it answers so; a (de)activation is told before it is done, as on Azure."""
    async with asyncio.timeout(within):
        while (found := await ask()) != wanted:
            assert found is not None
            await asyncio.sleep(0.1)


async def revisions(az: Az) -> dict[str, dict[str, Any]]:
    listed = await az("containerapp", "revision", "list", *HERE, "--all")
    return {revision["name"].partition("--")[2]: revision["properties"] for revision in listed}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def first(az: Az, cloud: LocalCloud) -> str:
    """The app with one revision, made by az; answers the revision's name."""
    for tag in ("1.0.0", "2.0.0"):
        await images.push(samples.good(tag), f"http://{cloud.endpoints['registry']}", REPOSITORY, tag)
    await az("group", "create", "--name", GROUP, "--location", "eastus")
    where = ("--resource-group", GROUP, "--name", ENVIRONMENT)
    made = await az("containerapp", "env", "create", *where, "--location", "eastus", "--logs-destination", "none")
    assert made["properties"]["provisioningState"] == "Succeeded"
    app = await az(
        *("containerapp", "create", *HERE, "--environment", ENVIRONMENT, "--image", image(cloud, "1.0.0")),
        *("--target-port", "80", "--ingress", "external", "--min-replicas", "1"),
    )
    domain = (await az("containerapp", "env", "show", *where))["properties"]["defaultDomain"]
    assert app["properties"]["configuration"]["ingress"]["fqdn"] == f"{NAME}.{domain}"
    name: str = app["properties"]["latestRevisionName"]
    return name


async def test_an_environment_without_a_destination_makes_its_own_workspace(az: Az) -> None:
    where = ("--resource-group", GROUP, "--name", "with-logs")
    await az("group", "create", "--name", GROUP, "--location", "eastus")
    made = await az("containerapp", "env", "create", *where, "--location", "eastus")
    logs = made["properties"]["appLogsConfiguration"]
    assert logs["destination"] == "log-analytics"
    assert logs["logAnalyticsConfiguration"]["sharedKey"] is None
    assert len(await az("resource", "list", "--resource-type", "Microsoft.OperationalInsights/workspaces")) == 1
    updated = await az("containerapp", "env", "update", *where, "--logs-destination", "none", "--tags", "a=b")
    assert (updated["properties"]["appLogsConfiguration"]["destination"], updated["tags"]) == (None, {"a": "b"})
    await az("containerapp", "env", "delete", *where, "--yes")
    assert [e["name"] for e in await az("containerapp", "env", "list", "--resource-group", GROUP)] in (
        [],
        [ENVIRONMENT],
    )


async def test_a_created_app_serves_at_its_own_name_and_is_listed(az: Az, cloud: LocalCloud, first: str) -> None:
    shown = await az("containerapp", "show", *HERE)
    assert shown["properties"]["latestReadyRevisionName"] == first
    assert await answers(cloud, shown["properties"]["configuration"]["ingress"]["fqdn"]) == ["1.0.0"]
    assert NAME in [app["name"] for app in await az("containerapp", "list")]


async def test_a_split_set_by_az_is_served_and_told(az: Az, cloud: LocalCloud, first: str) -> None:
    await az("containerapp", "revision", "set-mode", *HERE, "--mode", "multiple")
    await az("containerapp", "ingress", "traffic", "set", *HERE, "--revision-weight", f"{first}=100", "latest=0")
    await az("containerapp", "update", *HERE, "--image", image(cloud, "2.0.0"), "--revision-suffix", "two")
    second = f"{NAME}--two"

    async def ready() -> object:
        shown = await az("containerapp", "revision", "show", *HERE, "--revision", second)
        return shown["properties"]["healthState"]

    await until(ready, "Healthy")
    weights = (f"{first}=70", f"{second}=30")
    await az("containerapp", "ingress", "traffic", "set", *HERE, "--revision-weight", *weights)
    traffic = await az("containerapp", "ingress", "traffic", "show", *HERE)
    assert {e["revisionName"]: e["weight"] for e in traffic if e["weight"]} == {first: 70, second: 30}
    found = await revisions(az)
    assert (found[first.partition("--")[2]]["trafficWeight"], found["two"]["trafficWeight"]) == (70, 30)
    said = await answers(cloud, await fqdn(az), 200)
    assert 20 < said.count("2.0.0") < 110, said.count("2.0.0")

    metrics = ("--metric", "Requests", "--dimension", "revisionName", "statusCodeCategory")
    resource = (await az("containerapp", "show", *HERE))["id"]

    async def counted() -> object:
        series = (await az("monitor", "metrics", "list", "--resource", resource, *metrics))["value"][0]["timeseries"]
        return sum(point["total"] or 0 for one in series for point in one["data"]) >= 200

    await until(counted, wanted=True)


async def test_labels_are_added_weighed_swapped_and_removed(az: Az, cloud: LocalCloud, first: str) -> None:
    label = ("containerapp", "revision", "label")
    await az(*label, "add", *HERE, "--label", "blue", "--revision", first, "--yes")
    await az(*label, "add", *HERE, "--label", "green", "--revision", f"{NAME}--two", "--yes")
    await az("containerapp", "ingress", "traffic", "set", *HERE, "--label-weight", "blue=100", "green=0")
    green = (await fqdn(az)).replace(NAME, f"{NAME}---green")
    assert await answers(cloud, green) == ["2.0.0"]
    await az(*label, "swap", *HERE, "--source", "blue", "--target", "green")
    assert await answers(cloud, green) == ["1.0.0"]
    await az(*label, "remove", *HERE, "--label", "green")
    labels = [e.get("label") for e in await az("containerapp", "ingress", "traffic", "show", *HERE)]
    assert [name for name in labels if name] == ["blue"]


async def test_a_revision_is_copied_deactivated_activated_and_restarted(az: Az, first: str) -> None:
    await az("containerapp", "revision", "copy", *HERE, "--from-revision", first, "--revision-suffix", "three")
    third = ("--revision", f"{NAME}--three")

    async def active() -> object:
        return (await revisions(az))["three"]["active"]

    revision = ("containerapp", "revision")
    assert await az(*revision, "deactivate", *HERE, *third) == "Deactivate succeeded"
    await until(active, wanted=False)
    assert await az(*revision, "activate", *HERE, *third) == "Activate succeeded"
    await until(active, wanted=True)
    assert await az(*revision, "restart", *HERE, *third) == "Restart succeeded"


@pytest.mark.usefixtures("first")
async def test_logs_of_containers_and_of_the_platform_are_shown(az: Az, cloud: LocalCloud) -> None:
    """The sample app writes nothing, so this one does."""
    web = images.build(
        {
            "/app/talk.py": b"import http.server\nprint('it began', flush=True)\nhttp.server.HTTPServer(('127.0.0.1', "
            b"int(__import__('os').environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
        },
        entrypoint=("python3", "/app/talk.py"),
    )
    await images.push(web, f"http://{cloud.endpoints['registry']}", REPOSITORY, "talks")
    await az("containerapp", "update", *HERE, "--image", image(cloud, "talks"), "--revision-suffix", "talks")

    async def said() -> object:
        text = await az.text("containerapp", "logs", "show", *HERE, "--revision", f"{NAME}--talks")
        lines = [json.loads(line)["Log"] for line in text.splitlines()]
        assert lines[0] == f"Connecting to the container '{NAME}'..."
        return "it began" in lines  # among what az itself asked for, which wakes the app first

    await until(said, wanted=True)
    for which in (
        ("logs", "show", *HERE, "--type", "system"),
        ("env", "logs", "show", "--resource-group", GROUP, "--name", ENVIRONMENT),
    ):
        lines = (await az.text("containerapp", *which, "--tail", "300")).splitlines()
        told = [(event["Reason"], event["RevisionName"]) for event in map(json.loads, lines)]
        assert [reason for reason, _ in told[:2]] == ["StartingGettingEvents", "ConnectedToEventsServer"]
        assert ("RevisionReady", f"{NAME}--talks") in told


@pytest.mark.usefixtures("first")
async def test_secrets_are_named_and_only_shown_when_asked_for(az: Az) -> None:
    await az("containerapp", "secret", "set", *HERE, "--secrets", "key=opens")
    assert await az("containerapp", "secret", "list", *HERE) == [{"name": "key"}]
    assert (await az("containerapp", "secret", "show", *HERE, "--secret-name", "key"))["value"] == "opens"


@pytest.mark.usefixtures("first")
async def test_registries_identity_dapr_and_ingress_are_set_and_shown(az: Az) -> None:
    registry = ("containerapp", "registry")
    server = ("--server", "weighbridge.azurecr.io")
    await az(*registry, "set", *HERE, *server, "--username", "puller", "--password", "opens")
    assert (await az(*registry, "show", *HERE, *server))["username"] == "puller"
    await az("containerapp", "identity", "assign", *HERE, "--system-assigned")
    assert (await az("containerapp", "identity", "show", *HERE))["type"] == "SystemAssigned"
    assert (await az("containerapp", "dapr", "enable", *HERE, "--dapr-app-id", "talks"))["appId"] == "talks"
    await az("containerapp", "ingress", "disable", *HERE)
    assert (await az("containerapp", "show", *HERE))["properties"]["configuration"]["ingress"] is None
    await az("containerapp", "ingress", "enable", *HERE, "--type", "external", "--target-port", "80")
    assert (await fqdn(az)).startswith(NAME)


@pytest.mark.usefixtures("first")
async def test_what_is_refused_is_said_by_az_in_azures_words(az: Az, cloud: LocalCloud) -> None:
    with pytest.raises(AzError, match="ResourceNotFound"):
        await az("containerapp", "show", "--resource-group", GROUP, "--name", "nobody")
    with pytest.raises(AzError, match="revision with suffix two already exists"):
        await az("containerapp", "update", *HERE, "--image", image(cloud, "1.0.0"), "--revision-suffix", "two")
    with pytest.raises(AzError, match="MANIFEST_UNKNOWN"):
        await az("containerapp", "update", *HERE, "--image", image(cloud, "9.9.9"), "--revision-suffix", "none")
    with pytest.raises(AzError, match="NotSupportedByLocalCloud"):
        await az("containerapp", "job", "list", "--resource-group", GROUP)
    with pytest.raises(AzError, match="still contains 1 ContainerApps"):
        await az("containerapp", "env", "delete", "--resource-group", GROUP, "--name", ENVIRONMENT, "--yes")


@pytest.mark.usefixtures("first")
async def test_a_deleted_app_and_its_environment_are_gone(az: Az) -> None:
    await az("containerapp", "delete", *HERE, "--yes")
    await az("containerapp", "env", "delete", "--resource-group", GROUP, "--name", ENVIRONMENT, "--yes")
    assert await az("containerapp", "list", "--resource-group", GROUP) == []
    with pytest.raises(AzError, match="ResourceNotFound"):
        await az("containerapp", "env", "show", "--resource-group", GROUP, "--name", ENVIRONMENT)
    await az("group", "delete", "--name", GROUP, "--yes")
    assert await az("group", "exists", "--name", GROUP) is False
