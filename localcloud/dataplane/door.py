"""Where requests of a revision without replicas wait: the first wakes it, all are passed on, and none is lost."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_READ = 65536


class Door:
    """port: on 127.0.0.1, once open. waiting: requests that are not passed on yet.

    wake: answers the port of a replica that takes requests, however long it takes. Bytes are passed on as they come,
    whatever protocol they are; a connection goes to one replica.
    """

    def __init__(self, wake: Callable[[], Awaitable[int]]) -> None:
        self.port = self.waiting = 0
        self._wake = wake
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; twice is once."""
        if self._server is None:
            self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let go of everyone; twice is once."""
        if self._server is not None:
            self._server.close()
            for task in self._passing:
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)
            await self._server.wait_closed()
        self._server = None

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _replica(self) -> int:
        self.waiting += 1
        try:
            return await self._wake()
        finally:
            self.waiting -= 1

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond: asyncio.StreamWriter | None = None
        try:
            asked = await reader.read(_READ)  # a connection alone is no request
            if asked:
                answers, beyond = await asyncio.open_connection("127.0.0.1", await self._replica())
                beyond.write(asked)
                await asyncio.gather(_copy(reader, beyond), _copy(answers, writer))
        except OSError:
            pass  # either side left, which the other learns by the end of its connection
        finally:
            for end in (writer, beyond):
                if end is not None:
                    end.close()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(_READ):
        to.write(data)
        await to.drain()
    with contextlib.suppress(OSError):
        to.write_eof()
