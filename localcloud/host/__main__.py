"""`python -m localcloud.host --app DIR --shared DIR --key KEY`: runs until SIGTERM; settings come from the environment.

Standard input is the parent's hold on it: the host leaves when that closes. The first line it prints is JSON, once it
is ready; everything later, and whatever the app prints, goes to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.host import queues, timers
from localcloud.host.events import EventEndpoint
from localcloud.host.indexing import IndexingError, load
from localcloud.host.keys import keys
from localcloud.host.stopping import leave_with_parent
from localcloud.host.web import route_prefix, site

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TextIO

    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")


async def _serve(arguments: argparse.Namespace, parent: TextIO) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    leave_with_parent(lambda: loop.call_soon_threadsafe(stopped.set), 2 * arguments.grace)
    functions = load(arguments.app)
    begin = _loops(functions, arguments, stopped)
    known = keys(arguments.shared, arguments.key, (one.name for one in functions))
    endpoint = EventEndpoint(functions, known)
    web_app = site(functions, known, endpoint.answer, route_prefix(arguments.app))
    runner = web.AppRunner(web_app, access_log=None, shutdown_timeout=arguments.grace)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port, reuse_port=arguments.share_port or None).start()
    tasks = [asyncio.create_task(one()) for one in begin]
    for task in tasks:
        task.add_done_callback(lambda _: stopped.set())  # one that dies takes the host along: half a host would lie
    names = sorted(one.name for one in functions)
    ready = {"port": runner.addresses[0][1], "functions": names, "keys": asdict(known)}
    print(json.dumps(ready), file=parent, flush=True)
    await stopped.wait()
    await _end(runner, tasks, arguments.grace)


async def _end(runner: web.AppRunner, tasks: list[asyncio.Task[None]], grace: float) -> None:
    """Take nothing more, and let what runs end; raises what a loop died of."""
    # The clients an app keeps for its life are closed by nobody, here as there; that is no news at the end.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    _, late = await asyncio.wait([asyncio.create_task(runner.cleanup()), *tasks], timeout=grace)
    if late:
        log.warning("functions still ran after %g s and were cut", grace)
        logging.shutdown()
        os._exit(0)  # a function in a thread cannot be cancelled, and would keep the process
    for task in tasks:
        task.result()


def _loops(
    functions: list[Function], arguments: argparse.Namespace, stopped: asyncio.Event
) -> list[Callable[[], Coroutine[None, None, None]]]:
    """What polls and what keeps time, not yet begun. Raises IndexingError."""
    settings = queues.options(arguments.app, arguments.lease)
    found: list[Callable[[], Coroutine[None, None, None]]] = []
    for one in functions:
        if one.kind == "queueTrigger":
            found.append(partial(queues.poll, one, queues.connection(one, os.environ), settings, stopped))
        if one.kind == "timerTrigger":
            timers.check(one)
            found.append(partial(timers.run, one, arguments.shared, stopped))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud.host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="the folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose; the first line printed tells it")
    parser.add_argument("--share-port", action="store_true", help="let other instances of the app listen there too")
    parser.add_argument("--key", required=True, help="the host key")
    parser.add_argument("--shared", type=Path, required=True, help="the folder that all instances of the app share")
    parser.add_argument("--grace", type=float, default=5.0, help="seconds that running functions get to end")
    parser.add_argument(
        "--lease", type=float, default=queues.LEASE, help="seconds until a message of a killed host comes again"
    )
    return parser


def main() -> int:
    """Start the host; the exit code is 1 when the app cannot be indexed."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    parent = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # an app that prints must not fill a pipe that nobody reads
    try:
        with contextlib.closing(parent):
            asyncio.run(_serve(arguments, parent))
    except IndexingError as error:
        print(f"host: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
