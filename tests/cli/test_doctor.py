"""`weighbridge doctor` against an installation on a loopback port, and over what Event Grid answers about itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from cli import doctor_eventgrid, doctor_walk
from cli.arm import AzureSaysError
from cli.diagnosis import CHECKS, Diagnosis, State, as_text
from cli.doctor_eventgrid import Wanted, delivers, of_registry, of_scans, subscribed
from cli.doctor_walk import Clock, wait
from cli.service import KEY, URL, Service
from delivery import diagnosis as of_installation
from delivery import doctor_call
from handlers import decode
from policies.events import CALLED, PUSHED, SCANNED, Called
from tests.cli.installation import SECRET, Installation
from tests.cli.run import run
from tests.delivery.shop import KEY as APP_KEY
from tests.source import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.arm import Arm

SITE = "fn-weighbridge"
FUNCTION = f"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/{SITE}/functions/"
DEAD = {"deadLetterWithResourceIdentity": {"deadLetterDestination": {"endpointType": "StorageBlob"}}}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    for name in ("WEIGHBRIDGE_SUBSCRIPTION", "WEIGHBRIDGE_SCANS_TOPIC", "WEIGHBRIDGE_SCANS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with Installation() as found:
        monkeypatch.setenv(URL, found.url)
        monkeypatch.setenv(KEY, SECRET)
        yield found


class FakeClock:
    """Time passes only while it is slept."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep)


# ---- the command


def test_a_message_that_comes_out_of_no_queue_is_broken_and_the_call_is_ended(service, capsys) -> None:
    found = run(capsys, "doctor", "--within", "0")
    assert found.code == 1
    assert "broken   worked ticks" in found.out
    assert "who deploys Weighbridge: look at the log of the function `tick`;" in found.out
    assert service.shop.rows.peek("names") == [
        row for row in service.shop.rows.peek("names") if row.partition != "doctor"
    ]
    assert [path.rpartition("/")[0] for path in service.asked[-1:]] == ["POST /api/doctor/calls"]


@pytest.mark.usefixtures("service")
def test_as_json_it_is_what_the_installation_said_and_what_was_seen_from_here(capsys) -> None:
    found = run(capsys, "doctor", "--within", "0", "--json")
    answer = json.loads(found.out)
    assert answer["broken"] is True
    states = {one["check"]: one["state"] for one in answer["diagnoses"]}
    assert (states["table"], states["worked"], states["walk"], states["topic"]) == (
        "ok",
        "broken",
        "warning",
        "warning",
    )


def test_one_app_alone_is_asked_for_and_no_call_is_opened(service, capsys) -> None:
    service.shop.azure.missing = {"Microsoft.App/containerApps/write"}
    found = run(capsys, "doctor", "--app", APP_KEY.replace("|", "/"))
    assert found.code == 1
    assert "the identity lacks Microsoft.App/containerApps/write" in found.out
    assert not [one for one in service.asked if one.startswith("POST")]


def test_without_an_answer_it_says_so_and_exits_2(monkeypatch, capsys) -> None:
    monkeypatch.setenv(KEY, SECRET)
    found = run(capsys, "doctor", "--url", "http://127.0.0.1:9")
    assert (found.code, found.out) == (2, "")
    assert "expected an answer" in found.err
    assert SECRET not in found.err


def test_settings_that_let_nothing_begin_are_all_that_is_told(monkeypatch, service, capsys) -> None:
    from delivery.settings import SettingsError  # noqa: PLC0415 - only here

    def broken() -> Any:
        raise SettingsError("WEIGHBRIDGE_SUBSCRIPTION: expected the subscription id of the apps, found none")

    monkeypatch.setattr(service, "ports", broken)
    found = run(capsys, "doctor")
    assert found.code == 1
    assert found.out.startswith("broken   settings WEIGHBRIDGE_SUBSCRIPTION  none\n")


# ---- the wait


