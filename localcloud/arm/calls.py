"""One request and one answer, apart from the server that carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = (
    "2022-03-01",
    "2022-06-01-preview",
    "2022-10-01",
    "2022-11-01-preview",
    "2023-04-01-preview",
    "2023-05-01",
    "2023-05-02-preview",
    "2023-08-01-preview",
    "2023-11-02-preview",
    "2024-02-02-preview",
    "2024-03-01",
    "2024-08-02-preview",
    "2024-10-02-preview",
    "2025-01-01",
    "2025-02-02-preview",
    "2025-07-01",
    "2025-10-02-preview",
    "2026-01-01",
    "2026-07-01",
)
# The rest of Azure Resource Manager is asked with versions of its own, which no one checks here.
_COMMON = {
    "api-supported-versions": ", ".join(VERSIONS),
    "cache-control": "no-cache",
    "expires": "-1",
    "pragma": "no-cache",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-powered-by": "ASP.NET",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to Azure Resource Manager.

    path: without a trailing slash. base: scheme and host the client used, for addresses in answers. names: parts of
    the path. slow: seconds added to the operation it begins; fails: how that operation is to end.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    base: str
    names: Mapping[str, str] = field(default_factory=dict)
    slow: float = 0
    fails: str = ""

    @property
    def version(self) -> str:
        """Its api-version, "" without one."""
        return self.query.get("api-version", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. body: JSON; None is no body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, method: str) -> web.Response:
        """As aiohttp sends it, in one write."""
        headers = {**_COMMON, **self.headers}
        if self.body is None:
            return web.Response(status=self.status, headers=headers)
        if method == "GET" or "x-ms-ratelimit-remaining-subscription-writes" in headers:
            headers["vary"] = "Accept-Encoding"
        headers["content-type"] = "application/json; charset=utf-8"
        return web.Response(status=self.status, headers=headers, body=json.dumps(self.body).encode())
