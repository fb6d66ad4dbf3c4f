"""Real pushes, real storage, a real Envoy and the Functions host: what a user of the app sees is what is asserted.

The stories play at the same time, each on an app of its own, so that together they take as long as the longest.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from localcloud import samples
from scripts.demo.stage import ASK_SECONDS
from tests.e2e.acts import WITHIN, Act, play_all

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
SCAN = "critical 0, within 1h else hold"


async def promote(act: Act) -> None:
    await act.push("1.1.0")
    await act.end("1.1.0")
    await act.seen("1.1.0", 20)


async def roll_back(act: Act) -> None:
    await act.push("1.9.9", samples.bad("1.9.9", 0.3))
    await act.end("1.9.9")


async def crash(act: Act) -> None:
    await act.push("1.9.8", samples.crash("1.9.8"))
    await act.end("1.9.8")


async def supersede(act: Act) -> None:
    await act.push("1.4.0")
    await act.seen("1.4.0")
    await act.push("1.5.0")
    await act.end("1.4.0")
    await act.end("1.5.0")


async def scan_then_push(act: Act) -> None:
    await act.scanned(samples.good("1.6.0").digest, critical=0)
    await act.push("1.6.0")
    await act.end("1.6.0")


async def push_then_scan(act: Act) -> None:
    digest = await act.push("1.7.0")

    async def waits() -> bool:
        return any(r.get("phase") == "waiting" for r in await act.stage.rollouts(act.name))

    await act.stage.wait_for(waits, within=WITHIN, every=ASK_SECONDS)
    await act.scanned(digest, critical=0)
    await act.end("1.7.0")


async def scanned_bad(act: Act) -> None:
    digest = await act.push("1.8.0")
    await act.scanned(digest, critical=1)
    await act.end("1.8.0")


async def scanned_never(act: Act) -> None:
    await act.push("1.8.1")
    await act.end("1.8.1")


async def undone(act: Act) -> None:
    digest = await act.push("1.1.0")
    await act.end("1.1.0")
    await act.stage.order("undo", name=act.name, digest=digest)
    await act.ended_again(2)


async def widened(act: Act) -> None:
    """A row that refused the image is edited: nothing is pushed again."""
    await act.push("1.1.0")
    await act.edit(Tags="semver: <2")
    await act.end("1.1.0")


async def after_staging(act: Act) -> None:
    """Production takes what staging has promoted, and is woken by that."""
    await act.stage.create_app("1.0.0", name=f"{act.name}-stg", repository=act.repository)
    await act.stage.put_policy("staging", repository=act.repository, **act.row(f"{act.name}-stg"), Notify="none")
    await act.push("1.1.0")
    await act.end("1.1.0")


STORIES = {
    promote: {},
    roll_back: {},
    crash: {},
    supersede: {"Steps": "10% for 30s, 100% for 2s"},
    scan_then_push: {"Scan": SCAN},
    push_then_scan: {"Scan": SCAN},
    scanned_bad: {"Scan": SCAN},
    scanned_never: {"Scan": "critical 0, within 3s else reject"},
    undone: {},
    widened: {"Tags": "semver: <1"},
    after_staging: {"After": "staging"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acts(stage: Stage) -> dict[str, Act]:
    return await play_all(stage, STORIES)


async def test_a_good_push_is_promoted_and_no_request_is_lost(acts):
    act = acts["promote"]
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0
    assert act.weights == {"1.1.0": 100}


async def test_a_bad_push_is_rolled_back_quarantined_and_stable_fails_nobody(acts):
    act = acts["roll_back"]
    assert act.phases == ["rolled_back"]
    assert act.failed_by_stable == 0
    assert act.weights == {"1.0.0": 100}
    app = await act.stage.api(f"apps/{act.stage.at['resource_group']}%7C{act.name}")
    assert [q["digest"] for q in app["quarantine"]] == [samples.bad("1.9.9", 0.3).digest]


async def test_a_canary_that_crashes_never_gets_weight(acts):
    act = acts["crash"]
    assert act.phases == ["failed"]
    assert act.users.answered["1.9.8"] == 0
    assert act.users.failed.total() == 0


async def test_a_newer_push_supersedes_one_that_is_under_way(acts):
    act = acts["supersede"]
    assert act.phases == ["superseded", "promoted"]
    assert act.users.failed.total() == 0
    assert act.weights == {"1.5.0": 100}


@pytest.mark.parametrize("story", ["scan_then_push", "push_then_scan"])
async def test_a_clean_scan_opens_the_gate_whichever_comes_first(acts, story):
    assert acts[story].phases == ["promoted"]
    assert acts[story].users.failed.total() == 0


async def test_a_scan_with_a_critical_finding_ships_nothing(acts):
    act = acts["scanned_bad"]
    assert act.phases == ["rejected"]
    assert "1 critical" in act.ended[0]["because"]
    assert act.weights == {"1.0.0": 100}


async def test_a_scan_that_never_comes_rejects_in_its_time(acts):
    assert acts["scanned_never"].phases == ["rejected"]
    assert acts["scanned_never"].weights == {"1.0.0": 100}


async def test_an_undo_gives_the_old_revision_everything_back(acts):
    act = acts["undone"]
    assert act.phases == ["promoted", "rolled_back"]
    assert act.users.failed.total() == 0
    assert act.weights == {"1.0.0": 100}


async def test_a_widened_row_ships_what_its_registry_holds(acts):
    act = acts["widened"]
    assert act.phases == ["promoted"]
    assert act.weights == {"1.1.0": 100}


async def test_production_ships_after_staging(acts):
    act = acts["after_staging"]
    assert act.phases == ["promoted"]
    assert "staging" in str(act.ended[0])


async def test_the_installation_says_why_an_image_did_not_ship(acts):
    act = acts["scanned_bad"]
    image = f"{act.stage.at['login_server']}/{act.repository}:1.8.0"
    (row,) = (await act.stage.api(f"explain?image={image}"))["policies"]
    assert row["conclusion"].startswith("does not ship: scan: trivy at ")
    assert row["before"][0].startswith("rollout 1 rejected at ")


async def test_the_host_killed_in_mid_rollout_and_started_again_finishes_it(stage: Stage, acts):
    _ = acts  # the other stories are over: the host is theirs too
    act = Act(stage=stage, name="ca-killed", cells={"Steps": "10% for 3s, 100% for 2s"})
    await act.open()
    async with stage.users(20, name=act.name) as act.users:
        await act.push("2.0.0")
        await act.seen("2.0.0")
        await stage.functions.kill()
        await act.seen("2.0.0", act.users.answered["2.0.0"] + 3)
        await stage.functions.start()
        await act.end("2.0.0")
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0


async def test_malformed_repeated_and_oversized_events_are_answered_and_parked(stage: Stage):
    endpoint = stage.functions.event_endpoint("image_pushed")
    before = (await stage.api("health"))["parked"]
    huge = {"eventType": "Microsoft.ContainerRegistry.ImagePushed", "topic": "/", "data": {"x": "y" * 2_000_000}}
    bodies: list[Any] = [[{"eventType": 7}], [{"data": {}}], {"no": "event"}, [huge]]
    for body in bodies:
        for _ in range(2):
            text = io.BytesIO(json.dumps(body).encode())
            async with stage.http.post(endpoint, data=text, headers={"aeg-event-type": "Notification"}) as answer:
                assert answer.status == 202
    assert (await stage.api("health"))["parked"] == before + 4


async def test_repeated_and_late_events_change_nothing(stage: Stage, acts):
    """Every push event comes again, oldest last, after its story has ended."""
    endpoint = stage.functions.event_endpoint("image_pushed")
    finished = [(acts[name], rollout) for name in ("promote", "roll_back", "supersede") for rollout in acts[name].ended]
    for act, rollout in reversed(finished):
        body = json.dumps([_pushed(stage, act.repository, rollout)])
        async with stage.http.post(endpoint, data=body, headers={"aeg-event-type": "Notification"}) as answer:
            assert answer.status == 202
    await stage.wait_for(lambda: stage.queue_is_empty("ticks"), within=30)
    for act, _ in finished:
        assert await stage.weights(act.name) == act.weights
        assert len(await stage.rollouts(act.name)) == len(act.ended)


def _pushed(stage: Stage, repository: str, rollout: dict[str, Any]) -> dict[str, Any]:
    """The push event of a rollout, as Event Grid repeats it."""
    registry = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/"
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": rollout["digest"],
        "repository": repository,
        "tag": rollout["image"].rpartition(" ")[2],
    }
    return {
        "id": "again",
        "topic": registry + stage.at["login_server"].partition(".")[0],
        "eventType": "Microsoft.ContainerRegistry.ImagePushed",
        "data": {"timestamp": rollout["offered"], "target": target},
    }


async def test_every_webhook_is_signed_and_each_edge_is_told_once(stage: Stage, acts):
    _ = acts
    assert len(stage.hooks.got) > 20
    assert stage.hooks.bad == 0
    told = [event["id"] for event in stage.hooks.got]
    assert len(set(told)) == len(told) - stage.hooks.repeats
