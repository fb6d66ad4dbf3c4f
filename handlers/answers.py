"""Questions about images and rows: why did this not ship, what became of it, what would an edit change.

Every route needs a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from handlers.api import KEY, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`explain`, `images` and `simulate`."""
    functions = func.Blueprint()

    @functions.function_name("explain")
    @functions.route(route="explain", methods=["GET"], auth_level=KEY)
    async def explain_image(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import explain

        return await answer(explain.why(ports(), req.params.get("image", "")))

    @functions.function_name("get_image")
    @functions.route(route="images", methods=["GET"], auth_level=KEY)
    async def get_image(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import fate

        return await answer(fate.of(ports(), req.params.get("image", "")))

    @functions.function_name("simulate")
    @functions.route(route="simulate", methods=["POST"], auth_level=KEY)
    async def simulate_edit(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_edit(ports(), req))

    return functions


async def _edit(ports: Ports, req: func.HttpRequest) -> object:
    from delivery import replay

    return await replay.edit(ports, replay.read(req.get_body().decode("utf-8-sig", "replace")))
