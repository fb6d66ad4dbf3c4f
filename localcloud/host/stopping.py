"""Ending in order: loops that wait until they are told to stop, and a process that does not outlive who started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STDIN = 0


async def pause(stopped: asyncio.Event, seconds: float) -> bool:
    """Wait this long or until stopped; answers whether it is."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopped.wait()
    return stopped.is_set()


def leave_with_parent(stop: Callable[[], object], within: float) -> None:
    """Call `stop` when the parent's end of our standard input closes, as it does when the parent is killed.

    Its own thread, so that a function which blocks everything else cannot keep the process: after `within` seconds it
    ends, whatever runs.
    """

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(_STDIN, 1024):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending by itself
            stop()
        time.sleep(within)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent").start()
