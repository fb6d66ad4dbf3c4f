"""The HTTP API of an installation, as the command line asks it. What it answers is shown; its key never is."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

URL, KEY = "WEIGHBRIDGE_URL", "WEIGHBRIDGE_KEY"
SECONDS = 60  # it asks Azure about every app of the answer
MOST_BYTES = 8 * 1024 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LONGEST_ERROR = 400


class NotAnswered(Exception):
    """The installation did not answer the question: where, what was expected, and what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where it is. key: a function key."""

    host: str
    port: int | None
    secure: bool
    path: str
    key: str

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str]) -> Service:
        """The service at an address, else at that of the environment; raises `NotAnswered`."""
        asked = url or environment.get(URL, "")
        key = environment.get(KEY, "").strip()
        try:
            parts = urlsplit(asked.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise NotAnswered("--url: expected https://<function app>, found something else") from None
        secure = parts.scheme == "https"
        if not host or not (secure or (parts.scheme == "http" and host in _LOOPBACK)) or parts.username is not None:
            found = "an address" if asked else f"none, and {URL} is not set"
            raise NotAnswered(f"--url: expected https://<function app>, found {found}")
        if not key or not key.isascii() or not key.isprintable():
            raise NotAnswered(f"{KEY}: expected a function key of the installation in this variable, found none")
        return cls(host=host, port=port, secure=secure, path=parts.path.rstrip("/"), key=key)

    def ask(self, route: str, parameters: Mapping[str, str]) -> dict[str, object]:
        """One GET under `/api`; raises `NotAnswered`. Redirects are not followed: the key is for this host alone."""
        path = f"{self.path}/api/{route}?{urlencode(parameters)}"
        connection = (
            http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=ssl.create_default_context())
            if self.secure
            else http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        )
        try:
            connection.request("GET", path, headers={"x-functions-key": self.key, "accept": "application/json"})
            response = connection.getresponse()
            status, body = response.status, response.read(MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise NotAnswered(f"{self.host}: expected an answer, found {type(error).__name__}") from None
        finally:
            connection.close()
        return self._read(status, body)

    def _read(self, status: int, body: bytes) -> dict[str, object]:
        if status in (401, 403):
            raise NotAnswered(f"{self.host}: {status}: the key in {KEY} is not one of this installation")
        try:
            found = json.loads(body[:MOST_BYTES])
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise NotAnswered(f"{self.host}: expected JSON of the service, found {status} and something else")
        if status != http.client.OK:
            said = found.get("error")
            aside = f": {said[:_LONGEST_ERROR]}" if isinstance(said, str) and said.isprintable() else ""
            raise NotAnswered(f"{self.host}: {status}{aside}")
        return found
