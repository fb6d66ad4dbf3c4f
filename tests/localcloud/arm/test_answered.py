"""Every api-version answers with the members it has: what the Azure CLI's tests recorded over the years."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.arm.knobs import Knobs
from tests.localcloud.arm.cloud import APP, Cloud, app_body, cloud, image

# The first version that was recorded with a member, and the last that was recorded without it, by
# compose_create_with_ingress_external, cors_policy, identity_user, revision_label_e2e, exec, container_acr,
# create_with_workloadprofile_yaml, dev_add_on_binding_none_client_type and, with the versions of 2022, containerapp_e2e
# and ingress_traffic_e2e of March 2023.
RECORDED = [
    ("environmentId", "2022-06-01-preview", "2022-03-01"),
    ("eventStreamEndpoint", "2022-06-01-preview", "2022-03-01"),
    ("configuration.ingress.exposedPort", "2022-06-01-preview", "2022-03-01"),
    ("template.containers.resources.ephemeralStorage", "2022-06-01-preview", "2022-03-01"),
    ("workloadProfileName", "2022-11-01-preview", "2022-06-01-preview"),
    ("latestReadyRevisionName", "2022-10-01", "2022-06-01-preview"),
    ("configuration.ingress.corsPolicy", "2022-10-01", "2022-06-01-preview"),
    ("configuration.ingress.ipSecurityRestrictions", "2022-06-01-preview", "2022-03-01"),
    ("workloadProfileType", "2022-06-01-preview", "2022-03-01"),
    ("workloadProfileType", "2022-10-01", "2022-11-01-preview"),
    ("configuration.service", "2022-11-01-preview", "2022-06-01-preview"),
    ("template.serviceBinds", "2022-11-01-preview", "2022-06-01-preview"),
    ("runningStatus", "2023-04-01-preview", "2022-11-01-preview"),
    ("template.terminationGracePeriodSeconds", "2023-05-01", "2022-11-01-preview"),
    ("delegatedIdentities", "2023-05-01", "2023-04-01-preview"),
    ("delegatedIdentities", "2024-02-02-preview", "2023-11-02-preview"),
    ("configuration.runtime", "2024-02-02-preview", "2023-11-02-preview"),
    ("configuration.ingress.additionalPortMappings", "2023-05-02-preview", "2023-05-01"),
    ("patchingMode", "2024-02-02-preview", "2025-01-01"),
    ("configuration.ingress.targetPortHttpScheme", "2023-11-02-preview", "2025-01-01"),
    ("template.containers.imageType", "2024-02-02-preview", "2024-03-01"),
    ("configuration.runtime", "2024-02-02-preview", "2024-03-01"),
    ("configuration.identitySettings", "2025-01-01", "2024-03-01"),
    ("template.scale.cooldownPeriod", "2025-01-01", "2024-02-02-preview"),
]


def missing(properties: Any, path: str) -> str:
    """The first word of the path that is not there; "" when all are."""
    for word in path.split("."):
        body = properties[0] if isinstance(properties, list) else properties
        if word not in body:
            return word
        properties = body[word]
    return ""


async def answered(it: Cloud, version: str) -> Any:
    return (await it.ask("GET", APP, version=version)).body["properties"]


@pytest.mark.fidelity(46)
@pytest.mark.parametrize(("path", "since", "before"), RECORDED)
async def test_a_member_is_in_answers_of_the_api_versions_that_have_it(path: str, since: str, before: str) -> None:
    async with cloud(knobs=Knobs(day="2026-11-01")) as it:
        await it.create()

        assert missing(await answered(it, since), path) == ""
        assert missing(await answered(it, before), path) == path.rpartition(".")[2]


@pytest.mark.fidelity(11)
async def test_the_oldest_version_spells_the_id_of_an_app_as_its_type_and_tells_no_blank_suffix() -> None:
    """Recorded in compose_create_with_ingress_external of 2022."""
    async with cloud() as it:
        await it.create()

        oldest, next_one = [await it.ask("GET", APP, version=v) for v in ("2022-03-01", "2022-06-01-preview")]
        assert (oldest.body["id"], next_one.body["id"]) == (APP, APP.replace("containerApps", "containerapps"))
        assert "revisionSuffix" not in oldest.body["properties"]["template"]
        assert next_one.body["properties"]["template"]["revisionSuffix"] == ""
        listed = await it.ask("GET", APP.rpartition("/")[0], version="2022-03-01")
        assert [one["id"] for one in listed.body["value"]] == [APP]


@pytest.mark.fidelity(46)
async def test_a_variable_of_a_secret_has_a_blank_value_in_the_answers_of_2022_alone() -> None:
    """Recorded in update of August 2022 (2022-06-01-preview) and of 2024 (2024-03-01)."""
    async with cloud() as it:
        body = app_body()
        body["properties"]["configuration"] |= {"secrets": [{"name": "key", "value": "1"}]}
        body["properties"]["template"]["containers"][0]["env"] = [{"name": "KEY", "secretRef": "key"}]
        await it.ask("PUT", APP, body)

        answers = [await answered(it, version) for version in ("2022-06-01-preview", "2024-03-01")]
        found = [list(one["template"]["containers"][0]["env"][0].items()) for one in answers]
        assert found == [
            [("name", "KEY"), ("value", ""), ("secretRef", "key")],
            [("name", "KEY"), ("secretRef", "key")],
        ]


@pytest.mark.fidelity(46)
async def test_members_of_previews_are_kept_and_those_nobody_knows_dropped() -> None:
    async with cloud() as it:
        body = app_body()
        body["properties"]["configuration"] |= {"targetLabel": "blue", "nonsense": 1}
        answer = await it.ask("PUT", APP, body, version="2025-10-02-preview")

        configuration = answer.body["properties"]["configuration"]
        assert configuration["targetLabel"] == "blue"
        assert "nonsense" not in configuration


@pytest.mark.fidelity(15)
@pytest.mark.parametrize(
    ("version", "day", "most"),
    [
        ("2023-04-01-preview", "2024-04-18", None),
        ("2023-05-01", "2024-02-04", None),
        ("2023-05-01", "2024-04-18", 100),
        ("2024-02-02-preview", "usual", 100),
    ],
)
async def test_apps_made_with_older_versions_keep_every_inactive_revision(
    version: str, day: str, most: int | None
) -> None:
    """Recorded in cors_policy of 2023 and 2024, containerapp_exec and create_with_workloadprofile_yaml of 2024."""
    async with cloud(knobs=Knobs(day=day)) as it:
        answer = await it.ask("PUT", APP, app_body(), version=version)

        assert answer.body["properties"]["configuration"]["maxInactiveRevisions"] == most


@pytest.mark.fidelity(54)
async def test_a_revision_does_not_tell_how_fast_it_scales_and_yet_is_made_by_it() -> None:
    """Seen in 2026: cooldownPeriod and pollingInterval are null in revisions, 300 and 30 in the app."""
    async with cloud() as it:
        first = await it.create()
        await it.patch({"template": {"scale": {"cooldownPeriod": 60}}})
        second = (await it.properties())["latestRevisionName"]

        assert second != first
        scale = (await it.revision(second))["template"]["scale"]
        assert (scale["cooldownPeriod"], scale["pollingInterval"]) == (None, None)
        await it.patch({"template": {**image("1.0.0"), "scale": {**scale, "cooldownPeriod": 60}}})
        assert (await it.properties())["latestRevisionName"] == second


@pytest.mark.parametrize(
    ("version", "neighbours"),
    [("2024-02-02-preview", ("registries", "dapr")), ("2025-01-01", ("service", None))],
)
async def test_identity_settings_have_another_place_in_previews(version: str, neighbours: tuple[str, str]) -> None:
    """Recorded in up_registry_identity_system of 2024 and container_acr of 2025."""
    async with cloud() as it:
        await it.create()
        names = [*(await answered(it, version))["configuration"], None]

        place = names.index("identitySettings")
        assert (names[place - 1], names[place + 1]) == neighbours
