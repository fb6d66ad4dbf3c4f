"""One local cloud for the module, and the Azure CLI signed in to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from localcloud import azurite
from localcloud.cloud import LocalCloud
from localcloud.options import Options
from tests.az.az import BIN, ROOT, Az


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    if not (BIN / "az").is_file() or not azurite.installed(ROOT):
        pytest.fail("the Azure CLI or Azurite is not under .work; `make test-az` puts them there")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud():
    cloud = LocalCloud(Options(root=ROOT))
    await cloud.start()
    yield cloud
    await cloud.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def az(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory):
    az = Az(cloud.endpoints, Path(tmp_path_factory.mktemp("az")))
    await az.sign_in()
    return az
