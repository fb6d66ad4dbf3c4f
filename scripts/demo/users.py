"""The app's users: a steady stream of requests through the ingress, counted by the version that answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import aiohttp

VERSION = "x-version"
PATIENCE = aiohttp.ClientTimeout(total=5)
NOBODY = "nobody"


@dataclass(kw_only=True)
class Users:
    """`rate` requests a second to one host name behind an ingress, until stopped.

    answered, failed: by version. Only a 5xx or no answer is a failure; without an answer the version is `nobody`.
    """

    ingress: str
    host: str
    rate: float = 40.0
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    first_seen: dict[str, float] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stream())
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def total(self) -> int:
        """Requests that were answered or failed."""
        return self.answered.total() + self.failed[NOBODY]

    async def _stream(self) -> None:
        running: set[asyncio.Task[None]] = set()
        async with aiohttp.ClientSession(timeout=PATIENCE, headers={"Host": self.host}) as session:
            try:
                due = time.monotonic()
                while True:
                    task = asyncio.create_task(self._one(session))
                    running.add(task)
                    task.add_done_callback(running.discard)
                    due += 1 / self.rate
                    await asyncio.sleep(max(due - time.monotonic(), 0))
            finally:
                await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(f"http://{self.ingress}/") as answer:
                version = answer.headers.get(VERSION, NOBODY)
                await answer.read()
                self.answered[version] += 1
                self.first_seen.setdefault(version, time.monotonic())
                if answer.status >= 500:  # noqa: PLR2004 - what Container Apps counts as 5xx
                    self.failed[version] += 1
        except (aiohttp.ClientError, TimeoutError):
            self.failed[NOBODY] += 1
