"""The HTTP API: what people and programs read, and the orders they give. Every route needs a function key.

An app is named by `<group>|<app>` in the default subscription, or by its whole key. A person is known by the
platform's sign-in; without it an order's actor is the key that was used.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import azure.functions as func

from delivery import names
from delivery.errors import Conflict, DeliveryError, Malformed, Retry
from delivery.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from delivery.ports import Ports
    from delivery.settings import Settings
    from rollouts.model import Actor

# What `names.app_key` makes of a container app's resource id; Azure's rules for the names in it.
_APP_KEY = re.compile(
    r"\|subscriptions\|[a-z0-9-]{1,64}\|resourcegroups\|[\w().-]{1,90}"
    r"\|providers\|microsoft\.app\|containerapps\|[a-z][a-z0-9-]{1,31}",
    re.ASCII,
)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
log = logging.getLogger("weighbridge.api")
KEY = func.AuthLevel.FUNCTION


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """Reads under `apps`, `rollouts`, `policies`, `health`; orders under `apps/{app}/orders/{verb}`; `switch/{way}`."""
    functions = func.Blueprint()
    _reads_of_apps(functions, ports)

    @functions.function_name("get_policies")
    @functions.route(route="policies", methods=["GET"], auth_level=KEY)
    async def get_policies(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import reads

        _ = req
        return await answer(reads.policies(ports()))

    @functions.function_name("get_health")
    @functions.route(route="health", methods=["GET"], auth_level=KEY)
    async def get_health(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import reads

        _ = req
        try:
            known = ports()
        except SettingsError as error:
            return _json_response({"healthy": False, "settings": str(error).splitlines()}, 503)
        return await answer(reads.health(known))

    @functions.function_name("give_order")
    @functions.route(route="apps/{app}/orders/{verb}", methods=["POST"], auth_level=KEY)
    async def give_order(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_give(ports(), req))

    @functions.function_name("throw_switch")
    @functions.route(route="switch/{way}", methods=["POST"], auth_level=KEY)
    async def throw_switch(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_throw(ports(), req))

    return functions


def _reads_of_apps(functions: func.Blueprint, ports: Callable[[], Ports]) -> None:
    @functions.function_name("get_apps")
    @functions.route(route="apps", methods=["GET"], auth_level=KEY)
    async def get_apps(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import reads

        _ = req
        return await answer(reads.apps(ports()))

    @functions.function_name("get_app")
    @functions.route(route="apps/{app}", methods=["GET"], auth_level=KEY)
    async def get_app(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import reads

        return await answer(_of_app(ports(), req, reads.app))

    @functions.function_name("get_rollouts")
    @functions.route(route="rollouts/{app}", methods=["GET"], auth_level=KEY)
    async def get_rollouts(req: func.HttpRequest) -> func.HttpResponse:
        from delivery import reads

        return await answer(_of_app(ports(), req, reads.rollouts))

    @functions.function_name("get_rollout")
    @functions.route(route="rollouts/{app}/{n}", methods=["GET"], auth_level=KEY)
    async def get_rollout(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(_of_rollout(ports(), req))


async def _of_app(ports: Ports, req: func.HttpRequest, ask: Callable[[Ports, str], Awaitable[object]]) -> object:
    return await ask(ports, app_of(req, ports.settings))


async def _of_rollout(ports: Ports, req: func.HttpRequest) -> object:
    from delivery import reads

    number = req.route_params["n"]
    if _NUMBER.fullmatch(number) is None:
        raise Malformed(f"rollout: expected its number, found {number[:40]!r}")
    return await reads.rollout(ports, app_of(req, ports.settings), int(number))


async def _give(ports: Ports, req: func.HttpRequest) -> dict[str, object]:
    from delivery import orders

    app = app_of(req, ports.settings)
    asked = orders.read(_json(req), req.route_params["verb"])
    answered = await orders.give(ports, app, asked, actor(req, ports.settings))
    order, about = answered.order, answered.order.n if answered.order.n is not None else "none"
    log.info("give_order: app=%s rollout=%s: %s by %s: %s", app, about, asked.verb, order.actor.name, answered.answer)
    return {"order": answered.order.id, "answer": answered.answer, "rollout": answered.order.n}


async def _throw(ports: Ports, req: func.HttpRequest) -> dict[str, object]:
    """The kill switch: `stop` with a comment, and `go`."""
    from delivery import switch

    way, who = req.route_params["way"], actor(req, ports.settings)
    if way == "stop":
        await switch.stop(ports, who, str(_json(req).get("comment") or ""))
    elif way == "go":
        await switch.go(ports)
    else:
        raise Malformed(f"switch: expected stop or go, found {way[:40]!r}")
    log.warning("throw_switch: %s by %s", way, who.name)
    return {"answer": "done", "stopped": way == "stop"}


def _json(req: func.HttpRequest) -> dict[str, object]:
    text = req.get_body()
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("order: body: expected JSON, found something else") from error
    if not isinstance(body, dict):
        raise Malformed(f"order: body: expected an object, found {type(body).__name__}")
    return body


def app_of(req: func.HttpRequest, settings: Settings) -> str:
    """The key of the app a route names."""
    named = key = unquote(req.route_params["app"]).lower().replace("/", "|")
    if not named.startswith("|"):
        group, _, app = named.partition("|")
        scope = f"/subscriptions/{settings.subscription}/resourceGroups/{group}"
        key = names.app_key(f"{scope}/providers/Microsoft.App/containerApps/{app}")
    if _APP_KEY.fullmatch(key) is None:
        raise Malformed(f"app: expected <group>|<app> or the key of an app, found {named[:120]!r}")
    return key


def actor(req: func.HttpRequest, settings: Settings) -> Actor:
    """Who asks. The sign-in's headers are believed only where the platform sets them (functions.md B)."""
    from rollouts.model import Actor, ActorKind

    name = req.headers.get("x-ms-client-principal-name", "") if settings.signed_in else ""
    if name:
        return Actor(kind=ActorKind.PERSON, id=req.headers.get("x-ms-client-principal-id", "")[:160], name=name[:160])
    return Actor(kind=ActorKind.PERSON, id="function key", name="someone with the function key")


async def answer(question: Awaitable[object]) -> func.HttpResponse:
    """JSON, or an error that says who must act."""
    try:
        found = await question
    except Malformed as error:
        return _json_response({"error": str(error)}, 400)
    except (Retry, Conflict) as error:
        return _json_response({"error": f"{error}; ask again in a moment"}, 503)
    except DeliveryError as error:
        return _json_response({"error": str(error)}, 502)
    if found is None:
        return _json_response({"error": "there is no such thing here; `apps` and `rollouts/{app}` list what is"}, 404)
    return _json_response(found, _status(found))


def _status(found: object) -> int:
    answer = found.get("answer") if isinstance(found, dict) else None
    if not isinstance(answer, str):
        return 200
    return 409 if answer.startswith("refused") else 202 if answer.startswith("accepted") else 200


def _json_response(body: object, status: int) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body, default=str), status_code=status, mimetype="application/json")
