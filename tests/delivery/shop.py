"""A whole product on fakes: the use cases, their store and queues, an Azure, and a host that redelivers.

The host takes due messages, runs their use case, and on an exception makes the message visible again after 30 s; the
fifth failure goes to the poison queue. A sweep runs every minute. Time jumps from one due thing to the next.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import intake, names, outbox, state, sweep, tick
from delivery.ports import Ports, Put
from delivery.settings import Settings
from policies.pushes import PushEvidence
from rollouts.model import App, Phase
from tests.fakes.azure import FakeApp, FakeAzure
from tests.fakes.clock import FakeClock
from tests.fakes.queue import MemoryQueue, Message
from tests.fakes.registry import FakeAssessments, FakeChannel, FakeMetrics, FakeQueries, FakeRegistry
from tests.fakes.rows import MemoryRows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from policies.evidence import ScanEvidence

REGISTRY = "contoso.azurecr.io"
REPOSITORY = "shop/web"
PARTITION = f"{REGISTRY}|shop|web"
RESOURCE = "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.App/containerApps/ca-web"
KEY = names.app_key(RESOURCE)
ROW = {"App": "rg-shop/ca-web", "Steps": "5% for 1m, 25% for 1m, 100% for 1m", "Notify": "hook all"}
RETRY_AFTER = timedelta(seconds=30)
MOST_TRIES = 5


class Crash(BaseException):
    """The process is gone: no `except Exception` of ours runs any more."""


def digest(n: int) -> str:
    return f"sha256:{n:06x}{n:058x}"


@dataclass(kw_only=True)
class Shop:
    clock: FakeClock = field(default_factory=FakeClock)
    row: Mapping[str, object] = field(default_factory=lambda: dict(ROW))

    def __post_init__(self) -> None:
        self.rows = MemoryRows(self.clock)
        self.queue = MemoryQueue(self.clock)
        self.azure = FakeAzure(self.clock)
        self.app: FakeApp = self.azure.create(RESOURCE, f"{REGISTRY}/{REPOSITORY}:1.0.0")
        self.registry = FakeRegistry()
        self.assessments = FakeAssessments()
        self.metrics = FakeMetrics(self.azure)
        self.queries = FakeQueries()
        self.channel = FakeChannel()
        self.poison: list[Message] = []
        self.failures: list[str] = []
        self.swept_at = self.clock.now()
        self.tries: dict[int, int] = {}
        self.ticked: list[tick.Ticked] = []
        self.born: Callable[[], None] = lambda: None  # called when a function begins to run
        self.ports = Ports(
            rows=self.rows,
            queue=self.queue,
            apps=self.azure,
            rights=self.azure,
            metrics=self.metrics,
            queries=self.queries,
            prober=self.azure,
            registry=self.registry,
            assessments=self.assessments,
            channels={"webhook": self.channel},
            clock=self.clock,
            settings=Settings(subscription="s", registries={}, settle=timedelta()),
            secrets={},
        )

    async def open(self) -> Shop:
        """Write the policy row and the channel it names."""
        await self.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns=self.row)])
        hook = {"kind": "webhook", "url": "https://hook.test/"}
        await self.rows.commit(names.NAMES, "channel", [Put(key="hook", columns=hook)])
        return self

    async def push(self, n: int) -> tuple[str, ...]:
        """Push version 1.n.0 and hear of it."""
        self.registry.push(REPOSITORY, f"1.{n}.0", digest(n))
        event = self.event(n)
        woken: list[tuple[str, ...]] = []

        async def hear() -> None:
            woken.append(await intake.image_pushed(self.ports, event))

        await self.insist(hear)
        return woken[-1]

    async def scanned(self, scan: ScanEvidence) -> None:
        """Hear of a scan."""
        await self.insist(lambda: intake.scan_completed(self.ports, scan))

    async def insist(self, work: Callable[[], Awaitable[object]]) -> None:
        """As Event Grid does: again until the function succeeds."""
        while not await self.attempt(work()):
            self.clock.advance(RETRY_AFTER)

    async def attempt(self, work: Awaitable[object]) -> bool:
        """Run one function as the host does: whatever it raises is its failure, and what it began ends with it."""
        before = asyncio.all_tasks()
        self.born()
        try:
            await work
        except (Exception, Crash) as error:  # noqa: BLE001 - the host catches everything a function raises
            self.failures.append(repr(error))
            left = asyncio.all_tasks() - before
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            return False
        return True

    def event(self, n: int) -> PushEvidence:
        return PushEvidence(
            registry=REGISTRY,
            repository=REPOSITORY,
            tag=f"1.{n}.0",
            digest=digest(n),
            pushed_at=self.clock.now(),
        )

    async def handle(self, message: Message) -> None:
        if message.queue == names.TICKS:
            self.ticked.append(await tick.tick(self.ports, tick.read(message.body)))
        else:
            await outbox.deliver(self.ports, outbox.read(message.body))

    async def step(self) -> bool:
        """Handle one due message, or let time jump to the next; False when nothing is left to do."""
        message = self.queue.pop_due()
        if message is None:
            return await self._jump()
        tries = self.tries.pop(id(message), 0) + 1
        if not await self.attempt(self.handle(message)):
            self._again(message, tries)
        return True

    def _again(self, message: Message, tries: int) -> None:
        if tries == MOST_TRIES:
            self.poison.append(message)
            return
        again = replace(message, visible_at=self.clock.now() + RETRY_AFTER)
        self.tries[id(again)] = tries
        self.queue.messages.append(again)

    async def _jump(self) -> bool:
        now = self.clock.now()
        next_at = self.queue.next_at()
        sweep_at = self.swept_at + timedelta(minutes=1)
        if next_at is None and not self.rows.peek(names.ACTIVE):
            return False
        if next_at is None or sweep_at < next_at:
            self.clock.advance(max(sweep_at - now, timedelta()))
            self.swept_at = self.clock.now()
            await self.attempt(sweep.sweep(self.ports))
            return True
        self.clock.advance(max(next_at - now, timedelta()))
        return True

    async def run(self, limit: timedelta = timedelta(hours=4)) -> None:
        """Until nothing is left to do, or `limit` has passed."""
        end = self.clock.now() + limit
        while self.clock.now() < end and await self.step():
            pass

    async def run_until(self, phase: Phase, step: int | None = None) -> App:
        for _ in range(3000):
            app = await self.state()
            live = app.live
            if live and live.phase is phase and (step is None or (live.step == step and live.verified_at)):
                return app
            if not await self.step():
                break
        raise AssertionError(f"never saw {phase} {step}; at {(await self.state()).live}")

    async def state(self) -> App:
        return (await state.load(self.rows, KEY)).app

    def weights(self) -> Mapping[str, int]:
        self.azure.settle()
        return self.app.history[-1][1] if self.app.history else {f"{self.app.name}--first": 100}

    def fork(self) -> Shop:
        """The same world at the same moment, with a future of its own. Hooks and taps stay behind."""
        twin = Shop(clock=FakeClock(self.clock.now()), row=self.row)
        write = next(self.rows._writes)
        twin.rows._writes = itertools.count(write + 1)
        twin.rows._tables = {
            table: {partition: dict(rows) for partition, rows in partitions.items()}
            for table, partitions in self.rows._tables.items()
        }
        twin.queue.messages = list(self.queue.messages)
        twin.tries = dict(self.tries)
        twin.poison, twin.failures = list(self.poison), list(self.failures)
        twin.swept_at = self.swept_at
        for name in ("latency", "boot", "trouble", "away", "counted", "gets"):
            setattr(twin.azure, name, getattr(self.azure, name))
        twin.azure.fates = dict(self.azure.fates)
        twin.azure.apps = copy.deepcopy(self.azure.apps)
        twin.azure.operations = copy.deepcopy(self.azure.operations)
        twin.app = twin.azure.apps[RESOURCE.lower()]
        twin.metrics.rps, twin.metrics.away = self.metrics.rps, self.metrics.away
        twin.metrics.error_rates = dict(self.metrics.error_rates)
        twin.queries.readings = dict(self.queries.readings)
        twin.registry.manifests, twin.registry.names = dict(self.registry.manifests), dict(self.registry.names)
        twin.registry.times = dict(self.registry.times)
        twin.registry.attached = dict(self.registry.attached)
        twin.registry.away = self.registry.away
        twin.ports.heard.update(self.ports.heard)
        twin.channel.got, twin.channel.trouble = list(self.channel.got), self.channel.trouble
        return twin
