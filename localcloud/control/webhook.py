"""Orders about the webhook target: how its next deliveries fail, and what it was sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import msgspec

from localcloud.control import bodies
from localcloud.control.routes import Asked, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.hooks import Hooks


def webhook_routes(hooks: Hooks) -> Sequence[Route]:
    """Its part of the table."""

    async def order(asked: Asked) -> object:
        wanted = msgspec.structs.asdict(asked.body)
        return asdict(hooks.add(wanted.pop("kind"), **wanted))

    async def listed(_: Asked) -> object:
        return {"value": [asdict(order) for order in hooks.orders]}

    async def clear(_: Asked) -> object:
        hooks.clear()
        return {}

    async def received(asked: Asked) -> object:
        return {"value": [asdict(one) for one in hooks.received if asked.query.get("path", "") in one.path]}

    return (
        Route(
            method="POST",
            path="/webhook/trouble",
            tells="the next deliveries to the webhook target that match meet it",
            act=order,
            body=bodies.HookOrderBody,
        ),
        Route(method="GET", path="/webhook/trouble", tells="every order with its hits", act=listed),
        Route(method="DELETE", path="/webhook/trouble", tells="no more: what hangs is let go", act=clear),
        Route(
            method="GET",
            path="/webhook/received",
            tells="every delivery with its headers, body and answer; path: a part of it",
            act=received,
            query=("path",),
        ),
    )
