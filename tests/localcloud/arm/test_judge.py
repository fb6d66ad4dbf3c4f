"""The judge of answers: it finds what is wrong, and what Azure was recorded to answer is right to it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.localcloud.arm import judge, sdk_models, swagger
from tests.localcloud.arm.recordings import recording
from tests.localcloud.arm.test_cassettes import RECORDINGS

NAMES = {
    "microsoft.app/containerapps": "ContainerApp",
    "microsoft.app/containerapps/revisions": "Revision",
    "microsoft.app/containerapps/revisions/replicas": "Replica",
    "microsoft.app/containerapps/accesstoken": "ContainerAppAuthToken",
    "microsoft.app/managedenvironments": "ManagedEnvironment",
}
APP: dict[str, Any] = {
    "location": "East US",
    "identity": {"type": "None"},
    "systemData": {"createdAt": "2024-05-06T11:01:02.1234567", "createdByType": "User"},
    "properties": {
        "provisioningState": "Succeeded",
        "outboundIpAddresses": ["127.0.0.1"],
        "configuration": {"ingress": {"external": True, "targetPort": 80, "traffic": [{"weight": 100}]}},
        "template": {
            "containers": [{"name": "web", "resources": {"cpu": 0.5, "memory": "1Gi"}, "probes": None}],
            "scale": {"rules": [{"custom": {"metadata": {"value": "1"}}}]},
        },
    },
}
# Where, what is put there (absent: it is taken away), and what is said of it.
WRONG: tuple[tuple[str, object, str], ...] = (
    ("location", 1, "location: not "),
    ("location", None, "location: missing"),
    ("location", "absent", "location: missing"),
    ("identity.type", "absent", "identity.type: missing"),
    ("properties.template.containers", {}, "properties.template.containers: not "),
    ("properties.template.containers.0", "web", "properties.template.containers[]: not "),
    ("properties.template.containers.0.made", "up", "properties.template.containers[].made: unknown"),
    ("properties.template.containers.0.resources.cpu", "0.5", "properties.template.containers[].resources.cpu: not "),
    ("properties.template.scale", [], "properties.template.scale: not "),
    (
        "properties.template.scale.rules.0.custom.metadata.value",
        1,
        "properties.template.scale.rules[].custom.metadata[]: not ",
    ),
    ("properties.provisioningState", "Fine", "properties.provisioningState: Fine"),
    ("properties.outboundIpAddresses.0", 127, "properties.outboundIpAddresses[]: not "),
    ("properties.configuration.ingress.external", "true", "properties.configuration.ingress.external: not "),
    ("properties.configuration.ingress.targetPort", True, "properties.configuration.ingress.targetPort: not "),
    (
        "properties.configuration.ingress.traffic.0.weight",
        "100",
        "properties.configuration.ingress.traffic[].weight: not ",
    ),
    ("systemData.createdAt", "yesterday", "systemData.createdAt: not "),
    ("systemData.createdAt", "2024-05-06", "systemData.createdAt: not "),
)
# The definitions of the frame, as identity and systemData are, are in other documents.
OF_SDK = ("location", "identity", "systemData", "properties.template.scale.rules.0.custom.metadata")


def spoilt(where: str, value: object) -> dict[str, Any]:
    body = deepcopy(APP)
    *path, last = where.split(".")
    inside: Any = body
    for part in path:
        inside = inside[int(part) if part.isdigit() else part]
    if value == "absent":
        del inside[last]
    else:
        inside[int(last) if last.isdigit() else last] = value
    return body


def test_a_good_body_is_good() -> None:
    assert sdk_models.problems("ContainerApp", APP) == set()
    assert [one.problems("ContainerApp", APP) for one in swagger.DEFINITIONS.values()] == [set(), set()]


@pytest.mark.parametrize(("where", "value", "said"), WRONG)
def test_the_models_find_what_is_wrong(where: str, value: object, said: str) -> None:
    (found,) = sdk_models.problems("ContainerApp", spoilt(where, value))

    assert found.startswith(f"ContainerApp.{said}")


@pytest.mark.parametrize(("where", "value", "said"), [one for one in WRONG if not one[0].startswith(OF_SDK)])
@pytest.mark.parametrize("version", swagger.DEFINITIONS)
def test_the_definitions_find_what_is_wrong(version: str, where: str, value: object, said: str) -> None:
    (found,) = swagger.DEFINITIONS[version].problems("ContainerApp", spoilt(where, value))

    assert found.startswith(f"ContainerApp.{said}")


def test_the_definitions_miss_what_is_required() -> None:
    body = {
        "properties": {"configuration": {"ingress": {"ipSecurityRestrictions": [{"name": "a", "action": "Allow"}]}}}
    }

    for one in swagger.DEFINITIONS.values():
        assert one.problems("ContainerApp", body) == {
            "ContainerApp.properties.configuration.ingress.ipSecurityRestrictions[].ipAddressRange: missing"
        }


@pytest.mark.parametrize(
    "body",
    [None, "gone", {}, {"error": None}, {"error": {"code": "A"}}, {"error": {"code": "A", "message": "a", "b": 1}}],
)
def test_an_error_without_code_or_words_is_none_of_azures(body: object) -> None:
    assert judge.refusal(body)


@pytest.mark.parametrize("error", [{"code": "A", "message": "a"}, {"code": "A", "message": "a", "details": []}])
def test_an_error_may_be_wrapped_or_bare(error: object) -> None:
    assert judge.refusal(error) == judge.refusal({"error": error}) == set()


def resources(body: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """(model, body) of every resource in an answer."""
    if not isinstance(body, dict):
        return
    if str(body.get("type")).lower() in NAMES:
        yield NAMES[body["type"].lower()], body
    for one in body["value"] if isinstance(body.get("value"), list) else ():
        yield from resources(one)


@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_answers_are_right_to_both_judges(name: str) -> None:
    answers = [one["response"]["body"] for one in recording(name)]
    found = [(model, body) for answer in answers for model, body in resources(answer)]
    refused = [answer for answer in answers if isinstance(answer, dict) and {"error", "code"} & answer.keys()]

    assert found
    for version in swagger.DEFINITIONS:
        assert {p for model, body in found for p in judge.problems(model, body, version)} == set()
    assert {p for body in refused if body.get("status") != "Failed" for p in judge.refusal(body)} == set()


def test_what_is_said_to_be_recorded_is() -> None:
    recorded = {problem: source for problem, source in judge.BEYOND.items() if source in RECORDINGS}

    assert len(recorded) > 5
    for problem, name in recorded.items():
        bodies = [one for answer in recording(name) for one in resources(answer["response"]["body"])]
        assert problem in {
            found
            for model, body in bodies
            for found in sdk_models.problems(model, body) | swagger.DEFINITIONS["2024-03-01"].problems(model, body)
        }, name
