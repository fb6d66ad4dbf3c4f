"""The Azure CLI as a person uses it, signed in to a local cloud: a program of its own, which knows nothing of tests."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.client import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".work" / "az" / "bin"
_SECONDS = 120


class AzError(Exception):
    """It exited with another code than 0; the message is what it said."""


class Az:
    """at: the endpoints of a local cloud. folder: where it keeps its sign-in and its clouds."""

    def __init__(self, at: Mapping[str, str], folder: Path) -> None:
        self.at = at
        self.environ = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            **environment(at),
            "AZURE_CONFIG_DIR": str(folder / "azure"),
        }

    async def sign_in(self) -> None:
        """Tell it of this cloud, and sign in as its service principal."""
        await self("cloud", "register", "--name", "local", "--endpoint-resource-manager", self.at["arm"])
        await self("cloud", "set", "--name", "local")
        who = ("--username", self.at["client"], "--password", self.at["client_secret"], "--tenant", self.at["tenant"])
        await self("login", "--service-principal", *who)

    async def __call__(self, *arguments: str) -> Any:
        """Its answer as JSON, None for no answer. Raises AzError."""
        said = await self.text(*arguments, "--output", "json")
        return json.loads(said) if said.strip() else None

    async def text(self, *arguments: str) -> str:
        """What it writes. Raises AzError."""
        code, said, error = await run(("az", *arguments), self.environ)
        if code != 0:
            raise AzError(f"az {' '.join(arguments[:3])}: {error or said}")
        return said


async def run(argv: tuple[str, ...], environ: Mapping[str, str], cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit code, output and errors of a program; ended after two minutes."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, out.decode(), err.decode()
