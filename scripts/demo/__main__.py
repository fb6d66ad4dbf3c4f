"""`make demo`: a good push is promoted and a bad one rolled back, on a local Azure, before your eyes."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud import samples
from scripts.demo.show import ENDINGS, Show
from scripts.demo.stage import APP, ROOT, Stage

if TYPE_CHECKING:
    from scripts.demo.users import Users

STEPS = "5% for 4s, 25% for 4s, 50% for 4s, 100% for 4s"
CHECKS = "probe /healthz; restarts == 0; errors <= stable + 1%"
WITHIN = 90.0


class Demo:
    """Two stories and what came of them."""

    def __init__(self, stage: Stage, show: Show) -> None:
        self.stage = stage
        self.show = show
        self.began = time.monotonic()
        self.result: dict[str, Any] = {}
        self.last = 0

    async def set_up(self) -> None:
        """An app at 1.0.0 and a policy row."""
        at = self.stage.at
        port = at["ingress"].rpartition(":")[2]
        await self.stage.push("1.0.0")
        await self.stage.create_app("1.0.0")
        self.show.line(f"app     {APP}   http://{APP}.{at['domain']}:{port}   runs shop/web:1.0.0")
        cells = {"App": f"{at['resource_group']}/{APP}", "Steps": STEPS, "Checks": CHECKS, "Notify": "hook all"}
        await self.stage.put_policy(**cells)
        self.show.line(f"policy  {at['login_server']}|shop|web / production   Steps   {STEPS}")
        self.show.line(f"{'':43}Checks  {CHECKS}")

    async def play(self, users: Users) -> None:
        """Both pushes."""
        self.show.chapter("1/2  push shop/web:1.1.0     a good image")
        pushed = time.time()
        good = await self.story("1.1.0", good=True)
        self.show.users(users, "1.0.0", "1.1.0")
        first = next(e for e in good if e["type"].endswith("RolloutStepped"))
        self.result["promoted"] = good[-1]["type"] == "Weighbridge.RolloutPromoted"
        self.result["push_to_first_weight_s"] = round(_time(first) - pushed, 2)
        self.show.chapter("2/2  push shop/web:1.2.0     fails one request in five")
        bad = await self.story("1.2.0", good=False)
        self.show.users(users, "1.1.0", "1.2.0")
        verdict = next((e for e in bad if e["type"].endswith("RolloutRollingBack")), bad[-1])
        self.result["rolled_back"] = bad[-1]["type"] == "Weighbridge.RolloutRolledBack"
        self.result["bad_verdict_to_stable_s"] = round(_time(bad[-1]) - _time(verdict), 2)

    async def story(self, tag: str, *, good: bool) -> list[dict[str, Any]]:
        """Push, and show every message until the rollout has ended; answers the messages."""
        digest = await self.stage.push(tag, samples.good(tag) if good else samples.bad(tag))
        shown: list[dict[str, Any]] = []
        async with asyncio.timeout(WITHIN):
            while not shown or shown[-1]["type"].removeprefix("Weighbridge.") not in ENDINGS:
                await self.stage.hooks.news()
                for event in self.stage.hooks.told(digest)[len(shown) :]:
                    shown.append(event)
                    self.show.event(event, await self.stage.rollout(int(event["subject"].rpartition("/")[2])))
        self.last = (await self.stage.ended(tag))["n"]
        return shown

    async def sum_up(self, users: Users) -> None:
        """The webhooks and the JSON line's numbers."""
        hooks = self.stage.hooks
        self.show.line()
        self.show.line(
            f"webhooks  {len(hooks.got)} received, {len(hooks.got)} signatures good, {hooks.bad} bad, "
            f"{hooks.repeats} twice; the last one said:"
        )
        for event in hooks.got[-1:]:
            self.show.line(f"          {event['data']['summary']}")
            self.show.line(f"          {event['data']['because']}")
        failed = users.failed
        self.result |= {
            "user_requests": users.total,
            "user_errors_from_stable": failed.total() - failed["1.2.0"],
            "user_errors_from_canary": failed["1.2.0"],
            "arm_writes": await self.stage.arm_writes(),
            "webhooks": len(hooks.got),
        }


def _installed() -> float:
    """Seconds the last `make setup` took."""
    written = ROOT / ".work" / "setup-seconds"
    return float(written.read_text()) if written.is_file() else 0.0


def _time(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def _next(stage: Stage, show: Show, n: int) -> None:
    at = stage.at
    base, key, app = at["functions"], at["functions_key"], f"{at['resource_group']}%7C{APP}"
    show.line()
    show.line("next      why was 1.2.0 rolled back, from the record:")
    show.line(f"          curl -H 'x-functions-key: {key}' {base}/api/rollouts/{app}/{n}")
    show.line("          let it try again (a person releases the digest):")
    show.line(
        f"          curl -X POST -H 'x-functions-key: {key}' {base}/api/apps/{app}/orders/release "
        f'-d \'{{"digest": "{stage.digests["1.2.0"]}"}}\''
    )
    show.line("          hold the app: nothing starts until release:")
    show.line(f"          curl -X POST -H 'x-functions-key: {key}' {base}/api/apps/{app}/orders/hold")


async def _stay(show: Show) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    show.line()
    show.line("it keeps running; Ctrl-C ends it and leaves nothing behind")
    await stopped.wait()


async def _run(arguments: argparse.Namespace) -> int:
    show = Show()
    started = time.monotonic()
    async with Stage(ingress=0 if arguments.once else arguments.port) as stage:
        took = time.monotonic() - started
        show.line(f"local Azure is up: registry, Event Grid, Container Apps, storage, Functions   {took:.1f} s")
        demo = Demo(stage, show)
        await demo.set_up()
        async with stage.users() as users:
            show.line("users   40 requests a second from now on")
            try:
                await demo.play(users)
            except TimeoutError:
                show.line(f"the story did not end within {WITHIN:.0f} s; the Functions host's last words:")
                show.line("\n".join(stage.functions_log()[-20:]))
            await demo.sum_up(users)
        demo.result |= {
            "setup_s": round(_installed() + took, 1),
            "demo_s": round(time.monotonic() - demo.began, 1),
        }
        told = {name: demo.result.get(name, False) for name in ("promoted", "rolled_back")}
        if arguments.keep:
            _next(stage, show, demo.last)
            await _stay(show)
        else:
            show.line("\nnext      make demo KEEP=1     leaves it running and prints three things to try")
        if arguments.svg:
            show.picture(arguments.svg)
        print(json.dumps(told | demo.result), flush=True)
        return 0 if all(told.values()) and demo.result["user_errors_from_stable"] == 0 else 1


def main() -> int:
    """Run the demo; 0 only if both stories ended as told and stable failed nobody."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="needs no terminal and ends by itself")
    parser.add_argument("--keep", action="store_true", help="leave it running, with three things to try")
    parser.add_argument("--port", type=int, default=8080, help="of the ingress")
    parser.add_argument("--svg", type=Path, help="also write what was shown as a picture")
    return asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
