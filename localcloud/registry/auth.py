"""ACR's tokens: an identity's token is exchanged for a refresh token, that for an access token with scopes.

From ACR's page on its OAuth dance and the distribution token specification. Any identity may do everything: there are
no role assignments here, only the dance.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jwt
from aiohttp import web

from localcloud.registry.errors import RegistryError, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from localcloud.clock import Clock

_REFRESH, _ACCESS = timedelta(hours=3), timedelta(minutes=75)
_NAMED = re.compile(r"/v2/(?P<name>.+)/(?:manifests|blobs|tags|referrers)(?:/.*)?")
_ACR_NAMED = re.compile(r"/acr/v1/(?P<name>[^_].*?)(?:/_(?:tags|manifests)(?:/.*)?)?")
_ACR_ACTIONS = {"DELETE": "delete", "PATCH": "metadata_write"}
_ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}
_NOBODY = "00000000-0000-0000-0000-000000000000"  # the user name that goes with a refresh token


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    kind: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


class Auth:
    """Issues and checks tokens. service: the login server. demanded: False lets anybody in without one.

    admin: whether these are the user name and a password of the registry's admin user, and it is enabled.
    """

    def __init__(self, *, clock: Clock, service: str, demanded: bool, admin: Callable[[str, str], bool]) -> None:
        self._clock = clock
        self._service = service
        self._demanded = demanded
        self._admin = admin
        self._secret = secrets.token_bytes(32)

    def routes(self) -> list[web.RouteDef]:
        """Its part of the application."""
        return [
            web.post("/oauth2/exchange", self._exchange),
            web.post("/oauth2/token", self._token),
            web.get("/oauth2/token", self._basic),
        ]

    def check(self, request: web.Request) -> None:
        """Raise the challenge, unless the request carries a token that allows it."""
        if not self._demanded or request.path.startswith("/oauth2/"):
            return
        wanted = _wanted(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        claims = self._claims(token, "access") if kind.lower() == "bearer" else None
        if claims is not None and all(_allows(claims, one) for one in wanted):
            return
        realm = f"{request.scheme}://{request.host}/oauth2/token"
        challenge = f'Bearer realm="{realm}",service="{self._service}"'
        if wanted:
            challenge += f',scope="{" ".join(map(str, wanted))}"'
        if claims is not None:
            challenge += ',error="insufficient_scope"'
        raise RegistryError("UNAUTHORIZED", 401, "authentication required", headers={"WWW-Authenticate": challenge})

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "access_token":
            raise unsupported(f"grant_type {form.get('grant_type')!r}: expected access_token")
        self._for_us(form.get("service"))
        _identity(str(form.get("access_token", "")))
        return web.json_response({"refresh_token": self._issue("refresh", _REFRESH, ())})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        kind, scopes = form.get("grant_type"), [str(one) for one in form.getall("scope", [])]
        if kind not in ("refresh_token", "password"):
            raise unsupported(f"grant_type {kind!r}: expected refresh_token or password")
        self._for_us(form.get("service"))
        if kind == "password":
            return self._for_admin(str(form.get("username", "")), str(form.get("password", "")), scopes)
        return self._access(str(form.get("refresh_token", "")), scopes)

    async def _basic(self, request: web.Request) -> web.Response:
        """What `docker login` leads to: Basic authentication with a refresh token or the admin user's password."""
        scopes = request.query.getall("scope", [])
        if not self._demanded:
            return web.json_response({"access_token": self._issue("access", _ACCESS, tuple(_scopes(scopes)))})
        user, _, password = _basic_pair(request.headers.get("Authorization", "")).partition(":")
        return self._access(password, scopes) if user == _NOBODY else self._for_admin(user, password, scopes)

    def _for_admin(self, user: str, password: str, asked: list[str]) -> web.Response:
        if not self._admin(user, password):
            raise RegistryError("UNAUTHORIZED", 401, f"token: expected user {_NOBODY} or the admin user, found neither")
        return web.json_response({"access_token": self._issue("access", _ACCESS, tuple(_scopes(asked)))})

    def _access(self, refresh: str, asked: list[str]) -> web.Response:
        if self._claims(refresh, "refresh") is None:
            raise RegistryError("UNAUTHORIZED", 401, "refresh token: expected a live one of this registry")
        return web.json_response({"access_token": self._issue("access", _ACCESS, tuple(_scopes(asked)))})

    def _for_us(self, service: object) -> None:
        if service != self._service:
            raise RegistryError("UNAUTHORIZED", 401, f"service: expected {self._service}, found {service!r}")

    def _issue(self, kind: str, life: timedelta, scopes: tuple[_Scope, ...]) -> str:
        now = self._clock.now()
        claims = {
            "iss": "local registry",
            "aud": self._service,
            "grant_type": kind,
            "iat": int(now.timestamp()),
            "exp": int((now + life).timestamp()),
            "access": [{"type": one.kind, "name": one.name, "actions": list(one.actions)} for one in scopes],
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def _claims(self, token: str, kind: str) -> Mapping[str, object] | None:
        """Of a token of this registry and kind that has not run out, by the cloud's own clock."""
        try:
            claims: dict[str, object] = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=self._service,
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None
        live = isinstance(claims["exp"], int) and claims["exp"] > self._clock.now().timestamp()
        return claims if live and claims["grant_type"] == kind else None


def _identity(token: str) -> None:
    """Refuse what is no live token of an identity; nobody's signature is checked here.

    It runs out by real time, not by the cloud's clock: who holds it renews it by real time.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise RegistryError("UNAUTHORIZED", 401, "access_token: expected a token of an identity") from error
    if not claims.get("tid") or claims.get("exp", 0) <= datetime.now(UTC).timestamp():
        raise RegistryError("UNAUTHORIZED", 401, "access_token: expected a tenant and an end to come, found neither")


def _wanted(request: web.Request) -> list[_Scope]:
    """What a request needs, [] when any token does (`/v2/` itself)."""
    if request.path in ("/v2/_catalog", "/acr/v1/_catalog"):
        return [_Scope(kind="registry", name="catalog", actions=("*",))]
    acr = _ACR_NAMED.fullmatch(request.path)
    if acr is not None:
        action = _ACR_ACTIONS.get(request.method, "metadata_read")
        return [_Scope(kind="repository", name=acr["name"], actions=(action,))]
    found = _NAMED.fullmatch(request.path)
    if found is None:
        return []
    actions = (_ACTIONS[request.method],) if request.method in _ACTIONS else ("pull", "push")
    wanted = [_Scope(kind="repository", name=found["name"], actions=actions)]
    if request.query.get("from"):
        wanted.append(_Scope(kind="repository", name=request.query["from"], actions=("pull",)))
    return wanted


def _allows(claims: Mapping[str, object], wanted: _Scope) -> bool:
    access = claims.get("access")
    return any(
        (one["type"], one["name"]) == (wanted.kind, wanted.name) and set(wanted.actions) <= set(one["actions"])
        for one in (access if isinstance(access, list) else [])
    )


def _scopes(texts: list[str]) -> Iterator[_Scope]:
    for text in " ".join(texts).split():
        kind, _, rest = text.partition(":")
        name, _, actions = rest.rpartition(":")
        yield _Scope(kind=kind, name=name, actions=tuple(actions.split(",")))


def _basic_pair(header: str) -> str:
    kind, _, coded = header.partition(" ")
    try:
        return base64.b64decode(coded, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""