def test_it_waits_for_every_way_and_no_longer(service) -> None:
    call = service.do(doctor_call.open_call(service.shop.ports))
    time = FakeClock()

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        service.do(doctor_call.hear(service.shop.ports, call, "ticks" if time.at < 2 else "topic"))

    found = wait(
        Service.of("", dict_of(service)), call, {"ticks", "topic"}, 60, Clock(now=lambda: time.at, sleep=sleep)
    )
    assert [(one.check, one.state) for one in found] == [("worked", State.OK), ("walk", State.OK)]
    assert time.slept == [1.0, 1.0]


def test_it_gives_up_when_the_time_is_over(service) -> None:
    call = service.do(doctor_call.open_call(service.shop.ports))
    time = FakeClock()
    found = wait(Service.of("", dict_of(service)), call, {"topic"}, 2.5, time.clock)
    assert [(one.check, one.state, one.found) for one in found] == [("walk", State.BROKEN, "nothing came out in 2 s")]
    assert time.slept == [1.0, 1.0, 0.5]


def dict_of(service: Installation) -> dict[str, str]:
    return {URL: service.url, KEY: SECRET}


def test_the_published_event_is_read_by_the_function_as_the_call_it_is() -> None:
    assert decode.scan_completed(json.dumps(doctor_walk.event("ab"))) == Called(
        because=f"it is a {CALLED}", call="ab", way="topic"
    )


# ---- Event Grid


def subscription(function: str = "image_pushed", **more: Any) -> dict[str, Any]:
    properties = {
        "provisioningState": "Succeeded",
        "destination": {"endpointType": "AzureFunction", "properties": {"resourceId": FUNCTION + function}},
        "filter": {"includedEventTypes": [PUSHED] if function == "image_pushed" else [SCANNED, CALLED]},
        **DEAD,
        **more,
    }
    return {"id": "/x/eventSubscriptions/weighbridge", "name": "weighbridge", "properties": properties}


def states(wanted: Wanted, *subscriptions: dict[str, Any], site: str = SITE) -> list[tuple[str, str]]:
    return [(one.check, one.state.value) for one in subscribed(wanted, subscriptions, site)]


PUSHES, SCANS = of_registry("contoso.azurecr.io"), of_scans("scans")
WELL = [("subscription", "ok"), ("dead-letter", "ok")]


@pytest.mark.parametrize(
    ("wanted", "subscriptions", "found"),
    [
        (PUSHES, [subscription()], WELL),
        (SCANS, [subscription("scan_completed")], WELL),
        (PUSHES, [subscription(filter={})], WELL),
        (PUSHES, [], [("subscription", "broken")]),
        (PUSHES, [subscription("scan_completed")], [("subscription", "broken")]),
        (PUSHES, [subscription(provisioningState="Failed")], [("subscription", "broken"), ("dead-letter", "ok")]),
        (PUSHES, [subscription(filter={"includedEventTypes": [SCANNED]})], [("subscription", "broken"), WELL[1]]),
        (
            SCANS,
            [subscription("scan_completed", filter={"includedEventTypes": [SCANNED]})],
            [("subscription", "warning"), WELL[1]],
        ),
        (
            PUSHES,
            [subscription(deadLetterWithResourceIdentity=None)],
            [WELL[0], ("dead-letter", "warning")],
        ),
    ],
)
def test_what_a_subscription_lacks(wanted: Wanted, subscriptions: list[Any], found: list[tuple[str, str]]) -> None:
    assert states(wanted, *subscriptions) == found


