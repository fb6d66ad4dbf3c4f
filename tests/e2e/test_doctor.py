"""`weighbridge doctor` over a whole installation: well, and with faults planted one beside the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from tests.e2e.terminal import weighbridge

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
NAME, REPOSITORY = "ca-doctor", "shop/doctor"
KEY_FROM = "DOCTOR_TOPIC_KEY"


async def doctor(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Run it as a person who is signed in to the local cloud, and has the keys."""
    at = stage.at
    more = {
        "WEIGHBRIDGE_SCANS_ENDPOINT": f"{at['eventgrid']}/topics/scans/api/events",
        "WEIGHBRIDGE_SCANS_TOPIC": "scans",
        KEY_FROM: at["eventgrid_key"],
    }
    return await weighbridge(stage, "doctor", "--key-from", KEY_FROM, *arguments, **more)


async def told(stage: Stage, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code, out = await doctor(stage, "--json", *arguments)
    found: list[dict[str, Any]] = json.loads(out)["diagnoses"]
    return code, found


async def rows(stage: Stage, table: str, partition: str) -> list[str]:
    client = stage.tables.get_table_client(table)
    try:
        return [str(one["RowKey"]) async for one in client.query_entities(f"PartitionKey eq '{partition}'")]
    except ResourceNotFoundError:
        return []  # a table is made with its first row


async def ready(stage: Stage) -> None:
    """An app, its row, a push that was heard of, and a first run of the timers."""
    await stage.push("1.0.0", repository=REPOSITORY)
    await stage.create_app("1.0.0", name=NAME, repository=REPOSITORY)
    row = {"App": f"{stage.at['resource_group']}/{NAME}", "Tags": "semver", "Notify": "none", "Mode": "observe"}
    await stage.put_policy(repository=REPOSITORY, **row)

    async def timers_ran() -> bool:
        return bool(await rows(stage, "active", "watched"))

    await stage.wait_for(timers_ran, within=100)


async def test_an_installation_that_is_well_and_then_with_faults_that_are_each_named(stage: Stage) -> None:
    await ready(stage)
    writes = await stage.arm_writes(NAME)

    code, found = await told(stage)
    assert (code, [one for one in found if one["state"] != "ok"]) == (0, [])
    checks = {one["check"] for one in found}
    assert {"walk", "worked", "subscription", "rights", "probe", "registry", "heard", "timers"} <= checks
    assert {one["subject"] for one in found if one["check"] == "worked"} == {"ticks", "outbox", "events"}
    for table in ("names", "rollouts", "evidence", "active", "policies"):
        assert not await rows(stage, table, "doctor")  # nothing is left
    assert not await rows(stage, "names", "parked")
    assert await stage.arm_writes(NAME) == writes

    await plant(stage)
    code, found = await told(stage, "--within", "5")
    assert code == 1
    broken = {one["check"]: one for one in found if one["state"] == "broken"}
    assert set(broken) == {"topic", "subscription", "walk", "rights", "rows", "registry"}
    assert "containerApps/write" in broken["rights"]["found"]
    assert broken["rights"]["do"].endswith(f"/containerApps/{NAME}".lower())
    assert "stray.azurecr.io" in broken["registry"]["found"]
    assert broken["rows"]["subject"].endswith("/wrong")
    assert "none to scan_completed of fn-local" in broken["subscription"]["found"]
    assert broken["topic"]["subject"] == "stray.azurecr.io"
    assert broken["walk"]["found"] == "nothing came out in 5 s"
    assert not await rows(stage, "names", "doctor")


async def plant(stage: Stage) -> None:
    """Four things that go wrong in installations."""
    del stage.cloud.eventgrid.subscriptions["scans", "scans"]
    stage.cloud.arm.permissions.taken[NAME] = ("Microsoft.App/containerApps/write",)
    await stage.put_row(
        "policies", f"{stage.at['login_server']}|shop|doctor", "wrong", App="rg/x", Steps="10% for ever"
    )
    app = f"{stage.at['resource_group']}/{NAME}"
    await stage.put_row("policies", "stray.azurecr.io|shop|doctor", "production", App=app, Tags="semver")


async def test_one_app_may_be_asked_of_before_any_row_names_it(stage: Stage) -> None:
    app = f"{stage.at['resource_group']}/nobody"
    code, said = await doctor(stage, "--app", app)
    assert code == 1
    assert "broken   app rg-local/nobody" in said
    assert "404 ResourceNotFound" in said
