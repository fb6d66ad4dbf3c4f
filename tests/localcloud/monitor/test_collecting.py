"""What apps write, what happens to them and what they report arrives where queries find it."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.monitor.collector import Collector
from tests.localcloud.arm.cloud import APP, image, until
from tests.localcloud.monitor.monitors import Served, monitor

if TYPE_CHECKING:
    from pathlib import Path

LINES = "ContainerAppConsoleLogs_CL | project Log_s, RevisionName_s, ContainerGroupName_s, ContainerAppName_s"
EVENTS = "ContainerAppSystemLogs_CL | project Reason_s, Type_s, Log_s, RevisionName_s"


def collector(it: Served) -> Collector:
    return Collector(it.cloud.arm.store, it.cloud.clock, it.folder, it.monitor.workspace)


async def test_each_whole_line_a_replica_writes_is_one_row_and_none_comes_twice(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        name = await it.cloud.create()
        file = it.folder / name / f"{name}-aaa-bbb.log"
        file.parent.mkdir()
        collect = collector(it)
        file.write_bytes(b"one\ntwo\nhal")
        collect.look()
        collect.look()
        of = [name, f"{name}-aaa-bbb", "web"]
        assert await it.rows(LINES) == [["one", *of], ["two", *of]]
        with file.open("ab") as more:
            more.write(b"f\n\xff\n")
        collect.look()
        assert [row[0] for row in await it.rows(LINES)] == ["one", "two", "half", "\N{REPLACEMENT CHARACTER}"]
        file.write_bytes(b"anew\n")
        collect.look()
        assert [row[0] for row in await it.rows(LINES)][-1] == "anew"
        assert await it.rows("ContainerAppConsoleLogs | where Stream == 'stdout' and Log has 'anew' | count") == [[1]]


async def test_the_life_of_a_revision_is_told_in_the_system_log(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        collect = collector(it)
        name = await it.cloud.create()
        await it.cloud.until(f"{APP}/revisions/{name}", runningState="Running")
        await it.cloud.arm.lifecycle.step()
        collect.look()
        collect.look()
        assert await it.rows(EVENTS) == [
            ["RevisionCreation", "Normal", f"Creating a new revision: {name}", name],
            [
                "AssigningReplica",
                "Normal",
                f"Replica '{name}-6c99484fc8-rs1t0' has been scheduled to run on a node.",
                name,
            ],
            ["ContainerCreated", "Normal", "Created container 'web'", name],
            ["ContainerStarted", "Normal", "Started container 'web'", name],
            ["RevisionReady", "Normal", f"Successfully provisioned revision '{name}'", name],
        ]


async def test_a_container_that_ends_again_and_again_is_a_warning(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        collect = collector(it)
        first = await it.cloud.create()
        collect.look()
        it.cloud.plane.put(first, ready=False, restarts=3, failed="Container crashing: web", exit_code=137)
        await it.cloud.arm.lifecycle.step()
        collect.look()
        it.cloud.plane.put(first, ready=False, restarts=4, failed="Pending:ImagePullBackOff on legion")
        await it.cloud.arm.lifecycle.step()
        collect.look()
        ended = "Container 'web' was terminated with exit code"
        assert await it.rows(f"{EVENTS} | where Type_s == 'Warning' | project Reason_s, Log_s") == [
            ["ContainerTerminated", f"{ended} '137' and reason 'ProcessExited'"],
            ["Error", f"Error provisioning revision {first}. ErrorCode: [ContainerCrashing]"],
            ["ContainerTerminated", f"{ended} '' and reason 'ContainerCreateFailure'"],
            ["Error", f"Error provisioning revision {first}. ErrorCode: [ErrImagePull]"],
        ]
        assert await it.rows("ContainerAppSystemLogs | where Type == 'Warning' | count") == [[4]]


async def test_a_process_that_does_not_listen_is_told_of_once_and_again_when_it_is_another(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        collect = collector(it)
        it.cloud.plane.ready = False
        name = await it.cloud.create()
        it.cloud.plane.put(name, ready=False, since=it.cloud.clock.now())
        told = f"{EVENTS} | where Reason_s == 'ProbeFailed' | project Type_s, Log_s"

        async def looks() -> int:
            await it.cloud.arm.lifecycle.step()
            collect.look()
            return len(await it.rows(told))

        assert await looks() == 0
        it.cloud.clock.advance(timedelta(seconds=2))
        assert [await looks(), await looks()] == [1, 1]
        it.cloud.plane.put(name, ready=False, restarts=1, since=it.cloud.clock.now())
        it.cloud.clock.advance(timedelta(seconds=2))
        assert await looks() == 2
        assert await it.rows(told) == [["Warning", "Probe of StartUp failed with status code: 1"]] * 2


async def test_a_deactivation_is_told_once(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        collect = collector(it)
        first = await it.cloud.create()
        await it.cloud.patch({"template": image("2", revisionSuffix="two")})
        collect.look()
        revision = next(r for app in it.cloud.arm.store.apps() for r in app.revisions if r.name == first)
        revision.stopping = True
        collect.look()
        collect.look()
        told = await it.rows(f"{EVENTS} | where Reason_s == 'RevisionDeactivating' | project Log_s")
        assert told == [[f"Deactivating revision: {first}"]]


async def test_a_deactivation_by_a_newer_revision_is_told_as_azure_does(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        collect = collector(it)
        first = await it.cloud.create("Single")
        collect.look()
        await it.cloud.patch({"template": image("2", revisionSuffix="two")})
        revision = next(r for app in it.cloud.arm.store.apps() for r in app.revisions if r.name == first)
        await until(lambda: revision.stopping)
        collect.look()
        told = await it.rows(f"{EVENTS} | where Reason_s == 'RevisionDeactivating' | project Log_s")
        assert told == [["Deactivating old revisions for ContainerApp 'web'"]]


def envelope(it: Served, duration: str = "00.00:00:00.250000", **more: Any) -> dict[str, Any]:
    """As azure-monitor-opentelemetry-exporter writes one."""
    data = {"ver": 2, "id": "1", "name": "GET /", "duration": duration, "responseCode": "200", "success": True}
    return {
        "ver": 1,
        "name": "Microsoft.ApplicationInsights.Request",
        "time": it.cloud.clock.now().isoformat(),
        "sampleRate": 100.0,
        "iKey": it.monitor.instrumentation_key,
        "tags": {"ai.cloud.roleInstance": "web--v1-aa-bb", "ai.cloud.role": "web", "ai.application.ver": "web--v1"},
        "data": {"baseType": "RequestData", "baseData": data},
        **more,
    }


async def track(it: Served, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    async with it.cloud.http.post(f"{it.ingestion}/v2.1/track", data=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_requests_come_as_an_array_or_one_a_line_gzipped_or_not(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        one = json.dumps(envelope(it)).encode()
        whole: dict[str, Any] = {"itemsReceived": 2, "itemsAccepted": 2, "appId": None, "errors": []}
        assert await track(it, b"[" + one + b"," + one + b"]") == (200, whole)
        assert await track(it, one + b"\n" + one) == (200, whole)
        zipped = gzip.compress(one + b"\n" + one)
        assert await track(it, zipped, **{"Content-Encoding": "gzip"}) == (200, whole)
        asked = "requests | summarize n = count(), max(duration) by cloud_RoleInstance, application_Version"
        assert await it.rows(asked, component=True) == [["web--v1-aa-bb", "web--v1", 6, 250]]


async def test_a_sampled_request_stands_for_several_and_other_telemetry_is_dropped(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        trace = envelope(it, data={"baseType": "MessageData", "baseData": {"message": "x"}})
        sampled = envelope(it, "1.02:03:04.5", sampleRate=20)
        status, _ = await track(it, json.dumps([trace, sampled]).encode())
        milliseconds = (((26 * 60) + 3) * 60 + 4.5) * 1000
        assert status == 200
        assert await it.rows("AppRequests | project ItemCount, DurationMs") == [[5, milliseconds]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"iKey": "other"}, "Invalid instrumentation key"),
        ({"data": None}, "103: Field 'data' on type 'Envelope' is required but missing or empty."),
        ({"time": "now"}, "103: Field 'data'"),
    ],
)
async def test_an_item_that_cannot_be_taken_is_named_and_the_others_are_taken(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    async with monitor(tmp_path) as it:
        bad = envelope(it, **change)
        status, answer = await track(it, json.dumps([envelope(it), bad]).encode())

        assert (status, answer["itemsAccepted"], answer["errors"][0]["index"]) == (206, 1, 1)
        assert answer["errors"][0]["message"].startswith(said)
        assert (await track(it, json.dumps([bad]).encode()))[0] == 400
        assert await it.rows("AppRequests | count") == [[1]]


async def test_a_body_that_is_no_json_is_refused(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        assert (await track(it, b"{"))[0] == 400
