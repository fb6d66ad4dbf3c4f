"""A small registry, with and without the tokens of ACR."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from cloud.registry import ContainerRegistry
from tests.cloud.loopback import TOKEN, Answer, Asked, FakeCredential, Loopback, loopback, settings

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
