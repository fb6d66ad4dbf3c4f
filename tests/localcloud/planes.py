"""Data planes for tests: opened on one registry, and waited for."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from localcloud import tls
from localcloud.dataplane import DataPlane, Pace, Workload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.localcloud.static_registry import StaticRegistry

HOST = "web.wb.localhost"
LIMIT_SECONDS = 15.0
QUICK = Pace(restart_first=0.02, restart_most=0.05, alive=0.05, grace=0.5)


@contextlib.asynccontextmanager
async def plane(
    folder: Path,
    registry: StaticRegistry,
    *,
    envoy: bool | None = None,
    unready_hangs: bool = False,
    engine: str = "",
) -> AsyncIterator[DataPlane]:
    """Closed at the end, and then without a child process."""
    ca = tls.make_ca(folder / "tls", ["wb.localhost"])
    before = children()
    opened = DataPlane(
        folder / "plane",
        registry.base_of,
        ca.cert_file,
        ca.key_file,
        envoy=envoy,
        pace=QUICK,
        unready_hangs=unready_hangs,
        engine=engine,
    )
    try:
        await opened.open()
        yield opened
    finally:
        await opened.close()
    assert children() == before


def workload(revision: str, image: str, **changes: object) -> Workload:
    return Workload(**{"revision": revision, "image": image, "env": {}, "port": 8080, **changes})  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + LIMIT_SECONDS
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not come to hold"
        await asyncio.sleep(0.01)


def ready(plane: DataPlane, revision: str) -> bool:
    state = plane.state(revision)
    return bool(state.replicas) and all(replica.ready for replica in state.replicas)


async def running(plane: DataPlane, *workloads: Workload) -> None:
    """Start them and wait until every replica is ready."""
    for one in workloads:
        await plane.start(one)
    for one in workloads:
        await until(lambda revision=one.revision: ready(plane, revision))  # type: ignore[misc]


def children() -> set[int]:
    """Processes whose parent this one is, zombies included (Linux)."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(stat.parent.name))
    return found


class Users:
    """Clients that ask one host without pause. seen: (status, text) -> how often; failed: what was no answer at all."""

    def __init__(self, address: str, host: str = HOST) -> None:
        self.seen: Counter[tuple[int, str]] = Counter()
        self.failed: list[str] = []
        self._url = f"http://{address}/"
        self._host = host

    @property
    def answered(self) -> int:
        return self.seen.total()

    async def ask(self, requests: int, clients: int = 8) -> None:
        """This many requests in all."""
        await self._ask(iter(range(requests)), clients)

    @contextlib.asynccontextmanager
    async def asking(self, clients: int = 8) -> AsyncIterator[None]:
        """While the block runs; every request is answered, or has failed, at its end."""
        over = asyncio.Event()
        task = asyncio.create_task(self._ask(_while_not(over), clients))
        try:
            yield
        finally:
            over.set()
            await task

    async def _ask(self, turns: Iterator[object], clients: int) -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._client(session, turns) for _ in range(clients)))

    async def _client(self, session: aiohttp.ClientSession, turns: Iterator[object]) -> None:
        for _ in turns:
            try:
                async with session.get(self._url, headers={"Host": self._host}) as response:
                    self.seen[response.status, (await response.text()).strip()] += 1
            except aiohttp.ClientError as error:
                self.failed.append(repr(error))

    def of(self, text: str) -> int:
        return sum(count for (_, said), count in self.seen.items() if said == text)


def _while_not(over: asyncio.Event) -> Iterator[None]:
    while not over.is_set():
        yield
