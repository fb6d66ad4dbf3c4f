"""HTTP probes of an app's or a revision's own address."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from socket import AF_UNSPEC, AddressFamily
from typing import TYPE_CHECKING, cast

from cloud.session import open_session
from delivery.settings import SettingsError
from rollouts.seen import ProbeSeen

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from aiohttp import ClientResponse, ClientSession
    from aiohttp.abc import AbstractResolver, ResolveResult

    from delivery.ports import Clock
    from delivery.settings import Settings
    from rollouts.checks import ProbeSpec

_WITHIN = 10.0  # seconds
_AGENT = "weighbridge-probe"


class Probe:
    """`delivery.ports.Prober`: one GET over https, on a connection of its own, following no redirect.

    With `probe_via` the connection goes to that address instead of the one DNS gives; Host and SNI stay those of
    the revision, which is how a private ingress tells them apart.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: ClientSession | None = None
        self._resolver = cast("AbstractResolver", _Via(settings.probe_via)) if settings.probe_via else None

    async def probe(self, fqdn: str, spec: ProbeSpec) -> ProbeSeen:
        """Ask once and time it until the status is there. The body is not read."""
        import aiohttp  # noqa: PLC0415 - not on the way of a cold start

        at = self._clock.now()
        path = spec.path if spec.path.startswith("/") else f"/{spec.path}"  # "@host" must stay a path
        loop = asyncio.get_running_loop()
        began = loop.time()
        status: int | None = None
        because = ""
        try:
            async with asyncio.timeout(_WITHIN), self._ask(f"https://{fqdn}{path}") as answer:
                status = answer.status
        except TimeoutError:
            because = f"no answer within {_WITHIN:.0f} s"
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: a name that no address can hold
            because = _because(error)
        took = timedelta(seconds=loop.time() - began)
        return ProbeSeen(at=at, path=path, status=status, took=took, because=because)

    def _ask(self, url: str) -> AbstractAsyncContextManager[ClientResponse]:
        return self._opened().get(url, allow_redirects=False, headers={"User-Agent": _AGENT})

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> ClientSession:
        if self._session is None:
            # A kept connection proves only that it was kept, and a name must lead to where it leads now.
            self._session = open_session(self._settings.ca_file, resolver=self._resolver, reuse=False)
        return self._session


class _Via:
    """Resolves every name to one address; aiohttp connects there and still speaks to the name."""

    def __init__(self, probe_via: str) -> None:
        host, _, port = probe_via.rpartition(":")
        if not host or not port.isdecimal():
            raise SettingsError(f"WEIGHBRIDGE_PROBE_VIA: expected host:port, found {probe_via!r}")
        self._host, self._port = host.strip("[]"), int(port)

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_UNSPEC) -> list[ResolveResult]:
        """The address of `probe_via`, whatever `host` and `port`."""
        from aiohttp import ThreadedResolver  # noqa: PLC0415 - not on the way of a cold start

        del port
        found = await ThreadedResolver().resolve(self._host, self._port, family)
        return [{**address, "hostname": host} for address in found]

    async def close(self) -> None:
        """Nothing is held."""


def _because(error: Exception) -> str:
    """Why there was no answer, in words of ours: an exception's own may quote addresses and certificates."""
    import aiohttp  # noqa: PLC0415 - not on the way of a cold start

    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case ValueError():
            return "not an address that can be asked"
        case _:
            return "the connection broke before an answer"
