"""A data plane that runs nothing: it remembers what it was told and says what a test wants it to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.dataplane.model import PullError, ReplicaState, Routes, Workload, WorkloadState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass
class FakeDataPlane:
    """ready: whether new revisions are ready at once. missing: image -> code of its PullError."""

    ready: bool = True
    missing: dict[str, str] = field(default_factory=dict)
    running: dict[str, Workload] = field(default_factory=dict)
    states: dict[str, WorkloadState] = field(default_factory=dict)
    routes: list[Routes] = field(default_factory=list)
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    starts: int = 0
    logs: Path = Path("no-such-folder")

    @property
    def served(self) -> Routes:
        return self.routes[-1] if self.routes else {}

    async def resolve(self, image: str) -> str:
        if image in self.missing:
            raise PullError(self.missing[image], "no such image")
        return "sha256:" + "0" * 64

    async def start(self, workload: Workload) -> None:
        await self.resolve(workload.image)
        assert workload.revision not in self.running
        self.told.append(f"start {workload.revision}")
        self.starts += 1
        self.running[workload.revision] = workload
        self.put(workload.revision, ready=self.ready)

    def put(
        self,
        revision: str,
        *,
        ready: bool,
        restarts: int = 0,
        failed: str = "",
        exit_code: int | None = None,
        since: datetime | None = None,
    ) -> None:
        """Every replica of a revision is now so."""
        replicas = tuple(
            ReplicaState(
                name=f"{revision}-6c99484fc8-rs{self.starts}t{n}",
                ready=ready,
                started=not failed,
                restarts=restarts,
                running="Waiting" if failed else "Running",
                since=since,
                exit_code=exit_code,
            )
            for n in range(self.running[revision].replicas)
        )
        self.states[revision] = WorkloadState(replicas=replicas, failed=failed)

    def state(self, revision: str) -> WorkloadState:
        return self.states.get(revision, WorkloadState(replicas=()))

    def log(self, revision: str, replica: str) -> Path:
        return self.logs / f"{revision}-{replica}"

    async def stop(self, revision: str) -> None:
        self.told.append(f"stop {revision}")
        self.running.pop(revision, None)
        self.states.pop(revision, None)

    async def scale(self, revision: str, replicas: int) -> None:
        self.running[revision] = replace(self.running[revision], replicas=replicas)

    async def route(self, routes: Routes) -> None:
        self.told.append("route")
        self.routes.append(routes)

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        return {revision: dict(kinds) for revision, kinds in self.totals.items()}
