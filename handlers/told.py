"""What is told by hand: an image that no event announced, and events that were given up. Every route needs a key."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import azure.functions as func

from delivery.errors import Malformed
from handlers.api import KEY, actor, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports

log = logging.getLogger("weighbridge.told")


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`offer` and `replay`."""
    functions = func.Blueprint()

    @functions.function_name("offer")
    @functions.route(route="offer", methods=["POST"], auth_level=KEY)
    async def offer_image(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_offer(ports(), req))

    @functions.function_name("replay")
    @functions.route(route="replay", methods=["POST"], auth_level=KEY)
    async def replay_event(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_replay(ports(), req))

    return functions


async def _offer(ports: Ports, req: func.HttpRequest) -> object:
    from delivery import offer

    try:
        body = json.loads(req.get_body())
    except (ValueError, RecursionError) as error:
        raise Malformed('offer: body: expected JSON as in {"image": "…"}, found something else') from error
    image = body.get("image") if isinstance(body, dict) else None
    if not isinstance(image, str):
        raise Malformed('offer: body: expected {"image": "…"}, found another')
    found = await offer.offer(ports, image)
    log.info("offer: %s by %s woke %s", found["image"], actor(req, ports.settings).name, found["apps"])
    return found


async def _replay(ports: Ports, req: func.HttpRequest) -> object:
    """One event of Event Grid, the way it would have gone."""
    from handlers import hearing

    heard = await hearing.hear_event(ports, "replay", req.get_body().decode("utf-8-sig", "replace"))
    log.info("replay: by %s: %s", actor(req, ports.settings).name, heard.became)
    return {"became": heard.became.value, "because": heard.because, "apps": heard.apps}
