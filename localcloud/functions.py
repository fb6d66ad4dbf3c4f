"""The Functions host as a child: started, killed in mid-flight, started again on the same port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.host.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

START_WITHIN = 30.0
STOP_WITHIN = 10.0
_ROOT = Path(__file__).parent.parent
_LAST_WORDS = 2000


class FunctionsError(Exception):
    """The host did not start, and why."""


class Functions:
    """One host process over one app folder. settings: the app settings, on top of this process's environment.

    key: the host key; the other ones are known once it has started. arguments: more of the host's own, see
    `python -m localcloud.host --help`. shared: the folder of what all hosts of this app have in common. shares_port:
    others of them may listen where it does.
    """

    def __init__(
        self,
        app: Path,
        settings: Mapping[str, str],
        key: str,
        log: Path,
        arguments: tuple[str, ...] = (),
        *,
        shared: Path | None = None,
        shares_port: bool = False,
    ) -> None:
        self.app = app.resolve()
        self.settings = settings
        self.keys = Keys(master="", host=key, eventgrid="", functions={})
        self.log = log
        self.arguments = (*(("--share-port",) if shares_port else ()), *arguments)
        self.shared = (shared or log.with_name("functions-shared")).resolve()
        self.port = 0
        self.names: tuple[str, ...] = ()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def base(self) -> str:
        """Where the host listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the host's process is there."""
        return self._process is not None and self._process.returncode is None

    def event_endpoint(self, function: str) -> str:
        """Event Grid's address of one function, once the host has started."""
        return f"{self.base}/runtime/webhooks/EventGrid?functionName={function}&code={self.keys.eventgrid}"

    async def start(self) -> None:
        """Start the host and wait until it has listed its functions; one that runs is left alone.

        Raises FunctionsError, and then no host runs.
        """
        if self.running:
            return
        self.shared.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            since = log.tell()
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "localcloud.host"),
                *("--app", str(self.app), "--shared", str(self.shared), "--port", str(self.port)),
                *(f"--key={self.keys.host}", *self.arguments),
                cwd=_ROOT,
                env={**os.environ, **self.settings},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the parent, which stops things in order
            )
        try:
            ready = json.loads(await self._line(process, since))
        except BaseException:
            await self.kill()
            raise
        self.port, self.names, self.keys = int(ready["port"]), tuple(ready["functions"]), Keys(**ready["keys"])

    async def stop(self) -> None:
        """End it in order; by force after a while. Twice is once."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once, wherever it is."""
        await self._end(signal.SIGKILL)

    async def _line(self, process: asyncio.subprocess.Process, since: int) -> bytes:
        """The line it prints once it is ready. since: where its part of the log begins."""
        try:
            async with asyncio.timeout(START_WITHIN):
                line = await process.stdout.readline() if process.stdout is not None else b""
                if not line:
                    await process.wait()  # its last words come later than the end of its output
        except TimeoutError as error:
            raise FunctionsError(f"functions: expected the host to start within {START_WITHIN:g} s") from error
        if not line:
            said = self.log.read_bytes()[since:].decode(errors="replace").strip()
            _, found, why = said.rpartition("host: ")
            raise FunctionsError(
                f"functions: expected the host to start, found: {why if found else said[-_LAST_WORDS:]}"
            )
        return line

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
