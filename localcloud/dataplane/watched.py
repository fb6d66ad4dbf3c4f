"""Envoy's admin address, and the files Envoy watches: a write is done when Envoy says that it took it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import aiohttp

from localcloud.dataplane.model import IngressError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WITHIN = 15.0
"""Seconds Envoy may take to start or to answer for a file; 0.1 and 0.005 on an idle machine."""

_POLL = 0.005
_PREFIX = re.compile(r"^\[\d{4}-\S+ \S+\]\S* (\[source\S+\] )?", re.MULTILINE)


class Admin:
    """Asks Envoy. said: the end of its log from a byte on; ended: whether its process has."""

    def __init__(self, address: str, log: Path, ended: Callable[[], bool]) -> None:
        self._session = aiohttp.ClientSession(f"http://{address}", timeout=aiohttp.ClientTimeout(total=WITHIN))
        self._log = log
        self._ended = ended

    async def close(self) -> None:
        """Let go of its connections."""
        await self._session.close()

    async def text(self, path: str, **query: str) -> str:
        """One admin page."""
        try:
            async with self._session.get(path, params=query) as response:
                return await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            found = f"found {type(error).__name__}; its log ends: {self.said(0)}"
            raise IngressError(f"envoy: expected an answer from its admin address, {found}") from error

    async def stats(self, pattern: str) -> dict[str, str]:
        """Statistics whose whole name matches; Envoy filters, so that a page of hundreds stays small."""
        lines = (await self.text("/stats", filter=f"^{pattern}$")).splitlines()
        return {name: value.strip('"') for name, _, value in (line.partition(": ") for line in lines)}

    async def pause(self, deadline: float, expected: str, since: int = 0) -> None:
        """A moment, unless there is nothing left to wait for. deadline: on the loop's clock."""
        if self._ended():
            raise IngressError(f"envoy: expected {expected}, found it ended: {self.said(since)}")
        if asyncio.get_running_loop().time() > deadline:
            raise IngressError(f"envoy: expected {expected} within {WITHIN:g} s: {self.said(since)}")
        await asyncio.sleep(_POLL)

    def written(self) -> int:
        """Bytes in its log."""
        return self._log.stat().st_size

    def said(self, since: int) -> str:
        """What it logged since then without times and places; the last words when it was much."""
        return _PREFIX.sub("", self._log.read_bytes()[since:].decode(errors="replace")).strip()[-800:]


class Watched:
    """One file Envoy watches. prefix: of the statistics of its subscription."""

    def __init__(self, path: Path, prefix: str) -> None:
        self.path = path
        self._version = f"{prefix}.version_text"
        self._refused = f"{prefix}.update_rejected"

    def replace(self, body: str) -> None:
        """Envoy watches for the move, and so never reads half a file."""
        fresh = self.path.with_name(f".{self.path.name}")
        fresh.write_text(body)
        fresh.rename(self.path)

    async def write(self, admin: Admin, version: str, body: str) -> None:
        """Replace it and wait for Envoy's word; what it refuses is taken back, so that the file never lies."""
        since, previous = admin.written(), self.path.read_text()
        refused = (await self._stats(admin)).get(self._refused, "0")
        deadline = asyncio.get_running_loop().time() + WITHIN
        self.replace(body)
        while (stats := await self._stats(admin)).get(self._version) != version:
            if stats.get(self._refused, "0") != refused:
                self.replace(previous)
                raise IngressError(f"envoy: refused {self.path.name}, serves as before: {admin.said(since)}")
            await admin.pause(deadline, f"it to take {self.path.name}", since)

    async def _stats(self, admin: Admin) -> dict[str, str]:
        return await admin.stats(f"{re.escape(self._version)}|{re.escape(self._refused)}")
