"""A server that takes requests and never answers: where Container Apps sends those of a revision that never got ready.

Weights ignore health there, and such requests time out rather than fail (seen with port mismatches and crash loops).
"""

from __future__ import annotations

import asyncio

_READ = 65536


class Hang:
    """port: on 127.0.0.1, once open."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._hold, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Let go of everyone; twice is once."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()
            await self._server.wait_closed()
        self._server = None

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await reader.read(_READ):
                pass
        except ConnectionError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()
