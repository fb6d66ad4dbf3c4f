"""A receiver of webhooks over https, which keeps what it got and checks every signature."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import ssl
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

if TYPE_CHECKING:
    from pathlib import Path


class Hooks:
    """Use as a context; `url` and `secret` are what a channel row and its app setting need."""

    def __init__(self, cert: Path, key: Path, secret: str) -> None:
        self.secret = secret
        self.got: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.bad = 0
        self.url = ""
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(cert, key)
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    @staticmethod
    def new_secret() -> str:
        """A secret as the Standard Webhooks specification writes it."""
        return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.url = f"https://localhost:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.bad += 1
            return web.Response(status=401)
        self.ids.append(request.headers["webhook-id"])
        self.got.append(json.loads(body))
        self._news.set()
        return web.Response(status=204)

    def types(self) -> list[str]:
        """What was told, in order, repeats left out."""
        seen = dict(zip(self.ids, self.got, strict=True))
        return [event["type"].removeprefix("Weighbridge.") for event in seen.values()]

    @property
    def repeats(self) -> int:
        """How many messages came more than once."""
        return len(self.ids) - len(set(self.ids))

    def told(self, digest: str) -> list[dict[str, Any]]:
        """Every message about this image, in the rollout's own order, repeats left out."""
        about = [event for event in self.got if (event["data"].get("image") or {}).get("digest") == digest]
        return sorted({event["id"]: event for event in about}.values(), key=lambda event: int(event["sequence"]))

    async def news(self) -> None:
        """Wait for the next message, at most a second."""
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), 1)
