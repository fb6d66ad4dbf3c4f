"""Real pushes, real storage, a real Envoy and the Functions host: what a user of the app sees is what is asserted."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from localcloud import samples

if TYPE_CHECKING:
    from scripts.demo.stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
STEPS = "10% for 2s, 50% for 2s, 100% for 2s"
CHECKS = "probe /healthz; restarts == 0; errors <= stable + 1%"
_names = (f"ca-app{n}" for n in itertools.count(1))


async def an_app(stage: Stage, **cells: Any) -> tuple[str, str]:
    """A fresh app at 1.0.0 with a repository and a row of its own."""
    name = next(_names)
    repository = f"shop/{name}"
    await stage.push("1.0.0", repository=repository)
    await stage.create_app("1.0.0", name=name, repository=repository)
    row = {"App": f"{stage.at['resource_group']}/{name}", "Steps": STEPS, "Checks": CHECKS, "Notify": "hook all"}
    await stage.put_policy(repository=repository, **{**row, **cells})
    return name, repository


async def test_a_good_push_is_promoted_and_no_request_is_lost(stage: Stage):
    name, repository = await an_app(stage)
    async with stage.users(name=name) as users:
        await stage.push("1.1.0", repository=repository)
        ended = await stage.ended("1.1.0", name=name)
        await stage.wait_for(lambda: _answers(users, "1.1.0", 20), within=10)
    assert ended["phase"] == "promoted"
    assert users.failed.total() == 0
    assert await stage.weights(name) == {"1.1.0": 100}


async def test_a_bad_push_is_rolled_back_quarantined_and_stable_fails_nobody(stage: Stage):
    name, repository = await an_app(stage)
    async with stage.users(name=name) as users:
        await stage.push("1.2.0", samples.bad("1.2.0", 0.3), repository=repository)
        ended = await stage.ended("1.2.0", name=name)
    assert ended["phase"] == "rolled_back"
    assert users.failed.total() - users.failed["1.2.0"] == 0
    assert await stage.weights(name) == {"1.0.0": 100}
    app = await stage.api(f"apps/{stage.at['resource_group']}%7C{name}")
    assert [q["digest"] for q in app["quarantine"]] == [stage.digests["1.2.0"]]


async def test_a_canary_that_crashes_never_gets_weight(stage: Stage):
    name, repository = await an_app(stage)
    async with stage.users(name=name) as users:
        await stage.push("1.3.0", samples.crash("1.3.0"), repository=repository)
        ended = await stage.ended("1.3.0", name=name)
    assert ended["phase"] == "failed"
    assert users.answered["1.3.0"] == 0
    assert users.failed.total() == 0


async def test_a_newer_push_supersedes_one_that_is_under_way(stage: Stage):
    name, repository = await an_app(stage, Steps="10% for 20s, 100% for 2s")
    async with stage.users(name=name) as users:
        await stage.push("1.4.0", repository=repository)
        await stage.wait_for(lambda: _answers(users, "1.4.0", 1), within=40)
        await stage.push("1.5.0", repository=repository)
        older = await stage.ended("1.4.0", name=name)
        newer = await stage.ended("1.5.0", name=name)
    assert (older["phase"], newer["phase"]) == ("superseded", "promoted")
    assert users.failed.total() == 0


@pytest.mark.parametrize("first", ["scan", "push"])
async def test_a_scan_opens_the_gate_whichever_comes_first(stage: Stage, first: str):
    name, repository = await an_app(stage, Scan="critical 0, within 1h else hold")
    tag = "1.6.0" if first == "scan" else "1.7.0"
    if first == "scan":
        digest = samples.good(tag).digest
        await scanned(stage, repository, digest, critical=0)
        await stage.push(tag, repository=repository)
    else:
        digest = await stage.push(tag, repository=repository)
        await stage.wait_for(lambda: _waits(stage, name), within=20)
        await scanned(stage, repository, digest, critical=0)
    assert (await stage.ended(tag, name=name))["phase"] == "promoted"


async def test_a_scan_with_a_critical_finding_ships_nothing(stage: Stage):
    name, repository = await an_app(stage, Scan="critical 0, within 1h else hold")
    digest = await stage.push("1.8.0", repository=repository)
    await scanned(stage, repository, digest, critical=1)
    ended = await stage.ended("1.8.0", name=name)
    assert ended["phase"] == "rejected"
    assert "1 critical" in ended["because"]
    assert await stage.weights(name) == {"1.0.0": 100}


async def test_a_scan_that_never_comes_rejects_in_its_time(stage: Stage):
    name, repository = await an_app(stage, Scan="critical 0, within 3s else reject")
    await stage.push("1.9.0", repository=repository)
    assert (await stage.ended("1.9.0", name=name))["phase"] == "rejected"


async def test_the_host_killed_in_mid_rollout_and_started_again_finishes_it(stage: Stage):
    name, repository = await an_app(stage, Steps="10% for 5s, 100% for 2s")
    async with stage.users(name=name) as users:
        await stage.push("2.0.0", repository=repository)
        await stage.wait_for(lambda: _answers(users, "2.0.0", 1), within=40)
        await stage.cloud.functions.kill()
        served = users.total
        await stage.wait_for(lambda: _total(users, served + 40), within=10)
        await stage.cloud.functions.start()
        ended = await stage.ended("2.0.0", within=110, name=name)
    assert ended["phase"] == "promoted"
    assert users.failed.total() == 0


async def test_malformed_repeated_and_oversized_events_are_answered_and_parked(stage: Stage):
    endpoint = stage.cloud.functions.event_endpoint("image_pushed")
    headers = {"aeg-event-type": "Notification"}
    before = (await stage.api("health"))["parked"]
    huge = {"eventType": "Microsoft.ContainerRegistry.ImagePushed", "topic": "/", "data": {"x": "y" * 2_000_000}}
    for body in ([{"eventType": 7}], [{"data": {}}], {"no": "event"}, [huge]):
        for _ in range(2):
            async with stage.http.post(endpoint, data=json.dumps(body), headers=headers) as answer:
                assert answer.status == 202
    assert (await stage.api("health"))["parked"] == before + 4


async def test_a_wrong_key_is_refused(stage: Stage):
    async with stage.http.get(f"{stage.at['functions']}/api/health", headers={"x-functions-key": "no"}) as answer:
        assert answer.status == 401


async def test_every_webhook_is_signed_and_its_ids_tell_repeats(stage: Stage):
    assert stage.hooks.got
    assert stage.hooks.bad == 0


async def scanned(stage: Stage, repository: str, digest: str, *, critical: int) -> None:
    """Publish a completed scan on the custom topic, as a CI job would."""
    counts = dict.fromkeys(("high", "medium", "low", "negligible", "unknown"), 0)
    await stage.publish_scan(
        {
            "image": {"registry": stage.at["login_server"], "repository": repository, "digest": digest},
            "scanner": {"name": "trivy", "adapter": "trivy-json"},
            "scan": {"id": digest[:20], "status": "completed", "completedAt": stage.cloud.clock.now().isoformat()},
            "summary": {"total": {"critical": critical, **counts}, "fixable": {"critical": 0, **counts}},
        }
    )


async def _answers(users: Any, version: str, least: int) -> bool:
    return users.answered[version] >= least


async def _total(users: Any, least: int) -> bool:
    return users.total >= least


async def _waits(stage: Stage, name: str) -> bool:
    return any(r.get("phase") == "waiting" for r in await stage.rollouts(name))
