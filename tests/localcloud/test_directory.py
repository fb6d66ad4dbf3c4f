"""A service principal signs in with azure-identity, told only where to sign in."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiohttp
import jwt
import pytest
from aiohttp import web
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential

from localcloud import identity
from localcloud.directory import Directory
from localcloud.tls import make_ca
from tests.localcloud.arm.cloud import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECRET = "secret-of-the-tests"
SCOPE = "https://management.azure.com/.default"


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """Where to sign in, and whom to trust."""
    ca = make_ca(tmp_path, ["localhost"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ca.cert_file, ca.key_file)
    app = web.Application()
    app.add_routes(Directory(SECRET).routes())
    async with served(app, context) as url:
        yield url, ca.ca_file


def credential(base: tuple[str, Path], secret: str = SECRET, client: str = identity.CLIENT) -> ClientSecretCredential:
    url, ca = base
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca)))
    return ClientSecretCredential(
        identity.TENANT,
        client,
        secret,
        authority=url,
        disable_instance_discovery=True,
        transport=AioHttpTransport(session=session, session_owner=True),
        retry_total=0,
    )


async def test_the_secret_is_worth_a_token_for_the_audience_that_is_asked_for(base: tuple[str, Path]) -> None:
    async with credential(base) as signed_in:
        token = await signed_in.get_token(SCOPE)
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (claims["aud"], claims["appid"]) == ("https://management.azure.com", identity.CLIENT)


@pytest.mark.parametrize(
    ("secret", "client", "code"),
    [("wrong", identity.CLIENT, "AADSTS7000215"), (SECRET, identity.TENANT, "AADSTS700016")],
)
async def test_who_is_not_known_gets_none(base: tuple[str, Path], secret: str, client: str, code: str) -> None:
    async with credential(base, secret, client) as other:
        with pytest.raises(ClientAuthenticationError, match=code):
            await other.get_token(SCOPE)
