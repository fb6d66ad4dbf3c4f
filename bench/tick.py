# ruff: noqa: INP001 - programs, not a package
"""Ticks of apps that bake, per second and per CPU: on rows in memory, and on Azurite where it is installed.

Run `python -m bench.tick` at the root. Azure is a fake without latency, so what is measured is our own work and, on
Azurite, the real SDK over loopback. Compare ratios between runs on one machine, not numbers between machines.
"""

from __future__ import annotations

import asyncio
import copy
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.identity import Identity
from cloud.queues import StorageQueue
from cloud.tables import TableRows
from delivery import codec, names
from delivery.ports import Put
from delivery.settings import Settings
from delivery.tick import Wake, tick
from localcloud import azurite
from rollouts.model import Phase
from tests.delivery.schedule import Counting, tapped
from tests.delivery.shop import KEY, RESOURCE, ROW, Shop

if TYPE_CHECKING:
    from delivery.ports import Ports, Queue, Rows

ROOT = Path(__file__).parents[1]
APPS = 40
ROUNDS = 20
AT_ONCE = 8
EVERY = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One store's numbers. cpu: ms of this process a tick. calls: port calls a tick, by kind."""

    store: str
    rate: float
    cpu: float
    calls: dict[str, float]

    def __str__(self) -> str:
        """Two lines for a person."""
        calls = ", ".join(f"{count:.2f} {name}" for name, count in sorted(self.calls.items()))
        return f"{self.store:10} {self.rate:8.0f} ticks/s {self.cpu:8.2f} ms CPU/tick\n{'':10} {calls}"


async def baking() -> Shop:
    """A shop whose one app bakes for a day."""
    shop = await Shop(row={**ROW, "Steps": "50% for 24h, 100% for 1h"}).open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    return shop


async def measure(store: str, shop: Shop, rows: Rows, queue: Queue) -> Measured:
    """Tick `APPS` copies of the shop's app `ROUNDS` times, `AT_ONCE` together."""
    app = replace(await shop.state(), indexed=None)
    keys = [f"{KEY}-{number}" for number in range(APPS)]
    for key in keys:
        twin = copy.deepcopy(shop.app)
        shop.azure.apps[f"{RESOURCE}-{key.rpartition('-')[2]}".lower()] = twin
        await rows.commit(names.ROLLOUTS, key, [Put(key="app", columns=codec.encode(replace(app, key=key), "t"))])
    counting = Counting()
    ports = tapped(replace(shop.ports, rows=rows, queue=queue), counting)
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_tick(ports, key, gate) for key in keys))
    counting.calls.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(ROUNDS):
        shop.clock.advance(EVERY)
        await asyncio.gather(*(_tick(ports, key, gate) for key in keys))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ticks = APPS * ROUNDS
    calls = {name: count / ticks for name, count in Counter(f"{c.port}.{c.name}" for c in counting.calls).items()}
    return Measured(store=store, rate=ticks / wall, cpu=cpu / ticks * 1000, calls=calls)


async def _tick(ports: Ports, key: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        ticked = await tick(ports, Wake(app=key))
    if not ticked.won:
        raise RuntimeError(f"{key}: expected the only tick of an app to win, found it lost")


async def on_azurite() -> Measured:
    """The same on real tables and queues."""
    with azurite.running(ROOT) as storage:
        settings = Settings(storage=storage.connection_string, registries={})
        rows, queue = TableRows(settings, Identity()), StorageQueue(settings, Identity())
        try:
            return await measure("azurite", await baking(), rows, queue)
        finally:
            await rows.close()
            await queue.close()


async def main() -> None:
    """Measure both and print them with their ratio."""
    shop = await baking()
    memory = await measure("memory", shop, shop.rows, shop.queue)
    sys.stdout.write(f"{memory}\n")
    if not azurite.installed(ROOT):
        sys.stdout.write("azurite    not installed: run `make setup`\n")
        return
    real = await on_azurite()
    share = memory.cpu / real.cpu
    sys.stdout.write(f"{real}\n{'':10} {share:.0%} of the CPU is ours, the rest is the SDK's; goal: 40 ticks/s\n")


if __name__ == "__main__":
    asyncio.run(main())
