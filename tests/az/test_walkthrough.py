"""The page of the lab with the real Azure CLI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from localcloud.cloud import LocalCloud
from localcloud.options import Options
from tests import page
from tests.az.az import BIN, ROOT
from tests.source import text

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.az, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
PAGE = text("docs/walkthrough.md")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole():
    """A local cloud with the product on it."""
    cloud = LocalCloud(Options(root=ROOT, app=ROOT, settings=ROOT / "localcloud.settings.json"))
    await cloud.start()
    yield cloud
    await cloud.close()


async def test_every_command_of_the_page_runs_and_prints_what_the_page_says(whole: LocalCloud, tmp_path: Path) -> None:
    shell = page.Shell(tmp_path, whole.endpoints, {"az": str(BIN / "az")})
    for block in page.blocks(PAGE):
        printed = await asyncio.to_thread(shell.run, block)
        assert block.missing(printed) == [], f"{block.commands}\n{printed}"
