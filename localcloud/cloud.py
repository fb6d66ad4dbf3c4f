"""The whole local cloud: one asyncio process with its services, and the children it starts and ends."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud import azurite, identity
from localcloud.arm import Arm
from localcloud.clock import Clock
from localcloud.dataplane import DataPlane
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.arm_reads import SITE, ArmReads
from localcloud.functions import Functions, FunctionsError
from localcloud.profile import AZURE, FAST, Profile
from localcloud.registry import Registry
from localcloud.scratch import Scratch
from localcloud.tls import make_ca

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = "rg-local"
ENVIRONMENT = "env-local"
DOMAIN = "wb.localhost"
REGISTRY = "weighbridge"
LOGIN_SERVER = f"{REGISTRY}.azurecr.io"
REGISTRY_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ContainerRegistry/registries/{REGISTRY}"
)
SCANS = "scans"
PUSHED = "Microsoft.ContainerRegistry.ImagePushed"
PROFILES: Mapping[str, Profile] = {"fast": FAST, "azure": AZURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to start. root: where `.work` is. app: the folder of a function app, None: no Functions host.

    settings: a JSON file of app settings, in which `{name}` stands for an endpoint of this cloud.
    ingress: the port of the HTTP ingress, 0 for a free one. host: arguments of the Functions host.
    """

    root: Path
    app: Path | None = None
    settings: Path | None = None
    profile: str = "fast"
    ingress: int = 0
    more: Mapping[str, str] = field(default_factory=dict)
    host: tuple[str, ...] = ()


