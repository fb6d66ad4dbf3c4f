"""An ingress without Envoy, for machines its package does not support: the same promises, a fifth of the speed.

No HTTP/2 and no upgrades (WebSocket); a body is passed on whole in pieces, never kept.
"""

from __future__ import annotations

import random
import ssl
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from localcloud.dataplane.model import IngressError
from localcloud.dataplane.paths import rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcloud.dataplane.model import Backends, Routes

_Response = TypeVar("_Response", bound=web.StreamResponse)
_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host"}
)
_TIMEOUT = aiohttp.ClientTimeout(total=240, sock_connect=5)  # Container Apps ends a request after 240 seconds


class Fallback:
    """An `Ingress` in this process."""

    def __init__(self, cert: Path, key: Path, *, http_port: int = 0, https_port: int = 0) -> None:
        self.http = self.https = ""
        self._files = (cert, key)
        self._ports = (http_port, https_port)
        self._routes: Routes = {}
        self._backends: Backends = {}
        self._totals: dict[str, dict[str, int]] = {}
        self._active: dict[str, int] = {}
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Listen; returns once it does."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        # Idle connections to replicas are not kept: one that a replica closes would cost a request.
        self._client = aiohttp.ClientSession(
            auto_decompress=False, timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
        await self._runner.setup()
        self.http = await self._listen(self._runner, self._ports[0], None)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*self._files)
        self.https = await self._listen(self._runner, self._ports[1], tls)

    async def close(self) -> None:
        """Stop listening; requests in flight are cut."""
        if self._client is not None:
            await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._client = self._runner = None

    async def apply(self, routes: Routes, backends: Backends) -> None:
        """One assignment on the loop that answers: nothing is between before and after."""
        for host, weights in ((h, [w for _, w in rule.targets]) for h, way in routes.items() for rule in rules(way)):
            if len(weights) > 1 and (min(weights) < 0 or sum(weights) == 0):
                raise IngressError(f"ingress: refused {host}: expected a sum of weights over 0, found {weights}")
        self._routes, self._backends = dict(routes), dict(backends)

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Answers per revision."""
        return self._totals

    async def active(self, revision: str) -> int:
        """Requests that wait for this revision's answer."""
        return self._active.get(revision, 0)

    async def _listen(self, runner: web.AppRunner, port: int, tls: ssl.SSLContext | None) -> str:
        try:
            await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        except OSError as error:
            raise IngressError(f"ingress: expected port {port} to be free, found {error.strerror}") from error
        return f"127.0.0.1:{runner.addresses[-1][1]}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        way = self._routes.get((request.host.rpartition(":")[0] or request.host).lower(), ())
        path, question, query = request.raw_path.partition("?")
        rule = next((rule for rule in rules(way) if rule.matches(path)), None)
        if rule is None or not rule.targets:
            return web.Response(status=404)
        names, weights = zip(*rule.targets, strict=True)
        revision = names[0] if len(names) == 1 else random.choices(names, weights)[0]  # noqa: S311 - no secret
        self._active[revision] = self._active.get(revision, 0) + 1
        try:
            return await self._pass_on(request, revision, rule.rewritten(path) + question + query)
        finally:
            self._active[revision] -= 1

    async def _pass_on(self, request: web.Request, revision: str, path: str) -> web.StreamResponse:
        ports = self._backends.get(revision, ())
        if not ports or self._client is None:
            return self._counted(revision, web.Response(status=503, text="no healthy upstream"))
        try:
            answer = await self._ask(self._client, request, random.choice(ports), path)  # noqa: S311 - no secret
        except TimeoutError:
            return self._counted(revision, web.Response(status=504, text="upstream request timeout"))
        except aiohttp.ClientError:
            return self._counted(revision, web.Response(status=503, text="upstream connect error"))
        async with answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
            response = self._counted(revision, web.StreamResponse(status=answer.status))
            response.headers.extend(kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    async def _ask(
        self, client: aiohttp.ClientSession, request: web.Request, port: int, path: str
    ) -> aiohttp.ClientResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers |= {"Host": request.host, "X-Forwarded-Proto": request.scheme}
        url = URL(f"http://127.0.0.1:{port}{path}", encoded=True)
        body = request.content if request.body_exists else None
        return await client.request(request.method, url, headers=headers, data=body, allow_redirects=False)

    def _counted(self, revision: str, response: _Response) -> _Response:
        kind = str(response.status)
        totals = self._totals.setdefault(revision, {})
        totals[kind] = totals.get(kind, 0) + 1
        return response
