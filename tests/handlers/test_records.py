"""What is written down about an app names it and its rollout, so that one search finds a rollout's whole story."""

from __future__ import annotations

import json
import logging

import azure.functions as func
import pytest

from delivery import names
from handlers import api, queues
from tests.delivery.shop import KEY, Shop, digest


def function(shop: Shop, name: str):
    app = func.FunctionApp()
    for module in (api, queues):
        app.register_functions(module.blueprint(lambda: shop.ports))
    return next(f for f in app.get_functions() if f.get_function_name() == name).get_user_function()


async def rolling() -> Shop:
    """A rollout that has been said to have started: its message waits to be delivered."""
    shop = await Shop().open()
    await shop.push(1)
    while not any(message.queue == names.OUTBOX for message in shop.queue.messages):
        assert await shop.step()
    return shop


@pytest.fixture(autouse=True)
def _everything_is_written_down(caplog):
    caplog.set_level(logging.INFO)


async def test_a_delivery_names_the_app_and_the_rollout_it_is_about(caplog):
    shop = await rolling()
    message = next(message for message in shop.queue.messages if message.queue == names.OUTBOX)
    await function(shop, "deliver")(json.dumps(message.body))
    assert f"deliver: app={KEY} rollout=1: delivered of outbox:" in caplog.text
    await function(shop, "deliver")(json.dumps(message.body))
    assert f"deliver: app={KEY} rollout=none: gone of outbox:" in caplog.text


async def test_a_tick_names_the_app_and_the_rollout(caplog):
    shop = await Shop().open()
    await shop.push(1)
    tick = next(message for message in shop.queue.messages if message.queue == names.TICKS)
    await function(shop, "tick")(json.dumps(tick.body, default=str))
    assert f"tick: app={KEY} rollout=" in caplog.text


async def test_an_order_names_the_app_and_the_rollout(caplog):
    shop = await rolling()
    body = {"n": 1, "digest": digest(1), "step": 0, "comment": "4711"}
    request = func.HttpRequest(
        method="POST",
        url="/api",
        route_params={"app": "rg-shop|ca-web", "verb": "abort"},
        body=json.dumps(body).encode(),
    )
    answer = await function(shop, "give_order")(request)
    assert answer.status_code in (200, 202)
    assert f"give_order: app={KEY} rollout=1: abort by " in caplog.text
