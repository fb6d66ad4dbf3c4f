"""A call of doctor is noted by each way that it came out of, wakes nothing, and is never parked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest

from cli.doctor_walk import event as published
from delivery import doctor_call, names
from handlers import events, queues, told
from tests.delivery.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Callable


def functions(shop: Shop) -> dict[str, Callable[..., Any]]:
    app = func.FunctionApp()
    for trigger in (events, queues, told):
        app.register_functions(trigger.blueprint(lambda: shop.ports))
    return {str(one.get_function_name()): one.get_user_function() for one in app.get_functions()}


CARRIED = [
    ("tick", doctor_call.message, names.TICKS),
    ("deliver", doctor_call.message, names.OUTBOX),
    ("queued_event", doctor_call.event, names.EVENTS),
    ("queued_event", published, "topic"),
    ("scan_completed", published, "topic"),
    ("image_pushed", published, "topic"),
]


@pytest.mark.parametrize(("function", "carried", "way"), CARRIED)
async def test_what_carries_a_call_is_noted_and_nothing_else_happens(function, carried, way) -> None:
    shop = Shop()
    call = await doctor_call.open_call(shop.ports)
    await functions(shop)[function](json.dumps(carried(call)))
    found = await doctor_call.ways(shop.ports, call)
    assert found is not None
    assert set(found["ways"]) == {way}  # type: ignore[call-overload]  # a mapping
    assert [(row.partition, row.key) for row in shop.rows.peek(names.NAMES)] == [("doctor", call)]
    assert not shop.queue.messages
    assert not shop.rows.peek(names.EVIDENCE)


@pytest.mark.parametrize(("function", "carried", "way"), CARRIED)
async def test_a_call_that_is_over_leaves_nothing(function, carried, way) -> None:
    del way
    shop = Shop()
    await functions(shop)[function](json.dumps(carried("0" * 32)))
    assert not shop.rows.peek(names.NAMES)
    assert not shop.queue.messages
