"""Changing what may be done with a repository, and asking for what may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.localcloud.pushing import code

if TYPE_CHECKING:
    from tests.localcloud.pushing import Local

NAME = "shop/web"
ALL = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
DISALLOWED = (405, "REGISTRY_DISALLOWED_OPERATION")


async def change(local: Local, what: str, **attributes: bool) -> dict[str, Any]:
    """PATCH a repository (""), `_tags/…` or `_manifests/…` of it; answers with the body."""
    status, _, said = await local.ask("PATCH", f"/acr/v1/{NAME}/{what}".rstrip("/"), json=attributes)
    assert status == 200, said
    body: dict[str, Any] = json.loads(said)
    return body


async def told(local: Local, method: str, path: str, **more: Any) -> tuple[int, str]:
    """Status and error code."""
    status, _, said = await local.ask(method, path, **more)
    return status, code(said) if status >= 400 else ""
