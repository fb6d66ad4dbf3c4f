"""`--state FOLDER`: what there was is there again, however the cloud ended; without it nothing is kept."""

from __future__ import annotations

import asyncio
import signal
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import msgspec
import pytest
from azure.data.tables.aio import TableServiceClient

from localcloud import azurite as emulator
from localcloud import images, samples
from localcloud.arm.trouble import Kind
from localcloud.cloud import LocalCloud
from localcloud.eventgrid.attributes import Attribute
from localcloud.eventgrid.batches import Batching
from localcloud.eventgrid.filters import Filter
from localcloud.eventgrid.schedule import RetryPolicy
from localcloud.options import Options
from localcloud.state import State, StateError
from tests.localcloud.planes import Users, until
from tests.localcloud.test_up import up, with_a_revision

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

ONLY = {
    "subjectBeginsWith": "shop/",
    "advancedFilters": [{"operatorType": "NumberInRange", "key": "data.size", "values": [[1, 2]]}],
}
GRID = "Microsoft.EventGrid"
SIGN_IN = {"platform": {"enabled": True}}
TWICE = {"maxDeliveryAttempts": 2, "eventTimeToLiveInMinutes": 5}
TEN = {"maxEventsPerBatch": 10}
KEY = [{"name": "X-Key", "value": "s3cret", "secret": True}]
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not emulator.installed(ROOT), reason="Azurite is not installed under .work: run `make setup`"
)


class Run:
    """One run of a cloud over a folder."""

    def __init__(self, state: Path) -> None:
        self.cloud = LocalCloud(Options(root=ROOT, state=state))
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        await self.cloud.start()
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self.cloud.close()

    async def ask(self, method: str, path: str, body: object = None, of: str = "Microsoft.App") -> Any:
        at = self.cloud.endpoints
        group = f"/subscriptions/{at['subscription']}/resourceGroups/{at['resource_group']}/providers/{of}"
        version = "2025-07-01" if of == "Microsoft.App" else "2025-02-15"
        url = f"{at['arm_http']}{group}{path}?api-version={version}"
        async with self.http.request(method, url, json=body, raise_for_status=True) as got:
            return await got.json() if got.content_length else None

    async def properties(self, path: str = "/containerApps/ca-web") -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("GET", path))["properties"]
        return found

    async def ready(self, revision: str) -> None:
        await self.until("/containerApps/ca-web", latestReadyRevisionName=revision, provisioningState="Succeeded")
        await self.until(f"/containerApps/ca-web/revisions/{revision}", healthState="Healthy")

    async def until(self, path: str, **wanted: object) -> None:
        async with asyncio.timeout(20):
            while True:
                found = await self.properties(path)
                if all(found[name] == value for name, value in wanted.items()):
                    return
                await asyncio.sleep(0.05)

    async def patch(self, properties: dict[str, Any]) -> None:
        await self.ask("PATCH", "/containerApps/ca-web", {"properties": properties})

    async def seen(self, host: str) -> set[tuple[int, str]]:
        users = Users(self.cloud.endpoints["ingress"], f"{host}.wb.localhost")
        await users.ask(30)
        return set(users.seen)

    async def route(self, label: str) -> None:
        """Every path of the host `shop` to a label."""
        rule = {"routes": [{"match": {"prefix": "/"}}], "targets": [{"containerApp": "ca-web", "label": label}]}
        path = f"/managedEnvironments/{self.cloud.endpoints['environment']}/httpRouteConfigs/shop"
        await self.ask("PUT", path, {"properties": {"rules": [rule]}})

    async def subscribe(self, name: str) -> None:
        at = self.cloud.endpoints
        more = {"where": ONLY, "retry": TWICE, "batching": TEN, "attributes": KEY}
        body = {"topic": "weighbridge", "endpoint": f"{at['webhook']}/{name}", **more}
        async with self.http.put(f"{at['control']}/events/subscriptions/{name}", json=body, raise_for_status=True):
            pass

    def storage(self) -> AbstractAsyncContextManager[TableServiceClient]:
        return TableServiceClient.from_connection_string(self.cloud.endpoints["storage"])


def image(tag: str, **more: str) -> dict[str, Any]:
    return {"containers": [{"name": "web", "image": f"weighbridge.azurecr.io/shop/web:{tag}"}], **more}


