"""Event Grid of a whole local cloud: at the addresses that it announces."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Self

import aiohttp
import pytest
import pytest_asyncio
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.messaging import CloudEvent
from azure.eventgrid.aio import EventGridPublisherClient

from localcloud import azurite as emulator
from localcloud.cloud import LocalCloud
from localcloud.eventgrid import State
from localcloud.options import Options
from tests.localcloud.serving import serving, until
from tests.localcloud.test_eventgrid import CLOUD, Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

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


class Identity:
    """Tokens of the local cloud's managed identity, as azure-identity asks for them, or for another service."""

    def __init__(self, at: Mapping[str, str], resource: str = "") -> None:
        self._at, self._resource = at, resource

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        resource = self._resource or scopes[0].removesuffix("/.default")
        query = {"api-version": "2019-08-01", "resource": resource}
        headers = {"X-IDENTITY-HEADER": self._at["identity_header"]}
        async with (
            aiohttp.ClientSession() as http,
            http.get(self._at["identity_endpoint"], params=query, headers=headers) as answer,
        ):
            found = await answer.json()
        return AccessToken(found["access_token"], int(found["expires_on"]))

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


async def test_azure_eventgrid_publishes_with_a_token_of_the_directory_over_https_and_with_no_other(
    cloud: LocalCloud,
) -> None:
    at, hook = cloud.endpoints, Webhook()
    endpoint = f"{at['eventgrid_tls']}/topics/scans/api/events"
    event = CloudEvent(source="s", type="t", data={"a": 1})
    async with serving(hook.app()) as url:
        cloud.eventgrid.subscribe("hook", "scans", endpoint=f"{url}/hook", schema=CLOUD)
        async with EventGridPublisherClient(endpoint, Identity(at), connection_verify=at["ca"]) as client:
            await client.send(event)
        await cloud.eventgrid.settle(10)
        assert len(hook.received) == 1
        other = Identity(at, "https://management.azure.com")
        async with EventGridPublisherClient(endpoint, other, connection_verify=at["ca"]) as client:
            with pytest.raises(ClientAuthenticationError, match="found one for 'https://management"):
                await client.send(event)


async def test_the_announced_key_is_that_of_the_topic_of_scans(cloud: LocalCloud) -> None:
    at = cloud.endpoints
    event = CloudEvent(source="s", type="t", data={"a": 1})
    for topic, may in (("scans", True), ("weighbridge", False)):
        endpoint = f"{at['eventgrid']}/topics/{topic}/api/events"
        async with EventGridPublisherClient(endpoint, AzureKeyCredential(at["eventgrid_key"])) as client:
            with contextlib.nullcontext() if may else pytest.raises(ClientAuthenticationError):
                await client.send(event)
