"""What is to become of a revision, told in advance: each replica asks before it starts, is ready, or goes on."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from localcloud.clock import Clock

_PORTS = (8080, 80)


class FateKind(StrEnum):
    """What happens to each of its replicas. `after` is in seconds of the cloud's clock."""

    SLOW_START = "slow-start"  # not ready before `after` seconds from its start
    PORT_MISMATCH = "port-mismatch"  # runs and never gets ready: it seems to listen elsewhere
    CRASH_LOOP = "crash-loop"  # ends each time before it listens; with `after`, not before that long after it was ready
    PULL_REFUSED = "pull-refused"  # its image is refused: the operation fails, and there is no revision
    PULL_BACKOFF = "pull-backoff"  # there is a revision, and its image never comes
    NO_CAPACITY = "no-capacity"  # no replica is assigned
    DEGRADED = "degraded"  # its process lives, but is ready no more, `after` seconds after it was
    MEMORY_KILL = "memory-kill"  # killed `after` seconds after it got ready, each time


COUNTED = (FateKind.CRASH_LOOP, FateKind.PULL_REFUSED, FateKind.MEMORY_KILL)
"""Kinds that strike again and again, `times` times or (0) for ever; the others last."""

_WAITING = (FateKind.NO_CAPACITY, FateKind.PULL_BACKOFF)


@dataclass(slots=True, kw_only=True)
class Fate:
    """One order. revision: its name, in which `*` stands for anything. hits: how often it struck."""

    id: int
    kind: FateKind
    revision: str
    after: float = 0
    times: int = 0
    hits: int = 0

    def left(self, revision: str) -> bool:
        """Whether it is for this revision, and not used up."""
        return (not self.times or self.hits < self.times) and fnmatchcase(revision.lower(), self.revision.lower())

    def due(self, since: datetime) -> datetime:
        """When it strikes one that has been so since then."""
        return since + timedelta(seconds=self.after)


class Fates:
    """Orders for revisions that are there or will be. told: hears of every strike: kind, revision, replica."""

    def __init__(self, clock: Clock, told: Callable[[FateKind, str, str], None] | None = None) -> None:
        self.clock = clock
        self.orders: list[Fate] = []
        self._ids = itertools.count(1)
        self._told = told
        self._changed = asyncio.Event()

    def add(self, kind: FateKind, revision: str, *, after: float = 0, times: int = 0) -> Fate:
        """From now on. times: how often it strikes, 0 for as long as it is ordered."""
        fate = Fate(id=next(self._ids), kind=kind, revision=revision, after=after, times=times)
        self.orders.append(fate)
        self._tell()
        return fate

    def clear(self) -> None:
        """None any more: what they kept from running or from being ready goes on."""
        self.orders.clear()
        self._tell()

    def find(self, revision: str, *kinds: FateKind) -> Fate | None:
        """The first that is left of these kinds."""
        return next((fate for fate in self.orders if fate.kind in kinds and fate.left(revision)), None)

    def strike(self, fate: Fate, revision: str, replica: str) -> None:
        """Count it and tell of it."""
        fate.hits += 1
        if self._told is not None:
            self._told(fate.kind, revision, replica)

    async def changed(self) -> None:
        """Until there are others than now."""
        await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Script:
    """The fates of one replica. began: when its process was."""

    def __init__(self, fates: Fates, revision: str, replica: str) -> None:
        self._fates, self._revision, self._replica = fates, revision, replica
        self._first: datetime | None = None  # when it was ready for the first time
        self._ready: datetime | None = None  # and when its process was
        self.began = fates.clock.now()
        self._struck: set[int] = set()

    def waits(self) -> bool:
        """Whether it has no machine, or no image, now."""
        return self._fates.find(self._revision, *_WAITING) is not None

    async def admitted(self) -> None:
        """Until it may be given a machine and its image."""
        while (fate := self._fates.find(self._revision, *_WAITING)) is not None:
            self._strike(fate)
            await self._fates.changed()

    def begins(self) -> bool:
        """A process is begun now; whether it may live."""
        self.began, self._ready = self._fates.clock.now(), None
        fate = self._fates.find(self._revision, FateKind.CRASH_LOOP)
        if fate is None or (fate.after and not self._since_first(fate)):
            return True
        self._strike(fate)
        return False

    def withheld(self) -> bool:
        """Whether its process, which listens, is not ready all the same."""
        for kind in (FateKind.PORT_MISMATCH, FateKind.SLOW_START, FateKind.DEGRADED):
            fate = self._fates.find(self._revision, kind)
            if fate is not None and self._withholds(fate):
                self._strike(fate)
                return True
        return False

    def ready(self) -> None:
        """It is, now."""
        self._ready = self._fates.clock.now()
        self._first = self._first or self._ready

    async def struck(self) -> bool:
        """Wait while it serves, until it is to end (True) or to be ready no more (False)."""
        while True:
            found = [(fate, due) for fate in self._fates.orders if (due := self._due(fate)) is not None]
            fate, due = min(found, key=lambda pair: pair[1], default=(None, None))
            if fate is not None and due is not None and due <= self._fates.clock.now():
                self._strike(fate)
                return fate.kind is not FateKind.DEGRADED
            left = None if due is None else (due - self._fates.clock.now()).total_seconds()
            limit = [] if left is None else [self._fates.clock.sleep(left)]
            await first(self._fates.changed(), *limit)

    def _due(self, fate: Fate) -> datetime | None:
        if self._first is None or self._ready is None or not fate.left(self._revision):
            return None
        match fate.kind:
            case FateKind.MEMORY_KILL:
                return fate.due(self._ready)
            case FateKind.DEGRADED | FateKind.CRASH_LOOP:
                return fate.due(self._first)
            case _:
                return None

    def _withholds(self, fate: Fate) -> bool:
        match fate.kind:
            case FateKind.SLOW_START:
                return fate.due(self.began) > self._fates.clock.now()
            case FateKind.DEGRADED:
                return self._since_first(fate)
            case _:
                return True

    def _since_first(self, fate: Fate) -> bool:
        return self._first is not None and fate.due(self._first) <= self._fates.clock.now()

    def _strike(self, fate: Fate) -> None:
        """What lasts strikes a replica once."""
        if fate.kind in COUNTED or fate.id not in self._struck:
            self._struck.add(fate.id)
            self._fates.strike(fate, self._revision, self._replica)


def failed(fates: Fates, revision: str) -> str:
    """What Container Apps says of a revision whose image does not come (seen in 2026); "" for others."""
    return "Pending:ImagePullBackOff on legion" if fates.find(revision, FateKind.PULL_BACKOFF) else ""


def details(fates: Fates, revision: str, port: int | None) -> str:
    """What it says of one that listens elsewhere (seen in 2026); "" for others."""
    if port is None or fates.find(revision, FateKind.PORT_MISMATCH) is None:
        return ""
    other = next(other for other in _PORTS if other != port)
    return f"The TargetPort {port} does not match the listening port {other}."
