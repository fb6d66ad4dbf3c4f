"""Entra ID's part in the sign-in of a service principal: where its endpoints are, and a token for its secret.

The wire format is the one MSAL asks for once it is told not to look the authority up elsewhere
(`AZURE_CORE_INSTANCE_DISCOVERY=false` for the Azure CLI, `disable_instance_discovery` for azure-identity).
"""

from __future__ import annotations

import hmac

from aiohttp import web

from localcloud import identity

_SCOPE = "/.default"
_PATH = "/{tenant:[0-9a-fA-F-]{36}}"


class Directory:
    """One service principal, `identity.CLIENT`, in one tenant. secret: the one it may sign in with."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def routes(self) -> list[web.RouteDef]:
        """To be served over https at the login endpoint of `identity.metadata`."""
        return [
            web.get(_PATH + "/v2.0/.well-known/openid-configuration", self._configuration),
            web.post(_PATH + "/oauth2/v2.0/token", self._token),
        ]

    async def _configuration(self, request: web.Request) -> web.Response:
        base = f"{request.scheme}://{request.host}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        """A token for the audience of the scope; any other kind of sign-in is refused."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if request.match_info["tenant"] != identity.TENANT:
            return _refused(400, "invalid_request", f"AADSTS90002: Tenant '{request.match_info['tenant']}' not found.")
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "AADSTS70003: expected client_credentials")
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if client != identity.CLIENT:
            return _refused(400, "unauthorized_client", f"AADSTS700016: Application '{client}' was not found.")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return _refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        resource = form.get("scope", "").split(" ")[0].removesuffix(_SCOPE)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": identity.LIFE_SECONDS,
                "access_token": identity.token(resource, client),
            }
        )


def _refused(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
