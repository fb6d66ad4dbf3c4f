"""A container engine that runs images of other registries, where one is asked for: Docker, or one that obeys alike.

Its program is a replica's process; a container whose program was killed is removed by name. Containers do not end with
the one who had them run, so a process of its own waits for this one's end, however it comes, and removes what is left.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from typing import TYPE_CHECKING

from localcloud.dataplane.command import Command, told
from localcloud.dataplane.model import PullError

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.dataplane.model import Workload

_PULL_SECONDS = 600
_CODES = {"unauthorized": "UNAUTHORIZED", "denied": "DENIED", "manifest unknown": "MANIFEST_UNKNOWN"}
_LABEL = "localcloud"
_REMOVE_LEFT = (
    'cat >/dev/null; left=$("$0" ps --all --quiet --filter "label=$1"); [ -z "$left" ] || "$0" rm --force $left'
)
_REMOVE_SECONDS = 60


class Engine:
    """program: on the PATH, or a path. folder: where it is run."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self._label = f"{_LABEL}={uuid.uuid4()}"
        self._last: asyncio.subprocess.Process | None = None

    async def close(self) -> None:
        """Have every container removed that is still there; twice is once."""
        last, self._last = self._last, None
        if last is not None and last.stdin is not None:
            last.stdin.close()
            await asyncio.wait_for(last.wait(), _REMOVE_SECONDS)

    async def pull(self, image: str) -> str:
        """Have it here; answers its digest, the image's own name where it has none. Raises PullError."""
        await self._watched()
        await self._run("pull", "--quiet", "--platform", "linux/amd64", image)
        said = await self._run("image", "inspect", "--format", "{{json .RepoDigests}}", image)
        try:
            digests = [str(name).partition("@")[2] for name in json.loads(said)]
        except ValueError:
            digests = []
        return next(filter(None, digests), image)

    def command(self, workload: Workload, replica: str, port: int | None) -> Command:
        """How to run one replica. Values of variables are handed on by its environment, not on its command line."""
        name = f"{_LABEL}-{replica}"
        env = {**told(workload, replica), **workload.env}
        published = () if port is None else ("--publish", f"127.0.0.1:{port}:{workload.port}")
        entry = ("--entrypoint", workload.command[0]) if workload.command else ()
        variables = tuple(part for variable in sorted(env) for part in ("--env", variable))
        run = (self._program, "run", "--rm", "--name", name, "--label", self._label, "--platform", "linux/amd64")
        return Command(
            argv=(*run, *published, *variables, *entry, workload.image, *workload.command[1:], *workload.args),
            env={**os.environ, **env},
            cwd=self._folder,
            after=(self._program, "rm", "--force", name),
            relayed=True,
        )

    async def _watched(self) -> None:
        """The pipe to its input closes with this process, also when that is killed."""
        if self._last is None:
            argv = ("/bin/sh", "-c", _REMOVE_LEFT, self._program, self._label)
            quiet = asyncio.subprocess.DEVNULL
            self._last = await asyncio.create_subprocess_exec(
                *argv,
                cwd="/",
                stdin=asyncio.subprocess.PIPE,
                stdout=quiet,
                stderr=quiet,
                start_new_session=True,
            )

    async def _run(self, *arguments: str) -> str:
        """What it printed."""
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *arguments,
                cwd=self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise PullError(
                "UNAVAILABLE", f"engine: expected {self._program} to run, found {error.strerror}"
            ) from error
        try:
            said, wrong = await asyncio.wait_for(process.communicate(), _PULL_SECONDS)
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise PullError("UNAVAILABLE", f"engine: no answer within {_PULL_SECONDS} s") from error
        if process.returncode:
            why = wrong.decode(errors="replace").strip()
            code = next((code for word, code in _CODES.items() if word in why.lower()), "UNAVAILABLE")
            raise PullError(code, f"engine: {why[-200:]}")
        return said.decode(errors="replace")
