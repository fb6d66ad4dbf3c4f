"""The identity endpoint gives a real client a token it can use, and nobody else one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import aiohttp
import jwt
import pytest
from azure.identity.aio import ManagedIdentityCredential

from localcloud import identity
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEADER = "secret-of-the-tests"


@pytest.fixture
async def base() -> AsyncIterator[str]:
    async with serving(identity.app(HEADER)) as url:
        yield url


async def test_azure_identity_gets_a_token_for_the_audience_it_asks_for(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{base}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    async with ManagedIdentityCredential() as credential:
        token = await credential.get_token("https://management.azure.com/.default")
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (claims["aud"], claims["tid"]) == ("https://management.azure.com", identity.TENANT)
    assert claims["exp"] > time.time() + 3600
    assert abs(token.expires_on - claims["exp"]) <= 2


async def test_a_user_assigned_identity_is_named_in_its_token(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{base}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    async with ManagedIdentityCredential(client_id="some-client") as credential:
        token = await credential.get_token("https://management.azure.com/.default")
    assert jwt.decode(token.token, options={"verify_signature": False})["appid"] == "some-client"


@pytest.mark.parametrize(
    ("header", "query", "status"),
    [
        ("another", "api-version=2019-08-01&resource=r", 401),
        ("", "api-version=2019-08-01&resource=r", 401),
        (HEADER, "api-version=2017-09-01&resource=r", 400),
        (HEADER, "api-version=2019-08-01", 400),
    ],
)
async def test_who_asks_wrongly_gets_no_token(base: str, header: str, query: str, status: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base}/msi/token?{query}", headers={"X-IDENTITY-HEADER": header}) as answer,
    ):
        assert answer.status == status
        assert "access_token" not in await answer.text()


async def test_the_description_of_the_cloud_points_at_the_host_that_was_asked(base: str) -> None:
    """What azure-cli reads of it: the name, the addresses, the first audience."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base}/metadata/endpoints?api-version=2022-09-01") as answer,
    ):
        body = await answer.json()
    assert body["resourceManager"] == f"{base}/"
    assert body["authentication"]["loginEndpoint"] == base
    assert body["authentication"]["audiences"][0].startswith("https://management.")
