"""Event Grid is answered with success for what no repeat would mend, and with failure for what one may."""

from __future__ import annotations

import json
import re
from typing import Any

import azure.functions as func
import pytest

from delivery import names, parking
from delivery.errors import Refused, Retry
from handlers import events
from tests.delivery.shop import Shop, digest

TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"


def pushed(**changes: Any) -> str:
    target = {"repository": "shop/web", "tag": "1.1.0", "digest": digest(1), "mediaType": "m", **changes}
    data = {"timestamp": "2026-11-25T00:00:00Z", "target": target}
    return json.dumps({"eventType": "Microsoft.ContainerRegistry.ImagePushed", "topic": TOPIC, "data": data})


def scanned(**changes: Any) -> str:
    data = {
        "image": {"registry": "contoso.azurecr.io", "repository": "shop/web", "digest": digest(1)},
        "scanner": {"name": "trivy", "adapter": "trivy-ci 1"},
        "scan": {"id": "1", "status": "failed", "completedAt": "2026-11-25T00:00:00Z"},
        "summary": None,
        **changes,
    }
    event = {"specversion": "1.0", "type": "Weighbridge.ImageScanCompleted", "source": TOPIC, "data": data}
    return json.dumps(event)


async def hear(shop: Shop, name: str, event: str) -> None:
    app = func.FunctionApp()
    app.register_functions(events.blueprint(lambda: shop.ports))
    functions = {f.get_function_name(): f for f in app.get_functions()}
    await functions[name].get_user_function()(event)


def failing(shop: Shop, error: Exception) -> None:
    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.EVIDENCE:
            raise error

    shop.rows.before = before


@pytest.mark.parametrize(
    "event",
    [
        pushed(repository="a" * 600),
        pushed(mediaType="m" * 40_000),
        pushed(mediaType="\ud800"),
        pushed(tag="\ud800"),
        "{",
    ],
)
async def test_what_cannot_be_kept_is_parked_with_its_reason_and_not_asked_for_again(event):
    shop = await Shop().open()
    await hear(shop, "image_pushed", event)
    [row] = await parking.parked(shop.ports)
    assert row.columns["source"] == "event image_pushed"
    assert str(row.columns["because"]).startswith("event: ")
    assert shop.queue.messages == []


@pytest.mark.parametrize("status", [400, 413])
@pytest.mark.parametrize(("name", "event"), [("image_pushed", pushed()), ("scan_completed", scanned())])
async def test_what_the_store_will_never_take_is_parked(name, event, status):
    shop = await Shop().open()
    failing(shop, Refused("table evidence: no", status=status))
    await hear(shop, name, event)
    [row] = await parking.parked(shop.ports)
    assert row.columns["because"] == "table evidence: no"


@pytest.mark.parametrize("error", [Retry("503"), Refused("403", status=403)], ids=["away", "no rights"])
async def test_what_a_repeat_may_mend_is_left_to_event_grid(error):
    shop = await Shop().open()
    failing(shop, error)
    with pytest.raises(type(error), match=re.escape(str(error))):
        await hear(shop, "image_pushed", pushed())
    assert await parking.parked(shop.ports) == []


async def test_words_of_a_scanner_that_no_store_takes_are_kept_with_marks_in_their_place():
    shop = await Shop().open()
    scan = {"id": "1", "status": "failed", "completedAt": "2026-11-25T00:00:00Z", "reason": "no\ud800\x00 database"}
    await hear(shop, "scan_completed", scanned(scan=scan))
    assert await parking.parked(shop.ports) == []
    [row] = shop.rows.peek(names.EVIDENCE)
    assert row.columns["reason"] == "no�� database"
