"""Orders about revisions: what is to become of those that run, and of those that do not yet."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from localcloud.control import bodies
from localcloud.control.reading import Wrong
from localcloud.control.routes import Asked, Route
from localcloud.dataplane.fate import COUNTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.dataplane.fate import Fates


def fate_routes(fates: Fates) -> Sequence[Route]:
    """Its part of the table."""

    async def order(asked: Asked) -> object:
        wanted: bodies.FateOrder = asked.body
        if wanted.times and wanted.kind not in COUNTED:
            raise Wrong(f"body.times: expected it with {', '.join(COUNTED)} alone, found it with {wanted.kind}")
        return asdict(fates.add(wanted.kind, wanted.revision, after=wanted.after, times=wanted.times))

    async def listed(_: Asked) -> object:
        return {"value": [asdict(fate) for fate in fates.orders]}

    async def clear(_: Asked) -> object:
        fates.clear()
        return {}

    return (
        Route(
            method="POST",
            path="/fates",
            tells="what is to become of a revision, also of one that is there already",
            act=order,
            body=bodies.FateOrder,
        ),
        Route(method="GET", path="/fates", tells="every order with its hits", act=listed),
        Route(method="DELETE", path="/fates", tells="no more: what they kept back goes on", act=clear),
    )
