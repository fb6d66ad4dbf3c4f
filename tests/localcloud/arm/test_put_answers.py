"""What a PUT that makes an app is answered before its operation ends: what it sent, or every default."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.arm.knobs import Knobs
from tests.localcloud.arm.cloud import APP, app_body, cloud

GIVEN = [{"weight": 100, "latestRevision": True}]
FOUND_OUT = {
    *("runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn", "eventStreamEndpoint"),
}
RESOURCES = {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "2Gi"}


async def answered(body: dict[str, Any], version: str = "2024-03-01", knob: str = "sent") -> dict[str, Any]:
    async with cloud(knobs=Knobs(put_answer=knob)) as it:
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
    """Recorded in mount_azurefile_e2e, which gives resources and traffic; a suffix and a scale go the same way."""
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
    ("version", "knob", "sent"),
    [
        ("2024-03-01", "later", False),
        ("2025-01-01", "later", True),  # recorded in termination_grace_period_seconds, in April 2025
        ("2024-03-01", "sent", True),
        ("2025-01-01", "filled", False),
    ],
)
async def test_the_version_decides_unless_a_switch_does(version: str, knob: str, sent: bool) -> None:  # noqa: FBT001
    properties = await answered(app_body(), version, knob)

    assert ("latestRevisionName" not in properties) is sent


@pytest.mark.fidelity(1)
async def test_an_app_without_ingress_or_configuration_is_made_and_answered_too() -> None:
    """Recorded in identity_e2e, with an ingress of null."""
    body = app_body()
    del body["properties"]["configuration"]
    properties = await answered(body)

    assert properties["configuration"]["ingress"] is None


async def test_what_changes_an_app_is_answered_with_every_default() -> None:
    """Recorded in identity_e2e."""
    async with cloud(knobs=Knobs(put_answer="sent")) as it:
        await it.create()
        answer = await it.ask("PUT", APP, app_body())

        assert set(answer.body["properties"]) >= FOUND_OUT
