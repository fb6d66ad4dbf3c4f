"""A registry over a small one that asks for tokens as ACR does."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError

from cloud import registry as registry_module
from cloud.registry import ContainerRegistry
from cloud.registry_auth import is_acr
from delivery.errors import Refused, Retry
from tests.cloud.loopback import CUT, SILENT, TOKEN, Answer, Asked, FakeCredential, Loopback, loopback, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ACR = "contoso.azurecr.io"
SHA = f"sha256:{'ab' * 32}"
IMAGE = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": SHA, "size": 2},
    "layers": [],
    "annotations": {"org.opencontainers.image.version": "1.4.2"},
}
INDEX = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [
        {"digest": SHA, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": "sha256:7", "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
        {"digest": "sha256:6", "platform": {"os": "linux", "architecture": "arm", "variant": "v6"}},
        {"digest": "sha256:a", "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": "sha256:b"},
    ],
}
SIGNATURE = {
    "schemaVersion": 2,
    "artifactType": "application/vnd.cncf.notary.signature",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json"},
    "subject": {"digest": SHA},
}


class FakeAcr:
    """The three token calls of ACR's AAD-OAuth page, each refusing what the one before did not give."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.generation = 1  # of access tokens: raising it lets those given out run out
        self.refreshes = 1
        self.anonymous = False
        server.on("POST", "/oauth2/exchange", self._exchange)
        server.on("POST", "/oauth2/token", self._token)
        server.on("GET", "/oauth2/token", self._pull_token)

    def guarded(self, answer: Answer) -> object:
        """`answer` for who holds a good token, else the challenge ACR gives."""

        def serve(asked: Asked) -> Answer:
            scope = "metadata_read" if "/acr/" in asked.path else "pull"
            if asked.headers.get("Authorization") == f"Bearer access-{self.generation}-{scope}":
                return answer
            challenge = f'Bearer realm="https://{ACR}/oauth2/token",service="{ACR}",scope="repository:shop/web:{scope}"'
            error = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
            return Answer(401, error, {"WWW-Authenticate": challenge})

        return serve

    def _exchange(self, asked: Asked) -> Answer:
        wanted = {"grant_type": ["access_token"], "service": [ACR], "access_token": [TOKEN]}
        good = parse_qs(asked.body.decode()) == wanted
        return Answer(200, {"refresh_token": f"refresh-{self.refreshes}"}) if good else Answer(401)

    def _token(self, asked: Asked) -> Answer:
        form = parse_qs(asked.body.decode())
        if form["refresh_token"] != [f"refresh-{self.refreshes}"] or form["grant_type"] != ["refresh_token"]:
            return Answer(401, {"error": "invalid_grant"})
        return Answer(200, {"access_token": f"access-{self.generation}-{form['scope'][0].rpartition(':')[2]}"})

    def _pull_token(self, asked: Asked) -> Answer:
        query = parse_qs(urlsplit(asked.target).query)
        if not self.anonymous or query["service"] != [ACR]:
            return Answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
        return Answer(200, {"access_token": f"access-{self.generation}-{query['scope'][0].rpartition(':')[2]}"})


@asynccontextmanager
async def acr(credential: FakeCredential | None, **answers: Answer) -> AsyncIterator[tuple[FakeAcr, ContainerRegistry]]:
    async with loopback() as server:
        fake = FakeAcr(server)
        for path, answer in {"/manifests/1.4.2": answers.get("manifest"), "/_tags": answers.get("tags")}.items():
            for method in ("GET", "HEAD"):
                server.on(method, path, fake.guarded(answer or Answer(404)))  # type: ignore[arg-type] # Answer or function
        given = (lambda: credential) if credential else None
        registry = ContainerRegistry(settings(registries={ACR: server.url}), given)
        try:
            yield fake, registry
        finally:
            await registry.close()


