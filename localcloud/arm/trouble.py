"""Trouble on order: the next requests that match fail, hang, are lost, or land late."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.arm.calls import Call, Reply


class Kind(StrEnum):
    """What happens to the request."""

    CONFLICT = "conflict"  # 409 ContainerAppOperationInProgress, no effect
    LOCKED = "locked"  # 409 ContainerAppLockConflict, the bare envelope, no effect
    THROTTLED = "throttled"  # 429 with Retry-After: seconds, no effect
    ERROR = "error"  # 500, no effect
    LOST = "lost"  # 500 after its effect was accepted
    CUT = "cut"  # the connection is cut after its effect was accepted
    HANG = "hang"  # never answered, no effect
    HELD = "held"  # not answered and without effect until it is released
    SLOW = "slow"  # its operation takes this many seconds more
    FAIL = "fail"  # its operation ends as Failed, without effect


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One order. method, path: the method and a part of the path, "" is any. times: how many are left."""

    id: int
    kind: Kind
    times: int = 1
    method: str = ""
    path: str = ""
    seconds: float = 1
    hits: int = 0

    def meets(self, call: Call) -> bool:
        """Whether this request is one of those."""
        method = not self.method or self.method.upper() == call.method
        return self.times > 0 and method and self.path.lower() in call.path.lower()


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """A request that waits; its client may have left long before it lands."""

    id: int
    call: Call
    reply: asyncio.Future[Reply] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Troubles:
    """Orders are tried in the order they were given; a request meets at most one."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self.orders: list[Trouble] = []
        self.held: list[Held] = []
        self.freed = asyncio.Event()

    def add(self, kind: Kind, *, times: int = 1, method: str = "", path: str = "", seconds: float = 1) -> Trouble:
        """Have the next requests that match meet it."""
        trouble = Trouble(id=next(self._ids), kind=kind, times=times, method=method, path=path, seconds=seconds)
        self.orders.append(trouble)
        return trouble

    def take(self, call: Call) -> Trouble | None:
        """The trouble this request meets, counted."""
        found = next((order for order in self.orders if order.meets(call)), None)
        if found is not None:
            found.times -= 1
            found.hits += 1
        return found

    def hold(self, call: Call) -> Held:
        """Keep a request back."""
        held = Held(id=next(self._ids), call=call)
        self.held.append(held)
        return held

    def clear(self) -> None:
        """No more trouble: what hangs is let go, what is held never lands."""
        self.orders.clear()
        self.freed.set()
        self.freed = asyncio.Event()
        for held in self.held:
            held.reply.cancel()
        self.held.clear()
