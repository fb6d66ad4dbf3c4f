"""The parts that the control plane reaches, on one clock, with real processes and without storage."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

from localcloud import samples, tls
from localcloud.arm import Arm
from localcloud.clock import Clock
from localcloud.control import Controlled, control_app
from localcloud.dataplane import DataPlane
from localcloud.dataplane.fate import Fates
from localcloud.eventgrid import EventGrid
from localcloud.hooks import Hooks
from localcloud.journal import Journal
from tests.localcloud.arm.cloud import QUICK, SUBSCRIPTION, Cloud
from tests.localcloud.arm.fake_plane import FakeDataPlane
from tests.localcloud.planes import QUICK as QUICK_PACE
from tests.localcloud.serving import serving
from tests.localcloud.static_registry import StaticRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SLOW = replace(QUICK, progress=600)


@dataclass(kw_only=True)
class Local(Cloud):
    """A cloud with everything that can be ordered. hook: base URL of the webhook target."""

    real: DataPlane
    eventgrid: EventGrid
    hooks: Hooks
    journal: Journal
    hook: str
    events: str

    async def order(self, path: str, /, **body: Any) -> Any:
        answer = await self.control("POST", path, body)
        assert answer.status == 200, answer
        return answer.body

    async def log(self, source: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control("GET", f"/log?source={source}")).body["value"]
        return found


@asynccontextmanager
async def controlled(folder: Path) -> AsyncIterator[Local]:
    """Images 1.0.0 and 1.1.0 are there."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(StaticRegistry())
        for tag in ("1.0.0", "1.1.0"):
            registry.add(samples.good(tag), tag)
        clock = Clock()
        journal, ca = Journal(clock), tls.make_ca(folder / "tls", ["wb.localhost"])
        fates = Fates(clock, lambda kind, revision, _: journal.note("fate", kind, revision=revision))
        real = DataPlane(
            folder / "plane",
            registry.base_of,
            ca.cert_file,
            ca.key_file,
            pace=QUICK_PACE,
            fates=fates,
            unready_hangs=True,
        )
        stack.push_async_callback(real.close)
        await real.open()
        arm = Arm(clock=clock, dataplane=real, profile=SLOW)
        stack.push_async_callback(arm.close)
        await arm.create_environment(SUBSCRIPTION, "rg-local", "env-local", "wb.localhost")
        grid, hooks = EventGrid(clock=clock, schedule=0.0001, key="k3y"), Hooks(clock)
        stack.push_async_callback(grid.close)
        app = control_app(Controlled(clock=clock, journal=journal, arm=arm, fates=fates, eventgrid=grid, hooks=hooks))
        yield Local(
            arm=arm,
            plane=FakeDataPlane(),
            clock=clock,
            base=await stack.enter_async_context(serving(arm.app())),
            controls=await stack.enter_async_context(serving(app)),
            http=await stack.enter_async_context(ClientSession()),
            real=real,
            eventgrid=grid,
            hooks=hooks,
            journal=journal,
            hook=await stack.enter_async_context(serving(hooks.app())),
            events=await stack.enter_async_context(serving(grid.app())),
        )
