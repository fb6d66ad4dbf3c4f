"""The managed identity endpoint of App Service and Functions, and the cloud's own description for `az cloud register`.

The wire format is the one azure-identity asks for (`api-version=2019-08-01`) and azure-cli 2.91 reads.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import TYPE_CHECKING, Any

import jwt
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

TENANT = "00000000-0000-0000-0000-0000000000aa"
PRINCIPAL = "00000000-0000-0000-0000-0000000000bb"
CLIENT = "00000000-0000-0000-0000-0000000000cc"
LIFE_SECONDS = 24 * 60 * 60
_VERSION = "2019-08-01"


def app(header: str) -> web.Application:
    """`GET /msi/token` for who sends `header` as X-IDENTITY-HEADER, and `GET /metadata/endpoints`."""
    application = web.Application()
    application.add_routes([web.get("/msi/token", _Tokens(header).answer), web.get("/metadata/endpoints", metadata)])
    return application


def token(resource: str, client: str = CLIENT) -> str:
    """A token for this resource. Nobody holds the key it is signed with: its reader checks what it says, not who.

    Its end is real time, not the cloud's: an SDK renews it by the machine's own clock.
    """
    now = int(time.time())
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now,
        "nbf": now,
        "exp": now + LIFE_SECONDS,
        "appid": client,
        "oid": PRINCIPAL,
        "sub": PRINCIPAL,
        "tid": TENANT,
        "ver": "1.0",
    }
    return jwt.encode(claims, secrets.token_bytes(32), algorithm="HS256")


def claims(token: str) -> Mapping[str, Any]:
    """What a token says, also one that has ended; nothing for what is none."""
    try:
        found: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    except jwt.InvalidTokenError:
        return {}
    return found


class _Tokens:
    def __init__(self, header: str) -> None:
        self._header = header

    async def answer(self, request: web.Request) -> web.Response:
        """One token, or why not."""
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(given.encode(), self._header.encode()):
            return _refused(401, "X-IDENTITY-HEADER: expected the value of IDENTITY_HEADER, found another or none")
        if request.query.get("api-version") != _VERSION:
            return _refused(400, f"api-version: expected {_VERSION}, found {request.query.get('api-version')!r}")
        resource = request.query.get("resource", "")
        if not resource:
            return _refused(400, "resource: expected the audience of the token, found none")
        client = request.query.get("client_id") or CLIENT
        body = {
            "access_token": token(resource, client),
            "client_id": client,
            "expires_on": str(int(time.time()) + LIFE_SECONDS),
            "resource": resource,
            "token_type": "Bearer",
        }
        return web.json_response(body)


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)


async def metadata(request: web.Request) -> web.Response:
    """What `az cloud register` reads from the host it is pointed at; az asks for one object, not for a list."""
    base = f"{request.scheme}://{request.host}"
    return web.json_response(
        {
            "name": "local",
            "portal": base,
            "resourceManager": f"{base}/",
            "graph": base,
            "graphAudience": base,
            "gallery": base,
            "batch": base,
            "media": base,
            "sqlManagement": base,
            "activeDirectoryDataLake": base,
            "microsoftGraphResourceId": base,
            "authentication": {
                "loginEndpoint": base,
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "suffixes": {
                "acrLoginServer": "azurecr.io",
                "keyVaultDns": "vault.azure.net",
                "sqlServerHostname": "database.windows.net",
                "storage": "core.windows.net",
            },
        }
    )
