"""Manifests, tags and referrers over HTTP; every manifest that comes or goes raises its event."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.registry import names
from localcloud.registry.attributes import Attributes
from localcloud.registry.errors import RegistryError
from localcloud.registry.events import stamp
from localcloud.registry.paging import page
from localcloud.registry.parsing import Parsed, parse
from localcloud.registry.repositories import Manifest

if TYPE_CHECKING:
    from localcloud.clock import Clock
    from localcloud.registry.content import Content
    from localcloud.registry.events import Events
    from localcloud.registry.locks import Locks
    from localcloud.registry.removal import Removal
    from localcloud.registry.repositories import Repositories, Tag

_INDEX = "application/vnd.oci.image.index.v1+json"
_LARGEST = 4 * 1024 * 1024  # bytes: the distribution specification's own limit for a manifest
_MOST = 1000  # names on a page


class Manifests:
    """The manifest, tag and referrer routes of the distribution API."""

    def __init__(
        self,
        content: Content,
        repositories: Repositories,
        locks: Locks,
        *,
        clock: Clock,
        events: Events,
        removal: Removal,
    ) -> None:
        self._content = content
        self._repositories = repositories
        self._locks = locks
        self._clock = clock
        self._events = events
        self._removal = removal

    def routes(self) -> list[web.RouteDef]:
        """Its part of the application."""
        manifest = "/v2/{name:.+}/manifests/{reference}"
        return [
            web.get("/v2/_catalog", self._catalog),
            web.get("/v2/{name:.+}/tags/list", self._tags),
            web.get("/v2/{name:.+}/referrers/{digest}", self._referrers),
            web.get(manifest, self._get),
            web.put(manifest, self._put),
            web.delete(manifest, self._delete),
        ]

    async def _get(self, request: web.Request) -> web.Response:
        name, reference = names.repository(request.match_info["name"]), request.match_info["reference"]
        manifest, tag = self._found(name, reference)
        self._locks.pull(name, manifest, tag)
        return web.Response(
            body=self._content.read(manifest.digest),
            headers={"Content-Type": manifest.media_type, "Docker-Content-Digest": manifest.digest},
        )

    async def _put(self, request: web.Request) -> web.Response:
        name, reference = names.repository(request.match_info["name"]), request.match_info["reference"]
        content = await request.content.read(_LARGEST + 1)
        while len(content) <= _LARGEST and (part := await request.content.read(_LARGEST + 1 - len(content))):
            content += part
        if len(content) > _LARGEST:
            raise RegistryError("SIZE_INVALID", 413, f"manifest: expected at most {_LARGEST} bytes, found more")
        digest, tag = _wanted(reference, content)
        parsed = parse(content, request.headers.get("Content-Type", "").partition(";")[0].strip())
        self._complete(name, parsed)
        self._locks.push(name, digest, tag)
        manifest = self._keep(name, digest, content, parsed)
        if tag:
            self._repositories.tag(name, tag, digest, manifest.updated)
        await self._events.pushed(name, manifest, tag, request.headers.get("User-Agent", ""))
        headers = {"Location": f"/v2/{name}/manifests/{reference}", "Docker-Content-Digest": digest}
        if parsed.subject:
            headers["OCI-Subject"] = parsed.subject
        return web.Response(status=HTTPStatus.CREATED, headers=headers)

    def _complete(self, name: str, parsed: Parsed) -> None:
        """Refuse a manifest that names what this repository does not have; its subject may come later."""
        if parsed.subject:
            names.digest(parsed.subject)
        blobs = ([parsed.config] if parsed.config else []) + list(parsed.layers)
        missing = [blob.digest for blob in blobs if not self._repositories.has_blob(name, blob.digest)]
        missing += [one.digest for one in parsed.children if self._repositories.find(name, one.digest) is None]
        if missing:
            raise RegistryError(
                "MANIFEST_BLOB_UNKNOWN", 400, f"manifest: expected what it names in {name}, found none of {missing}"
            )

    def _keep(self, name: str, digest: str, content: bytes, parsed: Parsed) -> Manifest:
        """One pushed again keeps its attributes and the time it was created."""
        now, before = stamp(self._clock.now()), self._repositories.find(name, digest)
        manifest = Manifest(
            digest=digest,
            media_type=parsed.media_type,
            size=len(content),
            created=before.created if before else now,
            updated=now,
            artifact=parsed.artifact,
            subject=parsed.subject,
            annotations=dict(parsed.annotations),
            attributes=before.attributes if before else Attributes(),
        )
        self._content.write(digest, content)
        self._repositories.put(name, manifest)
        return manifest

    async def _delete(self, request: web.Request) -> web.Response:
        """By digest: the manifest and its tags, one event. By tag: only the tag, no event."""
        name, reference = names.repository(request.match_info["name"]), request.match_info["reference"]
        manifest, tag = self._found(name, reference)
        if tag is None:
            await self._removal.manifest(name, manifest, request.headers.get("User-Agent", ""))
        else:
            self._removal.tag(name, tag)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _tags(self, request: web.Request) -> web.Response:
        name = names.repository(request.match_info["name"])
        self._repositories.known(name)
        found = sorted(tag.name for tag in self._repositories.tags(name) if tag.attributes.list_enabled)
        tags, headers = page(found, request, _MOST)
        return web.json_response({"name": name, "tags": list(tags)}, headers=headers)

    async def _catalog(self, request: web.Request) -> web.Response:
        found, headers = page(self._repositories.listed(), request, _MOST)
        return web.json_response({"repositories": list(found)}, headers=headers)

    async def _referrers(self, request: web.Request) -> web.Response:
        name, subject = names.repository(request.match_info["name"]), names.digest(request.match_info["digest"])
        wanted = request.query.get("artifactType")
        found = [
            _referrer(manifest)
            for manifest in self._repositories.manifests(name)
            if manifest.subject == subject and wanted in (None, manifest.artifact)
        ]
        # Not `json_response`: it adds a charset, and clients compare the whole header.
        headers = {"Content-Type": _INDEX} | ({"OCI-Filters-Applied": "artifactType"} if wanted is not None else {})
        body = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": found}
        return web.Response(body=json.dumps(body).encode(), headers=headers)

    def _found(self, name: str, reference: str) -> tuple[Manifest, Tag | None]:
        """What a reference names, and the tag it is."""
        tag = None if names.is_digest(reference) else self._repositories.tagged(name, reference)
        digest = tag.digest if tag else reference if names.is_digest(reference) else ""
        manifest = self._repositories.find(name, digest) if digest else None
        if manifest is None:
            raise RegistryError("MANIFEST_UNKNOWN", 404, f"manifest tagged by {reference!r} is not found in {name}")
        return manifest, tag


def _referrer(manifest: Manifest) -> dict[str, object]:
    """The specification leaves out the `artifactType` of an index that has none."""
    told = {"artifactType": manifest.artifact, "annotations": manifest.annotations}
    return {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": manifest.size,
        **{name: value for name, value in told.items() if value},
    }


def _wanted(reference: str, content: bytes) -> tuple[str, str]:
    """The digest of a pushed manifest, and the tag it is pushed under ("" when it is pushed by digest)."""
    if not names.is_digest(reference):
        return names.counted(content), names.tag(reference)
    found = names.counted(content, names.digest(reference).partition(":")[0])
    if found != reference:
        raise RegistryError("DIGEST_INVALID", 400, f"manifest: expected {reference}, found {found}")
    return reference, ""
