"""Connections to the outside: whom to trust, and one pool per adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery.errors import Refused

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import ClientResponse, ClientSession
    from aiohttp.abc import AbstractResolver

CONNECT_WITHIN = 5.0  # seconds


def trust(ca_file: str) -> SSLContext:
    """The system's certificates, and those of `ca_file` when it is not ""."""
    import ssl  # noqa: PLC0415 - not on the way of a cold start

    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            found = type(error).__name__
            raise Refused(f"WEIGHBRIDGE_CA_FILE: expected a PEM file, found {ca_file} ({found})") from None
    return context


def open_session(ca_file: str, *, resolver: AbstractResolver | None = None, reuse: bool = True) -> ClientSession:
    """A session of the running loop. Its TLS context is made once.

    The Azure transport makes a new context per request when it is given a CA file, and aiohttp pools connections by
    context: each call would then shake hands anew. Proxies are not looked up in the environment, which costs two
    thread hops per request. reuse False: every request has a connection, and a name lookup, of its own.
    """
    import aiohttp  # noqa: PLC0415 - not on the way of a cold start

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=trust(ca_file), resolver=resolver, use_dns_cache=reuse, force_close=not reuse
        ),
        timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_WITHIN),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def content(answer: ClientResponse, most: int) -> bytes:
    """The body, unless it is larger than `most` bytes."""
    found = bytearray()
    async for part in answer.content.iter_chunked(65536):
        found += part
        if len(found) > most:
            raise Refused(f"{answer.url.host}: expected at most {most} bytes, found more")
    return bytes(found)
