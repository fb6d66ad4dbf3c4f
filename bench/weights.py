# ruff: noqa: INP001 - programs, not a package
"""Requests that are lost while weights change: none should be, however often they do.

`python -m bench.weights` has clients ask one app without pause while its weights change 2000 times (about 40 s on two
cores), and prints how many changes, how many requests, and what became of them; `--fallback` for the ingress without
Envoy. Every tenth change sends everything to one revision, and a request sent after it must be that revision's.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from localcloud import images, samples, tls
from localcloud.clock import Clock
from localcloud.dataplane import DataPlane, Workload
from localcloud.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "web.wb.localhost"
REVISIONS: Mapping[str, str] = {"web--a": "1.0.0", "web--b": "1.1.0"}
_FLIP = 10  # each so many changes


@dataclass(kw_only=True)
class Figures:
    """changes: of weights. answers: by (status, version). lost: requests without an answer, and why.

    stale: requests sent after a change and answered by the revision it had taken everything from.
    """

    changes: int = 0
    seconds: float = 0.0
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    stale: int = 0

    @property
    def failed(self) -> int:
        """Answers other than 200."""
        return sum(count for (status, _), count in self.answers.items() if status != 200)  # noqa: PLR2004 - HTTP's own

    def lines(self) -> list[str]:
        """For people."""
        asked = self.answers.total() + self.lost.total()
        share = self.changes / asked if asked else 0.0
        return [
            f"{self.changes} changes in {self.seconds:.1f} s, {self.changes / self.seconds:.0f} a second",
            f"{asked} requests, {asked / self.seconds:.0f} a second, {share:.3f} changes a request",
            f"{self.lost.total()} without an answer, {self.failed} other than 200, {self.stale} by the wrong revision",
            *(f"  {count} x {why}" for why, count in self.lost.items()),
        ]


async def run(changes: int, *, clients: int = 8, envoy: bool | None = None) -> Figures:
    """Change the weights so often while clients ask."""
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        runner, base = await _registry(folder)
        ca = tls.make_ca(folder / "tls", ["wb.localhost"])
        plane = DataPlane(folder / "plane", lambda _: base, ca.cert_file, ca.key_file, envoy=envoy)
        try:
            await plane.open()
            await _begin(plane, base)
            over = asyncio.Event()
            asking = [asyncio.create_task(_ask(plane.http, figures, over)) for _ in range(clients)]
            began = time.perf_counter()
            await _change(plane, figures, changes)
            over.set()
            await asyncio.gather(*asking)
            figures.seconds = time.perf_counter() - began
        finally:
            await plane.close()
            await runner.cleanup()
    return figures


async def _registry(folder: Path) -> tuple[web.AppRunner, str]:
    async def quiet(_: object) -> None:
        """No one wants its events."""

    registry = Registry(folder=folder / "registry", clock=Clock(), name="bench", resource_id="/bench", publish=quiet)
    runner = web.AppRunner(registry.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _begin(plane: DataPlane, base: str) -> None:
    for revision, version in REVISIONS.items():
        await images.push(samples.good(version), base, "shop/web", version)
        await plane.start(Workload(revision=revision, image=f"bench.azurecr.io/shop/web:{version}", env={}, port=8080))
    async with asyncio.timeout(20):
        while not all(replica.ready for name in REVISIONS for replica in plane.state(name).replicas):  # noqa: ASYNC110 - the state of processes
            await asyncio.sleep(0.01)
    await plane.route({HOST: (("web--a", 100),)})


async def _change(plane: DataPlane, figures: Figures, changes: int) -> None:
    async with aiohttp.ClientSession() as session:
        for change in range(changes):
            figures.changes += 1
            share = change * 37 % 101
            if change % _FLIP:
                await plane.route({HOST: (("web--a", 100 - share), ("web--b", share))})
                continue
            here = ("web--a", "web--b")[change // _FLIP % 2]
            await plane.route({HOST: ((here, 100),)})
            async with session.get(f"http://{plane.http}/", headers={"Host": HOST}) as answer:
                figures.stale += (await answer.text()).strip() != REVISIONS[here]


async def _ask(address: str, figures: Figures, over: asyncio.Event) -> None:
    async with aiohttp.ClientSession() as session:
        while not over.is_set():
            try:
                async with session.get(f"http://{address}/", headers={"Host": HOST}) as answer:
                    figures.answers[answer.status, (await answer.text()).strip()] += 1
            except aiohttp.ClientError as error:
                figures.lost[type(error).__name__] += 1


def main() -> None:
    """Print the figures; ends with 1 when a request was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.weights", description=__doc__.partition("\n")[0])
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--fallback", action="store_true", help="the ingress without Envoy")
    arguments = parser.parse_args()
    figures = asyncio.run(run(arguments.changes, envoy=False if arguments.fallback else None))
    sys.stdout.write("\n".join(figures.lines()) + "\n")
    sys.exit(1 if figures.lost or figures.failed or figures.stale else 0)


if __name__ == "__main__":
    main()