async def fill(run: Run) -> dict[str, Any]:
    """Two revisions that share the traffic, one with a label, and a third that is inactive; answers the app."""
    at = run.cloud.endpoints
    for tag in ("1.0.0", "1.1.0", "1.2.0"):
        await images.push(samples.good(tag), f"http://{at['registry']}", "shop/web", tag)
    home = f"/subscriptions/{at['subscription']}/resourceGroups/{at['resource_group']}/providers/Microsoft.App"
    configuration = {
        "activeRevisionsMode": "Multiple",
        "secrets": [{"name": "key", "value": "s3cret"}],
        "ingress": {"external": True, "targetPort": 80},
    }
    body = {
        "location": "eastus",
        "properties": {
            "environmentId": f"{home}/managedEnvironments/{at['environment']}",
            "configuration": configuration,
            "template": image("1.0.0", revisionSuffix="one"),
        },
    }
    await run.ask("PUT", "/containerApps/ca-web", body)
    await run.ask("PUT", "/containerApps/ca-web/authConfigs/current", {"properties": SIGN_IN})
    await run.ready("ca-web--one")
    for tag, suffix in (("1.1.0", "two"), ("1.2.0", "three")):
        await run.patch({"template": image(tag, revisionSuffix=suffix)})
        await run.ready(f"ca-web--{suffix}")
    split = [
        {"revisionName": "ca-web--one", "weight": 50},
        {"revisionName": "ca-web--two", "weight": 50, "label": "next"},
    ]
    await run.patch({"configuration": {"ingress": {"traffic": split}}})
    await run.ready("ca-web--three")
    await run.ask("POST", "/containerApps/ca-web/revisions/ca-web--three/deactivate")
    await run.until("/containerApps/ca-web/revisions/ca-web--three", active=False)
    return await lasting(run)


async def lasting(run: Run) -> dict[str, Any]:
    """What an app is, without the address at which this run of the local cloud listens, and how it signs users in."""
    signs_in = await run.properties("/containerApps/ca-web/authConfigs/current")
    return {**(await run.properties()), "eventStreamEndpoint": "", "signs in": signs_in}


async def test_apps_images_subscriptions_storage_and_the_time_survive(tmp_path: Path) -> None:
    async with Run(tmp_path / "state") as first:
        before = await fill(first)
        await first.route("next")
        await first.subscribe("team")
        first.cloud.clock.advance(timedelta(days=3))
        then = first.cloud.clock.now()
        async with first.storage() as tables:
            await (await tables.create_table("kept")).upsert_entity({"PartitionKey": "a", "RowKey": "b"})
    kept = tmp_path / "state" / "cloud.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    async with Run(tmp_path / "state") as again:
        assert again.cloud.clock.now() >= then
        after = await lasting(again)
        assert after == before
        assert (await again.ask("POST", "/containerApps/ca-web/listSecrets"))["value"] == [
            {"name": "key", "value": "s3cret"}
        ]
        revisions = (await again.ask("GET", "/containerApps/ca-web/revisions"))["value"]
        assert [(one["name"][-5:], one["properties"]["active"]) for one in revisions] == [
            ("--one", True),
            ("--two", True),
            ("three", False),
        ]
        await until(lambda: all(again.cloud.dataplane.state(f"ca-web--{n}").replicas[0].ready for n in ("one", "two")))
        assert await again.seen("ca-web") == {(200, "1.0.0"), (200, "1.1.0")}
        assert await again.seen("ca-web---next") == {(200, "1.1.0")}
        assert await again.seen("shop") == {(200, "1.1.0")}
        async with again.storage() as tables:
            assert await tables.get_table_client("kept").get_entity("a", "b")
        (team,) = again.cloud.eventgrid.subscriptions.values()
        assert (team.name, team.where, team.retry, team.batching, team.attributes) == (
            "team",
            msgspec.convert(ONLY, Filter),
            msgspec.convert(TWICE, RetryPolicy),
            Batching(max_events_per_batch=10),
            msgspec.convert(KEY, tuple[Attribute, ...]),
        )


