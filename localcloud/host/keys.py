"""The keys of an app and what each one opens (azure-functions-host, SecretManager.cs and AuthUtility.cs).

The master key opens everything; the host key every function but those of level admin; a function's own key that
function; the system key of an extension that extension's webhook, and no function.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from localcloud.host import shared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """host: the app's `default` key. eventgrid: the system key `eventgrid_extension`. functions: key by function."""

    master: str
    host: str
    eventgrid: str
    functions: Mapping[str, str]

    def open_function(self, request: web.Request, name: str, level: str) -> bool:
        """Whether a request may call this function. level: of its trigger, in small letters."""
        match level:
            case "anonymous":
                return True
            case "admin":
                return _brings(request, [self.master])
            case _:
                return _brings(request, [self.master, self.host, self.functions[name]])

    def open_events(self, request: web.Request) -> bool:
        """Whether a request may deliver events."""
        return _brings(request, [self.master, self.eventgrid])

    def open_admin(self, request: web.Request) -> bool:
        """Whether a request may ask the host itself."""
        return _brings(request, [self.master])


def keys(folder: Path, host: str, names: Iterable[str]) -> Keys:
    """The keys all instances of the app know; made where there are none yet.

    folder: what the instances share. host: the host key, which whoever starts the host chooses.
    """
    file = folder / "keys.json"
    with shared.alone(folder / "keys.lock"):
        known = shared.read(file)
        found = Keys(
            master=known.get("master") or secrets.token_urlsafe(),
            host=host,
            eventgrid=known.get("eventgrid") or secrets.token_urlsafe(),
            functions={name: secrets.token_urlsafe() for name in names} | known.get("functions", {}),
        )
        shared.write(file, asdict(found))
    return found


def _brings(request: web.Request, good: Iterable[str]) -> bool:
    """The header decides when there is one, even a wrong one (AuthenticationLevelHandler.cs)."""
    given = request.headers.get("x-functions-key", request.query.get("code", "")).encode()
    return any(hmac.compare_digest(given, one.encode()) for one in good)
