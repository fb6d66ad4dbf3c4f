"""One replica: a process that is started, found ready, and started again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from enum import StrEnum
from typing import TYPE_CHECKING

from localcloud.dataplane.child import Child
from localcloud.dataplane.model import ReplicaState
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from localcloud.dataplane.command import Command
    from localcloud.dataplane.fate import Script
    from localcloud.dataplane.model import Pace

_MOMENT = 0.1  # seconds
_ENDS = ("/bin/sh", "-c", "echo ended on order; exit 1")
CRASHES = 3
"""A process that ended this often in a row before it was ready is a crash loop."""


class Running(StrEnum):
    """Container Apps' runningState of a replica's container."""

    RUNNING = "Running"
    WAITING = "Waiting"
    TERMINATED = "Terminated"


class Replica:
    """port: where it is to listen; None without ingress. serving: the ingress may send it requests.

    changed: awaited after `serving` has changed, until the ingress knows it. script: what is to become of it.
    """

    def __init__(
        self,
        *,
        name: str,
        port: int | None,
        command: Command,
        log: Path,
        pace: Pace,
        changed: Callable[[], Awaitable[None]],
        script: Script,
    ) -> None:
        self.name = name
        self.port = port
        self.serving = False
        self.crashes = 0
        self._command = command
        self._log = log
        self._pace = pace
        self._changed = changed
        self._script = script
        self._ready = False
        self._restarts = 0
        self._running = Running.WAITING
        self._exit_code: int | None = None
        self._since: datetime | None = None
        self._child: Child | None = None
        self._task = asyncio.create_task(self._supervise())

    @property
    def state(self) -> ReplicaState:
        """Seen from outside."""
        started = self._running is Running.RUNNING
        return ReplicaState(
            name=self.name,
            ready=self._ready,
            started=started,
            restarts=self._restarts,
            running=self._running,
            since=self._since,
            exit_code=self._exit_code,
        )

    @property
    def assigned(self) -> bool:
        """Whether it has a place to run."""
        return self._child is not None or not self._script.waits()

    async def withdraw(self) -> None:
        """Take no more requests and start no more processes; those in flight go on. The ingress is the caller's."""
        self.serving = self._ready = False
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def end(self) -> None:
        """End its process."""
        await self._finish(self._pace.grace)
        self._running = Running.TERMINATED

    async def _finish(self, grace: float) -> None:
        if self._child is None:
            return
        await self._child.stop(grace)
        if self._command.after:
            last = await Child.spawn(self._command.after, self._command.cwd, self._command.env, self._log)
            await last.wait()

    async def _supervise(self) -> None:
        while True:
            await self._script.admitted()
            if await self._begin():
                await self._until_ready_or_ended()
            while self.serving and self._child is not None:
                await self._serve(self._child)
            self._exit_code = self._child.exit_code if self._child else None
            await self._finish(0)  # whatever it started itself
            self._running, self._restarts, self.crashes = Running.WAITING, self._restarts + 1, self.crashes + 1
            longer = min(self.crashes - 1, 16)
            await asyncio.sleep(min(self._pace.restart_first * 2**longer, self._pace.restart_most))

    async def _serve(self, child: Child) -> None:
        """Until it has ended, or is ready no more."""
        _, killed = await first(child.wait(), self._script.struck())
        if killed:
            await child.kill()
        self.serving = self._ready = False
        await self._changed()
        await self._until_ready_or_ended()

    async def _begin(self) -> bool:
        """Start the process; one that cannot be started (no such program) has crashed."""
        argv = self._command.argv if self._script.begins() else _ENDS
        try:
            self._child = await Child.spawn(argv, self._command.cwd, self._command.env, self._log)
        except (OSError, ValueError) as error:
            self._log.write_text(f"{error}\n")
            self._child = None
            return False
        self._running, self._since = Running.RUNNING, self._script.began
        return True

    async def _until_ready_or_ended(self) -> None:
        """Ready: it accepts a connection or, without ingress, is still alive after a moment."""
        loop, child = asyncio.get_running_loop(), self._child
        began = loop.time()
        while child is not None and not child.ended:
            alive = self.port is None and loop.time() - began >= self._pace.alive
            if not self._script.withheld() and (alive or (self.port is not None and await self._accepts(self.port))):
                self.serving, self.crashes = True, 0
                self._script.ready()
                await self._changed()
                self._ready = True  # not before the ingress knows: whoever reads "ready" may send a request
                return
            await asyncio.sleep(self._pace.poll)

    async def _accepts(self, port: int) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        try:
            return not self._command.relayed or await _stays(reader)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _stays(reader: asyncio.StreamReader) -> bool:
    """Whether a connection is still there after a moment: who passes on closes it when nobody listens behind."""
    try:
        return await asyncio.wait_for(reader.read(1), _MOMENT) != b""
    except TimeoutError:
        return True
    except OSError:
        return False
