"""The HTTP API over the fakes: what it answers, who it says acted, and how it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from delivery import names, settings
from delivery.errors import Conflict, DeliveryError, Refused, Retry
from delivery.ports import Ports, Put
from handlers import api
from rollouts.model import Phase
from tests.delivery.shop import KEY, PARTITION, Shop, digest

APP = "rg-shop%7Cca-web"


@pytest.fixture
async def shop() -> Shop:
    return await Shop().open()


async def call(shop: Shop, name: str, method: str = "GET", body: Any = b"", **params: str) -> tuple[int, Any]:
    functions = {f.get_function_name(): f for f in _functions(shop)}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest(method=method, url="https://fn.test/api", route_params=params, body=raw, headers=HEADERS)
    answer = await functions[name].get_user_function()(request)
    return answer.status_code, json.loads(answer.get_body())


HEADERS = {"x-ms-client-principal-name": "ada@contoso.com", "x-ms-client-principal-id": "42"}


def _functions(shop: Shop) -> Any:
    app = func.FunctionApp()
    app.register_functions(api.blueprint(lambda: shop.ports))
    return app.get_functions()


async def test_a_live_app_is_listed_with_its_rollout(shop):
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    status, apps = await call(shop, "get_apps")
    assert status == 200
    assert apps[0]["live"]["image"] == "shop/web 1.1.0"
    assert apps[0]["live"]["weight"] == 5


async def test_a_finished_rollout_keeps_its_audit_and_becauses(shop):
    await shop.push(1)
    await shop.run()
    status, rollout = await call(shop, "get_rollout", app=APP, n="1")
    assert status == 200
    assert rollout["phase"] == "promoted"
    said = [one["said"] for event in rollout["audit"] for one in event["said"]]
    assert said == ["RolloutStarted", *["RolloutStepped"] * 3, "RolloutPromoted"]
    assert all(event["because"] for event in rollout["audit"] if event["said"])


async def test_policies_come_with_every_problem(shop):
    await shop.rows.commit(
        names.POLICIES, PARTITION, [Put(key="bad", columns={"App": "x", "Steps": "5,25", "Stepz": "1"})]
    )
    status, rows = await call(shop, "get_policies")
    found = {row["key"]: row for row in rows}
    assert status == 200
    assert len(found[f"{PARTITION}/bad"]["problems"]) == 3
    assert found[f"{PARTITION}/production"]["problems"] == []


async def test_health_tells_every_wrong_setting():
    def unset() -> Ports:
        return settings.read({})  # type: ignore[return-value] # it raises

    app = func.FunctionApp()
    app.register_functions(api.blueprint(unset))
    [function] = [f for f in app.get_functions() if f.get_function_name() == "get_health"]
    request = func.HttpRequest(method="GET", url="https://fn.test/api/health", body=b"")
    answer = await function.get_user_function()(request)
    told = json.loads(answer.get_body())
    assert (answer.status_code, told["healthy"]) == (503, False)
    assert [line.partition(":")[0] for line in told["settings"]] == ["AzureWebJobsStorage", "WEIGHBRIDGE_SUBSCRIPTION"]


async def test_health_tells_what_is_late_and_parked(shop):
    assert await call(shop, "get_health") == (200, {"healthy": True, "overdue": [], "parked": 0})


@pytest.mark.parametrize(
    ("name", "params", "status"),
    [
        ("get_app", {"app": "rg%7Cnone"}, 404),
        ("get_rollout", {"app": APP, "n": "9"}, 404),
        ("get_rollout", {"app": APP, "n": "x"}, 400),
        ("get_rollout", {"app": APP, "n": "9" * 5000}, 400),
        ("get_rollout", {"app": APP, "n": "\u0663"}, 400),
        ("get_app", {"app": "nonsense"}, 400),
        ("get_app", {"app": "%7Ctypo"}, 400),
        ("get_app", {"app": "rg%7Ca%7Cb"}, 400),
        ("get_app", {"app": "rg%7C" + "a" * 600}, 400),
        ("get_app", {"app": "rg%23%7Cweb"}, 400),
        ("get_app", {"app": KEY.replace("|", "%7C") + "%0A"}, 400),
        ("get_app", {"app": KEY.replace("|", "%7C")}, 404),
    ],
)
async def test_what_is_not_there_or_not_meant_is_said(shop, name, params, status):
    found, body = await call(shop, name, **params)
    assert found == status
    assert body["error"]


async def test_an_order_takes_effect_within_its_call_and_names_the_signed_in_person(shop):
    shop.ports = replace(shop.ports, settings=replace(shop.ports.settings, signed_in=True))
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    status, body = await call(shop, "give_order", "POST", {"comment": "looks bad"}, app=APP, verb="abort")
    assert (status, body["answer"]) == (200, "done")
    state = await shop.state()
    assert state.live is not None
    assert state.live.phase is Phase.ROLLING_BACK
    assert state.live.because == "abort by ada@contoso.com: looks bad"


async def test_a_principal_header_is_not_believed_where_nobody_signs_in(shop):
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await call(shop, "give_order", "POST", app=APP, verb="pause")
    state = await shop.state()
    assert state.live is not None
    assert state.live.paused is not None
    assert state.live.paused.by.id == "function key"


async def test_an_order_to_a_rollout_that_moved_on_is_refused(shop):
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    order = {"n": 1, "digest": digest(1), "step": 0}
    status, body = await call(shop, "give_order", "POST", order, app=APP, verb="promote")
    assert status == 409
    assert body["answer"] == "refused: rollout 1 has moved on to step 2"


@pytest.mark.parametrize(
    ("verb", "body", "message"),
    [
        ("explode", b"", "order: verb: expected one of pause, resume"),
        ("pause", b"{", "order: body: expected JSON"),
        ("pause", [1], "order: body: expected an object"),
        ("pause", {"n": "one"}, "order: Expected"),
        ("pause", b"", "order pause: app"),
        ("pause", b'{"n": ' + b"9" * 5000 + b"}", "order: body: expected JSON"),
        ("pause", b'{"n":' + b"[" * 100_000, "order: body: expected JSON"),
        ("hold", {"until": "2026-11-25T12:00:00"}, "order: Expected `datetime` with a timezone"),
        ("release", {"digest": "shop/web"}, "order: digest: expected sha256:"),
    ],
)
async def test_an_order_that_cannot_be_read_says_why_and_leaves_no_row(shop, verb, body, message):
    status, answer = await call(shop, "give_order", "POST", body, app=APP, verb=verb)
    assert status == 400
    assert answer["error"].startswith(message)
    assert await shop.rows.scan(names.ROLLOUTS, KEY, first="order:", last="order:~") == []


async def test_an_order_to_no_app_there_can_be_leaves_no_row(shop):
    status, _ = await call(shop, "give_order", "POST", app="%7Ctypo", verb="hold")
    assert status == 400
    assert shop.rows.peek(names.ROLLOUTS) == []


@pytest.mark.parametrize(
    ("error", "status"),
    [(Retry("503"), 503), (Conflict("412"), 503), (Refused("403", status=403), 502), (DeliveryError("odd"), 502)],
)
async def test_every_error_of_ours_is_an_answer(shop, error, status):
    async def fail(_name: str, _arguments: tuple[object, ...]) -> None:
        raise error

    shop.rows.before = fail
    assert (await call(shop, "give_order", "POST", app=APP, verb="hold"))[0] == status


async def test_hold_keeps_the_next_image_from_starting_until_release(shop):
    assert (await call(shop, "give_order", "POST", app=APP, verb="hold"))[0] == 200
    await shop.push(1)
    await shop.run()
    assert (await shop.state()).live is None
    assert shop.app.writes == []
    assert (await call(shop, "give_order", "POST", app=APP, verb="release"))[0] == 200
    await shop.run()
    assert shop.weights() == {"ca-web--wb1-000001": 100}


async def test_the_switch_stops_what_is_new_until_it_is_told_to_go(shop):
    stopped = await call(shop, "throw_switch", "POST", {"comment": "incident 4711"}, way="stop")
    assert stopped == (200, {"answer": "done", "stopped": True})
    await shop.push(1)
    await shop.step()
    _, apps = await call(shop, "get_apps")
    who = "someone with the function key"
    assert apps[0]["waiting"][0]["because"] == f"switch: everything is stopped by {who}: incident 4711"

    assert await call(shop, "throw_switch", "POST", way="go") == (200, {"answer": "done", "stopped": False})
    await shop.run_until(Phase.BAKING, 0)
    status, said = await call(shop, "throw_switch", "POST", way="faster")
    assert (status, said) == (400, {"error": "switch: expected stop or go, found 'faster'"})


async def test_a_promotion_is_undone_by_one_call(shop):
    await shop.push(1)
    while not (await shop.state()).done:
        await shop.step()
    status, answer = await call(shop, "give_order", "POST", {"digest": digest(1)}, app=APP, verb="undo")

    assert (status, answer["answer"]) == (200, "done")
    await shop.run(timedelta(minutes=1))
    assert shop.weights() == {"ca-web--first": 100}
