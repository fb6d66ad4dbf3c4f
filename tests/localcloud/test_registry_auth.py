"""ACR's tokens at the registry: the steps open what they asked for, run out, and are not for strangers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localcloud import identity
from tests.localcloud.pushing import Local, code, registry

if TYPE_CHECKING:
    from pathlib import Path


class Dance:
    """ACR's steps, one by one."""

    def __init__(self, local: Local) -> None:
        self.local = local

    async def challenge(self, method: str, path: str, **more: Any) -> str:
        status, headers, said = await self.local.ask(method, path, **more)
        assert (status, code(said)) == (401, "UNAUTHORIZED")
        return headers["WWW-Authenticate"]

    async def refresh(self, access: str) -> tuple[int, str]:
        form = {"grant_type": "access_token", "service": "weighbridge.azurecr.io", "access_token": access}
        status, _, said = await self.local.ask("POST", "/oauth2/exchange", data=form)
        return status, json.loads(said).get("refresh_token", "")

    async def access(self, refresh: str, scope: str) -> dict[str, str]:
        form = {
            "grant_type": "refresh_token",
            "service": "weighbridge.azurecr.io",
            "scope": scope,
            "refresh_token": refresh,
        }
        status, _, said = await self.local.ask("POST", "/oauth2/token", data=form)
        assert status == 200
        return {"Authorization": f"Bearer {json.loads(said)['access_token']}"}


async def test_with_auth_the_dance_opens_what_it_asked_for_and_nothing_else(tmp_path: Path) -> None:
    async with registry(tmp_path, auth=True) as local:
        dance = Dance(local)
        said = await dance.challenge("GET", "/v2/shop/web/manifests/1.0.0")
        service = "weighbridge.azurecr.io"
        assert said == (
            f'Bearer realm="{local.base}/oauth2/token",service="{service}",scope="repository:shop/web:pull"'
        )
        status, refresh = await dance.refresh(identity.token("https://containerregistry.azure.net"))
        assert status == 200
        pull = await dance.access(refresh, "repository:shop/web:pull")
        assert (await local.ask("GET", "/v2/shop/web/manifests/1.0.0", headers=pull))[0] == 404
        assert (await local.ask("GET", "/v2/", headers=pull))[0] == 200
        assert "insufficient_scope" in await dance.challenge("GET", "/acr/v1/shop/web/_tags", headers=pull)
        assert "insufficient_scope" in await dance.challenge("GET", "/v2/shop/api/manifests/1", headers=pull)
        said = await dance.challenge("GET", "/acr/v1/_catalog", headers=pull)
        assert 'scope="registry:catalog:*",error="insufficient_scope"' in said
        assert "insufficient_scope" in await dance.challenge("POST", "/v2/shop/web/blobs/uploads/", headers=pull)
        push = await dance.access(refresh, "repository:shop/web:pull,push")
        assert (await local.ask("POST", "/v2/shop/web/blobs/uploads/", headers=push))[0] == 202


async def test_tokens_run_out_by_the_clouds_clock_and_strangers_get_none(tmp_path: Path) -> None:
    async with registry(tmp_path, auth=True) as local:
        dance = Dance(local)
        assert await dance.refresh("no token") == (401, "")
        _, refresh = await dance.refresh(identity.token("https://containerregistry.azure.net"))
        assert (await dance.refresh(refresh))[0] == 401
        await dance.challenge("GET", "/v2/", headers={"Authorization": f"Bearer {refresh}"})
        pull = await dance.access(refresh, "repository:shop/web:pull")
        local.clock.advance(timedelta(minutes=76))
        await dance.challenge("GET", "/v2/shop/web/manifests/1.0.0", headers=pull)
        assert (await local.ask("GET", "/oauth2/token?service=weighbridge.azurecr.io"))[0] == 401
