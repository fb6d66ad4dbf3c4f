"""One revision: its replicas, as many as asked for."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from localcloud.dataplane import fate
from localcloud.dataplane.door import Door
from localcloud.dataplane.model import WorkloadState
from localcloud.dataplane.replica import CRASHES, Replica
from localcloud.dataplane.scaler import Scaler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from localcloud.dataplane.command import Command
    from localcloud.dataplane.fate import Fates
    from localcloud.dataplane.model import Pace, Workload
    from localcloud.dataplane.ports import Ports


class Unit:
    """command: of a replica by name and port. folder: for logs. fates: what is to become of them.

    begun: how often the revision was, with this time; replicas of another time have other names.

    drained: awaited between taking a replica from the ingress and ending it.
    """

    def __init__(
        self,
        *,
        workload: Workload,
        begun: int,
        command: Callable[[str, int | None], Command],
        folder: Path,
        ports: Ports,
        pace: Pace,
        changed: Callable[[], Awaitable[None]],
        drained: Callable[[str], Awaitable[None]],
        fates: Fates,
    ) -> None:
        self._workload, self._begun = workload, begun
        self._command = command
        self._folder = folder
        self._ports = ports
        self._pace = pace
        self._changed = changed
        self._drained = drained
        self._fates = fates
        self._replicas: list[Replica] = []
        self._wanted = 0
        self._made = 0
        self._lock = asyncio.Lock()
        self._asleep = self._waking = self._closed = False
        self._served = asyncio.Event()
        self._door = Door(self.wake)
        self.scaler = Scaler(workload.scale, fates.clock.now()) if workload.scale else None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def state(self) -> WorkloadState:
        """Seen from outside. A crash loop stays the reason until a process becomes ready."""
        looping = any(replica.crashes >= CRASHES for replica in self._replicas)
        revision = self._workload.revision
        crashing = f"Container crashing: {self._container()}" if looping else ""
        return WorkloadState(
            replicas=tuple(replica.state for replica in self._replicas if replica.assigned),
            failed=fate.failed(self._fates, revision) or crashing,
            details=fate.details(self._fates, revision, self._workload.port),
            asleep=self._asleep,
            waking=self._waking,
        )

    @property
    def serving(self) -> tuple[int, ...]:
        """Ports that take requests."""
        return tuple(replica.port for replica in self._replicas if replica.serving and replica.port is not None)

    @property
    def unready(self) -> bool:
        """It should take requests, and none of its replicas does."""
        return self._wanted > 0 and not self.serving

    @property
    def revision(self) -> str:
        """Its name."""
        return self._workload.revision

    @property
    def waiting(self) -> int:
        """Requests that wait for a replica."""
        return self._door.waiting

    @property
    def door(self) -> int | None:
        """Port where its requests wait for a replica that will come; None when none is awaited there."""
        return self._door.port if self._asleep or self._waking else None

    async def sleep(self) -> None:
        """End every replica; the next request begins one."""
        await self._door.open()
        self._asleep = True
        await self.scale(0)

    async def wake(self) -> int:
        """Begin a replica if there is none; answers the port of one that takes requests."""
        if self._asleep:
            self._asleep, self._waking = False, True
            await self.scale(1)
        while not self.serving:
            await self._served.wait()
        self._waking = False
        return self.serving[0]

    def due(self, now: datetime) -> bool:
        """Whether the number of its replicas is to be decided now."""
        return self.scaler is not None and self.scaler.due(now)

    def saw(self, total: int, active: int, now: datetime) -> None:
        """Requests answered since the beginning, and in flight."""
        if self.scaler is not None:
            self.scaler.saw(total, active, now)

    async def follow(self, now: datetime) -> None:
        """As many replicas as its scaler decides; nothing while one of them is not ready."""
        here = len(self._replicas)
        if self.scaler is None or not self.due(now) or not here or len(self.serving) < here:
            return
        wanted = self.scaler.decide(here, now)
        if wanted != here:
            await (self.scale(wanted) if wanted else self.sleep())

    async def close(self) -> None:
        """End everything: also requests that wait."""
        self._asleep = self._waking = False
        self._closed = True
        await self.scale(0)
        await self._door.close()

    async def scale(self, replicas: int) -> None:
        """Begin as many as are missing, or end the newest that are too many."""
        async with self._lock:
            self._wanted = replicas = 0 if self._closed else replicas
            while len(self._replicas) < replicas:
                self._replicas.append(self._replica())
            await self._end(self._replicas[replicas:])

    async def _end(self, leaving: list[Replica]) -> None:
        if not leaving:
            return
        for replica in leaving:
            await replica.withdraw()
        await self._told()
        await self._drained(self._workload.revision)
        await asyncio.gather(*(replica.end() for replica in leaving))
        for replica in leaving:
            self._replicas.remove(replica)
            if replica.port is not None:
                self._ports.give_back(replica.port)

    async def _told(self) -> None:
        """Which replicas serve has changed: the ingress hears of it before those who wait for one."""
        if not self.serving:
            self._served.clear()
        elif self.scaler is not None and not self._served.is_set():
            self.scaler.began(self._fates.clock.now())
        await self._changed()
        if self.serving:
            self._served.set()

    def _replica(self) -> Replica:
        self._made += 1
        revision = self._workload.revision
        # In the shape of Kubernetes' names: the revision, its replica set, the pod.
        name = f"{revision}-{_hash(f'{revision} {self._begun}', 10)}-{_hash(f'{revision} {self._made}', 5)}"
        port = None if self._workload.port is None else self._ports.take()
        return Replica(
            name=name,
            port=port,
            command=self._command(name, port),
            log=self._folder / f"{name}.log",
            pace=self._pace,
            changed=self._told,
            script=fate.Script(self._fates, revision, name),
        )

    def _container(self) -> str:
        repository = self._workload.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
        return self._workload.container or repository


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
