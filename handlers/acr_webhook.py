"""Webhooks of a registry itself, for installations without Event Grid, or beside it: the same image counts once.

A registry signs nothing and repeats nothing; all that can be added are headers of one's own. So the route needs no
function key, which would have to stand in the address, where logs keep it: a shared secret in a header is its door.
"""

from __future__ import annotations

import hmac
import json
import logging
from typing import TYPE_CHECKING

import azure.functions as func

from delivery.errors import DeliveryError
from delivery.settings import ACR_WEBHOOK_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from delivery.ports import Ports

HEADER = "X-Weighbridge-Secret"
log = logging.getLogger("weighbridge.webhooks")


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`acr_webhook`."""
    functions = func.Blueprint()

    @functions.function_name("acr_webhook")
    @functions.route(route="acr-webhook", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def acr_webhook(req: func.HttpRequest) -> func.HttpResponse:
        known = ports().settings.acr_webhook_secrets
        if not known:
            log.warning("acr_webhook: switched off: the setting %s is empty", ACR_WEBHOOK_SECRET)
            return func.HttpResponse(status_code=404)
        if not _is_known(req.headers.get(HEADER) or "", known):
            log.warning("acr_webhook: refused: its header %s holds no secret of %s", HEADER, ACR_WEBHOOK_SECRET)
            return func.HttpResponse(status_code=401)
        return await _hear(ports(), req.get_body())

    return functions


def _is_known(said: str, known: Sequence[str]) -> bool:
    """Whether it is one of them; how long that takes tells neither how much of it was right nor of which."""
    heard = said.encode(errors="replace")
    return sum(hmac.compare_digest(heard, one.encode()) for one in known) > 0


async def _hear(ports: Ports, body: bytes) -> func.HttpResponse:
    from delivery import intake
    from handlers import decode, hearing

    if len(body) > decode.MOST_WEBHOOK:
        log.warning("acr_webhook: refused: a body of %d bytes is none of a registry", len(body))
        return func.HttpResponse(status_code=413)
    try:
        text = body.decode(errors="replace")
        heard = await hearing.hear(ports, "webhook acr", text, decode.acr_webhook, intake.image_pushed)
    except DeliveryError as error:
        # The registry will not send it again: what it told of is found by Event Grid or by the next push.
        log.exception("acr_webhook: not kept")
        return _answer({"error": str(error)}, 503)
    match heard.became:
        case hearing.Became.PARKED:
            return _answer({"error": heard.because}, 400)
        case hearing.Became.IGNORED:
            return _answer({"answer": heard.became, "because": heard.because}, 200)
        case hearing.Became.ACCEPTED:
            return _answer({"answer": heard.became, "apps": heard.apps}, 200)


def _answer(body: object, status: int) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")
