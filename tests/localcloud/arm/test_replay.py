"""Anybody's recording can be held again: in the JSON of our fixtures, or as the Azure CLI keeps its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.localcloud.arm import conversation, replay
from tests.localcloud.arm.recordings import provider, read, recording

FIXTURE = Path(__file__).parent / "fixtures" / "ingress_traffic_e2e.json"
ELSEWHERE = {
    "request": {"method": "GET", "uri": "https://graph.microsoft.com/v1.0/me", "body": None},
    "response": {"status": 200, "headers": {}, "body": {}},
}


def as_vcrpy(one: dict[str, Any]) -> dict[str, Any]:
    """As the CLI's tests write it: bodies as text, a list for every header, and what the front of Azure added."""
    request, response = one["request"], one["response"]
    sent = None if request["body"] is None else json.dumps(request["body"])
    told = "" if response["body"] is None else json.dumps(response["body"])
    headers = {name: [value] for name, value in response["headers"].items()}
    return {
        "request": {**request, "body": sent, "headers": {"Accept": ["*/*"]}},
        "response": {
            "body": {"string": told},
            "headers": {**headers, "X-Msedge-Ref": ["Ref A: 0"]},
            "status": {"code": response["status"], "message": "OK"},
        },
    }


def kept(folder: Path, interactions: list[dict[str, Any]]) -> Path:
    file = folder / "test_one.yaml"
    file.write_text(yaml.safe_dump({"interactions": [as_vcrpy(one) for one in interactions], "version": 1}))
    return file


def test_the_cli_s_own_form_is_read_as_ours_is(tmp_path: Path) -> None:
    ours = recording("ingress_traffic_e2e")

    assert read(kept(tmp_path, ours)) == ours


def test_the_endpoint_of_a_region_is_azure_resource_manager_too(tmp_path: Path) -> None:
    """Recorded in update of August 2022, by way of brazilsouth."""
    ours = recording("ingress_traffic_e2e")
    regional = json.loads(json.dumps(ours).replace("https://management", "https://brazilsouth.management"))

    read_again = read(kept(tmp_path, regional))
    assert [one["request"] for one in read_again] == [one["request"] for one in ours]
    assert {provider(one) for one in read_again} == {"microsoft.app"}


def test_a_folder_of_recordings_is_held_again_and_every_difference_has_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, [*recording("ingress_traffic_e2e"), ELSEWHERE])

    assert replay.main([str(tmp_path), str(FIXTURE)]) == 0
    first, *_ = lines = capsys.readouterr().out.splitlines()
    assert first == "test_one.yaml: 25 of 26 exchanges held again"
    assert [line for line in lines if not line.startswith("  ")] == [
        first,
        "ingress_traffic_e2e.json: 25 of 25 exchanges held again",
    ]
    assert "differ because: of that region" in lines[1]


@pytest.mark.parametrize("name", ["env_dapr_components", "env_storage", "env_usages"])
async def test_what_is_in_an_environment_is_held_again_without_its_making(name: str) -> None:
    assert {where for where in await differing(recording(name)) if "status" in where or ": end" in where} == set()


async def test_a_revision_that_azure_kept_and_one_that_it_made_are_told_apart() -> None:
    interactions = recording("update")
    bodies = [one["response"]["body"] or {} for one in interactions if one["request"]["method"] == "GET"]
    apps = [body["properties"] for body in bodies if body.get("properties", {}).get("latestRevisionName")]
    first, second = dict.fromkeys(app["latestRevisionName"] for app in apps[:3])
    for app in apps:
        app["latestRevisionName"] = first if app["latestRevisionName"] == second else app["latestRevisionName"]

    assert "GET containerApps: a revision that was there" in await differing(interactions)


async def test_a_missing_member_is_not_excused_by_a_reason_for_another_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interactions = recording("ingress_traffic_e2e")
    del next(one for one in interactions if "/managedEnvironments/" in one["request"]["uri"])["response"]["body"][
        "properties"
    ]["staticIp"]
    kept(tmp_path, interactions)

    assert await asyncio.to_thread(replay.main, [str(tmp_path)]) == 1
    assert 'GET managedEnvironments: properties.staticIp\n    Azure: "absent"' in capsys.readouterr().out


@pytest.mark.parametrize(("day", "there"), [("18 Apr 2024", True), ("28 May 2024", False), ("14 Oct 2024", False)])
async def test_it_is_held_again_with_azure_as_it_was_on_that_day(day: str, *, there: bool) -> None:
    """Its answer to a PUT changed in May 2024; a recording of April is another's when it is said to be of October."""
    interactions = recording("scale_revision_copy")
    for one in interactions:
        one["response"]["headers"]["date"] = f"Mon, {day} 10:00:00 GMT"

    found = await differing(interactions)
    assert ("PUT containerApps: properties.runningStatus" not in found) is there
    assert ("PATCH containerApps: header azure-asyncoperation" in found) is (day == "14 Oct 2024")


async def differing(interactions: list[dict[str, Any]]) -> set[str]:
    async with conversation.replay(interactions) as held:
        await held.play(interactions)
        return {where for where, _, _ in held.found}


@pytest.mark.parametrize("gone", [True, False])
async def test_older_revisions_have_drained_where_the_recording_says_so(*, gone: bool) -> None:
    """In revision_label_e2e of June 2022 the first one had gone before the mode changed, in that of 2024 it had not."""
    interactions = recording("revision_label_e2e")
    older = [one for body in (one["response"]["body"] for one in interactions) for one in (body or {}).get("value", ())]
    for revision in older[:1]:
        revision["properties"]["active"] = not gone

    told = next(one for one in interactions if (one["response"]["body"] or {}).get("value"))
    assert not {where for where in await differing(interactions[: interactions.index(told) + 1]) if "active" in where}


async def test_an_environment_that_is_only_read_is_in_its_own_region() -> None:
    read_alone = [one for one in recording("logstream_2022") if one["request"]["method"] == "GET"]
    environment = next(one for one in read_alone if "/managedEnvironments/" in one["request"]["uri"])

    assert "GET managedEnvironments: location" not in await differing([environment])


def test_what_azure_answered_otherwise_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interactions = recording("ingress_traffic_e2e")
    created = next(one for one in interactions if one["request"]["method"] == "PUT")["response"]
    created["body"]["properties"]["configuration"] |= {"activeRevisionsMode": "Both"}
    created["body"] = dict(reversed(created["body"].items()))
    created["headers"]["x-of-azure"] = "1"

    assert replay.main([str(kept(tmp_path, interactions))]) == 1
    told = capsys.readouterr().out
    assert (
        '  PUT containerApps: properties.configuration.activeRevisionsMode\n    Azure: "Both"\n    here:  "Multiple"\n'
    ) in told
    assert "  PUT containerApps: header x-of-azure\n    Azure: x-of-azure\n" in told
    assert "  PUT containerApps: order of \n    Azure: identity, properties" in told


def test_a_request_that_this_cloud_does_not_know_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/one?api-version=2024-03-01"
    asked = {"method": "PUT", "uri": f"https://management.azure.com{job}", "body": {}}
    file = kept(tmp_path, [{"request": asked, "response": {"status": 201, "headers": {}, "body": {}}}])

    assert replay.main([str(file)]) == 1
    assert "PUT jobs: status\n    Azure: 201\n    here:  501" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["interactions:\n<<<<<<< HEAD\n- one\n", "[]", ""])
def test_a_file_that_is_no_recording_is_named(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(text)

    assert replay.main([str(file)]) == 2
    assert f"{file}: expected a recording, found " in capsys.readouterr().out
