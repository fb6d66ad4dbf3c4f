"""Several functions of the host, interleaved at every port call: each order once that anyone could tell apart.

A function runs until it makes a port call, which is parked before it takes effect; a call itself is atomic. What can
happen then is a choice among the parked calls, and the search is depth first over the choices. Two calls commute when
neither changes what the other touches; of the orders that differ only in commuting neighbours one is tried (sleep
sets: Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996). A call that no other function
of the scenario can disturb is made at once. Time stands still, unless the scenario lets it pass as a function of its
own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.delivery.schedule import Call, tapped
from tests.delivery.shop import Shop

Id = tuple[str, str, int]  # whose, which call, how many times before
Touch = tuple[str, ...]
Function = Callable[[Shop], Coroutine[Any, Any, object]]
SIGNAL = "signal"
ACTOR: ContextVar[str] = ContextVar("actor", default="")


@dataclass(frozen=True, kw_only=True)
class Parked:
    id: Id
    call: Call
    at: datetime
    go: asyncio.Future[None]


@dataclass(kw_only=True)
class Run:
    """One execution: who is parked where, and what each function came to.

    trace, made: the calls in the order they took effect. asked_at: when the last of them arrived.
    """

    shop: Shop
    asked_at: datetime
    tasks: dict[str, asyncio.Task[object]] = field(default_factory=dict)
    parked: dict[Id, Parked] = field(default_factory=dict)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    trace: list[Id] = field(default_factory=list)
    made: list[tuple[str, Call]] = field(default_factory=list)

    async def before(self, call: Call) -> object:
        actor, said = ACTOR.get(), str(call)
        nth = self.counts.get((actor, said), 0)
        self.counts[actor, said] = nth + 1
        go: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        parked = Parked(id=(actor, said, nth), call=call, at=self.shop.clock.now(), go=go)
        self.parked[parked.id] = parked
        await parked.go
        return None

    async def after(self, call: Call, token: object) -> None:
        pass

    async def start(self, functions: dict[str, Function]) -> None:
        for name, function in functions.items():
            self.tasks[name] = asyncio.create_task(_as(name, function(self.shop)))
        await quiet()

    async def make(self, chosen: Id) -> None:
        """Let one parked call happen, and everything up to the next ones."""
        parked = self.parked.pop(chosen)
        self.trace.append(chosen)
        self.asked_at = parked.at
        self.made.append((chosen[0], parked.call))
        parked.go.set_result(None)
        await quiet()

    async def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def _as(name: str, work: Awaitable[object]) -> object:
    ACTOR.set(name)
    return await work


async def quiet() -> None:
    """Until everybody is parked or done: nothing else is ready to run."""
    loop: Any = asyncio.get_running_loop()
    await asyncio.sleep(0)
    while loop._ready:  # noqa: ASYNC110 - there is no event for "nothing is ready", and no time passes
        await asyncio.sleep(0)


async def passing(shop: Shop, by: timedelta) -> None:
    """Time passes, at any moment among the others' calls."""
    await _signal(shop, "time")
    shop.clock.advance(by)


async def working(shop: Shop, most: int) -> None:
    """A host that takes what is due, one message after another, `most` times."""
    for _ in range(most):
        await _signal(shop, "pop")
        message = shop.queue.pop_due()
        if message is not None:
            await shop.handle(message)


async def _signal(shop: Shop, what: str) -> None:
    """A choice of the schedule that is no port call; it is parked as a read of nothing."""
    await shop.ports.rows.get(SIGNAL, what, what)


