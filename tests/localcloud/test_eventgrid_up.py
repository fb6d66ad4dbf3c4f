"""Event Grid of a whole local cloud: who calls an address back, at the address that was announced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from localcloud import azurite as emulator
from localcloud.cloud import LocalCloud, Options
from localcloud.eventgrid import State
from tests.localcloud.serving import serving, until
from tests.localcloud.test_eventgrid import CLOUD, Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not emulator.installed(ROOT), reason="Azurite is not installed under .work: run `make setup`"
)


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    one = LocalCloud(Options(root=ROOT))
    await one.start()
    yield one
    await one.close()


async def test_an_endpoint_that_calls_the_announced_address_back_is_subscribed(cloud: LocalCloud) -> None:
    hook = Webhook()
    hook.later = True
    async with serving(hook.app()) as url, aiohttp.ClientSession() as http:
        subscription = cloud.eventgrid.subscribe("later", "scans", endpoint=f"{url}/hook", schema=CLOUD)
        await until(lambda: subscription.state is State.AWAITING)
        assert hook.addresses[0].startswith(f"{cloud.endpoints['eventgrid']}/eventsubscriptions/later/validate?")
        async with http.get(hook.addresses[0]) as answer:
            assert answer.status == 200
        await subscription.settled.wait()
        assert subscription.state is State.SUCCEEDED
