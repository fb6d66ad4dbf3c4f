# ruff: noqa: INP001 - programs, not a package
"""What a registry of many policies costs: an event, its first tick, and a minute of the watch, on rows in memory.

Run `python -m bench.policies` at the root. Medians, each beside that of ten policies; compare ratios between runs on
one machine. Of a quiet minute all that grows is the store's own look through the table by Timestamp, here a loop in
Python. A walk takes 200 rows a minute, but the pattern rows of a registry in one go.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import intake, names, policy_walk, policy_watch
from delivery.ports import Put
from policies.pushes import PushEvidence
from tests.delivery.shop import REGISTRY, REPOSITORY, ROW, Shop, digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS = 50
SIZES = ((10, 0), (1_000, 0), (10_000, 0), (10, 100), (10, 1_000), (10, 10_000))
MINUTE = timedelta(minutes=1)


async def shop_of(rows: int, patterns: int) -> Shop:
    """Rows of other repositories, pattern rows that match nothing of ours, and one row of ours."""
    shop = await Shop(row={**ROW, "Steps": "100% for 1m"}).open()
    for n in range(rows - 1):
        row = Put(key="production", columns={"App": f"rg-shop/ca-{n}"})
        await shop.rows.commit(names.POLICIES, f"{REGISTRY}|team|app-{n:05}", [row])
    cells = {"App": "rg-{name}/ca-{name}"}
    changes = [Put(key=f"p{n}", columns={**cells, "Repository": f"other-{n}/*"}) for n in range(patterns)]
    for first in range(0, patterns, 100):
        await shop.rows.commit(names.POLICIES, f"{REGISTRY}|*", changes[first : first + 100])
    shop.clock.advance(timedelta(minutes=10))
    now = shop.clock.now()
    await policy_walk.save(shop.rows, policy_walk.Walk(read_at=now, began=now, shared={}))
    return shop


async def timed(work: Callable[[int], Awaitable[object]], rounds: int = ROUNDS) -> float:
    """The median of so many rounds, in ms."""
    taken: list[float] = []
    for n in range(rounds):
        began = time.perf_counter()
        await work(n)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


async def measure(rows: int, patterns: int) -> dict[str, float]:
    """Milliseconds: an event, the tick that follows, a minute in which nothing changed, and one of the walk."""
    shop = await shop_of(rows, patterns)
    rounds = ROUNDS if patterns < ROUNDS * 100 else 5

    async def event(n: int) -> None:
        pushed = PushEvidence(
            registry=REGISTRY,
            repository=REPOSITORY,
            tag=f"1.{n}.0",
            digest=digest(n),
            pushed_at=shop.clock.now(),
        )
        shop.registry.push(REPOSITORY, pushed.tag, pushed.digest)
        await intake.image_pushed(shop.ports, pushed)

    async def quiet(_: int) -> None:
        shop.clock.advance(timedelta(milliseconds=1))
        await policy_watch.watch(shop.ports)

    found = {"event": await timed(event, rounds)}
    found["tick"] = await timed(lambda _: shop.step(), 5)
    shop.queue.messages.clear()
    found["quiet minute"] = await timed(quiet, 3)
    shop.clock.advance(timedelta(hours=1))
    found["minute of a first walk"] = await timed(quiet, 1)
    return found


async def main() -> None:
    """Measure every size and print it with its ratio to ten policies."""
    first: dict[str, float] = {}
    for rows, patterns in SIZES:
        found = await measure(rows, patterns)
        first = first or found
        said = ", ".join(f"{name} {ms:.2f} ms (x {ms / first[name]:.1f})" for name, ms in found.items())
        sys.stdout.write(f"{rows:6} rows, {patterns:6} pattern rows: {said}\n")


if __name__ == "__main__":
    asyncio.run(main())
