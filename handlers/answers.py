"""Questions about images and rows: why did this not ship, and what would an edit change. Every route needs a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from handlers.api import KEY, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`explain`."""
    functions = func.Blueprint()

    @functions.function_name("explain")
    @functions.route(route="explain", methods=["GET"], auth_level=KEY)
    async def explain_image(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import explain

        return await answer(explain.why(ports(), req.params.get("image", "")))

    return functions
