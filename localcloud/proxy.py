"""A forward proxy: clients that use it reach this cloud's hosts by the names and the ports they have on Azure.

`https_proxy` and `http_proxy` lead a client to it. It knows the hosts of this cloud and this machine itself, and
refuses all others, so that nothing that goes through it leaves the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = 64 * 1024  # bytes of a request's line and headers
_CHUNK = 64 * 1024
_SECONDS = 30.0
_GRACE = 1.0
_THIS_MACHINE = ("localhost", "127.0.0.1")


class Proxy:
    """where: scheme and host of a request -> `127.0.0.1:port`, None for a host that is not of this cloud."""

    def __init__(self, where: Callable[[str, str], str | None]) -> None:
        self._where = where
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Listen on a free port; answers `127.0.0.1:port`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEAD)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening and cut what is still open; twice is once."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._carry(reader, writer)
        finally:
            await _end(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        method, target, *_ = [*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), "", ""]
        tunnel = method == "CONNECT"
        place, host = self._place(f"https://{target}" if tunnel else target)
        if place is None:
            text = f"localcloud: expected a host of this cloud, found {host!r}\n".encode()
            writer.write(
                b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text) + text
            )
            await writer.drain()
            return
        address, _, port = place.rpartition(":")
        back_reader, back_writer = await asyncio.open_connection(address, int(port))
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                back_writer.write(head)
            await asyncio.gather(_copy(reader, back_writer), _copy(back_reader, writer))
        finally:
            await _end(back_writer)

    def _place(self, url: str) -> tuple[str | None, str]:
        """Where to connect to, None for nowhere, and the host that was asked for."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return None, url
        if host in _THIS_MACHINE:
            return f"127.0.0.1:{port or 80}", host
        return self._where(parts.scheme, host), host


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until one side ends; the other is then told that nothing more comes."""
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def _end(writer: asyncio.StreamWriter) -> None:
    """Send what is left, for at most a moment, and close."""
    writer.close()
    try:
        async with asyncio.timeout(_GRACE):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
