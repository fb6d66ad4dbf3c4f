"""The registry as one web application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.registry.acr import AcrApi
from localcloud.registry.auth import Auth
from localcloud.registry.blobs import Blobs
from localcloud.registry.content import Content
from localcloud.registry.details import Details
from localcloud.registry.errors import RegistryError, unsupported
from localcloud.registry.events import Events, Source
from localcloud.registry.locks import Locks
from localcloud.registry.manifests import Manifests
from localcloud.registry.removal import Removal
from localcloud.registry.repositories import Repositories

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aiohttp.typedefs import Handler

    from localcloud.clock import Clock

_API = {"Docker-Distribution-Api-Version": "registry/2.0"}


class Registry:
    """A registry that keeps everything in its folder, so that it survives a restart.

    name: "weighbridge" is known as weighbridge.azurecr.io. resource_id: of the registry, the topic of its events.
    publish: takes each event in Event Grid's own schema; a push waits for it. auth: demand a token, as ACR does;
    without it anybody may pull and push. admin: tells the admin user's name and password from any other.
    location: the Azure region its events name.
    """

    def __init__(
        self,
        *,
        folder: Path,
        clock: Clock,
        name: str,
        resource_id: str,
        publish: Callable[[dict[str, object]], Awaitable[None]],
        auth: bool = False,
        admin: Callable[[str, str], bool] = lambda _user, _password: False,
        location: str = "westeurope",
    ) -> None:
        login_server = f"{name}.azurecr.io"
        content, repositories = Content(folder), Repositories(folder / "repositories")
        locks = Locks(repositories)
        events = Events(Source(resource_id=resource_id, host=login_server, location=location), clock, publish)
        removal = Removal(repositories, locks, events)
        self._auth = Auth(clock=clock, service=login_server, demanded=auth, admin=admin)
        self._parts = (
            self._auth,
            Blobs(content, repositories),
            Manifests(content, repositories, locks, clock=clock, events=events, removal=removal),
            AcrApi(repositories, Details(content, repositories), removal, login_server),
        )

    def app(self) -> web.Application:
        """Everything under `/v2/`, `/acr/v1/` and `/oauth2/`."""
        app = web.Application(middlewares=[self._answer])
        app.router.add_get("/v2/", _base)
        for part in self._parts:
            app.add_routes(part.routes())
        app.router.add_route("*", "/{rest:.*}", _refuse)
        return app

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check the token, answer, and spell errors as the specification does."""
        try:
            self._auth.check(request)
            response = await handler(request)
        except RegistryError as error:
            response = web.json_response(error.body, status=error.status, headers=error.headers)
        response.headers.update(_API)
        return response


async def _base(_request: web.Request) -> web.Response:
    return web.json_response({})


async def _refuse(request: web.Request) -> web.Response:
    raise unsupported(f"{request.method} {request.path}")
