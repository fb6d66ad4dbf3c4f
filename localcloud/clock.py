"""The local cloud's clock: real time plus what a test or a demo skipped."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Runs with the machine's monotonic clock, so that a correction of the wall clock moves nothing."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._mark = time.monotonic()
        self._skipped = timedelta()
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> datetime:
        """The time of the local cloud, in UTC."""
        return self._began + timedelta(seconds=time.monotonic() - self._mark) + self._skipped

    def advance(self, by: timedelta) -> None:
        """Skip this much time; sleepers whose time has come wake at once.

        Raises:
            ValueError: by is negative. Time does not go back.
        """
        if by < timedelta():
            raise ValueError(f"clock: expected a time ahead, found {by}")
        self._skipped += by
        for sleeper in self._sleepers:
            sleeper.set()

    async def sleep(self, seconds: float) -> None:
        """Wait for this much of the local cloud's time."""
        until = self.now() + timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds()) > 0:
            await self._doze(left)

    async def _doze(self, seconds: float) -> None:
        skipped = asyncio.Event()
        self._sleepers.add(skipped)
        try:
            async with asyncio.timeout(seconds):
                await skipped.wait()
        except TimeoutError:
            pass
        finally:
            self._sleepers.discard(skipped)
