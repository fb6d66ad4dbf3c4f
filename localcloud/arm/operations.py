"""Asynchronous operations: accepted at once, done later, one at a time for each app."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING

from localcloud.arm.errors import OperationFailed, expired
from localcloud.arm.models import App, Operation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from localcloud.arm.models import Store
    from localcloud.clock import Clock

_log = logging.getLogger(__name__)


class Operations:
    """Runs each operation in a task of its own. expires: seconds after which one fails."""

    def __init__(self, store: Store, clock: Clock, expires: float) -> None:
        self._store, self._clock, self._expires = store, clock, expires
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, app: App, kind: str, seconds: float, work: Callable[[], Awaitable[None]]) -> Operation:
        """Accept one. The effect comes half-way through its time, its end is told when the time is over."""
        operation = Operation(
            id=str(uuid.uuid4()),
            subscription=app.subscription,
            region=app.resource["location"].lower().replace(" ", ""),
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
        app = operation.app
        try:
            await self._clock.sleep(min(seconds, self._expires) / 2)
            await (work() if seconds <= self._expires else self._expire(app))
            await self._clock.sleep(seconds / 2)
            operation.status = app.provisioning = "Succeeded"
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

    async def _expire(self, app: App) -> None:
        await self._clock.sleep(self._expires / 2)
        raise expired(app.name)
