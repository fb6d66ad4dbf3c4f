"""`python -m localcloud up`: an Azure on this machine until Ctrl-C or SIGTERM. `push` and `run`: images for it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from localcloud import build
from localcloud.arm import knobs
from localcloud.azurite import AzuriteError
from localcloud.client import write_exports
from localcloud.cloud import LocalCloud, PortError
from localcloud.dataplane import IngressError
from localcloud.dataplane.model import PullError
from localcloud.functions import FunctionsError
from localcloud.images import PushError
from localcloud.options import PROFILES, Options
from localcloud.state import StateError

_SAID = (
    *(AzuriteError, FunctionsError, IngressError, PortError, PullError, PushError, StateError),
    knobs.KnobError,
)


async def _up(options: Options, exports: Path | None, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    started = time.monotonic()
    cloud = LocalCloud(options)
    try:
        endpoints = await cloud.start()
        if exports:
            write_exports(endpoints, exports)
        if as_json:
            print(json.dumps(endpoints), flush=True)
        else:
            width = max(map(len, endpoints))
            for name, text in endpoints.items():
                print(f"{name:<{width}}  {text}")
            print(f"up after {time.monotonic() - started:.1f} s; Ctrl-C ends it", flush=True)
        await stopped.wait()
    finally:
        await cloud.close()


def _start(arguments: argparse.Namespace) -> int:
    app = None if arguments.no_app else arguments.app
    settings = arguments.settings or (app / "localcloud.settings.json" if app else None)
    options = Options(
        root=Path(__file__).parent.parent,
        app=app,
        settings=settings if settings and settings.is_file() else None,
        profile=arguments.profile,
        ingress=arguments.ingress,
        control=arguments.control,
        seed=arguments.seed,
        knobs=knobs.read(arguments.knob),
        engine=arguments.engine,
        state=arguments.state,
        instances=arguments.instances,
    )
    asyncio.run(_up(options, arguments.exports, as_json=arguments.json))
    return 0


def _push(arguments: argparse.Namespace) -> int:
    env = dict(pair.split("=", 1) for pair in arguments.env)
    print(asyncio.run(build.push(arguments.registry, arguments.image, arguments.folder, arguments.argv, env)))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    return asyncio.run(build.run(arguments.registry, arguments.image))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, found {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything and stay until Ctrl-C")
    up.add_argument("--json", action="store_true", help="print one JSON line with every endpoint, once ready")
    up.add_argument("--app", type=Path, default=Path(), help="folder of the function app (default: this one)")
    up.add_argument("--instances", type=_count, default=1, help="how many Functions hosts run the app (default: 1)")
    up.add_argument("--no-app", action="store_true", help="without a Functions host")
    up.add_argument(
        "--settings", type=Path, help="app settings with {endpoint} names (default: localcloud.settings.json)"
    )
    up.add_argument("--profile", choices=sorted(PROFILES), default="fast", help="how long Azure's operations take")
    up.add_argument("--exports", type=Path, help="write a file of shell variables that lead clients here, once ready")
    up.add_argument("--ingress", type=int, default=0, help="port of the HTTP ingress (default: a free one)")
    up.add_argument("--control", type=int, default=0, help="port of the control plane (default: a free one)")
    up.add_argument(
        "--knob",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a switch of docs/localcloud.md",
    )
    up.add_argument("--seed", default="", help="of latencies and made-up names (default: the profile's own)")
    up.add_argument("--state", type=Path, help="keep apps, images, subscriptions and storage in this folder")
    up.add_argument("--engine", default="", help="run images of other registries with this program, such as docker")
    up.set_defaults(run=_start)
    push = commands.add_parser("push", help="make an image of a folder and push it; the folder is its /app")
    push.add_argument("--env", metavar="NAME=VALUE", action="append", default=[], help="in the image's environment")
    push.add_argument("image", metavar="REPOSITORY:TAG")
    push.add_argument("folder", type=Path)
    push.add_argument("argv", metavar="COMMAND", nargs="+", help="what the image runs, as in: -- python3 /app/web.py")
    push.set_defaults(run=_push)
    run = commands.add_parser("run", help="pull an image and run it once, to its end")
    run.add_argument("image", metavar="REPOSITORY:TAG")
    run.set_defaults(run=_run)
    for command in (push, run):
        command.add_argument(
            "--registry",
            metavar="HOST:PORT",
            default=os.environ.get("LOCALCLOUD_REGISTRY", ""),
            help="or LOCALCLOUD_REGISTRY, which `up --exports` writes",
        )
    return parser


def main() -> int:
    """Parse the command line and run."""
    arguments = _parser().parse_args()
    try:
        code: int = arguments.run(arguments)
    except (
        AzuriteError,
        FunctionsError,
        IngressError,
        PortError,
        PullError,
        PushError,
        StateError,
        knobs.KnobError,
    ) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
