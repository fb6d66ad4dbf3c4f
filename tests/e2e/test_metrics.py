"""What a query answers decides a rollout: a count of log lines, and a percentile of the durations an app reports.

Everything is real but Azure: the apps write their lines and send their telemetry, and the product asks the workspace as
it asks Azure's. The stories play at the same time, each on an app of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from localcloud import samples

if TYPE_CHECKING:
    from localcloud.images import Image
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
STEPS = "20% for 2s, 100% for 2s"
FAILURES = (
    "ContainerAppConsoleLogs_CL | where ContainerAppName_s == '{app}' and RevisionName_s == '{revision}'"
    " | where Log_s has 'failed' | summarize value = count()"
)
CHECKS = "metric failures <= 2; p95 <= 250ms min 10 from appinsights"
WITHIN = 100.0
STORIES: dict[str, tuple[str, Image]] = {
    "good": ("1.1.0", samples.good("1.1.0")),
    "late": ("1.9.1", samples.late("1.9.1", 0.5)),
    "failing": ("1.9.2", samples.bad("1.9.2", 0.5)),
}


async def play(stage: Stage, name: str, tag: str, image: Image) -> dict[str, Any]:
    """One app, at 1.0.0 and telling Application Insights of its requests, gets an image; answers how that ended."""
    app, repository = f"ca-{name}", f"shop/{name}"
    await stage.push("1.0.0", samples.good("1.0.0"), repository=repository)
    env = {"APPLICATIONINSIGHTS_CONNECTION_STRING": stage.at["telemetry"]}
    await stage.create_app("1.0.0", name=app, repository=repository, env=env)
    row = {"App": f"{stage.at['resource_group']}/{app}", "Steps": STEPS, "Checks": CHECKS, "Notify": "none"}
    await stage.put_policy(repository=repository, **row)
    async with stage.users(20, name=app) as users:
        await stage.push(tag, image, repository=repository)
        ended = await stage.ended(tag, within=WITHIN, name=app)
    return {**ended, "weights": await stage.weights(app), "failed": users.failed.total()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ended(stage: Stage) -> dict[str, dict[str, Any]]:
    await stage.put_row("names", "metric", "appinsights", kind="appinsights", app=stage.at["component"])
    await stage.put_row(
        "names", "metric", "failures", kind="loganalytics", workspace=stage.at["workspace"], query=FAILURES
    )
    played = await asyncio.gather(*(play(stage, name, *pushed) for name, pushed in STORIES.items()))
    return dict(zip(STORIES, played, strict=True))


async def test_a_canary_whose_numbers_are_good_is_promoted(ended):
    assert (ended["good"]["phase"], ended["good"]["failed"]) == ("promoted", 0)
    assert ended["good"]["weights"] == {"1.1.0": 100}


async def test_a_canary_that_answers_too_late_is_rolled_back_on_what_it_told_application_insights(ended):
    assert ended["late"]["phase"] == "rolled_back"
    assert "p95" in ended["late"]["because"]
    assert ended["late"]["weights"] == {"1.0.0": 100}


async def test_a_canary_whose_log_fills_with_failures_is_rolled_back_on_a_query_of_its_log(ended):
    assert ended["failing"]["phase"] == "rolled_back"
    assert "failures" in ended["failing"]["because"]
    assert ended["failing"]["weights"] == {"1.0.0": 100}
