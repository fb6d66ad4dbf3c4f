"""Revisions: what makes one, how it is named, and what it says of itself from its beginning to its end."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.localcloud.arm.cloud import APP, QUICK, VERSION, app_body, cloud, image, to, traffic, until
from tests.localcloud.arm.fake_plane import FakeDataPlane


def states(properties: dict[str, Any]) -> tuple[Any, ...]:
    return (
        properties["active"],
        properties["provisioningState"],
        properties["healthState"],
        properties["runningState"],
        properties["replicas"],
    )


@pytest.mark.fidelity(17, 21)
async def test_only_a_changed_template_makes_a_revision() -> None:
    async with cloud() as it:
        first = await it.create()
        await it.patch({"template": image("1.0.0")})
        await it.patch({"configuration": {"maxInactiveRevisions": 5}})
        assert [r["name"] for r in (await it.ask("GET", f"{APP}/revisions")).body["value"]] == [first]

        await it.patch({"template": image("2")})
        await it.patch({"template": image("3")})

        names = [r["name"] for r in (await it.ask("GET", f"{APP}/revisions")).body["value"]]
        assert names == [first, "web--0000001", "web--0000002"]
        assert len(first) == len("web--") + 7


@pytest.mark.fidelity(11, 22, 54)
async def test_a_revision_of_one_template_is_as_recorded() -> None:
    async with cloud() as it:
        name = await it.create()
        answer = await it.ask("GET", f"{APP}/revisions/{name}")

        assert answer.body["type"] == "Microsoft.App/containerapps/revisions"
        assert answer.body["id"] == f"{APP}/revisions/{name}"
        properties = answer.body["properties"]
        assert properties["fqdn"] == f"{name}.wb.localhost"
        assert properties["createdTime"].endswith("+00:00")
        assert properties["template"]["revisionSuffix"] is None
        container = properties["template"]["containers"][0]
        assert (container["probes"], container["resources"]) == ([], {"cpu": 0.5, "memory": "1Gi"})


@pytest.mark.fidelity(18, 19)
async def test_a_suffix_is_inherited_and_collides_with_another_template() -> None:
    async with cloud() as it:
        await it.create(revisionSuffix="one")
        accepted = await it.patch({"template": image("1.0.0")})
        collided = await it.patch({"template": image("2")})
        properties = await it.properties()

        assert accepted.body["status"] == "Succeeded"
        assert collided.body["status"] == "Failed"
        assert collided.body["error"] == {
            "code": "ContainerAppOperationError",
            "message": "Failed to provision revision for container app 'web'. Error details: The following field(s) "
            "are either invalid or missing. Field 'template.revisionsuffix' is invalid with details: 'Invalid value: "
            '"one": revision with suffix one already exists.\';..',
        }
        assert properties["template"]["containers"][0]["image"].endswith(":1.0.0")
        assert list(it.plane.running) == ["web--one"]
        assert (await it.patch({"template": image("2", revisionSuffix=None)})).body["status"] == "Succeeded"
        assert (await it.properties())["template"]["revisionSuffix"] == ""


@pytest.mark.parametrize("suffix", ["a" * 50, "UPPER", "double--hyphen", "ends-"])
@pytest.mark.fidelity(20)
async def test_a_suffix_that_azure_refuses_is_refused_at_once(suffix: str) -> None:
    async with cloud() as it:
        await it.create()
        answer = await it.ask("PATCH", APP, {"properties": {"template": image("2", revisionSuffix=suffix)}})

        assert (answer.status, answer.body["error"]["code"]) == (400, "ContainerAppInvalidRevisionName")


@pytest.mark.fidelity(35)
async def test_an_image_that_cannot_be_pulled_fails_the_operation_and_makes_no_revision() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.missing["weighbridge.azurecr.io/shop/web:gone"] = "MANIFEST_UNKNOWN"
        failed = await it.patch({"template": image("gone"), "configuration": traffic(to(name, 100))})

        assert failed.body["status"] == "Failed"
        assert "Field 'template.containers.web.image' is invalid" in failed.body["error"]["message"]
        assert "MANIFEST_UNKNOWN" in failed.body["error"]["message"]
        properties = await it.properties()
        assert properties["provisioningState"] == "Failed"
        assert properties["configuration"]["ingress"]["traffic"] == [{"weight": 100, "latestRevision": True}]
        assert [r["name"] for r in (await it.ask("GET", f"{APP}/revisions")).body["value"]] == [name]


@pytest.mark.fidelity(32)
async def test_an_operation_succeeds_before_its_revision_is_ready_and_the_ready_pointer_trails() -> None:
    async with cloud() as it:
        first = await it.create()
        await it.until(APP, latestReadyRevisionName=first)
        it.plane.ready = False
        assert (await it.patch({"template": image("2")})).body["status"] == "Succeeded"

        properties = await it.properties()
        second = properties["latestRevisionName"]
        assert properties["latestReadyRevisionName"] == first
        assert states(await it.revision(second)) == (True, "Provisioned", "None", "Activating", 1)
        assert (await it.revision(second))["trafficWeight"] == 100
        assert it.plane.served["web.wb.localhost"] == ((first, 100),)

        it.plane.put(second, ready=True)
        await it.until(APP, latestReadyRevisionName=second)
        assert states(await it.revision(second)) == (True, "Provisioned", "Healthy", "Running", 1)
        assert it.plane.served["web.wb.localhost"] == ((second, 100),)


@pytest.mark.fidelity(32)
async def test_an_app_s_first_revision_is_its_latest_ready_one_before_it_is_ready() -> None:
    """Recorded in containerapp_exec of 2025: told as soon as the operation has ended, while the image is pulled."""
    async with cloud() as it:
        it.plane.ready = False
        first = await it.create()

        assert (await it.properties())["latestReadyRevisionName"] == first
        assert states(await it.revision(first))[1:4] == ("Provisioned", "None", "Activating")


@pytest.mark.fidelity(33)
async def test_a_revision_at_its_most_replicas_says_so() -> None:
    async with cloud() as it:
        name = await it.create(scale={"minReplicas": 2, "maxReplicas": 2})

        assert states(await it.revision(name)) == (True, "Provisioned", "Healthy", "RunningAtMaxScale", 2)


@pytest.mark.fidelity(33, 34)
async def test_a_crash_loop_is_told_in_azures_words_and_never_becomes_latest_ready() -> None:
    async with cloud() as it:
        first = await it.create()
        it.plane.ready = False
        await it.patch({"template": image("2", revisionSuffix="bad")})
        it.plane.put("web--bad", ready=False, restarts=3, failed="Container crashing: web")

        properties = await it.until(f"{APP}/revisions/web--bad", provisioningState="Failed")
        assert states(properties) == (True, "Failed", "Unhealthy", "Failed", 1)
        assert properties["provisioningError"] == "Container crashing: web"
        assert properties["runningStateDetails"] == "1/1 Container crashing: web"
        assert (await it.properties())["latestReadyRevisionName"] == first


async def test_one_that_was_healthy_and_fails_stays_provisioned() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.arm.lifecycle.step()
        it.plane.put(name, ready=False, failed="Container crashing: web")

        properties = await it.until(f"{APP}/revisions/{name}", runningState="Failed")
        assert states(properties)[1:3] == ("Provisioned", "Unhealthy")


@pytest.mark.fidelity(33, 34)
async def test_one_that_never_becomes_ready_is_degraded_after_its_deadline() -> None:
    async with cloud(plane=FakeDataPlane(ready=False)) as it:
        name = await it.create()
        it.clock.advance(timedelta(seconds=QUICK.progress + 1))

        properties = await it.revision(name)
        assert states(properties)[1:4] == ("Provisioned", "Unhealthy", "Degraded")
        assert properties["runningStateDetails"] == "Deployment Progress Deadline Exceeded. 0/1 replicas ready."


@pytest.mark.fidelity(28, 37)
async def test_deactivating_answers_at_once_drains_and_leaves_the_traffic_array() -> None:
    async with cloud(replace(QUICK, drain=30)) as it:
        first = await it.create()
        await it.patch({"template": image("2"), "configuration": traffic(to(first, 100))})
        second = (await it.properties())["latestRevisionName"]
        answer = await it.ask("POST", f"{APP}/revisions/{second}/deactivate")

        assert (answer.status, answer.body) == (200, "Deactivate succeeded")
        draining = await it.until(f"{APP}/revisions/{second}", runningState="Deprovisioning")
        assert draining["active"] is True
        stopped = await it.until(f"{APP}/revisions/{second}", skip=31, active=False)
        assert states(stopped) == (False, "Provisioned", "Healthy", "Stopped", 0)
        assert stopped["lastActiveTime"]
        assert (await it.properties())["configuration"]["ingress"]["traffic"] == [to(first, 100)]
        assert it.plane.told[-2:] == ["route", f"stop {second}"]
        assert f"{second}.wb.localhost" not in it.plane.served


@pytest.mark.fidelity(36)
async def test_deactivating_a_failed_revision_erases_its_error() -> None:
    async with cloud(plane=FakeDataPlane(ready=False)) as it:
        name = await it.create()
        it.plane.put(name, ready=False, failed="Container crashing: web")
        await it.until(f"{APP}/revisions/{name}", provisioningState="Failed")
        await it.ask("POST", f"{APP}/revisions/{name}/deactivate")

        stopped = await it.until(f"{APP}/revisions/{name}", active=False)
        assert states(stopped)[1:4] == ("Provisioned", "Healthy", "Stopped")
        assert "provisioningError" not in stopped


@pytest.mark.fidelity(36, 39)
async def test_an_inactive_revision_is_listed_and_comes_back_when_activated() -> None:
    async with cloud() as it:
        first = await it.create()
        await it.patch({"template": image("2")})
        await it.ask("POST", f"{APP}/revisions/{first}/deactivate")
        await it.until(f"{APP}/revisions/{first}", active=False)
        listed = await it.ask("GET", f"{APP}/revisions")
        answer = await it.ask("POST", f"{APP}/revisions/{first}/activate")

        assert listed.body["value"][0]["properties"]["active"] is False
        assert (answer.status, answer.body) == (200, "Activate succeeded")
        assert states(await it.until(f"{APP}/revisions/{first}", healthState="Healthy", active=True))[3] == "Running"


async def test_an_image_that_is_gone_keeps_an_activated_revision_from_coming_back() -> None:
    async with cloud() as it:
        first = await it.create()
        await it.patch({"template": image("2")})
        await it.ask("POST", f"{APP}/revisions/{first}/deactivate")
        await it.until(f"{APP}/revisions/{first}", active=False)
        it.plane.missing["weighbridge.azurecr.io/shop/web:1.0.0"] = "MANIFEST_UNKNOWN"
        await it.ask("POST", f"{APP}/revisions/{first}/activate")

        failed = await it.until(f"{APP}/revisions/{first}", provisioningState="Failed")
        assert failed["provisioningError"] == "Pending:ImagePullBackOff on legion"


@pytest.mark.fidelity(37)
async def test_one_that_drains_is_activated_at_once_and_stays() -> None:
    """Recorded in scale_revision_copy: activated four seconds after it was deactivated, with a replica at once."""
    async with cloud(replace(QUICK, drain=30)) as it:
        first = await it.create()
        await it.patch({"template": image("2", revisionSuffix="two"), "configuration": traffic(to(first, 100))})
        await it.ask("POST", f"{APP}/revisions/web--two/deactivate")
        await it.until(f"{APP}/revisions/web--two", runningState="Deprovisioning")
        await it.ask("POST", f"{APP}/revisions/web--two/activate")
        await it.until(f"{APP}/revisions/web--two", runningState="Running")
        assert "web--two.wb.localhost" in it.plane.served
        it.clock.advance(timedelta(seconds=31))
        await until(lambda: not it.arm.lifecycle._tasks)
        assert (await it.revision("web--two"))["active"] is True
        assert "stop web--two" not in it.plane.told


async def test_restarting_begins_other_processes() -> None:
    async with cloud() as it:
        name = await it.create()
        answer = await it.ask("POST", f"{APP}/revisions/{name}/restart")

        assert (answer.status, answer.body) == (200, "Restart succeeded")
        await it.until(f"{APP}/revisions/{name}", runningState="Running")
        assert [t for t in it.plane.told if t != "route"] == [f"start {name}", f"stop {name}", f"start {name}"]


@pytest.mark.fidelity(40)
async def test_a_replica_that_a_restart_ended_is_listed_a_while_as_not_running() -> None:
    """Recorded in scale_revision_copy, 29 seconds after the restart."""
    async with cloud(replace(QUICK, drain=30)) as it:
        name = await it.create()
        path = f"{APP}/revisions/{name}/replicas"
        (old,) = (await it.ask("GET", path)).body["value"]
        it.clock.advance(timedelta(seconds=5))
        await it.ask("POST", f"{APP}/revisions/{name}/restart")
        await until(lambda: it.plane.told[-1] == f"start {name}")

        new, ended = (await it.ask("GET", path)).body["value"]
        assert (new["properties"]["runningState"], ended["properties"]["runningState"]) == ("Running", "NotRunning")
        assert new["properties"]["createdTime"] > old["properties"]["createdTime"]
        told = "Container web was terminated with reason: Terminated, exit code: 0."
        assert ended["properties"]["runningStateDetails"].endswith(told)
        assert ended["properties"]["containers"] == old["properties"]["containers"]
        assert (await it.ask("GET", f"{path}/{old['name']}")).body == ended
        it.clock.advance(timedelta(seconds=31))
        assert (await it.ask("GET", path)).body["value"] == [new]


@pytest.mark.fidelity(30, 38)
async def test_in_single_mode_the_old_revision_serves_until_the_new_one_is_ready_and_then_goes() -> None:
    async with cloud() as it:
        first = await it.create("Single")
        await it.until(APP, latestReadyRevisionName=first)
        it.plane.ready = False
        await it.patch({"template": image("2")})
        second = (await it.properties())["latestRevisionName"]
        assert it.plane.served["web.wb.localhost"] == ((first, 100),)
        it.plane.put(second, ready=True)

        await it.until(f"{APP}/revisions/{first}", active=False)
        assert it.plane.served["web.wb.localhost"] == ((second, 100),)
        stopped = it.plane.told.index(f"stop {first}")
        assert it.plane.told[stopped - 1] == "route"


@pytest.mark.parametrize("drains", [True, False])
async def test_leaving_single_mode_saves_a_revision_that_has_not_begun_to_drain(*, drains: bool) -> None:
    """Recorded in revision_label_e2e: of February 2024 one that drained and ended, of April one that ran on."""
    async with cloud(replace(QUICK, activate=10, drain=30)) as it:
        first = await it.create("Single")
        await it.patch({"template": image("2")})
        await until(lambda: bool(it.arm.lifecycle._tasks))
        if drains:
            await it.until(f"{APP}/revisions/{first}", skip=1, runningState="Deprovisioning")
        began = it.clock.now()
        await it.patch({"configuration": {"activeRevisionsMode": "Multiple"}})
        await it.arm.lifecycle.step()

        def over() -> bool:
            it.clock.advance(timedelta(seconds=31))
            return not it.arm.lifecycle._tasks

        await until(over)
        assert (await it.revision(first))["active"] is not drains
        ended = (await it.revision(first)).get("lastActiveTime")  # when it began to drain: revision_labels_mode_e2e
        assert (ended is not None and datetime.fromisoformat(ended) <= began) is drains
        assert (f"{first}.wb.localhost" in it.plane.served) is not drains
        assert (first in it.plane.running) is not drains


@pytest.mark.fidelity(40)
async def test_replicas_are_listed_and_got_with_a_trailing_slash_too() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.put(name, ready=True, restarts=2)
        await it.until(f"{APP}/revisions/{name}", runningState="Running")
        listed = (await it.ask("GET", f"{APP}/revisions/{name}/replicas")).body["value"]
        path = f"{APP}/revisions/{name}/replicas/{listed[0]['name']}/"
        one = await it.ask("GET", f"{it.base}{path}?api-version={VERSION}")

        assert one.body["type"] == "Microsoft.App/containerapps/revisions/replicas"
        container = one.body["properties"]["containers"][0]
        assert (container["name"], container["ready"], container["started"]) == ("web", True, True)
        told = container["runningStateDetails"]
        assert re.fullmatch(r"Container started at: \d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M\.", told, re.ASCII)


async def test_a_workload_is_the_first_container_with_what_azure_adds() -> None:
    async with cloud() as it:
        body = app_body()
        container = body["properties"]["template"]["containers"][0]
        container |= {"command": ["serve"], "args": ["--fast"], "env": [{"name": "A", "value": "1"}]}
        await it.end(await it.ask("PUT", APP, body))
        workload = next(iter(it.plane.running.values()))

        assert (workload.command, workload.args, workload.port, workload.replicas) == (("serve",), ("--fast",), 80, 1)
        assert workload.env["A"] == "1"
        assert workload.env["CONTAINER_APP_REVISION"] == workload.revision


async def test_a_container_that_was_started_again_says_when_its_process_was() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.put(name, ready=True, restarts=1, since=datetime(2026, 1, 2, 0, 4, 5, tzinfo=UTC))
        await it.arm.lifecycle.step()
        (replica,) = (await it.ask("GET", f"{APP}/revisions/{name}/replicas")).body["value"]
        (container,) = replica["properties"]["containers"]
        assert container["runningStateDetails"] == "Container started at: 1/2/2026 12:04:05 AM."
