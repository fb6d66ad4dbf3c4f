"""The timer that asks Defender: it tells what came of it, and does nothing at all where it is not wanted."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import azure.functions as func
import pytest

from delivery.errors import Retry
from delivery.settings import MDVM_KEY, Defender
from handlers import timers
from tests.delivery.shop import ROW, Shop, digest


async def ring(shop: Shop) -> None:
    app = func.FunctionApp()
    app.register_functions(timers.blueprint(lambda: shop.ports))
    functions = {f.get_function_name(): f for f in app.get_functions()}
    await functions["ask_defender"].get_user_function()(SimpleNamespace(past_due=False))


@pytest.mark.parametrize("wanted", [True, False])
async def test_it_asks_where_it_is_switched_on_and_says_what_went_wrong(wanted, caplog):
    caplog.set_level(logging.INFO)
    shop = await Shop(row={**ROW, "Scan": "critical 0"}).open()
    chosen = Defender(keys=(MDVM_KEY,)) if wanted else None
    shop.ports = replace(shop.ports, settings=replace(shop.ports.settings, defender=chosen))
    await shop.push(1)
    await shop.run(timedelta(seconds=10))
    shop.assessments.trouble = Retry("Azure Resource Graph: 503")
    await ring(shop)
    assert shop.assessments.asked == ([digest(1)] if wanted else [])
    assert ("ask_defender: shop/web 1.1.0: Azure Resource Graph: 503" in caplog.text) is wanted
    assert ("ask_defender: asked of 1 images, 0 are scanned" in caplog.text) is wanted