async def test_a_topic_and_its_subscription_that_a_client_made_survive_with_keys_and_headers(tmp_path: Path) -> None:
    header = {"name": "x-key", "type": "Static", "properties": {"value": "s3cret", "isSecret": True}}
    team = "/topics/orders/eventSubscriptions/team"
    async with Run(tmp_path / "state") as first:
        body: dict[str, Any] = {"location": "eastus", "tags": {"a": "b"}}
        await first.ask("PUT", "/topics/orders", body, GRID)
        hook = {"endpointUrl": f"{first.cloud.endpoints['webhook']}/team", "deliveryAttributeMappings": [header]}
        to = {"endpointType": "WebHook", "properties": hook}
        given = {"destination": to, "filter": ONLY, "retryPolicy": TWICE, "labels": ["one"]}
        await first.ask("PUT", team, {"properties": given}, GRID)
        await first.cloud.eventgrid.settle(10)
        before = [await first.ask("POST", "/topics/orders/listKeys", None, GRID), await shown(first, team)]

    async with Run(tmp_path / "state") as again:
        after = [await again.ask("POST", "/topics/orders/listKeys", None, GRID), await shown(again, team)]
        told = (await again.ask("POST", f"{team}/getDeliveryAttributes", None, GRID))["value"]
        topic = await again.ask("GET", "/topics/orders", None, GRID)
    assert after == before
    assert [one["properties"]["value"] for one in told] == ["s3cret"]
    assert topic["tags"] == {"a": "b"}
    assert topic["properties"]["endpoint"] == f"{again.cloud.endpoints['eventgrid']}/topics/orders/api/events"


async def shown(run: Run, subscription: str) -> dict[str, Any]:
    """What a subscription is, but for its state: its endpoint is asked again."""
    properties: dict[str, Any] = (await run.ask("GET", subscription, None, GRID))["properties"]
    return {name: value for name, value in properties.items() if name != "provisioningState"}


async def test_a_cloud_that_is_killed_is_there_again(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with up(tmp_path / "temporary", "--no-app", "--state", state) as cloud:
        await with_a_revision(cloud)
        await until(lambda: b'"ready":"ca-web--' in (tmp_path / "state" / "cloud.json").read_bytes())
        cloud.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(cloud.process.wait, 20)

    async with Run(tmp_path / "state") as again:
        revision = (await again.properties())["latestReadyRevisionName"]
        await until(lambda: again.cloud.dataplane.state(revision).replicas[0].ready)
        assert await again.seen("ca-web") == {(200, "1.0.0")}


async def test_an_operation_that_was_cut_off_is_told_as_failed_and_reset_empties_what_is_kept(tmp_path: Path) -> None:
    async with Run(tmp_path / "state") as first:
        await fill(first)
        await first.route("next")
        first.cloud.arm.troubles.add(Kind.SLOW, seconds=600)
        await first.patch({"template": image("1.2.0", revisionSuffix="four")})

    async with Run(tmp_path / "state") as again:
        assert (await again.properties())["provisioningState"] == "Failed"
        async with again.http.post(f"{again.cloud.endpoints['control']}/reset", raise_for_status=True):
            pass

    async with Run(tmp_path / "state") as empty:
        assert (await empty.ask("GET", "/containerApps"))["value"] == []
        routes = f"/managedEnvironments/{empty.cloud.endpoints['environment']}/httpRouteConfigs"
        assert (await empty.ask("GET", routes))["value"] == []
        assert not [path for path in (tmp_path / "state" / "registry").rglob("*") if path.is_file()]


def test_a_folder_is_one_clouds_at_a_time(tmp_path: Path) -> None:
    state = State(tmp_path)
    with pytest.raises(StateError, match="found another local cloud"):
        State(tmp_path)
    state.close()
    State(tmp_path).close()


async def test_a_folder_that_something_else_wrote_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cloud.json").write_text('{"version": 2}')
    with up(tmp_path / "temporary", "--no-app", "--state", str(tmp_path)) as cloud:
        said = await asyncio.to_thread(cloud.process.stderr.read) if cloud.process.stderr else ""
        assert cloud.process.wait(20) == 1
    assert said.startswith(f"localcloud: state: {tmp_path / 'cloud.json'}: expected what a local cloud wrote")
    assert (tmp_path / "cloud.json").read_text() == '{"version": 2}'
