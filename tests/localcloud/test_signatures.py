"""Signatures pushed to the local registry are found by the product's own client, as in ACR."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import aiohttp

from cloud.registry import ContainerRegistry
from cloud.registry_signatures import NOTATION
from delivery.settings import Settings
from localcloud.clock import Clock
from localcloud.registry import Registry
from policies.signatures import BUNDLE, JWS
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

SERVER = "weighbridge.azurecr.io"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"


async def quiet(_event: dict[str, object]) -> None:
    """Nobody listens to the registry's events."""


class Pushing:
    """A client that pushes."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self._base, self._session = base, session

    async def blob(self, content: bytes, media_type: str) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        async with self._session.post(f"{self._base}/v2/shop/web/blobs/uploads/?digest={digest}", data=content) as said:
            assert said.status == 201
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    async def manifest(self, config: str, layers: list[dict[str, object]], **more: object) -> dict[str, object]:
        body = {"schemaVersion": 2, "mediaType": IMAGE, "config": await self.blob(b"{}", config), "layers": layers}
        content = json.dumps({**body, **more}).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        url = f"{self._base}/v2/shop/web/manifests/{digest}"
        async with self._session.put(url, data=content, headers={"Content-Type": IMAGE}) as said:
            assert said.status == 201
        return {"mediaType": IMAGE, "digest": digest, "size": len(content)}


async def test_signatures_are_found_by_their_own_type_and_by_that_of_their_config(tmp_path: Path) -> None:
    resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/weighbridge"
    registry = Registry(folder=tmp_path, clock=Clock(), name="weighbridge", resource_id=resource, publish=quiet)
    async with serving(registry.app()) as base, aiohttp.ClientSession() as session:
        push = Pushing(base, session)
        image = await push.manifest("application/vnd.oci.image.config.v1+json", [])
        await push.manifest(NOTATION, [await push.blob(b"jws", JWS)], subject=image)
        bundle = [await push.blob(b"bundle", BUNDLE)]
        await push.manifest(EMPTY, bundle, subject=image, artifactType=BUNDLE)
        await push.manifest(EMPTY, bundle, subject=image, artifactType="application/spdx+json")
        client = ContainerRegistry(Settings(registries={SERVER: base}), None)
        try:
            seen = await client.signatures(SERVER, "shop/web", str(image["digest"]))
            manifest = await client.manifest(SERVER, "shop/web", str(image["digest"]))
        finally:
            await client.close()

    assert {(each.media_type, each.content) for each in seen} == {(JWS, b"jws"), (BUNDLE, b"bundle")}
    assert manifest is not None
    assert (manifest.media_type, manifest.size) == (IMAGE, image["size"])
