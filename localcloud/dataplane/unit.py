"""One revision: its replicas, as many as asked for."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from localcloud.dataplane import fate
from localcloud.dataplane.command import command
from localcloud.dataplane.model import WorkloadState
from localcloud.dataplane.replica import CRASHES, Replica

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from localcloud.dataplane.fate import Fates
    from localcloud.dataplane.model import Pace, Workload
    from localcloud.dataplane.ports import Ports
    from localcloud.dataplane.pull import Pulled


class Unit:
    """folder: for its replicas' logs. fates: what is to become of them.

    drained: awaited between taking a replica from the ingress and ending it.
    """

    def __init__(
        self,
        *,
        workload: Workload,
        pulled: Pulled,
        folder: Path,
        ports: Ports,
        pace: Pace,
        changed: Callable[[], Awaitable[None]],
        drained: Callable[[str], Awaitable[None]],
        fates: Fates,
    ) -> None:
        self._workload = workload
        self._pulled = pulled
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
        )

    @property
    def serving(self) -> tuple[int, ...]:
        """Ports that take requests."""
        return tuple(replica.port for replica in self._replicas if replica.serving and replica.port is not None)

    @property
    def unready(self) -> bool:
        """It should take requests, and none of its replicas does."""
        return self._wanted > 0 and not self.serving

    async def scale(self, replicas: int) -> None:
        """Begin as many as are missing, or end the newest that are too many."""
        async with self._lock:
            self._wanted = replicas
            while len(self._replicas) < replicas:
                self._replicas.append(self._replica())
            await self._end(self._replicas[replicas:])

    async def _end(self, leaving: list[Replica]) -> None:
        if not leaving:
            return
        for replica in leaving:
            await replica.withdraw()
        await self._changed()
        await self._drained(self._workload.revision)
        await asyncio.gather(*(replica.end() for replica in leaving))
        for replica in leaving:
            self._replicas.remove(replica)
            if replica.port is not None:
                self._ports.give_back(replica.port)

    def _replica(self) -> Replica:
        self._made += 1
        revision = self._workload.revision
        # In the shape of Kubernetes' names: the revision, its replica set, the pod.
        name = f"{revision}-{_hash(revision, 10)}-{_hash(f'{revision} {self._made}', 5)}"
        port = None if self._workload.port is None else self._ports.take()
        return Replica(
            name=name,
            port=port,
            command=command(self._pulled, self._workload, name, port),
            log=self._folder / f"{name}.log",
            pace=self._pace,
            changed=self._changed,
            script=fate.Script(self._fates, revision, name),
        )

    def _container(self) -> str:
        repository = self._workload.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
        return self._workload.container or repository


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