@asynccontextmanager
async def plain(server_name: str = "registry.example") -> AsyncIterator[tuple[Loopback, ContainerRegistry]]:
    """A registry that asks for no token."""
    async with loopback() as server:
        registry = ContainerRegistry(settings(registries={server_name: server.url}), None)
        try:
            yield server, registry
        finally:
            await registry.close()


def served(body: object, **headers: str) -> Answer:
    return Answer(200, body, headers)


# ---- tokens ------------------------------------------------------------------------------------


async def test_our_identity_is_exchanged_for_a_token_to_pull():
    credential = FakeCredential()
    async with acr(credential, manifest=served(IMAGE)) as (fake, registry):
        found = await registry.manifest(ACR, "shop/web", "1.4.2")

    assert found is not None
    assert [(a.method, a.path) for a in fake.server.asked] == [
        ("GET", "/v2/shop/web/manifests/1.4.2"),
        ("POST", "/oauth2/exchange"),
        ("POST", "/oauth2/token"),
        ("GET", "/v2/shop/web/manifests/1.4.2"),
    ]
    assert credential.scopes == [("https://containerregistry.azure.net/.default",)]


async def test_a_held_token_makes_it_one_call():
    async with acr(FakeCredential(), manifest=served(IMAGE)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")
        before = len(fake.server.asked)
        await registry.manifest(ACR, "shop/web", "1.4.2")

    assert len(fake.server.asked) == before + 1


async def test_an_access_token_that_ran_out_is_renewed_without_the_identity():
    credential = FakeCredential()
    async with acr(credential, manifest=served(IMAGE)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")
        fake.generation += 1

        assert await registry.manifest(ACR, "shop/web", "1.4.2") is not None

    assert len(credential.scopes) == 1


async def test_a_refresh_token_that_ran_out_is_exchanged_anew():
    credential = FakeCredential()
    async with acr(credential, manifest=served(IMAGE)) as (fake, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")
        fake.generation += 1
        fake.refreshes += 1

        assert await registry.manifest(ACR, "shop/web", "1.4.2") is not None

    assert len(credential.scopes) == 2


async def test_a_token_to_pull_is_not_taken_for_one_to_list():
    tags = {"tags": [{"name": "1.4.2", "digest": SHA, "lastUpdateTime": "2026-06-28T23:22:00.1234567Z"}]}
    async with acr(FakeCredential(), manifest=served(IMAGE), tags=served(tags)) as (_, registry):
        await registry.manifest(ACR, "shop/web", "1.4.2")

        (tag,) = await registry.tags(ACR, "shop/web")

    assert (tag.name, tag.digest) == ("1.4.2", SHA)
    assert tag.updated == datetime(2026, 6, 28, 23, 22, 0, 123456, tzinfo=UTC)


async def test_without_an_identity_an_anonymous_token_is_asked_for_where_the_registry_says():
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


async def test_a_registry_that_is_not_ours_never_sees_our_identity():
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


async def test_a_realm_elsewhere_never_sees_our_identity():
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
def test_only_azures_login_servers_are_azures(name, answer):
    assert is_acr(name) is answer


async def test_no_identity_is_told_as_such():
    credential = FakeCredential(ClientAuthenticationError("hunter2"))
    async with acr(credential, manifest=served(IMAGE)) as (_, registry):
        with pytest.raises(Retry, match="identity: .* expected a token, found ClientAuthenticationError$"):
            await registry.manifest(ACR, "shop/web", "1.4.2")


async def test_acr_gives_an_anonymous_token_where_it_shows_itself_to_anybody():
    async with acr(None, manifest=served(IMAGE)) as (fake, registry):
        fake.anonymous = True

        assert await registry.manifest(ACR, "shop/web", "1.4.2") is not None

    assert [a.method for a in fake.server.asked] == ["GET", "GET", "GET"]


async def test_a_registry_that_shows_nothing_to_anybody_is_refused():
    async with acr(None, manifest=served(IMAGE)) as (_, registry):
        with pytest.raises(Refused, match="anonymous token: expected success, found 401 UNAUTHORIZED$") as caught:
            await registry.manifest(ACR, "shop/web", "1.4.2")

    assert caught.value.status == 401


@pytest.mark.parametrize("challenge", ["", 'Basic realm="x"', "Bearer", 'Bearer realm=""'])
async def test_a_challenge_we_do_not_know_is_refused(challenge):
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", Answer(401, None, {"WWW-Authenticate": challenge}))

        with pytest.raises(Refused, match="expected a Bearer challenge"):
            await registry.manifest("registry.example", "web", "1")


# ---- manifests ---------------------------------------------------------------------------------


async def test_an_image_is_told_by_its_config():
    async with plain() as (server, registry):
        server.on("GET", "/v2/shop/web/manifests/1.4.2", served(IMAGE, **{"Docker-Content-Digest": SHA}))

        found = await registry.manifest("registry.example", "shop/web", "1.4.2")

    assert found is not None
    assert (found.digest, found.media_type) == (SHA, IMAGE["mediaType"])
    assert (found.config, found.artifact, found.subject) == ("application/vnd.oci.image.config.v1+json", "", False)
    assert (found.children, found.labels) == ({}, {"org.opencontainers.image.version": "1.4.2"})
    assert "application/vnd.docker.distribution.manifest.list.v2+json" in server.asked[0].headers["Accept"]


async def test_an_index_names_its_images_by_platform():
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(INDEX))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert found.children == {"linux/amd64": SHA, "linux/arm": "sha256:7"}


async def test_a_signature_is_told_by_its_subject():
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(SIGNATURE, **{"Content-Type": f"{IMAGE['mediaType']}; charset=utf-8"}))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert (found.subject, found.artifact) == (True, "application/vnd.cncf.notary.signature")
    assert found.media_type == IMAGE["mediaType"], "from the header where the body does not say"


async def test_what_answers_to_a_digest_must_be_it():
    raw = json.dumps(IMAGE).encode()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    async with plain() as (server, registry):
        server.on("GET", f"/manifests/{digest}", served(raw))
        server.on("GET", f"/manifests/{SHA}", served(raw, **{"Docker-Content-Digest": SHA}))

        found = await registry.manifest("registry.example", "web", digest)
        with pytest.raises(Retry, match="expected this content, found sha256:"):
            await registry.manifest("registry.example", "web", SHA)

    assert found is not None
    assert found.digest == digest


async def test_what_is_gone_is_none():
    async with plain() as (server, registry):
        server.on("HEAD", "", Answer(404))

        assert await registry.manifest("registry.example", "web", SHA) is None
        assert await registry.digest("registry.example", "web", "1") is None
        assert await registry.tags("registry.example", "web") == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"config": 7, "annotations": [], "manifests": {"a": 1}}'])
