"""The HTTP API of an installation, as the command line asks it. What it answers is shown; its key never is."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

URL, KEY = "WEIGHBRIDGE_URL", "WEIGHBRIDGE_KEY"
SECONDS = 60  # it asks Azure about every app of the answer
MOST_BYTES = 8 * 1024 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LONGEST_ERROR = 400
_BUSY = (408, 429)
_BROKEN = 500
_APP = re.compile(r"[\w().-]{1,90}/[a-z][a-z0-9-]{1,31}|/subscriptions/[\w().-]{1,90}(?:/[\w().-]{1,90}){6}", re.ASCII)

Json = dict[str, Any]


class NotAnswered(Exception):
    """The installation did not answer the question: where, what was expected, and what was found.

    again: the same question may be answered later. status: HTTP, 0 where nothing came.
    """

    def __init__(self, text: str, *, again: bool = False, status: int = 0) -> None:
        super().__init__(text)
        self.again = again
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status that the question allows for, and the JSON that came with it."""

    status: int
    body: object


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
        """One object under `/api`; raises `NotAnswered`."""
        found = self.read(route, parameters)
        if not isinstance(found, dict):
            raise NotAnswered(f"{self.host}: expected an object of the service, found {type(found).__name__}")
        return found

    def listed(self, route: str) -> list[Json]:
        """A list of objects under `/api`; raises `NotAnswered`."""
        found = self.read(route, {})
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise NotAnswered(f"{self.host}: expected a list of the service, found something else")
        return found

    def read(self, route: str, parameters: Mapping[str, str]) -> object:
        """What one GET under `/api` answers; raises `NotAnswered` for all but 200."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._said(*self._call("GET", f"{route}{query}", None), allowed=(http.client.OK,)).body

    def give(self, route: str, body: str, allowed: tuple[int, ...]) -> Reply:
        """One POST under `/api`, with JSON; raises `NotAnswered` for a status that is not allowed for."""
        return self._said(*self._call("POST", route, body.encode()), allowed=allowed)

    def _call(self, method: str, route: str, body: bytes | None) -> tuple[int, bytes]:
        """One request. Redirects are not followed: the key is for this host alone."""
        connection = (
            http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=ssl.create_default_context())
            if self.secure
            else http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        )
        headers = {"x-functions-key": self.key, "accept": "application/json"}
        try:
            connection.request(method, f"{self.path}/api/{route}", body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read(MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            text = f"{self.host}: expected an answer, found {type(error).__name__}"
            raise NotAnswered(text, again=not isinstance(error, ssl.SSLCertVerificationError)) from None
        finally:
            connection.close()

    def _said(self, status: int, body: bytes, *, allowed: tuple[int, ...]) -> Reply:
        if status in (401, 403):
            raise NotAnswered(f"{self.host}: {status}: the key in {KEY} is not one of this installation", status=status)
        again = status in _BUSY or status >= _BROKEN
        try:
            found = json.loads(body[:MOST_BYTES])
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict | list):
            text = f"{self.host}: expected JSON of the service, found {status} and something else"
            raise NotAnswered(text, again=again, status=status)
        if status not in allowed:
            said = found.get("error") if isinstance(found, dict) else None
            aside = f": {said[:_LONGEST_ERROR]}" if isinstance(said, str) and said.isprintable() else ""
            raise NotAnswered(f"{self.host}: {status}{aside}", again=again, status=status)
        return Reply(status=status, body=found)


@contextmanager
def answering(route: str) -> Iterator[None]:
    """An answer that lacks what is looked for in it becomes `NotAnswered`: another version, or another service."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotAnswered(f"expected the answer of /api/{route}, found another ({type(error).__name__})") from None


def url_argument(parser: argparse.ArgumentParser) -> None:
    """The address, as every command that asks an installation takes it."""
    parser.add_argument("--url", default="", help=f"of the installation, https://<function app>; else that of {URL}")


def named(app: str) -> str:
    """How a route names an app that a person wrote as GROUP/APP or as its resource id; raises `NotAnswered`."""
    if _APP.fullmatch(app) is None:
        raise NotAnswered(f"app: expected GROUP/APP as in rg-shop/ca-web, found {app[:160]!r}")
    return quote(app.replace("/", "|"), safe="")
