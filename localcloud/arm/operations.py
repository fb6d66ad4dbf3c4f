"""Asynchronous operations: accepted at once, done later, one at a time for each app."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING

from localcloud.arm.canonical import short
from localcloud.arm.errors import OperationFailed, expired
from localcloud.arm.models import App, Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from localcloud.arm.models import Store
    from localcloud.clock import Clock

_log = logging.getLogger(__name__)
_EFFECT = 2.0  # seconds


class Operations:
    """Runs each operation in a task of its own. expires: seconds after which one fails."""

    def __init__(self, store: Store, clock: Clock, expires: float) -> None:
        self._store, self._clock, self._expires = store, clock, expires
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, app: App, kind: str, seconds: float, work: Callable[[], Awaitable[None]]) -> Operation:
        """Accept one. Its effect comes early, its end is told when the time is over."""
        operation = Operation(
            id=str(uuid.uuid4()),
            subscription=app.subscription,
            region=short(app.resource["location"]),
            kind=kind,
            app=app,
            started=self._clock.now(),
        )
        app.operation = self._store.operations[operation.id] = operation
        self.spawn(self._run(operation, seconds, work))
        return operation

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something beside the answers, until it ends or `close`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End everything that still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, operation: Operation, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """An app's first revision is its latest ready one when its operation has ended, ready or not.

        Recorded in containerapp_exec of 2025, where it pulls its image then, and in mount_azurefile_e2e.
        """
        app, early = operation.app, _early(operation, seconds)
        try:
            await self._clock.sleep(early)
            await (self._take(work, seconds / 2 - early) if seconds <= self._expires else self._expire(app, early))
            await self._clock.sleep(seconds - early)
            operation.status = app.provisioning = "Succeeded"
            app.ready = app.ready or app.latest
        except OperationFailed as failed:
            operation.status = app.provisioning = "Failed"
            operation.error = failed.message
        except Exception:  # noqa: BLE001 - whatever broke, the client that polls must be told that it is over
            _log.exception("localcloud: operation %s of %s broke", operation.id, app.name)
            operation.status = app.provisioning = "Failed"
            operation.error = "Internal server error occurred."
        finally:
            app.operation = None
            operation.over.set()

    async def _take(self, work: Callable[[], Awaitable[None]], wait: float) -> None:
        """Take effect; that it could not is told half-way through its time."""
        try:
            await work()
        except OperationFailed:
            await self._clock.sleep(wait)
            raise

    async def _expire(self, app: App, waited: float) -> None:
        await self._clock.sleep(self._expires - waited)
        raise expired(app.name)


def _early(operation: Operation, seconds: float) -> float:
    """When it takes effect, in seconds after its answer.

    A revision has its name 2 s after the PUT that makes it, whose operation goes on for some more (recorded in
    compose_create_with_ingress_internal, containerapp_e2e and logstream). What a deletion does meanwhile is not known.
    """
    return seconds / 2 if operation.kind == "DELETE" else min(_EFFECT, seconds / 2)
