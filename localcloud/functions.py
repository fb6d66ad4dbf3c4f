"""The Functions host as a child: started, killed in mid-flight, started again on the same port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START_WITHIN = 30.0
STOP_WITHIN = 10.0


class FunctionsError(Exception):
    """The host did not start; its log says why."""


class Functions:
    """One host process over one app folder. settings: the app settings, on top of this process's environment."""

    def __init__(self, app: Path, settings: Mapping[str, str], key: str, log: Path) -> None:
        self.app = app.resolve()
        self.settings = settings
        self.key = key
        self.log = log
        self.port = 0
        self.names: tuple[str, ...] = ()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def base(self) -> str:
        """Where the host listens."""
        return f"http://127.0.0.1:{self.port}"

    def event_endpoint(self, function: str) -> str:
        """Event Grid's address of one function."""
        return f"{self.base}/runtime/webhooks/EventGrid?functionName={function}&code={self.key}"

    async def start(self) -> None:
        """Start the host and wait until it has listed its functions."""
        command = [sys.executable, "-m", "localcloud.host", "--app", str(self.app)]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                "--port",
                str(self.port),
                "--key",
                self.key,
                env={**os.environ, **self.settings},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the parent, which stops things in order
            )
        if self._process.stdout is None:
            raise FunctionsError("functions: the host has no standard output")
        line = await asyncio.wait_for(self._process.stdout.readline(), START_WITHIN)
        if not line:
            said = self.log.read_text(errors="replace").strip()[-800:]
            raise FunctionsError(f"functions: expected the host to start, found it ended: {said}")
        ready = json.loads(line)
        self.port, self.names = int(ready["port"]), tuple(ready["functions"])

    async def stop(self) -> None:
        """End it in order; by force after a while. Twice is once."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once, wherever it is."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()