@pytest.mark.parametrize(
    ("destination", "ours"),
    [
        ({"endpointType": "AzureFunction", "properties": {"resourceId": FUNCTION.upper() + "IMAGE_PUSHED"}}, True),
        ({"endpointType": "AzureFunction", "properties": {"resourceId": f"{FUNCTION}other"}}, False),
        (
            {
                "endpointType": "AzureFunction",
                "properties": {"resourceId": FUNCTION.replace(SITE, "fn-other") + "image_pushed"},
            },
            False,
        ),
        ({"endpointType": "StorageQueue", "properties": {"queueName": "events"}}, True),
        ({"endpointType": "StorageQueue", "properties": {"queueName": "other"}}, False),
        ({"endpointType": "WebHook", "properties": {"endpointBaseUrl": f"https://{SITE}.azurewebsites.net/x"}}, True),
        ({"endpointType": "WebHook", "properties": {"endpointBaseUrl": "https://elsewhere.example/x"}}, False),
        ({"endpointType": "EventHub", "properties": {}}, False),
        ({}, False),
    ],
)
def test_whose_a_destination_is(destination: dict[str, Any], ours: bool) -> None:  # noqa: FBT001 - a row of a table
    assert delivers({"destination": destination}, "image_pushed", SITE) is ours
    assert delivers({"deliveryWithResourceIdentity": {"destination": destination}}, "image_pushed", SITE) is ours


class FakeArm:
    """Answers by the end of the path; what is not there is refused."""

    subscription = "s"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def ask(self, _method: str, path: str, _version: str, _body: object = None, **_query: str) -> dict[str, Any]:
        found = self.answers.get(path.rpartition("/")[2])
        if found is None:
            raise AzureSaysError(f"GET {path}: 403 AuthorizationFailed")
        return {"value": found}


def of(arm: FakeArm, *heard: str) -> list[tuple[str, str]]:
    asked: Any = arm
    typed: Arm = asked
    found = doctor_eventgrid.pushes(typed, ["contoso-a1b2.azurecr.io"], heard, SITE)
    return [(one.check, one.state.value) for one in found]


TOPIC = {
    "id": "/t",
    "name": "evgt-contoso",
    "properties": {"source": "/s/providers/Microsoft.ContainerRegistry/registries/Contoso"},
}
GIVEN_UP = [{"timeseries": [{"data": [{"total": 2.0}]}]}]


def test_a_topic_its_subscription_and_its_dead_letters() -> None:
    """A login server with a hash behind its name is its registry's; names are compared without case."""
    arm = FakeArm(systemTopics=[TOPIC], eventSubscriptions=[subscription()], metrics=[])
    assert of(arm) == [("topic", "ok"), *WELL, ("undelivered", "ok")]
    arm.answers["metrics"] = GIVEN_UP
    assert of(arm)[-1] == ("undelivered", "warning")


def test_a_topic_that_is_not_there_is_broken_and_what_may_not_be_asked_is_not() -> None:
    assert of(FakeArm(systemTopics=[])) == [("topic", "broken")]
    assert of(FakeArm(systemTopics=[]), "contoso-a1b2.azurecr.io") == [("topic", "warning")]
    assert of(FakeArm()) == [("topic", "warning")]
    assert of(FakeArm(systemTopics=[TOPIC])) == [("topic", "ok"), ("subscription", "warning")]


# ---- what is shown, and the page


def test_the_worst_stands_last_with_what_to_do_and_a_count() -> None:
    broken = Diagnosis(
        check="rights", subject="rg/a", state=State.BROKEN, found="lacks x", expected="x", who="you", do="give x"
    )
    shown = as_text([broken, Diagnosis(check="late", found="none")]).splitlines()
    assert shown[0].split() == ["ok", "late", "none"]
    assert [line.strip() for line in shown[1:4]] == ["broken   rights rg/a  lacks x", "expected: x", "you: give x"]
    assert shown[-1] == "1 broken, 1 ok"


def test_the_page_lists_every_check_and_what_it_looks_at() -> None:
    page = text("docs/doctor.md")
    listed = dict(re.findall(r"^\| `([a-z][a-z-]*)` \| ([^|]+) \|", page, re.MULTILINE))
    assert {name: says.strip() for name, says in listed.items()} == {**of_installation.CHECKS, **CHECKS}


def test_both_sides_have_the_same_words_for_how_bad_it_is() -> None:
    assert [one.value for one in State] == [one.value for one in of_installation.State]
