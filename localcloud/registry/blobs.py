"""Blobs over HTTP: pull, delete, and the ways to push one (at once, in chunks, from another repository)."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.registry import names
from localcloud.registry.errors import RegistryError

if TYPE_CHECKING:
    from localcloud.registry.content import Content
    from localcloud.registry.repositories import Repositories

_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/\d+)?")


class Blobs:
    """The blob routes of the distribution API."""

    def __init__(self, content: Content, repositories: Repositories) -> None:
        self._content = content
        self._repositories = repositories

    def routes(self) -> list[web.RouteDef]:
        """Its part of the application."""
        uploads, upload = "/v2/{name:.+}/blobs/uploads/", "/v2/{name:.+}/blobs/uploads/{upload}"
        blob = "/v2/{name:.+}/blobs/{digest}"
        return [
            web.post(uploads, self._begin),
            web.post(uploads.removesuffix("/"), self._begin),
            web.get(upload, self._progress, allow_head=False),
            web.patch(upload, self._chunk),
            web.put(upload, self._finish),
            web.delete(upload, self._cancel),
            web.get(blob, self._get),
            web.delete(blob, self._delete),
        ]

    async def _begin(self, request: web.Request) -> web.Response:
        name = names.repository(request.match_info["name"])
        mount = request.query.get("mount")
        if mount and self._mounted(name, names.digest(mount), request.query.get("from", "")):
            return self._created(name, mount)
        upload = self._content.begin()
        if "digest" in request.query:
            await self._receive(request, upload)
            return await self._done(name, upload, request.query["digest"])
        return self._accepted(name, upload)

    def _mounted(self, name: str, digest: str, source: str) -> bool:
        """Without `from` a registry may look everywhere; ACR does not, and neither does this."""
        if not source or not self._repositories.has_blob(source, digest):
            return False
        self._repositories.link(name, digest)
        return True

    async def _progress(self, request: web.Request) -> web.Response:
        return self._accepted(*self._named(request), status=HTTPStatus.NO_CONTENT)

    async def _chunk(self, request: web.Request) -> web.Response:
        name, upload = self._named(request)
        await self._receive(request, upload)
        return self._accepted(name, upload)

    async def _finish(self, request: web.Request) -> web.Response:
        name, upload = self._named(request)
        digest = names.digest(request.query.get("digest", ""))
        await self._receive(request, upload)
        return await self._done(name, upload, digest)

    async def _cancel(self, request: web.Request) -> web.Response:
        self._content.cancel(self._named(request)[1])
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        digest = self._held(request)[1]
        headers = {"Docker-Content-Digest": digest, "Content-Type": "application/octet-stream"}
        return web.FileResponse(self._content.path(digest), headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        self._repositories.drop_blob(*self._held(request))
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _receive(self, request: web.Request, upload: str) -> None:
        """Append the body. A chunk that does not start where the last one ended is refused, nothing is kept of it."""
        size = self._content.size(upload)
        given = request.headers.get("Content-Range")
        if given is not None:
            found = _RANGE.fullmatch(given)
            if found is None or int(found[1]) != size:
                headers = {"Range": f"0-{max(size - 1, 0)}", "Location": request.path}
                raise RegistryError(
                    "RANGE_INVALID",
                    416,
                    f"Content-Range: expected to start at {size}, found {given!r}",
                    headers=headers,
                )
        with self._content.append(upload) as file:
            async for part in request.content.iter_any():
                file.write(part)

    async def _done(self, name: str, upload: str, digest: str) -> web.Response:
        await asyncio.to_thread(self._content.finish, upload, names.digest(digest))
        self._repositories.link(name, digest)
        return self._created(name, digest)

    def _created(self, name: str, digest: str) -> web.Response:
        headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
        return web.Response(status=HTTPStatus.CREATED, headers=headers)

    def _accepted(self, name: str, upload: str, *, status: HTTPStatus = HTTPStatus.ACCEPTED) -> web.Response:
        size = self._content.size(upload)
        headers = {
            "Location": f"/v2/{name}/blobs/uploads/{upload}",
            "Range": f"0-{max(size - 1, 0)}",
            "Docker-Upload-UUID": upload,
        }
        return web.Response(status=status, headers=headers)

    def _named(self, request: web.Request) -> tuple[str, str]:
        return names.repository(request.match_info["name"]), request.match_info["upload"]

    def _held(self, request: web.Request) -> tuple[str, str]:
        name, digest = names.repository(request.match_info["name"]), names.digest(request.match_info["digest"])
        if not self._repositories.has_blob(name, digest):
            raise RegistryError("BLOB_UNKNOWN", 404, f"blob: expected one that {name} has, found {digest}")
        return name, digest
