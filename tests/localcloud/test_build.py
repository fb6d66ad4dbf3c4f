"""A folder becomes an image that runs, by the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localcloud.clock import Clock
from localcloud.registry import Registry
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]


async def _ignore(_event: dict[str, object]) -> None:
    pass


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[str]:
    made = Registry(folder=tmp_path / "registry", clock=Clock(), name="weighbridge", resource_id="/r", publish=_ignore)
    async with serving(made.app()) as url:
        yield url.partition("//")[2]


async def localcloud(registry: str, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "localcloud", *arguments),
        cwd=ROOT,
        env={**os.environ, "LOCALCLOUD_REGISTRY": registry},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_pushed_folder_runs_with_its_environment_and_its_own_exit_code(registry: str, tmp_path: Path) -> None:
    (tmp_path / "app" / "more").mkdir(parents=True)
    (tmp_path / "app" / "main.py").write_text(
        "import os, pathlib, sys\n"
        "print(os.environ['WHO'], pathlib.Path(__file__).parent.joinpath('more/word').read_text())\n"
        "sys.exit(3)\n"
    )
    (tmp_path / "app" / "more" / "word").write_text("speaks")
    where = ("tools/talk:1", str(tmp_path / "app"), "--env", "WHO=it")
    code, said, _ = await localcloud(registry, "push", *where, "--", "python3", "/app/main.py")
    assert (code, said[:7], len(said.strip())) == (0, "sha256:", 71)
    assert await localcloud(registry, "run", "tools/talk:1") == (3, "it speaks\n", "")


async def test_what_cannot_be_pushed_or_run_is_said(registry: str, tmp_path: Path) -> None:
    code, _, said = await localcloud(registry, "push", "tools/none:1", str(tmp_path / "no"), "--", "true")
    assert (code, "expected a folder with files, found none" in said) == (1, True), said
    code, _, said = await localcloud(registry, "run", "tools/none:1")
    assert (code, said.startswith("localcloud: ")) == (1, True), said
    code, _, said = await localcloud("127.0.0.1:1", "run", "tools/none:1")
    assert (code, "UNAVAILABLE" in said) == (1, True), said
