"""The code is changed under a rollout: an upgrade goes on with it, a downgrade leaves it as it is and says so."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from localcloud import azurite
from scripts.demo.stage import HOOK_SECRET, ROOT, Stage
from tests.e2e.acts import Act

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
DEPLOYED = ("function_app.py", "host.json", "handlers", "delivery", "policies", "rollouts", "cloud", "notify")
# What makes nobody wait for the half minutes and five minutes of a host that has time.
HURRIED = (
    ("host.json", '"visibilityTimeout": "00:00:30"', '"visibilityTimeout": "00:00:01"'),
    ("delivery/parking.py", "RETRY = timedelta(minutes=5)", "RETRY = timedelta(seconds=5)"),
    ("delivery/index.py", "GRACE = timedelta(seconds=30)", "GRACE = timedelta(seconds=2)"),
    ("delivery/index.py", "SLACK = timedelta(seconds=60)", "SLACK = timedelta(seconds=2)"),
    ("handlers/timers.py", 'EVERY_MINUTE = "0 * * * * *"', 'EVERY_MINUTE = "*/5 * * * * *"'),
)
# A version whose rows this one may not read; it reads those of before, as every version does.
NEWER = (
    ("delivery/versions.py", "SCHEMA = 1\n", "SCHEMA = 2\n"),
    ("delivery/codec.py", "if schema != SCHEMA:", "if schema not in (1, SCHEMA):"),
)
MARKED = ("delivery/reads.py", 'return {"healthy"', 'return {"code": "CODE", "healthy"')


@dataclass(kw_only=True)
class Deployment:
    """A function app's folder. Its `GET /api/health` tells which code answers."""

    folder: Path

    def install(self, code: str, *edits: tuple[str, str, str]) -> None:
        """Put this checkout's code there, edited, in place of what is there."""
        for name in DEPLOYED:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, self.folder / name)
        file, before, after = MARKED
        for name, old, new in (*HURRIED, *edits, (file, before, after.replace("CODE", code))):
            path = self.folder / name
            text = path.read_text(encoding="utf-8")
            assert old in text, (name, old)
            path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = Deployment(folder=tmp_path_factory.mktemp("app"))
    deployment.install("first")
    return deployment


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(deployment: Deployment):
    if not azurite.installed(ROOT):
        pytest.skip("Azurite is not under .work; `make setup` puts it there")
    async with Stage(app=deployment.folder) as stage:
        await stage.put_row("names", "channel", "default", kind="webhook", url=stage.hooks.url, secret=HOOK_SECRET)
        yield stage


async def replaced(stage: Stage, deployment: Deployment, code: str, *edits: tuple[str, str, str]) -> None:
    """As a deployment does: the host ends, other code is there, a host begins."""
    await stage.functions.stop()
    deployment.install(code, *edits)
    await stage.functions.start()
    assert (await stage.api("health"))["code"] == code


async def row_of(stage: Stage, name: str) -> dict[str, Any]:
    table = stage.tables.get_table_client("rollouts")
    found = [row async for row in table.query_entities("RowKey eq 'app'") if row["PartitionKey"].endswith(name)]
    return dict(found[0])


async def as_written_before(stage: Stage, name: str) -> None:
    """Put the app's row back into the shape it had before those who wait were given a column of their own."""
    row = await row_of(stage, name)
    lists = {**json.loads(row["lists"]), **json.loads(row.pop("waiting"))}
    await stage.put_row("rollouts", row.pop("PartitionKey"), row.pop("RowKey"), **{**row, "lists": json.dumps(lists)})


async def test_a_rollout_in_flight_is_finished_by_the_code_that_replaces_what_began_it(stage: Stage, deployment):
    act = Act(stage=stage, name="ca-upgraded", cells={"Steps": "25% for 15s, 100% for 2s"})
    await act.open()
    async with stage.users(20, name=act.name) as act.users:
        await act.push("1.1.0")
        await act.seen("1.1.0")
        assert (await stage.api("health"))["code"] == "first"
        await stage.functions.stop()
        await as_written_before(stage, act.name)
        assert "waiting" not in await row_of(stage, act.name)
        await replaced(stage, deployment, "second")
        await act.end("1.1.0")
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0
    assert await stage.weights(act.name) == {"1.1.0": 100}
    assert "waiting" in await row_of(stage, act.name)


async def test_what_a_newer_version_wrote_waits_for_it_untouched_and_told(stage: Stage, deployment):
    await replaced(stage, deployment, "newer", *NEWER)
    act = Act(stage=stage, name="ca-downgraded", cells={"Steps": "25% for 10s, 100% for 2s"})
    await act.open()
    async with stage.users(20, name=act.name) as act.users:
        await act.push("1.1.0")
        await act.seen("1.1.0")
        await stage.functions.stop()
        before, writes = await row_of(stage, act.name), await stage.arm_writes(act.name)
        assert before["schema"] == 2

        await replaced(stage, deployment, "older")
        await act.hears("AppParked")
        [said] = act.told("AppParked")
        assert "schema: expected at most 1, found 2; a newer version of Weighbridge wrote it" in said["data"]["because"]
        assert await row_of(stage, act.name) == before
        assert await stage.arm_writes(act.name) == writes
        assert await stage.weights(act.name) == {"1.0.0": 75, "1.1.0": 25}

        await replaced(stage, deployment, "newer again", *NEWER)
        await act.end("1.1.0")
    assert act.phases == ["promoted"]
    assert act.users.failed.total() == 0
