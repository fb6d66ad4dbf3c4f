"""What the data plane is asked to run and what it answers: values, errors, and the one port its ingresses share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

from localcloud.dataplane.paths import Paths, Targets

Routes = Mapping[str, Targets | Paths]
"""Host name -> ((revision, weight), ...), or rules that have such targets each. Weights may have any sum over 0."""

Backends = Mapping[str, tuple[int, ...]]
"""Revision -> ports on 127.0.0.1 that take its requests; none means it answers 503."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many replicas a revision may have. concurrency: requests a second that one takes.

    None: by rules that cannot be judged here; the number stays. cooldown: seconds without a request before there are
    none, where `least` is 0.
    """

    least: int = 0
    most: int = 10
    concurrency: float | None = 10
    cooldown: float = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One revision to run.

    image: as a template names it, `weighbridge.azurecr.io/shop/web@sha256:…` or `…:tag`.
    command, args: replace the image's entrypoint and its arguments, as they do in Container Apps.
    port: the ingress's target port; None without ingress. Each replica listens on the free port in its `PORT`.
    container: its name in the template; when empty, the last part of the repository.
    scale: by what the number of replicas changes; None: it stays.
    """

    revision: str
    image: str
    env: Mapping[str, str]
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    port: int | None = None
    replicas: int = 1
    container: str = ""
    scale: Scale | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaState:
    """One replica. started: its process runs; ready: the ingress sends it requests; running: Container Apps' word.

    since: when its process was begun, None before there is one. exit_code: of the process before it, None while there
    was none or it could not be begun.
    """

    name: str
    ready: bool
    started: bool
    restarts: int
    running: str
    since: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadState:
    """A revision's replicas. failed: what keeps it from ever becoming ready, for instance `Container crashing: web`.

    details: why it is not ready, where that is known. asleep: it has no replica because nobody asks for it; waking: its
    first replica starts, because somebody does.
    """

    replicas: tuple[ReplicaState, ...]
    failed: str = ""
    details: str = ""
    asleep: bool = False
    waking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take, in seconds.

    drain: for requests in flight, before SIGTERM; grace: between SIGTERM and SIGKILL (Container Apps: 30);
    alive: a process without ingress is ready after it; restart_first, restart_most: the pause before a crashed
    process is started again doubles between them (Kubernetes: 10 and 300).
    """

    drain: float = 5.0
    grace: float = 5.0
    alive: float = 0.2
    poll: float = 0.02
    restart_first: float = 0.2
    restart_most: float = 5.0


class PullError(Exception):
    """An image cannot be had. code: the registry's own (`MANIFEST_UNKNOWN`, `UNAUTHORIZED`, …) or one of ours.

    Ours: `UNAUTHORIZED` (a registry that is not here), `UNAVAILABLE` (no answer), `DIGEST_INVALID`, `MANIFEST_INVALID`,
    `LAYER_INVALID`. text: as Container Apps words it, "" where that is not known.
    """

    def __init__(self, code: str, message: str, text: str = "") -> None:
        super().__init__(text or f"{code}: {message}")
        self.code = code


class IngressError(Exception):
    """The ingress did not start, does not run, or refused a configuration and still serves the one before."""


class Ingress(Protocol):
    """What routes requests to replicas and counts the answers. http, https: `127.0.0.1:port`, once it is open."""

    http: str
    https: str

    async def open(self) -> None:
        """Listen, with no routes: every host is unknown."""

    async def close(self) -> None:
        """Stop listening; twice is once."""

    async def apply(self, routes: Routes, backends: Backends) -> None:
        """Serve exactly this from now on; returns once it is so. Raises IngressError."""

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Running totals since it was opened: revision -> status code, as "200" -> answers."""

    async def active(self, revision: str) -> int:
        """Requests in flight to this revision."""
