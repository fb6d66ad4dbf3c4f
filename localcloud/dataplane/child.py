"""A child process in a group of its own, which ends with its parent and leaves nothing running."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A running process. pid: also the number of its group."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process

    @classmethod
    async def spawn(cls, argv: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Child:
        """Start it; raises OSError. What it writes is appended to the log. env: all it gets."""
        if not argv:
            raise FileNotFoundError("command: expected a program, found none")
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=cwd,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is for the parent, which stops things in order
                preexec_fn=_end_with_parent if _LIBC else None,
            )
        return cls(process)

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself or by anyone's hand."""
        return self._process.returncode is not None

    @property
    def exit_code(self) -> int | None:
        """As a shell tells it: 128 and the signal for one that was killed. None while it runs."""
        code = self._process.returncode
        return code if code is None or code >= 0 else 128 - code

    async def wait(self) -> None:
        """Until it has ended."""
        await self._process.wait()

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL to whatever of its group is left after `grace` seconds; twice is once."""
        if not self.ended:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace)
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL to it and its group, as the kernel does when memory runs out."""
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader while a grandchild runs; its number is not given away before that.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _end_with_parent() -> None:
    """Runs between fork and exec: when the parent is killed without a chance to stop its children, they go too."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
