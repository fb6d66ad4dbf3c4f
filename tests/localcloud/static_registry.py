"""The least registry that serves and takes images: enough for the data plane's own tests, and no more."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Self

from aiohttp import web

if TYPE_CHECKING:
    from localcloud.images import Image

HOST = "weighbridge.azurecr.io"
REPOSITORY = "shop/web"


class StaticRegistry:
    """things: (kind, tag or digest) -> bytes, to be looked into and spoilt. fetched: how often each was asked for."""

    def __init__(self) -> None:
        self.base = ""
        self.things: dict[tuple[str, str], bytes] = {}
        self.fetched: list[tuple[str, str]] = []
        self.refuse: tuple[int, str] | None = None
        app = web.Application()
        app.router.add_get(f"/v2/{REPOSITORY}/{{kind:manifests|blobs}}/{{name}}", self._get)
        app.router.add_post(f"/v2/{REPOSITORY}/blobs/uploads/", self._begin)
        app.router.add_put(f"/v2/{REPOSITORY}/blobs/uploads/1", self._blob)
        app.router.add_put(f"/v2/{REPOSITORY}/manifests/{{name}}", self._manifest)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def add(self, image: Image, tag: str) -> str:
        """Returns the name a template would have."""
        for digest, blob in image.blobs.items():
            self.things["blobs", digest] = blob
        self.things["manifests", image.digest] = self.things["manifests", tag] = image.manifest
        return f"{HOST}/{REPOSITORY}:{tag}"

    def base_of(self, login_server: str) -> str:
        return {HOST: self.base}[login_server]

    async def _get(self, request: web.Request) -> web.Response:
        key = request.match_info["kind"], request.match_info["name"]
        if request.method == "GET":
            self.fetched.append(key)
        if self.refuse:
            status, code = self.refuse
            return web.json_response({"errors": [{"code": code, "message": "no"}]}, status=status)
        if key not in self.things:
            code = "MANIFEST_UNKNOWN" if key[0] == "manifests" else "BLOB_UNKNOWN"
            return web.json_response({"errors": [{"code": code, "message": "no"}]}, status=404)
        return web.Response(body=self.things[key])

    async def _begin(self, _: web.Request) -> web.Response:
        return web.Response(status=202, headers={"Location": f"/v2/{REPOSITORY}/blobs/uploads/1?state=x"})

    async def _blob(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.query["digest"] == "sha256:" + hashlib.sha256(body).hexdigest()
        assert request.query["state"] == "x"
        self.things["blobs", request.query["digest"]] = body
        return web.Response(status=201)

    async def _manifest(self, request: web.Request) -> web.Response:
        body = await request.read()
        for name in (request.match_info["name"], "sha256:" + hashlib.sha256(body).hexdigest()):
            self.things["manifests", name] = body
        return web.Response(status=201)
