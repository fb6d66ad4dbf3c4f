"""Events that Event Grid put into a queue become what the same events become when they are brought by a call."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from delivery import names, parking
from delivery.errors import Refused, Retry
from handlers import events, queues
from tests.delivery.shop import Shop, digest

TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
PUSHED = {
    "data": {
        "timestamp": "2026-11-25T00:00:00Z",
        "target": {"repository": "shop/web", "tag": "1.1.0", "digest": digest(1), "mediaType": "m"},
    }
}
AS_CLOUD = {"specversion": "1.0", "type": "Microsoft.ContainerRegistry.ImagePushed", "source": TOPIC, **PUSHED}
AS_GRID = {"eventType": "Microsoft.ContainerRegistry.ImagePushed", "topic": TOPIC, **PUSHED}
SCANNED = {
    "specversion": "1.0",
    "type": "Weighbridge.ImageScanCompleted",
    "source": TOPIC,
    "data": {
        "image": {"registry": "contoso.azurecr.io", "repository": "shop/web", "digest": digest(1)},
        "scanner": {"name": "trivy", "adapter": "trivy-ci 1"},
        "scan": {"id": "1", "status": "failed", "completedAt": "2026-11-25T00:00:00Z"},
        "summary": None,
    },
}


async def put(shop: Shop, message: str, function: str = "queued_event") -> None:
    app = func.FunctionApp()
    for module in (events, queues):
        app.register_functions(module.blueprint(lambda: shop.ports))
    functions = {f.get_function_name(): f for f in app.get_functions()}
    await functions[function].get_user_function()(message)


def evidence(shop: Shop) -> list[tuple[str, str]]:
    return [(row.key, row.key.partition(":")[0]) for row in shop.rows.peek(names.EVIDENCE)]


def twice_coded(event: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(event).encode()).decode()


@pytest.mark.parametrize("event", [AS_CLOUD, AS_GRID], ids=["cloud events", "event grid"])
@pytest.mark.parametrize("coded", [json.dumps, twice_coded], ids=["as it is", "in base64 once more"])
async def test_a_push_wakes_its_app(event, coded):
    shop = await Shop().open()
    await put(shop, coded(event))
    assert await parking.parked(shop.ports) == []
    assert [key for _, key in evidence(shop)] == ["push"]
    assert [message.queue for message in shop.queue.messages] == [names.TICKS]


@pytest.mark.parametrize("coded", [json.dumps, twice_coded], ids=["as it is", "in base64 once more"])
async def test_a_scan_is_kept(coded):
    shop = await Shop().open()
    await put(shop, coded(SCANNED))
    assert await parking.parked(shop.ports) == []
    assert [key for _, key in evidence(shop)] == ["scan"]


async def test_an_event_of_another_kind_is_ignored():
    shop = await Shop().open()
    await put(shop, json.dumps(AS_CLOUD | {"type": "Microsoft.ContainerRegistry.ImageDeleted"}))
    assert (evidence(shop), await parking.parked(shop.ports)) == ([], [])


@pytest.mark.parametrize("message", ["", "{", "not base64!", "aGVsbG8=", "/w==", "[]", "null", "[" * 5000, "1"])
async def test_what_is_no_event_is_parked_and_not_asked_for_again(message):
    shop = await Shop().open()
    await put(shop, message)
    [row] = await parking.parked(shop.ports)
    assert row.columns["source"] == "queue events"
    assert shop.queue.messages == []


@pytest.mark.parametrize("error", [Retry("503"), Refused("403", status=403)], ids=["away", "no rights"])
async def test_what_a_repeat_may_mend_is_left_in_the_queue(error):
    shop = await Shop().open()

    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.EVIDENCE:
            raise error

    shop.rows.before = before
    with pytest.raises(type(error), match=re.escape(str(error))):
        await put(shop, json.dumps(AS_CLOUD))


@pytest.mark.parametrize("coded", [json.dumps, twice_coded], ids=["as it is", "in base64 once more"])
async def test_an_event_that_failed_five_times_is_heard_again_after_five_minutes(coded):
    shop = await Shop().open()
    await put(shop, coded(AS_CLOUD), "parked_events")
    [message] = shop.queue.messages
    assert (message.queue, message.body) == (names.EVENTS, AS_CLOUD)
    assert message.visible_at - shop.clock.now() == timedelta(minutes=5)


@pytest.mark.parametrize("message", ["", "nothing", "[1]"])
async def test_what_failed_five_times_and_is_no_event_is_kept(message):
    shop = await Shop().open()
    await put(shop, message, "parked_events")
    [row] = await parking.parked(shop.ports)
    assert row.columns["because"] == "message: expected an event, found something else"
    assert shop.queue.messages == []
