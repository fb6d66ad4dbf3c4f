"""The one HTTP connection pool of all channels: https, trusted certificates, a time-out, no redirects."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from delivery.errors import Refused

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from delivery.ports import ChannelRow

TIMEOUT = 10.0  # seconds, for connecting, sending and the answer's headers together


class Connection:
    """A session opened at the first send; `ca_file` names certificates to trust besides the system's."""

    def __init__(self, *, ca_file: str = "", timeout: float = TIMEOUT) -> None:
        self.timeout = timeout
        self._ca_file = ca_file
        self._session: ClientSession | None = None

    def session(self) -> ClientSession:
        """The open session. Call it inside the event loop that sends."""
        import aiohttp  # noqa: PLC0415 - a cold start that sends nothing does not pay for it

        if self._session is None:
            trust = ssl.create_default_context()
            if self._ca_file:
                trust.load_verify_locations(cafile=self._ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust),
                timeout=aiohttp.ClientTimeout(total=self.timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "Weighbridge"},
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        """Close what was opened."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def place(channel: ChannelRow) -> str:
    """Where a channel sends, fit for an error: its name and host, never its path, which may be a secret.

    Raises Refused unless the address is https with a host.
    """
    try:
        url = urlsplit(channel.url)
        host, secure = url.hostname or "", url.scheme.lower() == "https"
    except ValueError:
        host, secure = "", False
    if not (host and secure):
        raise Refused(f"channel {channel.name}: url: expected an https:// address, found something else")
    return f"channel {channel.name}: {host}"
