"""`python -m localcloud.host --app DIR --port N --key KEY`: runs until SIGTERM; settings come from the environment."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from localcloud.host import queues, timers, worker
from localcloud.host.web import site


async def _serve(arguments: argparse.Namespace) -> None:
    functions = worker.load(arguments.app)
    for one in functions:
        if one.kind == "timerTrigger":
            timers.check(one)
    storage = os.environ["AzureWebJobsStorage"]  # noqa: SIM112 - the host's own name for it
    settings = queues.options(arguments.app)
    runner = web.AppRunner(site(functions, arguments.key), access_log=None)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", arguments.port)
    await listener.start()
    port = runner.addresses[0][1]
    tasks = [
        asyncio.create_task(queues.poll(one, storage, settings)) for one in functions if one.kind == "queueTrigger"
    ]
    tasks += [asyncio.create_task(timers.run(one)) for one in functions if one.kind == "timerTrigger"]
    print(json.dumps({"port": port, "functions": sorted(one.name for one in functions)}), flush=True)  # noqa: T201 - its parent reads this line
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    watch = asyncio.create_task(_parent_gone(stopped))
    await stopped.wait()
    for task in (*tasks, watch):
        task.cancel()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=arguments.grace)
    await runner.cleanup()


async def _parent_gone(stopped: asyncio.Event) -> None:
    """Leave with the parent: its end of our standard input closes when it is killed."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stopped.set()


def main() -> int:
    """Start the host; the exit code is 1 when the app cannot be indexed."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="the folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose; the first line printed tells it")
    parser.add_argument("--key", required=True, help="the host key")
    parser.add_argument("--grace", type=float, default=5.0, help="seconds that running functions get to end")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        asyncio.run(_serve(arguments))
    except worker.IndexingError as error:
        print(f"host: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
