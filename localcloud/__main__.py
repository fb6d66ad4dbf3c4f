"""`python -m localcloud up`: an Azure on this machine until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from pathlib import Path

from localcloud.azurite import AzuriteError
from localcloud.client import write_exports
from localcloud.cloud import PROFILES, LocalCloud, Options
from localcloud.dataplane import IngressError
from localcloud.functions import FunctionsError


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


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything and stay until Ctrl-C")
    up.add_argument("--json", action="store_true", help="print one JSON line with every endpoint, once ready")
    up.add_argument("--app", type=Path, default=Path(), help="folder of the function app (default: this one)")
    up.add_argument("--no-app", action="store_true", help="without a Functions host")
    up.add_argument(
        "--settings", type=Path, help="app settings with {endpoint} names (default: localcloud.settings.json)"
    )
    up.add_argument("--profile", choices=sorted(PROFILES), default="fast", help="how long Azure's operations take")
    up.add_argument("--exports", type=Path, help="write a file of shell variables that lead clients here, once ready")
    up.add_argument("--ingress", type=int, default=0, help="port of the HTTP ingress (default: a free one)")
    arguments = parser.parse_args()
    app = None if arguments.no_app else arguments.app
    settings = arguments.settings or (app / "localcloud.settings.json" if app else None)
    options = Options(
        root=Path(__file__).parent.parent,
        app=app,
        settings=settings if settings and settings.is_file() else None,
        profile=arguments.profile,
        ingress=arguments.ingress,
    )
    try:
        asyncio.run(_up(options, arguments.exports, as_json=arguments.json))
    except (AzuriteError, FunctionsError, IngressError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