async def test_an_odd_manifest_is_read_as_far_as_it_goes(body):
    async with plain() as (server, registry):
        server.on("GET", "", served(body))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert (found.config, found.children, found.labels) == ("", {}, {})


async def test_a_manifest_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(registry_module, "_LARGEST", 100)
    async with plain() as (server, registry):
        server.on("GET", "", served(IMAGE))

        with pytest.raises(Refused, match="expected at most 100 bytes"):
            await registry.manifest("registry.example", "web", "1")


async def test_a_tag_is_resolved_by_one_head():
    async with plain() as (server, registry):
        server.on("HEAD", "/v2/web/manifests/1.4.2", Answer(200, None, {"Docker-Content-Digest": SHA}))

        assert await registry.digest("registry.example", "web", "1.4.2") == SHA

    assert len(server.asked) == 1


async def test_a_tag_cannot_leave_its_place_in_the_path():
    async with plain() as (server, registry):
        await registry.manifest("registry.example", "web", "../../catalog?x#y")

    assert server.asked[0].target.startswith("/v2/web/manifests/..%2F..%2Fcatalog%3Fx%23y")


# ---- tags --------------------------------------------------------------------------------------


async def test_acr_lists_its_tags_newest_first_page_by_page():
    async with acr(FakeCredential()) as (fake, registry):
        names = iter("321")

        def page(asked: Asked) -> Answer:
            name = next(names)
            link = {} if name == "1" else {"Link": f'</acr/v1/shop/web/_tags?last={name}&n=100>; rel="next"'}
            return Answer(200, {"tags": [{"name": name, "digest": SHA, "lastUpdateTime": "nonsense"}]}, link)

        fake.server._rules.insert(0, ("GET", "/_tags", [page]))
        found = await registry.tags(ACR, "shop/web")

    assert [(t.name, t.updated) for t in found] == [("3", None), ("2", None), ("1", None)]
    assert [a.target for a in fake.server.asked] == [
        "/acr/v1/shop/web/_tags?n=100&orderby=timedesc",
        "/acr/v1/shop/web/_tags?last=3&n=100",
        "/acr/v1/shop/web/_tags?last=2&n=100",
    ]