class LocalCloud:
    """Started by `start`, ended by `close`; its parts may be used directly by a test in the same process.

    clock: the time of every part but the Functions host and what it runs, which live in real time.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._scratch = Scratch("localcloud-")
        self.folder = self._scratch.path
        self.clock = Clock()
        self.endpoints: dict[str, str] = {}
        self.functions: Functions | None = None
        self._stack = AsyncExitStack()

    async def start(self) -> Mapping[str, str]:
        """Start everything; answers every endpoint and setting a client needs."""
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self.endpoints

    async def close(self) -> None:
        """End every child and listener, and remove every file."""
        await self._stack.aclose()
        self._scratch.close()

    async def _start(self) -> None:
        ca = make_ca(self.folder, [DOMAIN])
        storage = await asyncio.to_thread(azurite.start, self.options.root)
        self._stack.callback(storage.stop)
        self.eventgrid = EventGrid(clock=self.clock, schedule=0.05)
        self._stack.push_async_callback(self.eventgrid.close)
        for topic in (REGISTRY, SCANS):
            self.eventgrid.topic(topic)
        self.registry = Registry(
            folder=self.folder / "registry",
            clock=self.clock,
            name=REGISTRY,
            resource_id=REGISTRY_ID,
            publish=self._publish,
        )
        registry = await self._serve(self.registry.app())
        bases = {LOGIN_SERVER: f"http://{registry}", registry: f"http://{registry}"}
        bases[f"localhost:{registry.rpartition(':')[2]}"] = f"http://{registry}"
        self.dataplane = DataPlane(
            self.folder / "dataplane",
            bases.__getitem__,
            ca.cert_file,
            ca.key_file,
            http_port=self.options.ingress,
            unready_hangs=True,
        )
        self._stack.push_async_callback(self.dataplane.close)
        await self.dataplane.open()
        self.arm = Arm(
            clock=self.clock,
            dataplane=self.dataplane,
            profile=PROFILES[self.options.profile],
            domain=DOMAIN,
            more=ArmReads(self.eventgrid, REGISTRY, REGISTRY_ID).routes(),
        )
        self._stack.push_async_callback(self.arm.close)
        await self.arm.create_environment(SUBSCRIPTION, GROUP, ENVIRONMENT, DOMAIN)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(ca.cert_file, ca.key_file)
        header = secrets.token_urlsafe(16)
        self.endpoints = {
            "arm": f"https://localhost:{(await self._serve(self._arm(), tls)).rpartition(':')[2]}",
            "arm_http": f"http://{await self._serve(self.arm.app())}",
            "ca": str(ca.ca_file),
            "cert": str(ca.cert_file),
            "key": str(ca.key_file),
            "registry": f"localhost:{registry.rpartition(':')[2]}",
            "login_server": LOGIN_SERVER,
            "ingress": self.dataplane.http,
            "ingress_tls": self.dataplane.https,
            "domain": DOMAIN,
            "storage": storage.connection_string,
            "identity_endpoint": f"http://{await self._serve(identity.app(header))}/msi/token",
            "identity_header": header,
            "eventgrid": f"http://{await self._serve(self.eventgrid.app())}",
            "eventgrid_key": self.eventgrid.key,
            "control": f"http://{await self._serve(self._control())}",
            "subscription": SUBSCRIPTION,
            "resource_group": GROUP,
            "environment": ENVIRONMENT,
            "functions": "",
            "functions_key": "",
        }
        if self.options.app is not None:
            await self._start_functions(self.options.app)

    async def _serve(self, app: web.Application, tls: ssl.SSLContext | None = None) -> str:
        """Serve an application on a free loopback port; answers `127.0.0.1:port`."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return f"127.0.0.1:{runner.addresses[0][1]}"

    def _arm(self) -> web.Application:
        """`az cloud register` asks the host it is pointed at what this cloud is made of."""
        app = self.arm.app()
        app.router.add_get("/metadata/endpoints", identity.metadata)
        return app

    async def _publish(self, event: dict[str, object]) -> None:
        await self.eventgrid.publish(REGISTRY, event)

    def _control(self) -> web.Application:
        control = web.Application()
        control.add_subapp("/_control/arm", self.arm.control())
        control.add_subapp("/_control/eventgrid", self.eventgrid.control())
        control.router.add_post("/_control/functions/{act:kill|start}", self._functions_control)
        return control

    async def _functions_control(self, request: web.Request) -> web.Response:
        if self.functions is None:
            return web.json_response({"error": "this cloud was started without a function app"}, status=404)
        await (self.functions.kill() if request.match_info["act"] == "kill" else self.functions.start())
        return web.json_response({"functions": list(self.functions.names)})

    async def _start_functions(self, app: Path) -> None:
        key = secrets.token_urlsafe(16)
        settings = {
            "AzureWebJobsStorage": self.endpoints["storage"],
            "IDENTITY_ENDPOINT": self.endpoints["identity_endpoint"],
            "IDENTITY_HEADER": self.endpoints["identity_header"],
            "WEBSITE_SITE_NAME": SITE,
            **_filled(self.options.settings, self.endpoints),
            **self.options.more,
        }
        self.functions = Functions(app, settings, key, self.folder / "functions.log", self.options.host)
        self._stack.push_async_callback(self.functions.stop)
        await self.functions.start()
        self.endpoints |= {
            "functions": self.functions.base,
            "functions_key": key,
            "functions_log": str(self.functions.log),
        }
        self.eventgrid.subscribe(
            "pushes",
            REGISTRY,
            endpoint=self.functions.event_endpoint("image_pushed"),
            types=(PUSHED,),
            schema="EventGridSchema",
        )
        self.eventgrid.subscribe(
            SCANS,
            SCANS,
            endpoint=self.functions.event_endpoint("scan_completed"),
            types=(),
            schema="CloudEventSchemaV1_0",
        )


def _filled(path: Path | None, endpoints: Mapping[str, str]) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return {name: str(text).format_map(endpoints) for name, text in json.loads(path.read_text()).items()}
    except (KeyError, ValueError) as error:
        known = ", ".join(f"{{{name}}}" for name in endpoints)
        raise FunctionsError(f"{path}: expected one JSON object of texts with {known}, found {error}") from error
