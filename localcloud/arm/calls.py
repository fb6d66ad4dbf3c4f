"""One request and one answer, apart from the server that carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localcloud.arm import days
from localcloud.arm.versions import VERSIONS, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

# The rest of Azure Resource Manager is asked with versions of its own, which no one checks here.
_OF_PROVIDER = ("api-supported-versions", "x-powered-by", "server")
FRONT = "Microsoft-IIS/10.0"
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
    the path. principal: who asks, "" when that is not said. day: on which it is to be answered. slow: seconds added to
    the operation it begins; fails: how that operation is to end.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    base: str
    names: Mapping[str, str] = field(default_factory=dict)
    principal: str = ""
    day: str = days.TODAY
    slow: float = 0
    fails: str = ""

    @property
    def version(self) -> str:
        """Its api-version, "" without one."""
        return self.query.get("api-version", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. body: JSON; None is no body. of_frame: by Azure Resource Manager itself, which knows the resource.

    versioned: the body is already as the request's api-version has it. headers: beside those of every answer; a blank
    one leaves one of those out.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    of_frame: bool = False
    versioned: bool = False

    def response(self, method: str, version: str, day: str = days.TODAY) -> web.Response:
        """As aiohttp sends it, in one write."""
        headers = {name: value for name, value in {**_COMMON, **self.headers}.items() if value}
        if day < days.NO_SERVER:
            headers["server"] = FRONT
        if self.of_frame:
            headers = {name: value for name, value in headers.items() if name not in _OF_PROVIDER}
        if self.body is None:
            return web.Response(status=self.status, headers=headers)
        answered = self.status == HTTPStatus.OK or (method == "GET" and self.status < HTTPStatus.BAD_REQUEST)
        if answered and not self.of_frame:
            headers["vary"] = "Accept-Encoding"
        headers["content-type"] = "application/json; charset=utf-8"
        body = self.body if self.versioned else shown(self.body, version, day)
        return web.Response(status=self.status, headers=headers, body=json.dumps(body, separators=(",", ":")).encode())
