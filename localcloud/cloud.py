"""The whole local cloud: one asyncio process with its services, and the children it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud import azurite, identity
from localcloud.arm import Arm
from localcloud.clock import Clock
from localcloud.control import Controlled, control_app
from localcloud.dataplane import DataPlane
from localcloud.dataplane.fate import FateKind, Fates
from localcloud.directory import Directory
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.arm import ArmCalls
from localcloud.eventgrid.model import Schema
from localcloud.eventgrid.storage import Account
from localcloud.eventgrid.topics import Kind
from localcloud.hooks import Hooks
from localcloud.hosted_app import SCANS, HostedApp
from localcloud.journal import Journal
from localcloud.monitor.service import Monitor
from localcloud.options import (
    DOMAIN,
    DOMAINS,
    ENVIRONMENT,
    GROUP,
    LOGIN_SERVER,
    PROFILES,
    REGISTRY,
    REGISTRY_ID,
    SUBSCRIPTION,
)
from localcloud.proxy import Proxy
from localcloud.registry import Registry
from localcloud.samples import elsewhere
from localcloud.scratch import Scratch
from localcloud.state import State, keeping
from localcloud.tls import make_ca

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.functions import Functions
    from localcloud.options import Options
    from localcloud.tls import Ca


class PortError(Exception):
    """A port that was asked for is taken."""


class LocalCloud:
    """Started by `start`, ended by `close`; its parts may be used directly by a test in the same process.

    clock: the time of every part but the Functions host and what it runs, which live in real time.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._scratch = Scratch("localcloud-")
        self.folder = self._scratch.path
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.fates = Fates(self.clock, self._struck)
        self.hooks = Hooks(self.clock)
        self.endpoints: dict[str, str] = {}
        self._app = HostedApp()
        self._images = (options.state or self.folder) / "registry"
        self._stack = AsyncExitStack()

    @property
    def functions(self) -> Functions | None:
        """The first Functions host, once there is one."""
        return self._app.functions

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
        """In the order in which each part needs those before it."""
        ca = make_ca(self.folder, [DOMAIN, f"internal.{DOMAIN}", *DOMAINS, LOGIN_SERVER])
        keep = self.options.state
        state = self._stack.enter_context(contextlib.closing(State(keep))) if keep else None
        storage = await asyncio.to_thread(azurite.start, self.options.root, keep=keep and keep / "storage")
        self._stack.callback(storage.stop)
        self._open_eventgrid(storage.connection_string)
        registry = await self._open_registry()
        await self._open_dataplane(ca, registry)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(ca.cert_file, ca.key_file)
        signing_in = await self._open_arm(tls)
        self.endpoints = {
            **signing_in,
            "ca": str(ca.ca_file),
            "cert": str(ca.cert_file),
            "key": str(ca.key_file),
            "registry": f"localhost:{registry.rpartition(':')[2]}",
            "login_server": LOGIN_SERVER,
            "ingress": self.dataplane.http,
            "ingress_tls": self.dataplane.https,
            "domain": DOMAIN,
            "storage": storage.connection_string,
            "proxy": f"http://{await self._open_proxy(tls)}",
            **await self._serve_eventgrid(tls),
            "webhook": f"http://{await self._serve(self.hooks.app())}",
            "control": f"http://{await self._serve(self._control(), port=self.options.control)}",
            "subscription": SUBSCRIPTION,
            "resource_group": GROUP,
            "environment": ENVIRONMENT,
            "functions": "",
            "functions_key": "",
            "functions_master_key": "",
            **await self._serve_monitor(tls),
        }
        await self._resume(state)

    def _open_eventgrid(self, storage: str) -> None:
        account = Account(storage)
        self._stack.push_async_callback(account.close)
        self.eventgrid = EventGrid(
            clock=self.clock,
            schedule=0.05,
            seed=self.options.seed,
            account=account,
            function=self._app.endpoint,
        )
        self._stack.push_async_callback(self.eventgrid.close)
        self.eventgrid.topic(REGISTRY, kind=Kind.SYSTEM, source=REGISTRY_ID)
        self.eventgrid.topic(SCANS, schema=Schema.CLOUD_EVENTS)

    async def _serve_eventgrid(self, tls: ssl.SSLContext) -> dict[str, str]:
        """Over https, too: an SDK sends a token of the directory nowhere else."""
        self.eventgrid.handshakes.base = f"http://{await self._serve(self.eventgrid.app())}"
        return {
            "eventgrid": self.eventgrid.handshakes.base,
            "eventgrid_tls": f"https://localhost:{(await self._serve(self.eventgrid.app(), tls)).rpartition(':')[2]}",
            "eventgrid_key": self.eventgrid.keys_of(SCANS).key1,
        }

    async def _open_registry(self) -> str:
        """Where it listens, `127.0.0.1:port`, over http and for everybody."""
        self.registry = Registry(
            folder=self._images,
            clock=self.clock,
            name=REGISTRY,
            resource_id=REGISTRY_ID,
            publish=self._publish,
        )
        return await self._serve(self.registry.app())

    async def _open_dataplane(self, ca: Ca, registry: str) -> None:
        bases = {LOGIN_SERVER: f"http://{registry}", registry: f"http://{registry}"}
        if not self.options.engine:
            bases[elsewhere.HOST] = f"http://{await self._serve(elsewhere.app())}"
        bases[f"localhost:{registry.rpartition(':')[2]}"] = f"http://{registry}"
        self.dataplane = DataPlane(
            self.folder / "dataplane",
            bases.__getitem__,
            ca.cert_file,
            ca.key_file,
            http_port=self.options.ingress,
            fates=self.fates,
            engine=self.options.engine,
            unready_hangs=True,
        )
        self._stack.push_async_callback(self.dataplane.close)
        await self.dataplane.open()

    async def _open_arm(self, tls: ssl.SSLContext) -> dict[str, str]:
        """Azure Resource Manager, and Monitor over what it knows; where it is, and how one signs in."""
        profile = PROFILES[self.options.profile]
        topics = ArmCalls(self.eventgrid, self.clock, registry=REGISTRY_ID, stream=REGISTRY, seconds=profile.put.p50)
        self.arm = Arm(
            clock=self.clock,
            dataplane=self.dataplane,
            profile=profile,
            domains=DOMAINS,
            seed=self.options.seed,
            knobs=self.options.knobs,
            more=topics.routes(),
        )
        self.arm.store.guests.append(topics)
        self._stack.push_async_callback(self.arm.close)
        header = secrets.token_urlsafe(16)
        secret = secrets.token_hex(16)  # a command line takes one that begins with "-" for an option
        self.arm.store.streams = f"https://localhost:{(await self._serve(self._arm(secret), tls)).rpartition(':')[2]}"
        await self.arm.create_environment(SUBSCRIPTION, GROUP, ENVIRONMENT, DOMAIN)
        self.monitor = Monitor(
            store=self.arm.store,
            sampler=self.arm.sampler,
            plane=self.dataplane,
            clock=self.clock,
            folder=self.folder / "dataplane" / "revisions",
            group=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}",
            delay=profile.logs_delay,
        )
        self._stack.push_async_callback(self.monitor.close)
        self.monitor.open()
        return {
            "arm": self.arm.store.streams,
            "arm_http": f"http://{await self._serve(self.arm.app())}",
            "identity_endpoint": f"http://{await self._serve(identity.app(header))}/msi/token",
            "identity_header": header,
            "tenant": identity.TENANT,
            "client": identity.CLIENT,
            "client_secret": secret,
        }

    async def _resume(self, state: State | None) -> None:
        """What was kept is there again, then the function app, then what there is is kept."""
        if state is not None:
            await state.load(self.arm, self.eventgrid)
        self._stack.push_async_callback(self._app.stop)
        self.endpoints |= await self._app.start(self.options, self.folder, self.endpoints, self.eventgrid)
        if state is not None:
            await self._stack.enter_async_context(keeping(state, self.arm, self.eventgrid))

    async def _serve(self, app: web.Application, tls: ssl.SSLContext | None = None, port: int = 0) -> str:
        """Serve an application on a loopback port, 0 for a free one; answers `127.0.0.1:port`."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        except OSError as error:
            raise PortError(f"port: expected {port} to be free, found {error.strerror}") from error
        return f"127.0.0.1:{runner.addresses[0][1]}"

    async def _serve_monitor(self, tls: ssl.SSLContext) -> dict[str, str]:
        """Azure Monitor's data planes; its clients insist on https."""
        monitor = self.monitor
        served = {"logs": monitor.logs(), "metrics": monitor.metrics(), "prometheus": monitor.prometheus()}
        ports = {name: (await self._serve(app, tls)).rpartition(":")[2] for name, app in served.items()}
        ingestion = f"http://{await self._serve(monitor.ingestion())}/"
        return {
            **{name: f"https://localhost:{port}" for name, port in ports.items()},
            "workspace": monitor.workspace_id,
            "component": monitor.component,
            "telemetry": f"InstrumentationKey={monitor.instrumentation_key};IngestionEndpoint={ingestion}",
        }

    def _arm(self, secret: str) -> web.Application:
        """`az cloud register` asks the host it is pointed at what this cloud is made of, and signs in there too."""
        return self.arm.app(web.get("/metadata/endpoints", identity.metadata), *Directory(secret).routes())

    async def _open_proxy(self, tls: ssl.SSLContext) -> str:
        """The registry over https demands tokens, as ACR does; the one over http lets anybody in."""
        passwords = (secrets.token_urlsafe(24), secrets.token_urlsafe(24))
        self.arm.registries.add(REGISTRY_ID, LOGIN_SERVER, self.clock.now(), passwords)
        guarded = Registry(
            folder=self._images,
            clock=self.clock,
            name=REGISTRY,
            resource_id=REGISTRY_ID,
            publish=self._publish,
            auth=True,
            admin=self.arm.registries.signs_in,
        )
        registry = await self._serve(guarded.app(), tls)

        def where(scheme: str, host: str) -> str | None:
            if scheme == "https" and host == LOGIN_SERVER:
                return registry
            served = host.endswith(f".{DOMAIN}")
            return (self.dataplane.https if scheme == "https" else self.dataplane.http) if served else None

        proxy = Proxy(where)
        self._stack.push_async_callback(proxy.close)
        return await proxy.open()

    async def _publish(self, event: dict[str, object]) -> None:
        await self.eventgrid.publish(REGISTRY, event)

    def _control(self) -> web.Application:
        return control_app(
            Controlled(
                clock=self.clock,
                journal=self.journal,
                arm=self.arm,
                fates=self.fates,
                eventgrid=self.eventgrid,
                hooks=self.hooks,
                forget_images=self._forget_images,
                forget_logs=self.monitor.clear,
                functions=lambda: self._app.instances,
            )
        )

    async def _forget_images(self) -> None:
        """Content is files, and so is what repositories have of it."""
        for path in [*self._images.rglob("*")]:
            if path.is_file():
                path.unlink()

    def _struck(self, kind: FateKind, revision: str, replica: str) -> None:
        self.journal.note("fate", kind, revision=revision, replica=replica)
