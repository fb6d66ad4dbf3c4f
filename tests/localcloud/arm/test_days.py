"""Azure as it was on a day: what one api-version is answered has changed, and recordings tell when."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.arm import days
from localcloud.arm.knobs import Knobs
from localcloud.arm.versions import VERSIONS
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, Answer, app_body, cloud

EARLY = "2022-06-01-preview"


def test_a_version_is_answered_as_it_was_recorded_and_later_ones_as_today() -> None:
    usual = {version: days.day(version, "usual") for version in VERSIONS}

    assert usual["2024-03-01"] == "2024-04-18"
    assert {day for version, day in usual.items() if version > "2024-03-01"} == {days.TODAY}
    assert days.day("2022-01-01-preview", "usual") == usual["2022-03-01"]
    assert days.day("2023-02-01", "usual") == usual["2022-11-01-preview"]
    assert days.day("", "usual") == days.TODAY
    assert {days.day(version, "2023-01-01") for version in VERSIONS} == {"2023-01-01"}


async def told(path: str, version: str, day: str, body: dict[str, Any] | None = None) -> Answer:
    async with cloud(knobs=Knobs(day=day)) as it:
        await it.end(await it.ask("PUT", APP, body or app_body()))
        return await it.ask("GET", path, version=version)


@pytest.mark.parametrize(("day", "shown"), [("usual", False), ("2023-03-02", False), ("2023-03-03", True)])
async def test_blank_members_of_an_app_came_to_be_shown(day: str, *, shown: bool) -> None:
    """Recorded with one version: left out in logstream of December 2022, shown in containerapp_e2e of March 2023."""
    app = (await told(APP, EARLY, day)).body["properties"]

    assert ("dapr" in app["configuration"]) is shown
    assert ("workloadProfileType" in app) is shown
    assert app["template"]["containers"][0]["resources"]["ephemeralStorage"] == ("2Gi" if shown else "")


@pytest.mark.parametrize(
    ("version", "day", "legion", "streams"),
    [
        (EARLY, "usual", True, False),
        (EARLY, "2023-03-03", False, True),
        ("2022-10-01", "usual", False, True),
    ],
)
async def test_an_environment_of_2022_tells_nothing_blank_and_came_to_tell_where_its_events_are(
    version: str, day: str, *, legion: bool, streams: bool
) -> None:
    """Recorded in logstream of December 2022, containerapp_e2e and ingress_traffic_e2e of March 2023."""
    environment = (await told(ENVIRONMENT, version, day)).body

    assert ("sku" in environment, "useLegionServerlessCompute" in environment["properties"]) == (legion, legion)
    assert ("eventStreamEndpoint" in environment["properties"]) is streams
    assert {"vnetConfiguration", "kedaConfiguration"} & set(environment["properties"]) == set()


@pytest.mark.parametrize(("day", "size"), [("2023-07-14", ""), ("2023-10-23", "2Gi")])
async def test_ephemeral_storage_was_blank_where_there_are_workload_profiles(day: str, size: str) -> None:
    """Recorded in create_with_workloadprofile_yaml of July 2023, and in scale_create of October."""
    app = (await told(APP, "2023-04-01-preview", day)).body["properties"]

    assert app["workloadProfileName"] == "Consumption"
    assert app["template"]["containers"][0]["resources"]["ephemeralStorage"] == size


@pytest.mark.parametrize(("day", "server", "delegated"), [("2023-11-10", True, False), ("2024-04-18", False, True)])
async def test_a_member_comes_and_a_header_goes_without_another_version(
    day: str, *, server: bool, delegated: bool
) -> None:
    """Recorded with 2023-05-01 in cors_policy of 2023 and containerapp_exec of 2024."""
    answer = await told(APP, "2023-05-01", day)

    assert ("server" in answer.headers) is server
    assert ("delegatedIdentities" in answer.body["properties"]) is delegated


@pytest.mark.parametrize(("day", "there"), [("2025-11-04", False), ("2026-01-27", True), ("usual", True)])
async def test_the_mode_of_an_environment_came_after_its_version(day: str, *, there: bool) -> None:
    """Recorded with 2025-10-02-preview in kind_functionapp of 2025 and env_environment_mode of 2026."""
    answer = await told(ENVIRONMENT, "2025-10-02-preview", day)

    assert ("environmentMode" in answer.body["properties"]) is there


@pytest.mark.parametrize(("day", "left"), [("2024-05-06", "14999"), ("2024-10-14", "799")])
async def test_requests_came_to_be_counted_by_buckets(day: str, left: str) -> None:
    """Recorded of a deletion with 2024-03-01 in scale_revision_copy, and in compose_create_with_secrets of October."""
    async with cloud(knobs=Knobs(day=day)) as it:
        answer = await it.ask("DELETE", APP, version="2024-03-01")

        assert answer.headers["x-ms-ratelimit-remaining-subscription-deletes"] == left


@pytest.mark.parametrize(("day", "within"), [("2023-06-13", False), ("2023-07-14", True)])
async def test_states_of_profiles_came_to_be_in_their_environment(day: str, *, within: bool) -> None:
    """Recorded in env_workload_profiles_e2e_no_waits and create_with_workloadprofile_yaml of 2023."""
    answer = await told(f"{ENVIRONMENT}/workloadProfileStates", "2023-04-01-preview", day)

    assert answer.body["value"][0]["id"].startswith(f"{ENVIRONMENT}/") is within
