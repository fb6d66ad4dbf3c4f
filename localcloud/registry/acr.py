"""The part of ACR's own API that is there: the catalogue, and what is known about repositories, tags and manifests.

Paths and fields from the service's description, `containerregistry.json` 2021-07-01 in Azure/azure-rest-api-specs.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import msgspec
from aiohttp import web

from localcloud.registry import names
from localcloud.registry.attributes import changed
from localcloud.registry.errors import RegistryError, unsupported
from localcloud.registry.paging import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.registry.details import Details
    from localcloud.registry.removal import Removal
    from localcloud.registry.repositories import Manifest, Repositories, Tag

_MOST = 100  # tags, manifests or repositories on a page
_ORDERS = ("", "none", "timeasc", "timedesc")
_One = TypeVar("_One", "Tag", "Manifest")


class AcrApi:
    """Under `/acr/v1/`: a repository, its tags and its manifests, and PATCH of each one's attributes.

    The rest answers 501 and says so. A PATCH raises no event: the webhook reference has none for it.
    """

    def __init__(self, repositories: Repositories, details: Details, removal: Removal, login_server: str) -> None:
        self._repositories = repositories
        self._details = details
        self._removal = removal
        self._login_server = login_server

    def routes(self) -> list[web.RouteDef]:
        """Its part of the application; the path of a repository has no part that starts with `_`."""
        tags, manifests = "/acr/v1/{name:.+}/_tags", "/acr/v1/{name:.+}/_manifests"
        repository = "/acr/v1/{name:(?!_)(?:(?!/_).)+}"
        return [
            web.get("/acr/v1/_catalog", self._catalog),
            web.get(tags, self._tags),
            web.get(tags + "/{tag}", self._tag),
            web.patch(tags + "/{tag}", self._change_tag),
            web.delete(tags + "/{tag}", self._untag),
            web.get(manifests, self._manifests),
            web.get(manifests + "/{digest}", self._manifest),
            web.patch(manifests + "/{digest}", self._change_manifest),
            web.get(repository, self._repository),
            web.patch(repository, self._change_repository),
            web.delete(repository, self._remove_repository),
            web.route("*", "/acr/v1/{rest:.*}", self._refuse),
        ]

    async def _catalog(self, request: web.Request) -> web.Response:
        found, headers = page(self._repositories.listed(), request, _MOST)
        return web.json_response({"repositories": list(found)}, headers=headers)

    async def _repository(self, request: web.Request) -> web.Response:
        return self._shown(self._known(request))

    async def _change_repository(self, request: web.Request) -> web.Response:
        name = self._known(request)
        self._repositories.permit(name, changed(self._repositories.attributes(name), await request.read()))
        return self._shown(name)

    async def _remove_repository(self, request: web.Request) -> web.Response:
        digests, tags = await self._removal.repository(self._known(request), request.headers.get("User-Agent", ""))
        return web.json_response({"manifestsDeleted": digests, "tagsDeleted": tags}, status=HTTPStatus.ACCEPTED)

    async def _tags(self, request: web.Request) -> web.Response:
        name = self._known(request)
        digest = request.query.get("digest")
        found = [
            tag for tag in self._repositories.tags(name) if tag.attributes.list_enabled and digest in (None, tag.digest)
        ]
        rows = {tag.name: tag for tag in _ordered(found, request)}
        shown, headers = page(list(rows), request, _MOST)
        body = self._named(name) | {"tags": [_tag_row(rows[one]) for one in shown]}
        return web.json_response(body, headers=headers)

    async def _tag(self, request: web.Request) -> web.Response:
        name, tag = self._found_tag(request)
        return web.json_response(self._named(name) | {"tag": _tag_row(tag)})

    async def _change_tag(self, request: web.Request) -> web.Response:
        name, tag = self._found_tag(request)
        tag = msgspec.structs.replace(tag, attributes=changed(tag.attributes, await request.read()))
        self._repositories.put_tag(name, tag)
        return web.json_response(self._named(name) | {"tag": _tag_row(tag)})

    async def _untag(self, request: web.Request) -> web.Response:
        self._removal.tag(*self._found_tag(request))
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _manifests(self, request: web.Request) -> web.Response:
        name = self._known(request)
        found = [one for one in self._repositories.manifests(name) if one.attributes.list_enabled]
        rows = {one.digest: one for one in _ordered(found, request)}
        shown, headers = page(list(rows), request, _MOST)
        body = self._named(name) | {"manifests": [self._manifest_row(name, rows[one]) for one in shown]}
        return web.json_response(body, headers=headers)

    async def _manifest(self, request: web.Request) -> web.Response:
        name, manifest = self._found_manifest(request)
        return self._shown_manifest(name, manifest)

    async def _change_manifest(self, request: web.Request) -> web.Response:
        name, manifest = self._found_manifest(request)
        attributes = changed(manifest.attributes, await request.read())
        manifest = msgspec.structs.replace(manifest, attributes=attributes)
        self._repositories.put(name, manifest)
        return self._shown_manifest(name, manifest)

    async def _refuse(self, request: web.Request) -> web.Response:
        raise unsupported(f"{request.method} {request.path}")

    def _named(self, name: str) -> dict[str, object]:
        return {"registry": self._login_server, "imageName": name}

    def _known(self, request: web.Request) -> str:
        name = names.repository(request.match_info["name"])
        self._repositories.known(name)
        return name

    def _shown(self, name: str) -> web.Response:
        manifests, tags = list(self._repositories.manifests(name)), list(self._repositories.tags(name))
        body = self._named(name) | {
            "createdTime": min((one.created for one in manifests), default=""),
            "lastUpdateTime": max([one.updated for one in manifests] + [one.updated for one in tags], default=""),
            "manifestCount": len(manifests),
            "tagCount": len(tags),
            "changeableAttributes": msgspec.to_builtins(self._repositories.attributes(name)),
        }
        return web.json_response(body)

    def _found_tag(self, request: web.Request) -> tuple[str, Tag]:
        name, wanted = names.repository(request.match_info["name"]), request.match_info["tag"]
        tag = self._repositories.tagged(name, wanted)
        if tag is None:
            raise RegistryError("TAG_UNKNOWN", 404, f"tag {wanted!r} is not found in {name}")
        return name, tag

    def _found_manifest(self, request: web.Request) -> tuple[str, Manifest]:
        name, digest = names.repository(request.match_info["name"]), request.match_info["digest"]
        manifest = self._repositories.find(name, digest)
        if manifest is None:
            raise RegistryError("MANIFEST_UNKNOWN", 404, f"manifest {digest} is not found in {name}")
        return name, manifest

    def _shown_manifest(self, name: str, manifest: Manifest) -> web.Response:
        """One by itself tells what it leads to, too; in a list none does."""
        references = self._details.references(manifest)
        row = self._manifest_row(name, manifest) | ({"references": references} if references else {})
        return web.json_response(self._named(name) | {"manifest": row})

    def _manifest_row(self, name: str, manifest: Manifest) -> dict[str, object]:
        tags = [tag.name for tag in self._repositories.tags(name) if tag.digest == manifest.digest]
        return {
            "digest": manifest.digest,
            "createdTime": manifest.created,
            "lastUpdateTime": manifest.updated,
            "mediaType": manifest.media_type,
            **self._details.of(name, manifest),
            **({"tags": tags} if tags else {}),
            "changeableAttributes": msgspec.to_builtins(manifest.attributes),
        }


def _ordered(found: Sequence[_One], request: web.Request) -> Sequence[_One]:
    """By name or digest, unless the request asks for an order by time."""
    order = request.query.get("orderby", "")
    if order not in _ORDERS:
        raise unsupported(f"orderby={order}: expected one of {', '.join(_ORDERS[1:])}")
    if not order.startswith("time"):
        return found
    return sorted(found, key=lambda one: one.updated, reverse=order == "timedesc")


def _tag_row(tag: Tag) -> dict[str, object]:
    return {
        "name": tag.name,
        "digest": tag.digest,
        "createdTime": tag.created,
        "lastUpdateTime": tag.updated,
        "signed": False,
        "changeableAttributes": msgspec.to_builtins(tag.attributes),
    }
