"""A whole product on fakes: the use cases, their store and queues, an Azure, and a host that redelivers.

The host takes due messages, runs their use case, and on an exception makes the message visible again after 30 s; the
fifth failure goes to the poison queue. A sweep runs every minute. Time jumps from one due thing to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import intake, names, outbox, state, sweep, tick
from delivery.ports import Ports, Put
from delivery.settings import Settings
from policies.evidence import PushEvidence
from rollouts.model import App, Phase
from tests.fakes.azure import FakeApp, FakeAzure
from tests.fakes.clock import FakeClock
from tests.fakes.queue import MemoryQueue, Message
from tests.fakes.registry import FakeChannel, FakeMetrics, FakeRegistry
from tests.fakes.rows import MemoryRows

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTRY = "contoso.azurecr.io"
REPOSITORY = "shop/web"
PARTITION = f"{REGISTRY}|shop|web"
RESOURCE = "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.App/containerApps/ca-web"
KEY = names.app_key(RESOURCE)
ROW = {"App": "rg-shop/ca-web", "Steps": "5% for 1m, 25% for 1m, 100% for 1m", "Notify": "hook all"}
RETRY_AFTER = timedelta(seconds=30)
MOST_TRIES = 5


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
        self.metrics = FakeMetrics(self.azure)
        self.channel = FakeChannel()
        self.poison: list[Message] = []
        self.failures: list[str] = []
        self.swept_at = self.clock.now()
        self.ports = Ports(
            rows=self.rows,
            queue=self.queue,
            apps=self.azure,
            metrics=self.metrics,
            prober=self.azure,
            registry=self.registry,
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
        return await intake.image_pushed(self.ports, self.event(n))

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
            await tick.tick(self.ports, tick.read(message.body))
        else:
            await outbox.deliver(self.ports, outbox.read(message.body))

    async def step(self) -> bool:
        """Handle one due message, or let time jump to the next; False when nothing is left to do."""
        message = self.queue.pop_due()
        if message is None:
            return await self._jump()
        tries = 1
        while True:
            try:
                await self.handle(message)
            except Exception as error:  # noqa: BLE001 - the host catches everything a function raises
                self.failures.append(repr(error))
                if tries == MOST_TRIES:
                    self.poison.append(message)
                    return True
                tries += 1
                self.clock.advance(RETRY_AFTER)
            else:
                return True

    async def _jump(self) -> bool:
        now = self.clock.now()
        next_at = self.queue.next_at()
        sweep_at = self.swept_at + timedelta(minutes=1)
        active = [row for shard in range(names.SHARDS) for row in await self.rows.scan(names.ACTIVE, f"{shard:02}")]
        if next_at is None and not active:
            return False
        if next_at is None or sweep_at < next_at:
            self.clock.advance(max(sweep_at - now, timedelta()))
            self.swept_at = self.clock.now()
            await sweep.sweep(self.ports)
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
