"""A local cloud with an app on it, a policy row, a webhook receiver and users: what the demo and the tests play on."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ResourceExistsError
from azure.core.messaging import CloudEvent
from azure.data.tables.aio import TableServiceClient
from azure.eventgrid.aio import EventGridPublisherClient
from azure.storage.queue.aio import QueueClient

from localcloud import images, samples
from localcloud.cloud import LocalCloud
from localcloud.options import Options
from scripts.demo.hooks import Hooks
from scripts.demo.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localcloud.functions import Functions
    from localcloud.images import Image

ROOT = Path(__file__).parent.parent.parent
REPOSITORY = "shop/web"
APP = "ca-web"
PORT = 8080
API_VERSION = "2025-07-01"
ASK_SECONDS = 0.5  # between two questions to the installation: each is read from its tables
HOOK_SECRET = "WEIGHBRIDGE_SECRET_HOOK"  # noqa: S105 - the name of an app setting


class Stage:
    """Use as a context. Everything it starts ends with it. app: the folder the Functions host runs."""

    def __init__(self, *, ingress: int = 0, settings: Mapping[str, str] | None = None, app: Path = ROOT) -> None:
        self._stack = AsyncExitStack()
        self._ingress = ingress
        self._app = app
        self._settings = dict(settings or {})
        self.digests: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        secret = Hooks.new_secret()
        more = {**self._settings, HOOK_SECRET: secret}
        options = Options(
            root=ROOT,
            app=self._app,
            settings=ROOT / "localcloud.settings.json",
            ingress=self._ingress,
            more=more,
        )
        self.cloud = LocalCloud(options)
        self._stack.push_async_callback(self.cloud.close)
        self.at = await self.cloud.start()
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession())
        self.tables = TableServiceClient.from_connection_string(self.at["storage"])
        self._stack.push_async_callback(self.tables.close)
        self.hooks = await self._stack.enter_async_context(Hooks(Path(self.at["cert"]), Path(self.at["key"]), secret))
        await self.put_row("names", "channel", "hook", kind="webhook", url=self.hooks.url, secret=HOOK_SECRET)

    # what people do

    async def push(self, tag: str, image: Image | None = None, *, repository: str = REPOSITORY) -> str:
        """Push an image, a good version of the sample app by default; answers its digest."""
        digest = await images.push(image or samples.good(tag), f"http://{self.at['registry']}", repository, tag)
        self.digests[tag] = digest
        return digest

    async def publish_scan(self, data: dict[str, Any]) -> None:
        """Publish a scan's result on the custom topic, as a CI job would."""
        endpoint = f"{self.at['eventgrid']}/topics/scans/api/events"
        event = CloudEvent(
            source=f"https://{self.at['login_server']}", type="Weighbridge.ImageScanCompleted", data=data
        )
        async with EventGridPublisherClient(endpoint, AzureKeyCredential(self.at["eventgrid_key"])) as topic:
            await topic.send(event)

    async def put_row(self, table: str, partition: str, key: str, **cells: Any) -> None:
        """Write a row as a person would, whole."""
        with contextlib.suppress(ResourceExistsError):
            await self.tables.create_table(table)
        client = self.tables.get_table_client(table)
        await client.upsert_entity({"PartitionKey": partition, "RowKey": key, **cells}, mode="replace")

    async def put_policy(self, name: str = "production", *, repository: str = REPOSITORY, **cells: Any) -> None:
        """Write a policy row of the repository."""
        partition = f"{self.at['login_server']}|{repository.replace('/', '|')}"
        await self.put_row("policies", partition, name, **cells)

    async def create_app(
        self, tag: str, *, name: str = APP, repository: str = REPOSITORY, env: Mapping[str, str] | None = None
    ) -> None:
        """Create the app in Multiple mode at a pushed tag, and wait until it serves."""
        await self.arm("PUT", self._path("containerApps", name), self.app_file(tag, repository, env))
        await self.wait_for(lambda: self._serves(name), within=30)
        await self.cloud.eventgrid.settle(10)  # the push of this image is old news before a policy row can hear of it

    def app_file(self, tag: str, repository: str = REPOSITORY, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The app as a template tool's file says it: its whole body, at one tag and without traffic."""
        image = f"{self.at['login_server']}/{repository}:{tag}"
        return {
            "location": "local",
            "properties": {
                "environmentId": self._path("managedEnvironments", self.at["environment"]),
                "configuration": {
                    "activeRevisionsMode": "Multiple",
                    "ingress": {"external": True, "targetPort": PORT},
                },
                "template": {
                    "containers": [
                        {
                            "name": "web",
                            "image": image,
                            "resources": {"cpu": 0.25, "memory": "0.5Gi"},
                            "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
                        }
                    ],
                    "scale": {"minReplicas": 1, "maxReplicas": 3},
                },
            },
        }

    async def put_app(self, body: dict[str, Any], *, name: str = APP) -> None:
        """PUT the whole app as a template tool does, again while another write is under way, and wait for its end."""

        async def accepted() -> bool:
            try:
                await self.arm("PUT", self._path("containerApps", name), body)
            except aiohttp.ClientResponseError as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise
                return False
            return True

        await self.wait_for(accepted, within=30)
        await self.wait_for(lambda: self._settled(name), within=30)

    async def _settled(self, name: str) -> bool:
        return bool((await self.app(name))["properties"]["provisioningState"] != "InProgress")

    def _path(self, kind: str, name: str) -> str:
        group = f"/subscriptions/{self.at['subscription']}/resourceGroups/{self.at['resource_group']}"
        return f"{group}/providers/Microsoft.App/{kind}/{name}"

    async def _serves(self, name: str) -> bool:
        found = (await self.app(name))["properties"]
        if found["provisioningState"] != "Succeeded":
            return False
        healthy = {r["name"] for r in await self.revisions(name) if r["properties"]["healthState"] == "Healthy"}
        return found["latestReadyRevisionName"] in healthy  # an app's first revision is called so before it is

    async def app(self, name: str = APP) -> dict[str, Any]:
        """The app as ARM tells it."""
        found: dict[str, Any] = await self.arm("GET", self._path("containerApps", name))
        return found

    async def revisions(self, name: str = APP) -> list[dict[str, Any]]:
        """Its revisions as ARM tells them, the inactive ones too."""
        found: list[dict[str, Any]] = (await self.arm("GET", f"{self._path('containerApps', name)}/revisions"))["value"]
        return found

    async def weights(self, name: str = APP) -> dict[str, int]:
        """Live weights by tag, for the tags this stage pushed."""
        app = await self.app(name)
        listed = await self.revisions(name)
        images = {r["name"]: r["properties"]["template"]["containers"][0]["image"] for r in listed}
        tags = {digest: tag for tag, digest in self.digests.items()}
        found: dict[str, int] = {}
        for entry in app["properties"]["configuration"]["ingress"]["traffic"]:
            named = entry.get("revisionName") or app["properties"]["latestReadyRevisionName"]
            _, _, digest = images[named].partition("@")
            tag = tags.get(digest) or images[named].rpartition(":")[2]
            found[tag] = found.get(tag, 0) + int(entry.get("weight", 0))
        return {tag: weight for tag, weight in found.items() if weight}

    async def arm_writes(self, name: str = APP) -> int:
        """How often Azure was asked to change the app since it was created."""
        url = f"{self.at['control']}/log"
        async with self.http.get(url, params={"path": f"/containerApps/{name}"}) as answer:
            entries = (await answer.json())["value"]
        return sum(entry["method"] in ("PATCH", "POST") for entry in entries)

    async def queue_is_empty(self, name: str) -> bool:
        """Whether a queue holds no message that is visible now."""
        async with QueueClient.from_connection_string(self.at["storage"], name) as queue:
            return not await queue.peek_messages()

    def functions_log(self) -> list[str]:
        """What the Functions host has logged so far."""
        return Path(self.at["functions_log"]).read_text(errors="replace").splitlines()

    async def arm(self, method: str, path: str, body: Any = None) -> Any:
        """One ARM call over http. Raises `aiohttp.ClientResponseError`."""
        url = f"{self.at['arm_http']}{path}?api-version={API_VERSION}"
        async with self.http.request(method, url, json=body, raise_for_status=True) as answer:
            return await answer.json() if answer.content_length else None

    def users(self, rate: float = 40.0, *, name: str = APP) -> Users:
        """Users of the app; use as a context."""
        return Users(ingress=self.at["ingress"], host=f"{name}.{self.at['domain']}", rate=rate)

    @property
    def functions(self) -> Functions:
        """The Functions host."""
        if self.cloud.functions is None:
            raise LookupError("this stage has no Functions host")
        return self.cloud.functions

    # what the product says

    async def api(self, path: str, *, method: str = "GET", body: Any = None) -> Any:
        """One call of the product's HTTP API; the answer's JSON, whatever its status."""
        headers = {"x-functions-key": self.at["functions_key"]}
        async with self.http.request(
            method, f"{self.at['functions']}/api/{path}", json=body, headers=headers
        ) as answer:
            return await answer.json()

    async def rollouts(self, name: str = APP) -> list[dict[str, Any]]:
        """The app's rollouts, newest first."""
        found = await self.api(f"rollouts/{self.at['resource_group']}%7C{name}")
        return found if isinstance(found, list) else []

    async def rollout(self, n: int, name: str = APP) -> dict[str, Any]:
        """One rollout whole."""
        found: dict[str, Any] = await self.api(f"rollouts/{self.at['resource_group']}%7C{name}/{n}")
        return found

    async def order(self, verb: str, *, name: str = APP, **body: Any) -> dict[str, Any]:
        """Give an order."""
        path = f"apps/{self.at['resource_group']}%7C{name}/orders/{verb}"
        found: dict[str, Any] = await self.api(path, method="POST", body=body)
        return found

    async def ended(self, tag: str, within: float = 90.0, name: str = APP) -> dict[str, Any]:
        """Wait until the rollout of this tag has ended; answers it. Raises `TimeoutError`."""
        found: dict[str, Any] = {}

        async def over() -> bool:
            for rollout in await self.rollouts(name):
                if rollout.get("digest") == self.digests[tag] and rollout.get("finished"):
                    found.update(rollout)
                    return True
            return False

        await self.wait_for(over, within=within, every=ASK_SECONDS)
        return found

    async def wait_for(self, condition: Callable[[], Any], *, within: float, every: float = 0.1) -> None:
        """Wait on a condition, with a limit. Raises `TimeoutError`."""
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(every)