async def test_another_registry_tells_names_only():
    async with plain() as (server, registry):
        server.on("GET", "/v2/web/tags/list", served({"name": "web", "tags": ["1", "2", 3]}))

        found = await registry.tags("registry.example", "web")

    assert [(t.name, t.digest, t.updated) for t in found] == [("1", "", None), ("2", "", None)]


async def test_what_is_called_acr_but_does_not_list_as_acr_lists_as_the_others():
    async with plain(ACR) as (server, registry):
        server.on("GET", "/v2/web/tags/list", served({"tags": ["1"]}))

        assert [t.name for t in await registry.tags(ACR, "web")] == ["1"]


async def test_a_list_that_never_ends_is_refused_or_is_the_newest(monkeypatch):
    monkeypatch.setattr(registry_module, "_PAGES", 3)
    more = {"Link": '</v2/web/tags/list?last=1>; rel="next"'}
    newest = {"Link": '</acr/v1/web/_tags?last=1>; rel="next"'}
    async with plain() as (server, registry):
        server.on("GET", "/tags/list", Answer(200, {"tags": ["1"]}, more))
        with pytest.raises(Refused, match="expected its tags on 3 pages, found more"):
            await registry.tags("registry.example", "web")
    async with plain(ACR) as (server, registry):
        server.on("GET", "/_tags", Answer(200, {"tags": [{"name": "1"}]}, newest))

        assert len(await registry.tags(ACR, "web")) == 3


async def test_a_next_page_on_another_host_is_not_followed():
    async with plain() as (server, registry):
        server.on("GET", "/tags/list", Answer(200, {"tags": []}, {"Link": '<https://evil.example/v2>; rel="next"'}))

        with pytest.raises(Refused, match="expected the next page on the same host"):
            await registry.tags("registry.example", "web")


# ---- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(429, {"errors": [{"code": "TOOMANYREQUESTS", "message": "hunter2"}]}, {"Retry-After": "2"}), Retry),
        (Answer(500, b"hunter2"), Retry),
        (Answer(403, {"errors": [{"code": "DENIED", "message": "hunter2"}]}), Refused),
        (Answer(307, None, {"Location": "https://evil.example"}), Refused),
        (CUT, Retry),
    ],
)
async def test_a_registry_that_fails_is_told_without_its_body(answer, kind):
    async with plain() as (server, registry):
        server.on("HEAD", "", answer)

        with pytest.raises(kind, match=r"^registry: registry.example/web: HEAD: ") as caught:
            await registry.digest("registry.example", "web", "1")

    assert "hunter2" not in str(caught.value)


async def test_a_registry_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(registry_module, "_WITHIN", 0.2)
    async with plain() as (server, registry):
        server.on("GET", "", SILENT)

        with pytest.raises(Retry, match="expected an answer in time"):
            await registry.manifest("registry.example", "web", "1")
