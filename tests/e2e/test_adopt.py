"""Adopting a Single-mode app on the local cloud: it is pinned, switched, and its row written, and no user notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.terminal import weighbridge

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(200)]
NAME = "ca-adopt"
REPOSITORY = "shop/adopt"


async def single(stage: Stage) -> None:
    """An app as Azure makes it by default: Single mode, traffic to the latest revision."""
    await stage.push("1.0.0", repository=REPOSITORY)
    await stage.create_app("1.0.0", name=NAME, repository=REPOSITORY)
    path = stage._path("containerApps", NAME)
    body: dict[str, Any] = {"properties": {"configuration": {"activeRevisionsMode": "Single"}}}
    await stage.arm("PATCH", path, body)

    async def is_single() -> bool:
        found = await stage.app(NAME)
        mode = found["properties"]["configuration"]["activeRevisionsMode"]
        return bool(mode == "Single" and found["properties"]["provisioningState"] == "Succeeded")

    await stage.wait_for(is_single, within=30)


async def test_a_single_mode_app_is_adopted_watches_and_then_acts(stage: Stage) -> None:
    await single(stage)
    named = f"{stage.at['resource_group']}/{NAME}"
    code, said = await weighbridge(stage, "adopt", named, "--observe", "--dry-run", WEIGHBRIDGE_URL="")
    assert (code, "nothing was changed: --dry-run" in said) == (1, True), said
    assert "change  mode" in said
    one_write, mode_first, then_pin = (
        said.index(part) for part in ("az rest --method patch", "set-mode", f"--revision-weight {NAME}--")
    )
    assert one_write < mode_first < then_pin
    assert "note    installation  was not asked" in said
    code, said = await weighbridge(stage, "adopt", named, "--observe", "--dry-run", "--url", stage.at["functions"])
    for looked_at in ("rights", "probe", f"registry {stage.at['login_server']}"):
        assert f"ok      {looked_at} " in said, said
    code, said = await weighbridge(stage, "adopt", named, "--observe")
    assert (code, "nobody can be asked here" in said) == (1, True), said

    async with stage.users(20, name=NAME) as users:
        code, said = await weighbridge(stage, "adopt", named, "--observe", "--yes")
        assert code == 0, said
    assert users.failed.total() == 0
    app = (await stage.app(NAME))["properties"]
    (entry,) = app["configuration"]["ingress"]["traffic"]
    assert app["configuration"]["activeRevisionsMode"] == "Multiple"
    assert (entry["revisionName"], entry["weight"]) == (app["latestReadyRevisionName"], 100)

    code, said = await weighbridge(stage, "adopt", named, "--observe", "--yes")
    assert (code, "there is such a row already; edit that one" in said) == (1, True), said

    writes = await stage.arm_writes(NAME)

    async def would_have() -> bool:
        return any(event["type"] == "Weighbridge.RolloutWouldHaveStarted" for event in stage.hooks.got)

    notify = {
        "Notify": "hook all",
        "Mode": "observe",
        "App": named,
        "Tags": "semver",
        "Steps": "50% for 2s, 100% for 2s",
    }
    await stage.put_policy(repository=REPOSITORY, **notify)
    await stage.push("1.1.0", repository=REPOSITORY)
    await stage.wait_for(would_have, within=30)
    assert await stage.arm_writes(NAME) == writes

    await stage.put_policy(repository=REPOSITORY, **{**notify, "Mode": "on"})
    ended = await stage.ended("1.1.0", within=100, name=NAME)
    assert ended["phase"] == "promoted"


async def test_an_app_that_is_not_there_is_said(stage: Stage) -> None:
    code, said = await weighbridge(stage, "adopt", f"{stage.at['resource_group']}/nobody", "--yes")
    assert code == 2
    assert "404 ResourceNotFound" in said
