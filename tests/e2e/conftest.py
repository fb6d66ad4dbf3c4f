"""One local cloud per module, with the Functions host on it."""

from __future__ import annotations

import pytest
import pytest_asyncio

from localcloud import azurite
from scripts.demo.stage import ROOT, Stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage():
    if not azurite.installed(ROOT):
        pytest.skip("Azurite is not under .work; `make setup` puts it there")
    async with Stage() as stage:
        yield stage
