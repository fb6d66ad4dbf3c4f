"""The triggers are what people deploy against: names, queues, schedules, routes and connections, to the letter."""

from __future__ import annotations

import re
from typing import Any

import pytest
from croniter import croniter

import function_app
from delivery import names

QUEUES = {
    "tick": "ticks",
    "deliver": "outbox",
    "parked_ticks": "ticks-poison",
    "parked_deliveries": "outbox-poison",
    "queued_event": "events",
    "parked_events": "events-poison",
}
TIMERS = {"sweep": "0 * * * * *", "ask_defender": "15 * * * * *", "watch_policies": "30 * * * * *"}
ROUTES = {
    "get_apps": ("GET", "apps"),
    "get_app": ("GET", "apps/{app}"),
    "get_rollouts": ("GET", "rollouts/{app}"),
    "get_rollout": ("GET", "rollouts/{app}/{n}"),
    "get_policies": ("GET", "policies"),
    "get_health": ("GET", "health"),
    "give_order": ("POST", "apps/{app}/orders/{verb}"),
    "throw_switch": ("POST", "switch/{way}"),
    "explain": ("GET", "explain"),
    "get_image": ("GET", "images"),
    "simulate": ("POST", "simulate"),
    "offer": ("POST", "offer"),
    "replay": ("POST", "replay"),
    "examine": ("POST", "doctor"),
    "examine_app": ("GET", "doctor/apps/{app}"),
    "doctor_ways": ("GET", "doctor/calls/{call}"),
    "doctor_end": ("POST", "doctor/calls/{call}"),
}


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    return {str(f.get_function_name()): f for f in function_app.app.get_functions()}  # may be asked once, like an index


@pytest.fixture
def triggers(functions) -> dict[str, dict[str, Any]]:
    return {name: one.get_trigger().get_dict_repr() for name, one in functions.items()}


def test_exactly_these_functions_are_registered(triggers):
    assert set(triggers) == {"image_pushed", "scan_completed", "acr_webhook", *QUEUES, *TIMERS, *ROUTES}


@pytest.mark.parametrize("name", ["image_pushed", "scan_completed"])
def test_events_come_as_text(functions, triggers, name):
    assert triggers[name]["type"] == "eventGridTrigger"
    assert triggers[name]["name"] == "event"
    assert functions[name].get_user_function().__annotations__["event"] == "str"


@pytest.mark.parametrize(("name", "queue"), QUEUES.items())
def test_queues_and_their_connection(triggers, name, queue):
    assert triggers[name]["queueName"] == queue
    assert triggers[name]["connection"] == "AzureWebJobsStorage"
    assert re.fullmatch(r"[a-z0-9](?:-?[a-z0-9]){2,62}", queue)


@pytest.mark.parametrize(("name", "schedule"), TIMERS.items())
def test_schedules(triggers, name, schedule):
    assert triggers[name]["schedule"] == schedule
    assert croniter.is_valid(schedule, second_at_beginning=True)
    assert triggers[name]["runOnStartup"] is False


@pytest.mark.parametrize(("name", "route"), ROUTES.items())
def test_routes_need_a_function_key(triggers, name, route):
    method, path = route
    assert triggers[name]["route"] == path
    assert [getattr(m, "value", m) for m in triggers[name]["methods"]] == [method]
    assert getattr(triggers[name]["authLevel"], "value", triggers[name]["authLevel"]) == "function"


def test_a_registrys_webhook_needs_no_function_key_for_it_bears_a_secret_of_its_own(triggers):
    webhook = triggers["acr_webhook"]
    assert webhook["route"] == "acr-webhook"
    assert [getattr(m, "value", m) for m in webhook["methods"]] == ["POST"]
    assert getattr(webhook["authLevel"], "value", webhook["authLevel"]) == "anonymous"


def test_every_poison_queue_of_ours_is_served(triggers):
    served = {t["queueName"] for t in triggers.values() if t["type"] == "queueTrigger"}
    assert {f"{queue}-poison" for queue in names.QUEUES} < served
