"""A registry that is up, a client that pushes to it, and the events it raised."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp

from localcloud.clock import Clock
from localcloud.registry import Registry
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/weighbridge"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Local:
    """A registry that is up, a client of it, and the events it raised."""

    def __init__(self, base: str, session: aiohttp.ClientSession, events: list[dict[str, Any]], clock: Clock) -> None:
        self.base, self.session, self.events, self.clock = base, session, events, clock

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Mapping[str, str], bytes]:
        async with self.session.request(method, self.base + path, **more) as answer:
            return answer.status, answer.headers, await answer.read()

    async def blob(self, repository: str, content: bytes) -> str:
        digest = digest_of(content)
        status, _, _ = await self.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data=BytesIO(content))
        assert status == 201
        return digest

    async def put(self, repository: str, reference: str, body: object, kind: str = IMAGE, agent: str = "t/1") -> str:
        content = json.dumps(body).encode()
        headers = {"Content-Type": kind, "User-Agent": agent}
        path = f"/v2/{repository}/manifests/{reference or digest_of(content)}"
        status, got, said = await self.ask("PUT", path, data=content, headers=headers)
        assert status == 201, said
        assert got["Docker-Content-Digest"] == digest_of(content)
        return digest_of(content)

    async def image(self, repository: str, tag: str, words: str = "hello", **more: object) -> str:
        config, layer = await self.blob(repository, b"{}"), await self.blob(repository, words.encode())
        body = {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": {"mediaType": CONFIG, "digest": config, "size": 2},
            "layers": [{"mediaType": "application/octet-stream", "digest": layer, "size": len(words)}],
            **more,
        }
        return await self.put(repository, tag, body)


@asynccontextmanager
async def registry(folder: Path, *, auth: bool = False) -> AsyncIterator[Local]:
    events: list[dict[str, Any]] = []
    clock = Clock()

    async def publish(event: dict[str, object]) -> None:
        events.append(event)

    one = Registry(folder=folder, clock=clock, name="weighbridge", resource_id=RESOURCE, publish=publish, auth=auth)
    async with serving(one.app()) as base, aiohttp.ClientSession() as session:
        yield Local(base, session, events, clock)


def code(said: bytes) -> str:
    return str(json.loads(said)["errors"][0]["code"])
