"""Labels mode: new revisions get the target label, what has none is shut down, and each label keeps its history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.arm.knobs import Knobs
from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from localcloud.state import State
from tests.localcloud.arm.cloud import APP, QUICK, Answer, Cloud, app_body, cloud, image, to, traffic
from tests.localcloud.arm.fake_plane import FakeDataPlane
from tests.localcloud.arm.test_sdk import sdk

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.dataplane.model import Workload

PREVIEW, STABLE = "2025-02-02-preview", "2026-07-01"
ONE = "web--one"


async def write(it: Cloud, method: str, body: dict[str, Any], version: str = PREVIEW) -> Answer:
    answer = await it.ask(method, APP, body, version)
    if answer.status >= 400:
        return answer
    ended = await it.end(answer)
    await it.arm.lifecycle.step()
    return ended


async def patch(it: Cloud, configuration: dict[str, Any], template: dict[str, Any] | None = None) -> Answer:
    properties = {"configuration": configuration, **({"template": template} if template else {})}
    return await write(it, "PATCH", {"properties": properties})


async def create(it: Cloud, label: str = "prod") -> None:
    body = app_body("labels", revisionSuffix="one")
    body["properties"]["configuration"]["targetLabel"] = label
    assert (await write(it, "PUT", body)).body["status"] == "Succeeded"


async def records(it: Cloud, label: str) -> list[tuple[Any, ...]]:
    """(revision, whether it is over, status) of each, newest first."""
    found = await it.ask("GET", f"{APP}/labelHistory/{label}", version=PREVIEW)
    return [(one["revision"], "stop" in one, one["status"]) for one in found.body["properties"]["records"]]


@pytest.mark.fidelity(49)
async def test_a_recorded_split_between_two_labels_goes_the_same_way() -> None:
    """azure-cli-extensions, .../recordings/test_containerapp_ingress_traffic_labels_e2e.yaml, of 2024-11-26."""
    version = "2024-10-02-preview"
    async with cloud() as it:
        body = app_body("labels")
        body["properties"]["configuration"] |= {"targetLabel": "label1", "secrets": None, "service": None}
        put = await it.ask("PUT", APP, body, version)
        assert put.body["properties"]["configuration"]["ingress"]["traffic"] is None
        await it.end(put)
        found = (await it.ask("GET", APP, version=version)).body["properties"]
        first = found["latestRevisionName"]
        assert (found["configuration"]["activeRevisionsMode"], found["configuration"]["targetLabel"]) == (
            "Labels",
            "label1",
        )
        assert found["configuration"]["ingress"]["traffic"] == [to(first, 100, label="label1")]

        template = {**image("1.0.0"), "revisionSuffix": None}
        template["containers"][0]["resources"] = {"cpu": 1.0, "memory": "2Gi"}
        update = {"properties": {"template": template, "configuration": {"targetLabel": "label2"}}}
        await write(it, "PATCH", update, version)
        entries = [to(first, 100, label="label1"), to("web--0000001", 0, label="label2")]
        assert (await it.properties())["configuration"]["ingress"]["traffic"] == entries
        revisions = (await it.ask("GET", f"{APP}/revisions")).body["value"]
        assert [(r["properties"]["active"], r["properties"]["trafficWeight"]) for r in revisions] == [
            (True, 100),
            (True, 0),
        ]

        split = [to(first, 80, label="label1"), to("web--0000001", 20, label="label2")]
        await write(it, "PATCH", {"properties": {"configuration": traffic(*split)}}, version)
        older = (await it.ask("GET", APP, version="2024-03-01")).body["properties"]["configuration"]
        assert (older["activeRevisionsMode"], "targetLabel" in older) == ("Labels", False)
        assert older["ingress"]["traffic"] == split
        assert it.plane.served["web.wb.localhost"] == ((first, 80), ("web--0000001", 20))
        assert it.plane.served["web---label2.wb.localhost"] == (("web--0000001", 100),)


@pytest.mark.fidelity(49)
@pytest.mark.parametrize(("value", "meanwhile"), [("ready", ONE), ("at_once", "web--two")])
async def test_a_label_in_use_moves_with_its_weight_and_its_old_revision_is_shut_down(
    value: str, meanwhile: str
) -> None:
    async with cloud(knobs=Knobs(label_serves=value)) as it:
        await create(it)
        it.plane.ready = False
        await patch(it, {}, image("2", revisionSuffix="two"))
        assert (await it.properties())["configuration"]["ingress"]["traffic"] == [to("web--two", 100, label="prod")]
        assert it.plane.served["web.wb.localhost"] == ((meanwhile, 100),)
        assert it.plane.served["web---prod.wb.localhost"] == ((meanwhile, 100),)

        it.plane.put("web--two", ready=True)
        await it.until(f"{APP}/revisions/{ONE}", active=False)
        assert it.plane.served["web.wb.localhost"] == (("web--two", 100),)
        assert await records(it, "prod") == [("web--two", False, "Succeeded"), (ONE, True, "Succeeded")]


async def test_a_label_moves_to_the_revision_of_the_same_request_without_a_gap() -> None:
    class Watched(FakeDataPlane):
        """Everything is looked at, and routed anew, while a revision is being begun."""

        async def start(self, workload: Workload) -> None:
            if workload.revision != ONE:
                await it.arm.lifecycle.step()
            await super().start(workload)

    async with cloud(plane=Watched()) as it:
        await create(it)
        it.plane.routes.clear()
        await patch(it, traffic(to("web--two", 100, label="prod")), image("2", revisionSuffix="two"))
        await it.until(f"{APP}/revisions/{ONE}", active=False)
        assert {routes["web.wb.localhost"] for routes in it.plane.routes} == {((ONE, 100),), (("web--two", 100),)}


@pytest.mark.fidelity(49)
async def test_users_of_a_label_see_nothing_of_a_revision_that_never_becomes_ready() -> None:
    async with cloud() as it:
        await create(it)
        it.plane.ready = False
        await patch(it, {}, image("2", revisionSuffix="two"))
        assert await records(it, "prod") == [("web--two", False, "Starting"), (ONE, True, "Succeeded")]
        it.clock.advance(timedelta(seconds=QUICK.progress + 1))
        await it.until(f"{APP}/revisions/web--two", runningState="Degraded")
        await it.arm.lifecycle.step()

        assert await records(it, "prod") == [("web--two", False, "Failed"), (ONE, True, "Succeeded")]
        assert it.plane.served["web.wb.localhost"] == ((ONE, 100),)
        assert (await it.revision(ONE))["active"]


@pytest.mark.fidelity(49)
async def test_a_label_that_goes_back_activates_its_old_revision_and_shuts_the_new_one_down() -> None:
    async with cloud() as it:
        await create(it)
        await patch(it, {}, image("2", revisionSuffix="two"))
        await it.until(f"{APP}/revisions/{ONE}", active=False)
        await patch(it, traffic(to(ONE, 100, label="prod")))
        await it.until(f"{APP}/revisions/{ONE}", active=True, runningState="Running")
        await it.until(f"{APP}/revisions/web--two", active=False)

        assert it.plane.served["web---prod.wb.localhost"] == ((ONE, 100),)
        assert [one[:2] for one in await records(it, "prod")] == [(ONE, False), ("web--two", True), (ONE, True)]


@pytest.mark.fidelity(49)
async def test_a_label_that_is_taken_away_ends_and_so_do_all_when_the_mode_is_left() -> None:
    async with cloud() as it:
        await create(it)
        await patch(it, {"targetLabel": "dev"}, image("2", revisionSuffix="two"))
        await patch(it, traffic(to(ONE, 100, label="prod")))
        await it.until(f"{APP}/revisions/web--two", active=False)
        assert await records(it, "dev") == [("web--two", True, "Succeeded")]
        assert "web---dev.wb.localhost" not in it.plane.served

        await patch(it, {"activeRevisionsMode": "Multiple"})
        assert await records(it, "prod") == [(ONE, True, "Succeeded")]
        await patch(it, {}, image("3", revisionSuffix="three"))
        assert (await it.revision(ONE))["active"]
        assert (await it.properties())["configuration"]["ingress"]["traffic"] == [to(ONE, 100, label="prod")]


@pytest.mark.fidelity(49)
async def test_labels_of_a_revision_are_told_by_the_previews_that_know_them() -> None:
    async with cloud() as it:
        await create(it)
        for version, said in ((PREVIEW, ["prod"]), ("2024-10-02-preview", None), (STABLE, None)):
            one = await it.ask("GET", f"{APP}/revisions/{ONE}", version=version)
            page = await it.ask("GET", f"{APP}/revisions", version=version)
            assert [r["properties"].get("labels") for r in (one.body, *page.body["value"])] == [said, said]


@pytest.mark.fidelity(49)
async def test_labels_mode_is_refused_by_versions_that_have_none_and_without_what_it_needs() -> None:
    async with cloud() as it:
        mode = await it.ask("PUT", APP, app_body("Labels"), STABLE)
        assert (mode.status, mode.body["error"]["code"]) == (400, "ContainerAppInvalidActiveRevisionsMode")
        bare = await it.ask("PUT", APP, app_body("Labels"), PREVIEW)
        assert (bare.status, bare.body["error"]["code"]) == (400, "ContainerAppTargetLabelRequired")
        await it.create(revisionSuffix="one")
        switch = {"activeRevisionsMode": "labels", "targetLabel": "prod"}
        unlabelled = await patch(it, switch)  # the stored array is all to the latest
        assert (unlabelled.status, unlabelled.body["error"]["code"]) == (400, "ContainerAppInvalidTrafficLabel")

        await patch(it, {**switch, **traffic({"latestRevision": True, "weight": 100, "label": "prod"})})
        assert (await it.properties())["configuration"]["ingress"]["traffic"] == [to(ONE, 100, label="prod")]
        kept = await write(it, "PATCH", {"properties": {"configuration": {"targetLabel": "dev"}}}, STABLE)
        assert kept.body["status"] == "Succeeded"
        shown = (await it.ask("GET", APP, version=PREVIEW)).body["properties"]["configuration"]
        assert shown["targetLabel"] == "prod"


@pytest.mark.fidelity(49)
async def test_the_history_has_one_address_in_previews_and_another_in_the_stable_version() -> None:
    async with cloud() as it:
        await create(it)
        for kind, version in (("labelHistory", PREVIEW), ("labelHistories", STABLE)):
            page = await it.ask("GET", f"{APP}/{kind}", version=version)
            (one,) = page.body["value"]
            assert (one["name"], one["type"]) == ("prod", f"Microsoft.App/containerApps/{kind}")
            assert one["id"] == f"{APP}/{kind}/prod"
            assert (await it.ask("GET", f"{APP}/{kind}/PROD", version=version)).body == one
            absent = await it.ask("GET", f"{APP}/{kind}/dev", version=version)
            assert (absent.status, absent.body["error"]["code"]) == (404, "ContainerAppLabelHistoryNotFound")
            filtered = await it.ask("GET", f"{APP}/{kind}?$filter=x", version=version)
            assert (filtered.status, "$filter" in filtered.body["error"]["message"]) == (501, True)
        for kind, version in (("labelHistory", STABLE), ("labelHistories", PREVIEW), ("labelHistories", "2026-01-01")):
            wrong = await it.ask("GET", f"{APP}/{kind}", version=version)
            assert (wrong.status, wrong.body["error"]["code"]) == (400, "NoRegisteredProviderFound")


@pytest.mark.fidelity(49)
async def test_deleting_a_history_forgets_what_is_over_and_a_label_that_is_not_in_use() -> None:
    async with cloud() as it:
        await create(it)
        await patch(it, {"targetLabel": "dev"}, image("2", revisionSuffix="two"))
        await patch(it, traffic(to("web--two", 100, label="prod")))
        assert [(await records(it, label))[-1][1] for label in ("prod", "dev")] == [True, True]
        for label in ("prod", "dev"):
            assert (await it.ask("DELETE", f"{APP}/labelHistory/{label}", version=PREVIEW)).status == 200
        assert await records(it, "prod") == [("web--two", False, "Succeeded")]
        assert (await it.ask("DELETE", f"{APP}/labelHistory/dev", version=PREVIEW)).status == 204


async def test_the_sdk_reads_the_history_of_labels(tmp_path: Path) -> None:
    async with sdk("http", tmp_path) as (it, client):
        await create(it)
        histories = client.container_apps_label_history
        (one,) = [found async for found in histories.list_label_history("rg-local", "web")]
        assert one == await histories.get_label_history("rg-local", "web", "prod")
        assert [(r.revision, r.stop, r.status) for r in one.properties.records] == [(ONE, None, "Succeeded")]
        assert one.properties.records[0].start.tzinfo is not None
        await histories.delete_label_history("rg-local", "web", "prod")


async def test_labels_are_kept_from_one_run_to_the_next(tmp_path: Path) -> None:
    state = State(tmp_path)
    try:
        async with cloud() as it:
            await create(it)
            await patch(it, {"targetLabel": "dev"}, image("2", revisionSuffix="two"))
            await patch(it, traffic(to("web--two", 100, label="prod")))
            state.save(it.arm, EventGrid(clock=Clock()))
            before = [await records(it, label) for label in ("prod", "dev")]
        async with cloud(plane=FakeDataPlane()) as it:
            await state.load(it.arm, EventGrid(clock=it.clock))
            await it.arm.lifecycle.step()
            assert [await records(it, label) for label in ("prod", "dev")] == before
            assert it.plane.served["web---prod.wb.localhost"] == (("web--two", 100),)
    finally:
        state.close()
