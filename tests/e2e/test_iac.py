"""A template tool puts the whole app in mid-rollout: as docs/iac.md advises it disturbs nobody, else it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from localcloud.dataplane.fate import FateKind
from tests.e2e.acts import Act, play_all

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
SLOW = "25% for 20s, 100% for 2s"


def read_back(act: Act, live: dict[str, Any]) -> dict[str, Any]:
    """The file with what a rollout writes taken from the live app, as the module in docs/iac.md does."""
    body, found = act.file("1.0.0"), live["properties"]
    body["tags"] = {"team": "shop"}
    body["properties"]["configuration"]["ingress"]["traffic"] = found["configuration"]["ingress"]["traffic"]
    template = body["properties"]["template"]
    template["containers"][0]["image"] = found["template"]["containers"][0]["image"]
    template["revisionSuffix"] = found["template"]["revisionSuffix"]
    return body


async def advised(act: Act) -> None:
    """Applied again and again, from before the first weight to after the last."""
    for _ in range(3):
        await act.stage.put_app(read_back(act, await act.stage.app(act.name)), name=act.name)
    await act.push("1.1.0")
    await act.seen("1.1.0")
    for _ in range(3):
        await act.stage.put_app(read_back(act, await act.stage.app(act.name)), name=act.name)
        await act.seen("1.1.0", act.users.answered["1.1.0"] + 3)
    await act.end("1.1.0")
    await act.stage.put_app(read_back(act, await act.stage.app(act.name)), name=act.name)
    act.notes["revisions"] = len(await act.stage.revisions(act.name))


async def naive(act: Act) -> None:
    """The file as it is, old image and no traffic; then a person says that the rollout goes on.

    The revision that the file makes is ready only after the drift was told, as an app on Azure is.
    """
    await act.push("1.1.0")
    await act.seen("1.1.0")
    act.stage.cloud.fates.add(FateKind.SLOW_START, f"{act.name}--*", after=4)
    await act.stage.put_app(act.file("1.0.0"), name=act.name)
    await act.hears("RolloutDrifted")
    act.notes["writes"] = await act.stage.arm_writes(act.name)
    await act.seen("1.0.0", act.users.answered["1.0.0"] + 20)
    act.notes["while"] = await act.stage.weights(act.name)
    act.notes["later"] = await act.stage.arm_writes(act.name)
    live = (await act.stage.rollouts(act.name))[0]
    act.notes["paused"] = await act.stage.rollout(live["n"], act.name)
    answer = await act.stage.order("resume", name=act.name, **{k: live[k] for k in ("n", "digest", "step")})
    act.notes["answer"] = answer
    await act.end("1.1.0")


async def restored(act: Act) -> None:
    """The same where the row says that the machine is right."""
    await act.push("1.1.0")
    await act.seen("1.1.0")
    await act.stage.put_app(act.file("1.0.0"), name=act.name)
    await act.end("1.1.0")


STORIES = {
    advised: {"Steps": SLOW},
    naive: {"Steps": SLOW},
    restored: {"Steps": SLOW, "OnDrift": "restore"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def acts(stage: Stage) -> dict[str, Act]:
    return await play_all(stage, STORIES)


async def test_a_put_that_reads_back_disturbs_no_rollout_and_makes_no_revision(acts):
    act = acts["advised"]
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0
    assert act.weights == {"1.1.0": 100}
    assert act.told("RolloutDrifted") == []
    assert act.notes["revisions"] == 2
    assert (await act.stage.app(act.name))["tags"] == {"team": "shop"}


async def test_a_put_of_the_file_as_it_is_is_seen_and_told_and_nothing_is_written_over_it(acts):
    act = acts["naive"]
    reasons = [told["data"]["because"] for told in act.told("RolloutDrifted")]
    assert 1 <= len(reasons) <= 2  # once more if it is looked at when the file's revision takes over from the canary
    assert all("someone moved the traffic to " in because for because in reasons)
    assert all(b.endswith("nothing is written until someone says resume, promote or leave") for b in reasons)
    assert act.notes["while"] == {"1.0.0": 100}
    assert act.notes["later"] == act.notes["writes"]


async def test_after_a_resume_the_rollout_ends_as_if_nothing_had_been_and_nobody_lost_a_request(acts):
    act = acts["naive"]
    assert act.notes["answer"]["answer"] == "done"
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0
    assert act.weights == {"1.1.0": 100}


async def test_a_row_that_restores_sets_it_back_by_itself(acts):
    act = acts["restored"]
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0
    assert act.weights == {"1.1.0": 100}
    assert all(told["data"]["because"].endswith("it is set back") for told in act.told("RolloutDrifted"))
    assert act.told("RolloutDrifted")
