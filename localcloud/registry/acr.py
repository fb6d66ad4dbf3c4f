"""The part of ACR's own API that is there: the catalogue, and tags with their digests and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.registry import names
from localcloud.registry.errors import RegistryError, unsupported
from localcloud.registry.paging import page

if TYPE_CHECKING:
    from localcloud.registry.repositories import Repositories, Tag

_MOST = 100  # tags or repositories on a page
_ORDERS = ("", "none", "timeasc", "timedesc")
_OPEN = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}


class AcrApi:
    """`/acr/v1/_catalog`, `/acr/v1/<repository>/_tags` and one tag of it. The rest answers 501 and says so."""

    def __init__(self, repositories: Repositories, login_server: str) -> None:
        self._repositories = repositories
        self._login_server = login_server

    def routes(self) -> list[web.RouteDef]:
        """Its part of the application."""
        return [
            web.get("/acr/v1/_catalog", self._catalog),
            web.get("/acr/v1/{name:.+}/_tags", self._list),
            web.get("/acr/v1/{name:.+}/_tags/{tag}", self._one),
            web.delete("/acr/v1/{name:.+}/_tags/{tag}", self._untag),
            web.route("*", "/acr/v1/{rest:.*}", self._refuse),
        ]

    async def _catalog(self, request: web.Request) -> web.Response:
        found, headers = page(self._repositories.all(), request, _MOST)
        return web.json_response({"repositories": list(found)}, headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        name = names.repository(request.match_info["name"])
        self._repositories.known(name)
        order = request.query.get("orderby", "")
        if order not in _ORDERS:
            raise unsupported(f"orderby={order}: expected one of {', '.join(_ORDERS[1:])}")
        digest = request.query.get("digest")
        tags = [tag for tag in self._repositories.tags(name) if digest in (None, tag.digest)]
        if order.startswith("time"):
            tags.sort(key=lambda tag: tag.updated, reverse=order == "timedesc")
        shown, headers = page([tag.name for tag in tags], request, _MOST)
        body = self._named(name) | {"tags": [_row(tag) for tag in tags if tag.name in shown]}
        return web.json_response(body, headers=headers)

    async def _one(self, request: web.Request) -> web.Response:
        name, tag = self._tag(request)
        return web.json_response(self._named(name) | {"tag": _row(tag)})

    async def _untag(self, request: web.Request) -> web.Response:
        """No event: ACR raises none for a tag (its webhook reference says so)."""
        name, tag = self._tag(request)
        self._repositories.untag(name, tag.name)
        return web.Response(status=202)

    async def _refuse(self, request: web.Request) -> web.Response:
        raise unsupported(f"{request.method} {request.path}")

    def _named(self, name: str) -> dict[str, object]:
        return {"registry": self._login_server, "imageName": name}

    def _tag(self, request: web.Request) -> tuple[str, Tag]:
        name, wanted = names.repository(request.match_info["name"]), request.match_info["tag"]
        tag = self._repositories.tagged(name, wanted)
        if tag is None:
            raise RegistryError("TAG_UNKNOWN", 404, f"tag {wanted!r} is not found in {name}")
        return name, tag


def _row(tag: Tag) -> dict[str, object]:
    return {
        "name": tag.name,
        "digest": tag.digest,
        "createdTime": tag.created,
        "lastUpdateTime": tag.updated,
        "signed": False,
        "changeableAttributes": _OPEN,
    }
