"""`maintenanceConfigurations`: as recorded, within the published limits, and one for each environment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.arm.cloud import ENVIRONMENT, cloud
from tests.localcloud.arm.conversation import replay
from tests.localcloud.arm.recordings import SUBSCRIPTION, recording

SCHEDULE = f"{ENVIRONMENT}/maintenanceConfigurations/default"
SUNDAY = {"weekDay": "Sunday", "startHourUtc": 12, "durationHours": 10}


def body(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"scheduledEntries": list(entries)}}


@pytest.mark.fidelity(50)
async def test_the_recorded_schedule_is_kept_changed_and_removed_the_same_way() -> None:
    async with replay() as conversation:
        group, name = "clitest.rg000001", "aca-maintenance-config-env000003"
        await conversation.arm.create_environment(SUBSCRIPTION, group, name, "one.localhost")
        home = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.App"
        url = f"{conversation.base}{home}/managedEnvironments/{name}/maintenanceConfigurations/default"
        made = body(SUNDAY)
        async with conversation.http.put(f"{url}?api-version=2025-02-02-preview", json=made) as answer:
            assert answer.status == 200
        await conversation.play(recording("env_maintenance_config"))

        assert not conversation.found


async def test_schedules_are_listed_and_deleting_one_that_is_gone_is_204() -> None:
    async with cloud() as it:
        await it.ask("PUT", SCHEDULE, body({**SUNDAY, "weekDay": "sunday"}))
        listed = (await it.ask("GET", SCHEDULE.rpartition("/")[0])).body["value"]
        statuses = [(await it.ask("DELETE", SCHEDULE)).status for _ in range(2)]

        assert [one["properties"]["scheduledEntries"] for one in listed] == [[SUNDAY]]
        assert statuses == [200, 204]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (body({**SUNDAY, "weekDay": "Someday"}), "scheduledEntries[0].weekDay: expected one of Monday"),
        (body(SUNDAY, {**SUNDAY, "startHourUtc": 24}), "scheduledEntries[1].startHourUtc: expected 0 to 23, found 24."),
        (body({**SUNDAY, "startHourUtc": -1}), "found -1."),
        (body({**SUNDAY, "durationHours": 7}), "scheduledEntries[0].durationHours: expected 8 to 24, found 7."),
        (body({**SUNDAY, "durationHours": 25}), "found 25."),
        (body({"weekDay": "Sunday", "startHourUtc": 0}), "durationHours: expected 8 to 24, found none."),
        ({"properties": {}}, "scheduledEntries: expected a list"),
    ],
)
async def test_what_is_outside_the_published_limits_is_refused_and_not_kept(wrong: Any, said: str) -> None:
    async with cloud() as it:
        refused = await it.ask("PUT", SCHEDULE, wrong)

        assert (refused.status, refused.body["error"]["code"]) == (400, "MaintenanceConfigurationInvalid")
        assert said in refused.body["error"]["message"]
        assert (await it.ask("GET", SCHEDULE)).status == 404


async def test_the_limits_themselves_are_within() -> None:
    edges = [{**SUNDAY, "startHourUtc": 0, "durationHours": 24}, {**SUNDAY, "startHourUtc": 23, "durationHours": 8}]
    async with cloud() as it:
        kept = await it.ask("PUT", SCHEDULE, body(*edges))

        assert kept.body["properties"]["scheduledEntries"] == edges


async def test_hours_are_numbers_and_the_only_name_is_default() -> None:
    async with cloud() as it:
        text = await it.ask("PUT", SCHEDULE, body({**SUNDAY, "startHourUtc": "12"}))
        other = await it.ask("PUT", f"{ENVIRONMENT}/maintenanceConfigurations/mine", body(SUNDAY))

        assert "System.Int32. Path: $.properties.scheduledEntries[0].startHourUtc." in str(text.body["errors"])
        assert (other.status, other.body["error"]["code"]) == (400, "MaintenanceConfigurationInvalidName")
