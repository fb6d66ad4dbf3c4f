"""Tokens for a registry: who gets one, and who never sees our identity."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from azure.core.exceptions import ClientAuthenticationError

from cloud.registry import ContainerRegistry
from cloud.registry_auth import is_acr
from delivery.errors import Refused, Retry
from tests.cloud.fake_acr import ACR, IMAGE, SHA, acr, plain, served
from tests.cloud.loopback import TOKEN, Answer, FakeCredential, loopback, settings


async def test_our_identity_is_exchanged_for_a_token_to_pull() -> None:
    credential = FakeCredential()
    async with acr(credential, manifest=served(IMAGE)) as (fake, registry):
        found = await registry.manifest(ACR, "shop/web", "1.4.2")

    assert found is not None
    assert [(a.method, a.path) for a in fake.server.asked] == [
        ("GET", "/v2/shop/web/manifests/1.4.2"),
        ("POST", "/oauth2/exchange"),
        ("POST", "/oauth2/token"),
        ("GET", "/v2/shop/web/manifests/1.4.2"),
        ("GET", f"/v2/shop/web/blobs/{SHA}"),
    ]
    assert credential.scopes == [("https://containerregistry.azure.net/.default",)]


async def test_a_held_token_makes_it_one_call() -> None:
    async with acr(FakeCredential(), manifest=served(IMAGE)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")
        before = len(fake.server.asked)
        await registry.manifest(ACR, "shop/web", "1.4.2")

    assert len(fake.server.asked) == before + 1


async def test_an_access_token_that_ran_out_is_renewed_without_the_identity() -> None:
    credential = FakeCredential()
    async with acr(credential, manifest=served(IMAGE)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")
        fake.generation += 1

        assert await registry.manifest(ACR, "shop/web", "1.4.2") is not None

    assert len(credential.scopes) == 1


async def test_a_refresh_token_that_ran_out_is_exchanged_anew() -> None:
    credential = FakeCredential()
    async with acr(credential, manifest=served(IMAGE)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")
        fake.generation += 1
        fake.refreshes += 1

        assert await registry.manifest(ACR, "shop/web", "1.4.2") is not None

    assert len(credential.scopes) == 2


async def test_a_token_to_pull_is_not_taken_for_one_to_list() -> None:
    tags = {"tags": [{"name": "1.4.2", "digest": SHA, "lastUpdateTime": "2026-06-28T23:22:00.1234567Z"}]}
    async with acr(FakeCredential(), manifest=served(IMAGE), tags=served(tags)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")

        (tag,) = await registry.tags(ACR, "shop/web")
        before = len(fake.server.asked)
        await registry.manifest(ACR, "shop/web", "1.4.2")
        await registry.tags(ACR, "shop/web")

    assert len(fake.server.asked) == before + 2, "each use keeps its own token"

    assert (tag.name, tag.digest) == ("1.4.2", SHA)
    assert tag.updated == datetime(2026, 6, 28, 23, 22, 0, 123456, tzinfo=UTC)


async def test_without_an_identity_an_anonymous_token_is_asked_for_where_the_registry_says() -> None:
    async with loopback() as server:
        realm = f'Bearer realm="{server.url}/token",service="s",scope="repository:web:pull"'
        server.on("GET", "/token", Answer(200, {"token": "anybody"}))
        server.on("GET", "/manifests/1", Answer(401, None, {"WWW-Authenticate": realm}), served(IMAGE))
        registry = ContainerRegistry(settings(registries={"registry.example": server.url}), None)

        found = await registry.manifest("registry.example", "web", "1")
        await registry.close()

    assert found is not None
    assert server.asked[1].target == "/token?service=s&scope=repository:web:pull"
    assert server.asked[2].headers["Authorization"] == "Bearer anybody"


async def test_a_registry_that_is_not_ours_never_sees_our_identity() -> None:
    """It is reached at its own address, on a port of loopback, and asks as ACR would."""
    async with loopback() as server:
        name = server.url.removeprefix("https://")
        realm = f'Bearer realm="{server.url}/oauth2/token",service="{name}",scope="repository:web:pull"'
        server.on("GET", "/manifests/1", Answer(401, None, {"WWW-Authenticate": realm}))
        server.on("GET", "/oauth2/token", Answer(200, {"token": "anybody"}))
        credential = FakeCredential()
        registry = ContainerRegistry(settings(), lambda: credential)

        with pytest.raises(Refused) as caught:
            await registry.manifest(name, "web", "1")
        await registry.close()

    assert caught.value.status == 401
    assert credential.scopes == []
    assert server.of("POST") == []


async def test_a_realm_elsewhere_never_sees_our_identity() -> None:
    async with loopback() as stranger:
        stranger.on("GET", "/oauth2/token", Answer(200, {"token": "anybody"}))
        challenge = {"WWW-Authenticate": f'Bearer realm="{stranger.url}/oauth2/token",service="{ACR}",scope="s"'}
        credential = FakeCredential()
        async with loopback() as server:
            server.on("GET", "/manifests/1.4.2", Answer(401, None, challenge))
            registry = ContainerRegistry(settings(registries={ACR: server.url}), lambda: credential)
            with pytest.raises(Refused):
                await registry.manifest(ACR, "shop/web", "1.4.2")
            await registry.close()

    assert credential.scopes == []
    assert [a.method for a in stranger.asked] == ["GET"]
    assert TOKEN not in str(stranger.asked)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("contoso.azurecr.io", True),
        ("Contoso.AzureCR.io", True),
        ("contoso.westus.geo.azurecr.io", True),
        ("contoso.azurecr.us", True),
        ("azurecr.io", False),
        ("azurecr.io.evil.example", False),
        ("evil.example/.azurecr.io", False),
        ("evil.example#.azurecr.io", False),
        ("ghcr.io", False),
    ],
)
def test_only_azures_login_servers_are_azures(name: str, *, answer: bool) -> None:
    assert is_acr(name) is answer


async def test_no_identity_is_told_as_such() -> None:
    credential = FakeCredential(ClientAuthenticationError("hunter2"))
    async with acr(credential, manifest=served(IMAGE)) as (_, registry):
        with pytest.raises(Retry, match=r"identity: .* expected a token, found ClientAuthenticationError$"):
            await registry.manifest(ACR, "shop/web", "1.4.2")


async def test_acr_gives_an_anonymous_token_where_it_shows_itself_to_anybody() -> None:
    async with acr(None, manifest=served(IMAGE)) as (fake, registry):
        fake.anonymous = True

        assert await registry.manifest(ACR, "shop/web", "1.4.2") is not None

    assert [a.method for a in fake.server.asked] == ["GET", "GET", "GET", "GET"]


async def test_a_registry_that_shows_nothing_to_anybody_is_refused() -> None:
    async with acr(None, manifest=served(IMAGE)) as (_, registry):
        with pytest.raises(Refused, match=r"anonymous token: expected success, found 401 UNAUTHORIZED$") as caught:
            await registry.manifest(ACR, "shop/web", "1.4.2")

    assert caught.value.status == 401


@pytest.mark.parametrize("challenge", ["", 'Basic realm="x"', "Bearer", 'Bearer realm=""'])
async def test_a_challenge_we_do_not_know_is_refused(challenge: str) -> None:
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", Answer(401, None, {"WWW-Authenticate": challenge}))

        with pytest.raises(Refused, match=r"expected a Bearer challenge"):
            await registry.manifest("registry.example", "web", "1")
