"""The proxy leads to this cloud by the names of Azure, and nowhere else."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from localcloud.proxy import Proxy
from localcloud.tls import make_ca
from tests.localcloud.arm.cloud import served
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "weighbridge.azurecr.io"


async def _says_host(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.scheme} {request.host}")


def _app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", _says_host)
    return app


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A client that trusts the cloud, and the address of the proxy."""
    ca = make_ca(tmp_path, [NAME])
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(ca.cert_file, ca.key_file)
    trust = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca.ca_file))
    async with (
        served(_app()) as plain,
        served(_app(), server) as secure,
        aiohttp.ClientSession(connector=trust) as http,
    ):
        places = {("http", NAME): plain.partition("//")[2], ("https", NAME): secure.partition("//")[2]}
        proxy = Proxy(lambda scheme, host: places.get((scheme, host)))
        try:
            yield http, f"http://{await proxy.open()}"
        finally:
            await proxy.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_host_of_the_cloud_is_reached_by_its_name_and_the_usual_port(
    client: tuple[aiohttp.ClientSession, str], scheme: str
) -> None:
    http, proxy = client
    async with http.get(f"{scheme}://{NAME}/", proxy=proxy) as answer:
        assert (answer.status, await answer.text()) == (200, f"{scheme} {NAME}")


async def test_this_machine_is_reached_at_the_port_that_is_asked_for(client: tuple[aiohttp.ClientSession, str]) -> None:
    http, proxy = client
    async with serving(_app()) as url, http.get(url.replace("127.0.0.1", "localhost") + "/", proxy=proxy) as answer:
        assert (await answer.text()) == "http localhost"


@pytest.mark.parametrize("url", ["http://example.com/", "https://example.com/", "https://example.com:8443/"])
async def test_any_other_host_is_refused_by_name(client: tuple[aiohttp.ClientSession, str], url: str) -> None:
    http, proxy = client
    if url.startswith("https"):
        with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
            await http.get(url, proxy=proxy)
        assert refused.value.status == 403
    else:
        async with http.get(url, proxy=proxy) as answer:
            assert (answer.status, "found 'example.com'" in await answer.text()) == (403, True)
