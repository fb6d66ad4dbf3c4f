"""A webhook target: it takes what is sent to it, remembers it, and fails as it is told."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.clock import Clock

_MOST = 10_000
_BODY = 4 * 1024 * 1024  # bytes


class HookTrouble(StrEnum):
    """What happens to the delivery."""

    STATUS = "status"  # answered with this status
    SLOW = "slow"  # answered 200, after these seconds of the cloud's clock
    HANG = "hang"  # never answered
    CUT = "cut"  # the connection is cut instead of an answer


@dataclass(slots=True, kw_only=True)
class HookOrder:
    """The next `times` deliveries to a path with this part meet it. path: "" is any. hits: how many did."""

    id: int
    kind: HookTrouble
    times: int
    path: str
    status: int
    seconds: float
    hits: int = 0


@dataclass(slots=True, kw_only=True)
class Received:
    """One delivery. status: what it was answered, 0 when it was not. trouble: what it met, "" for none."""

    at: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    status: int = 0
    trouble: str = ""


class Hooks:
    """Any method and path: `http://…/team-a` and `http://…/team-b` are two targets. Event Grid's handshake is answered.

    received: every delivery, the oldest first. orders: trouble, those that are used up too.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = itertools.count(1)
        self._freed = asyncio.Event()
        self.received: deque[Received] = deque(maxlen=_MOST)
        self.orders: list[HookOrder] = []

    def app(self) -> web.Application:
        """To be served."""
        app = web.Application(client_max_size=_BODY)
        app.router.add_route("*", "/{path:.*}", self._take)
        app.on_shutdown.append(self._let_go)
        return app

    def add(self, kind: HookTrouble, *, times: int, path: str, status: int, seconds: float) -> HookOrder:
        """Have the next deliveries meet it."""
        order = HookOrder(id=next(self._ids), kind=kind, times=times, path=path, status=status, seconds=seconds)
        self.orders.append(order)
        return order

    def clear(self) -> None:
        """No more trouble; what hangs is let go without an answer."""
        self.orders.clear()
        self._freed.set()
        self._freed = asyncio.Event()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        said = (await request.read()).decode(errors="replace")
        code = _handshake(request, said)
        if code is not None:
            return web.json_response(code, headers={"WebHook-Allowed-Origin": "*"})
        order = next((o for o in self.orders if o.times > 0 and o.path in request.path), None)
        one = Received(
            at=self._clock.now().isoformat(),
            method=request.method,
            path=request.path,
            headers=dict(request.headers),
            body=said,
            trouble=order.kind.value if order else "",
        )
        self.received.append(one)
        one.status = await self._meet(order) if order else 200
        if one.status:
            return web.Response(status=one.status)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=504)

    async def _meet(self, order: HookOrder) -> int:
        """The status to answer; 0 for none."""
        order.times -= 1
        order.hits += 1
        match order.kind:
            case HookTrouble.STATUS:
                return order.status
            case HookTrouble.SLOW:
                await self._clock.sleep(order.seconds)
                return 200
            case HookTrouble.HANG:
                await self._freed.wait()
                return 0
            case HookTrouble.CUT:
                return 0

    async def _let_go(self, _: web.Application) -> None:
        """Deliveries that hang must not keep a server from ending."""
        self.clear()


def _handshake(request: web.Request, said: str) -> dict[str, str] | None:
    """The answer to Event Grid's question whether this target wants its events; None for anything else."""
    if request.method == "OPTIONS" and "WebHook-Request-Origin" in request.headers:
        return {}
    if request.headers.get("aeg-event-type") != "SubscriptionValidation":
        return None
    return {"validationResponse": json.loads(said)[0]["data"]["validationCode"]}