def touches(call: Call) -> list[tuple[Touch, bool]]:
    """What a call looks at (False) and changes (True)."""
    match call.port, call.name:
        case "rows", "get" if call.arguments[0] == SIGNAL:
            return [((call.arguments[1],), True)]
        case "rows", "get":
            return [((*call.arguments,), False)]
        case "rows", "scan":
            table, partition, *more = call.arguments
            prefix = str(more[0]).rstrip("~") if more else ""
            return [((table, partition, prefix), False)]
        case "rows", _:
            table, partition, changes = call.arguments
            return [((table, partition, change.key), True) for change in changes]
        case "queue", _:
            return [(("pop",), False)]  # two sends commute: what is sent is a set, to who takes from it
        case "channel", _:
            return []
        case "apps", "send":
            return [(("arm",), True)]
        case "registry", _:
            return []
        case _:
            return [(("arm",), False)]


def clash(one: Touch, other: Touch) -> bool:
    """Whether two touches are of one thing; a scan touches every key that begins like its range."""
    if "time" in (one[0], other[0]):
        return True
    if len(one) == 1 or len(other) == 1:
        return one == other
    return one[:2] == other[:2] and (one[2].startswith(other[2]) or other[2].startswith(one[2]))


def commute(one: Call, other: Call) -> bool:
    return not any(
        (changes or changed) and clash(thing, touched)
        for thing, changes in touches(one)
        for touched, changed in touches(other)
    )


@dataclass(kw_only=True)
class Explored:
    """How much was tried. runs: complete orders. cut: orders found to be one of those. steps: calls made."""

    runs: int = 0
    cut: int = 0
    steps: int = 0
    ends: int = 0


async def explore(
    start: Shop,
    functions: dict[str, Function],
    *,
    always: Callable[[Run], None],
    finally_: Callable[[Run], Awaitable[None]],
    alone: Callable[[str, Call], bool] = lambda _actor, _call: False,
    sample: int = 0,
) -> Explored:
    """Try every order, or `sample` of them, spread over all by a fixed seed.

    always: asked after every call. finally_: asked when all are done. alone: which calls nobody else minds.
    """
    found = Explored()
    dice = random.Random(1)  # noqa: S311 - picks test cases, the same in every run
    todo: list[tuple[list[Id], dict[Id, Call]]] = [([], {})]
    while todo and (not sample or found.runs < sample):
        prefix, sleeping = todo.pop(dice.randrange(len(todo)) if sample else -1)
        run = await _replayed(start, functions, prefix)
        found.steps += len(prefix)
        while run.parked:
            free = next((p for p in run.parked.values() if not touches(p.call) or alone(p.id[0], p.call)), None)
            awake = [free] if free else [p for p in run.parked.values() if p.id not in sleeping]
            if not awake:
                break
            tried = dict(sleeping)
            for parked in awake:
                rest = {known: call for known, call in tried.items() if commute(call, parked.call)}
                if parked is awake[0]:
                    sleeping = rest
                else:
                    todo.append(([*run.trace, parked.id], rest))
                tried[parked.id] = parked.call
            await run.make(awake[0].id)
            found.steps += 1
            _asked(always, run)
        if run.parked:
            found.cut += 1
        else:
            found.runs += 1
            await _finished(finally_, run)
        await run.stop()
    return found


async def _replayed(start: Shop, functions: dict[str, Function], prefix: list[Id]) -> Run:
    shop = start.fork()
    run = Run(shop=shop, asked_at=shop.clock.now())
    shop.ports = tapped(shop.ports, run)
    await run.start(functions)
    for chosen in prefix:
        await run.make(chosen)
    return run


def _asked(always: Callable[[Run], None], run: Run) -> None:
    try:
        always(run)
    except AssertionError as error:
        raise AssertionError(told(run, error)) from error


async def _finished(finally_: Callable[[Run], Awaitable[None]], run: Run) -> None:
    try:
        for task in run.tasks.values():
            task.result()
        await finally_(run)
    except Exception as error:
        raise AssertionError(told(run, error)) from error


def told(run: Run, error: Exception) -> str:
    """The interleaving, one call a line."""
    lines = [f"  {actor}: {call}" for actor, call in run.made]
    return "\n".join([f"{type(error).__name__}: {error}", *lines])
