"""An image from a folder into the registry, and an image run once: `az acr build` and a container instance, in small.

Without a container tool: the folder is the image's `/app`, and what runs it must be on this machine (Python is).
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import aiohttp

from localcloud import images
from localcloud.dataplane.command import command
from localcloud.dataplane.model import Workload
from localcloud.dataplane.pull import Puller
from localcloud.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_ANY = "localhost"  # stands for the registry's name, which is not asked for here


async def push(registry: str, image: str, folder: Path, argv: Sequence[str], env: Mapping[str, str]) -> str:
    """Build and push; answers the digest. registry: `host:port`. image: `repository:tag`. argv: the entrypoint.

    Raises:
        images.PushError: the registry did not take it.
    """
    files = await asyncio.to_thread(_files, folder)
    repository, _, tag = image.partition(":")
    return await images.push(images.build(files, argv, env), f"http://{registry}", repository, tag or "latest")


async def run(registry: str, image: str) -> int:
    """Pull it, run it to its end with this terminal as its own, and answer its exit code.

    Raises:
        localcloud.dataplane.model.PullError: there is no such image.
    """
    scratch = Scratch("localcloud-run-")
    try:
        async with aiohttp.ClientSession() as session:
            pulled = await Puller(scratch.path, lambda _: f"http://{registry}", session).pull(f"{_ANY}/{image}")
        started = command(pulled, Workload(revision="instance", image=image, env={}), "instance", None)
        sys.stdout.flush()
        process = await asyncio.create_subprocess_exec(*started.argv, env=started.env, cwd=started.cwd)
        return await process.wait()
    finally:
        scratch.close()


def _files(folder: Path) -> dict[str, bytes]:
    found = {f"/app/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if not found:
        raise images.PushError(f"{folder}: expected a folder with files, found none")
    return found
