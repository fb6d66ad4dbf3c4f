"""The routes that answer questions: a program gets JSON, and is told what it asked wrongly."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func
import pytest

from handlers import answers
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, ROW, Shop


async def ask(shop: Shop, name: str, body: bytes = b"", **params: str) -> tuple[int, Any]:
    app = func.FunctionApp()
    app.register_functions(answers.blueprint(lambda: shop.ports))
    functions = {str(one.get_function_name()): one.get_user_function() for one in app.get_functions()}
    request = func.HttpRequest(method="POST", url="https://fn.test/api", params=params, body=body)
    found = await functions[name](request)
    return found.status_code, json.loads(found.get_body())


@pytest.fixture
async def shop() -> Shop:
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()
    return shop


async def test_why_an_image_did_not_ship(shop: Shop) -> None:
    status, found = await ask(shop, "explain", image=f"{REGISTRY}/{REPOSITORY}:1.1.0")
    assert status == 200
    assert found["policies"][0]["before"][0].startswith("rollout 1 promoted at ")


async def test_what_an_edit_would_change(shop: Shop) -> None:
    row = {"PartitionKey": PARTITION, "RowKey": "production", **ROW, "Mode": "off"}
    status, found = await ask(shop, "simulate", b"\xef\xbb\xbf" + json.dumps({"rows": [row]}).encode())
    assert (status, [change["what"] for change in found["changes"]]) == (200, ["no longer ships"])


@pytest.mark.parametrize(("name", "body"), [("explain", b""), ("simulate", b"{"), ("simulate", b"\xff")])
async def test_what_is_asked_wrongly_is_said(shop: Shop, name: str, body: bytes) -> None:
    status, found = await ask(shop, name, body)
    assert status == 400
    assert "expected" in found["error"]
