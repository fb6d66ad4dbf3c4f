"""What a PUT of an app is answered before its operation ends: what it sent, or every default."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.arm.knobs import Knobs
from tests.localcloud.arm.cloud import APP, app_body, cloud

SENT = "2024-05-28"
GIVEN = [{"weight": 100, "latestRevision": True}]
FOUND_OUT = {
    *("runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn", "eventStreamEndpoint"),
}
RESOURCES = {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "2Gi"}


async def answered(body: dict[str, Any], version: str = "2024-03-01", day: str = SENT) -> dict[str, Any]:
    async with cloud(knobs=Knobs(day=day)) as it:
        found: dict[str, Any] = (await it.ask("PUT", APP, body, version)).body["properties"]
        return found


@pytest.mark.fidelity(1)
async def test_what_makes_an_app_is_answered_with_what_was_sent() -> None:
    """Recorded in October 2024 in ingress_sticky_sessions_e2e and termination_grace_period_seconds."""
    properties = await answered(app_body("single", terminationGracePeriodSeconds=90))

    assert FOUND_OUT & set(properties) == set()
    assert properties["provisioningState"] == "InProgress"
    configuration, template = properties["configuration"], properties["template"]
    assert (configuration["activeRevisionsMode"], configuration["maxInactiveRevisions"]) == ("Single", 100)
    assert [configuration["ingress"][name] for name in ("fqdn", "exposedPort", "traffic")] == [None] * 3
    assert list(template["containers"][0]) == ["image", "name"]
    assert (template["revisionSuffix"], template["scale"]) == (None, None)
    assert template["terminationGracePeriodSeconds"] == 90


@pytest.mark.fidelity(1)
async def test_what_was_given_is_answered_whole_in_azures_spelling() -> None:
    """Recorded in mount_azurefile_e2e, which gives resources and traffic; a suffix goes the same way."""
    given = {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "1Gi"}
    body = app_body("Single", revisionSuffix="one", scale={"minReplicas": 1})
    body["properties"]["template"]["containers"][0]["resources"] = given
    body["properties"]["configuration"]["ingress"]["traffic"] = [{**GIVEN[0], "revisionName": None, "label": None}]
    properties = await answered(body)

    assert properties["configuration"]["ingress"]["traffic"] == GIVEN
    assert properties["template"]["containers"][0]["resources"] == RESOURCES
    assert properties["template"]["revisionSuffix"] == "one"
    assert properties["template"]["scale"]["minReplicas"] == 1


@pytest.mark.fidelity(1)
@pytest.mark.parametrize(
    ("version", "day", "sent"),
    [
        ("2024-03-01", "usual", False),
        ("2025-01-01", "usual", True),  # recorded in termination_grace_period_seconds, in April 2025
        ("2024-03-01", SENT, True),
        ("2025-01-01", "2024-05-27", False),
    ],
)
async def test_the_version_decides_unless_a_day_does(version: str, day: str, sent: bool) -> None:  # noqa: FBT001
    properties = await answered(app_body(), version, day)

    assert ("latestRevisionName" not in properties) is sent


@pytest.mark.fidelity(1)
async def test_an_app_without_ingress_or_configuration_is_made_and_answered_too() -> None:
    """Recorded in identity_e2e, with an ingress of null."""
    body = app_body()
    del body["properties"]["configuration"]
    properties = await answered(body)

    assert properties["configuration"]["ingress"] is None


@pytest.mark.fidelity(1, 2)
async def test_what_changes_an_app_is_answered_as_what_makes_one_but_for_the_limit_of_inactive_revisions() -> None:
    """Recorded in containerapp_e2e of August 2024, identity_user and container_acr_env_var of October."""
    async with cloud(knobs=Knobs(day=SENT)) as it:
        await it.create()
        answer = (await it.ask("PUT", APP, app_body())).body["properties"]

        assert FOUND_OUT & set(answer) == set()
        assert (answer["template"]["scale"], answer["template"]["revisionSuffix"]) == (None, None)
        assert "resources" not in answer["template"]["containers"][0]
        assert answer["configuration"]["maxInactiveRevisions"] is None


def echoing() -> dict[str, Any]:
    """A body in which every member that Azure spells, fills in or finds is sent otherwise."""
    body = app_body(scale={"minReplicas": 3, "maxReplicas": None, "rules": []})
    body["properties"]["template"]["containers"][0]["resources"] = {"cpu": 0.5, "memory": "1.0Gi"}
    configuration = body["properties"]["configuration"]
    configuration |= {"secrets": [], "targetLabel": None}
    configuration["registries"] = [{"server": "one.azurecr.io", "username": "u", "passwordSecretRef": "s"}]
    configuration["ingress"] |= {"targetPort": None, "fqdn": "was.there", "exposedPort": 0}
    return body


@pytest.mark.fidelity(1)
@pytest.mark.parametrize("made", [True, False])
async def test_what_was_sent_is_echoed_and_stored_in_azures_words(*, made: bool) -> None:
    """Recorded: scale in replica_commands, memory, port and rules in containerapp_e2e, registries in container_acr.

    The host in revision_label_e2e of April 2025, the kind of image and the label in kind_functionapp of November 2025.
    """
    async with cloud(knobs=Knobs(day=SENT)) as it:
        if not made:
            await it.create()
        body = echoing()
        body["properties"]["configuration"]["secrets"] = [{"name": "s", "value": "x"}]
        answer = await it.ask("PUT", APP, body, "2025-10-02-preview")
        told = answer.body["properties"]
        await it.end(answer)
        stored = (await it.ask("GET", APP, version="2025-10-02-preview")).body["properties"]

    assert [_echoed(told), _echoed(stored)] == [
        {
            "scale": (3, None, []),
            "memory": "1.0Gi",
            "imageType": "CloudBuild",
            "targetLabel": None,
            "registry": {"server": "one.azurecr.io", "username": "u", "passwordSecretRef": "s"},
            "ingress": ("was.there", None),
        },
        {
            "scale": (3, 10, None),
            "memory": "1Gi",
            "imageType": "ContainerImage",
            "targetLabel": "",
            "registry": {"server": "one.azurecr.io", "username": "u", "passwordSecretRef": "s", "identity": ""},
            "ingress": ("web.wb.localhost", 0),
        },
    ]


def _echoed(properties: dict[str, Any]) -> dict[str, Any]:
    configuration, template = properties["configuration"], properties["template"]
    container, ingress = template["containers"][0], configuration["ingress"]
    return {
        "scale": tuple(template["scale"][name] for name in ("minReplicas", "maxReplicas", "rules")),
        "memory": container["resources"]["memory"],
        "imageType": container["imageType"],
        "targetLabel": configuration["targetLabel"],
        "registry": configuration["registries"][0],
        "ingress": (ingress["fqdn"], ingress["targetPort"]),
    }
