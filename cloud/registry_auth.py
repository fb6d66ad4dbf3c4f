"""Tokens for a registry: asked for when it says 401, and by ACR's exchange where it is ACR.

Read from the distribution token specification (the challenge and the anonymous token) and from ACR's AAD-OAuth page
(`POST /oauth2/exchange`, then `POST /oauth2/token`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cloud.http import of_answer, parsed
from cloud.session import content
from cloud.tokens import Tokens
from delivery.errors import Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientSession

    from cloud.tokens import Credential
    from delivery.settings import Settings

_ACR = re.compile(r"[a-z0-9][a-z0-9.-]*\.azurecr\.(io|us|cn)")
_AUDIENCE = "https://containerregistry.azure.net/.default"  # every registry takes it; ARM's can be switched off
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LARGEST = 65536  # bytes of a token service's answer
_MOST = 256  # tokens held


def is_acr(registry: str) -> bool:
    """Whether the login server is one of Azure's."""
    return _ACR.fullmatch(registry.lower()) is not None


def base(settings: Settings, registry: str) -> str:
    """The address of a login server, without a slash at its end."""
    return settings.registries.get(registry.lower(), f"https://{registry}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a token is for. A token to pull does not list: `listing` asks for its own."""

    registry: str
    repository: str
    listing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Challenge:
    realm: str
    service: str
    scope: str


class RegistryAuth:
    """Holds the last token of each use. When one stops working the registry says 401 again and the next is got."""

    def __init__(self, settings: Settings, credential: Credential | None) -> None:
        self._settings = settings
        self._credential = credential
        self._access: dict[Wanted, str] = {}
        self._refresh: dict[str, str] = {}

    def held(self, wanted: Wanted) -> dict[str, str]:
        """The header with the token held for this use, {} when there is none."""
        token = self._access.get(wanted)
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def obtain(self, session: ClientSession, wanted: Wanted, header: str) -> None:
        """Get the token that this `WWW-Authenticate` header asks for."""
        challenge = _challenge(wanted.registry, header)
        if len(self._access) >= _MOST:
            self._access.clear()
        if self._credential is not None and self._ours(wanted.registry, challenge.realm):
            tokens = Tokens(self._credential())
            self._access[wanted] = await self._exchanged(session, tokens, wanted.registry, challenge)
        else:
            self._access[wanted] = await self._anonymous(session, wanted.registry, challenge)

    def _ours(self, registry: str, realm: str) -> bool:
        """Whether this registry may have a token of our identity: one sent to a stranger would open every registry.

        Only Azure's login servers and those the settings name, only over https, only when it asks for itself.
        """
        address = base(self._settings, registry)
        trusted = is_acr(registry) or registry.lower() in self._settings.registries
        itself = urlsplit(realm).netloc.lower() in (registry.lower(), urlsplit(address).netloc.lower())
        return trusted and itself and address.startswith("https://")

    async def _exchanged(self, session: ClientSession, tokens: Tokens, registry: str, challenge: _Challenge) -> str:
        kept = self._refresh.get(registry)
        if kept is not None:
            try:
                return await self._access_for(session, registry, challenge, kept)
            except Refused:
                del self._refresh[registry]  # it has run out: get a new one below
        identity = (await tokens.get_token(_AUDIENCE)).token
        form = {"grant_type": "access_token", "service": challenge.service, "access_token": identity}
        url = f"{base(self._settings, registry)}/oauth2/exchange"
        fresh = await _asked(session, "POST", url, f"registry: {registry}: exchange", form, "refresh_token")
        self._refresh[registry] = fresh
        return await self._access_for(session, registry, challenge, fresh)

    async def _access_for(self, session: ClientSession, registry: str, challenge: _Challenge, refresh: str) -> str:
        form = {
            "grant_type": "refresh_token",
            "service": challenge.service,
            "scope": challenge.scope,
            "refresh_token": refresh,
        }
        url = f"{base(self._settings, registry)}/oauth2/token"
        return await _asked(session, "POST", url, f"registry: {registry}: token", form, "access_token")

    async def _anonymous(self, session: ClientSession, registry: str, challenge: _Challenge) -> str:
        query = {"service": challenge.service, "scope": challenge.scope}
        where = f"registry: {registry}: anonymous token"
        realm = urlsplit(challenge.realm)
        itself = realm.netloc.lower() == registry.lower()  # and then it is where the settings say it is
        url = f"{base(self._settings, registry)}{realm.path}" if itself else challenge.realm
        return await _asked(session, "GET", url, where, query, "access_token", "token")


def _challenge(registry: str, header: str) -> _Challenge:
    kind, _, rest = header.partition(" ")
    given = dict(_PARAMETER.findall(rest))
    if kind.lower() != "bearer" or not given.get("realm"):
        raise Refused(f"registry: {registry}: expected a Bearer challenge, found {kind[:20] or 'none'!r}", status=401)
    return _Challenge(realm=given["realm"], service=given.get("service", registry), scope=given.get("scope", ""))


async def _asked(
    session: ClientSession, method: str, url: str, where: str, fields: Mapping[str, str], *names: str
) -> str:
    """One call of a token service; the first of `names` its answer has."""
    request = session.get(url, params=fields) if method == "GET" else session.post(url, data=fields)
    async with request as answer:
        body = parsed(await content(answer, _LARGEST))
        status, headers = answer.status, answer.headers
    if status != 200:  # noqa: PLR2004 - HTTP's own number is its best name
        raise of_answer(where, status, headers, body, wrote=False)
    token = next((body[name] for name in names if body.get(name)), None) if isinstance(body, dict) else None
    if not isinstance(token, str):
        raise Retry(f"{where}: expected {' or '.join(names)}, found another answer")
    return token
