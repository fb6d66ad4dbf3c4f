"""What an endpoint did not answer is told in Event Grid's words."""

from __future__ import annotations

import asyncio

from aiohttp import web

from localcloud.eventgrid.wire import Wire
from tests.localcloud.serving import serving


async def said(url: str) -> tuple[int | None, str]:
    wire = Wire(0.2)
    try:
        status, _, text = await wire.ask("POST", url, {}, {})
    finally:
        await wire.close()
    return status, text


async def test_an_endpoint_that_never_answers_has_timed_out() -> None:
    done = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await done.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hang)
    async with serving(app) as url:
        assert await said(url) == (None, "TimedOut")
        done.set()


async def test_an_endpoint_that_is_not_there_is_a_socket_error(unused_tcp_port: int) -> None:
    assert await said(f"http://127.0.0.1:{unused_tcp_port}/") == (None, "SocketError")


async def test_a_name_that_nobody_has_is_a_resolution_error() -> None:
    """`.invalid` is reserved for that (RFC 6761)."""
    assert await said("http://endpoint.invalid/") == (None, "ResolutionError")
