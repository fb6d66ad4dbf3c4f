"""`weighbridge` as a person runs it, signed in to the local cloud and with a function key of the installation on it."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from scripts.demo.stage import ROOT

if TYPE_CHECKING:
    from scripts.demo.stage import Stage


async def weighbridge(stage: Stage, *arguments: str, given: str = "", **more: str) -> tuple[int, str]:
    """Its exit code, and all that it printed. given: its standard input. more: of its environment."""
    at = stage.at
    environ = {
        **os.environ,
        "WEIGHBRIDGE_SUBSCRIPTION": at["subscription"],
        "WEIGHBRIDGE_ARM": at["arm"],
        "WEIGHBRIDGE_CA_FILE": at["ca"],
        "WEIGHBRIDGE_URL": at["functions"],
        "WEIGHBRIDGE_KEY": at["functions_key"],
        "AzureWebJobsStorage": at["storage"],
        "IDENTITY_ENDPOINT": at["identity_endpoint"],
        "IDENTITY_HEADER": at["identity_header"],
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *arguments,
        cwd=ROOT,
        env=environ,
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(given.encode() or None)
    return process.returncode or 0, out.decode()
