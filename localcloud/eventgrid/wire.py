"""Requests that Event Grid makes of an endpoint, whatever they are about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp

from localcloud.eventgrid import outcomes
from localcloud.eventgrid.model import FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Wire:
    """within: seconds an endpoint may take to answer; Azure waits 30. Real seconds: it does real work meanwhile.

    function: where a function takes events, None for none of that name.
    """

    def __init__(self, within: float, function: Callable[[str], str | None] = lambda _: None) -> None:
        self._within, self._function = within, function
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: object
    ) -> tuple[int | None, Mapping[str, str], str]:
        """The status, the headers and the text answered; None and one of `outcomes` when nothing was."""
        if url.startswith(FUNCTION):
            found = self._function(url.removeprefix(FUNCTION))
            if found is None:
                return None, {}, outcomes.RESOLUTION
            url = found
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._within))
        sent = None if body is None else json.dumps(body).encode()
        try:
            async with self._session.request(method, url, headers=headers, data=sent, allow_redirects=False) as answer:
                return answer.status, answer.headers, await answer.text(errors="replace")
        except TimeoutError:
            return None, {}, outcomes.TIMED_OUT
        except aiohttp.ClientConnectorDNSError:
            return None, {}, outcomes.RESOLUTION
        except aiohttp.ClientError:
            return None, {}, outcomes.SOCKET
