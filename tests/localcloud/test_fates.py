"""Fates of revisions: real processes that start late, crash, are killed or never come, and what Azure says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.localcloud.arm.cloud import APP, image, to, traffic
from tests.localcloud.controlled import Local, controlled
from tests.localcloud.planes import children, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TWO = f"{APP}/revisions/web--two"
PATCH = {"template": image("1.1.0", revisionSuffix="two")}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    """One app with a revision that is ready."""
    async with controlled(tmp_path) as one:
        stable = await one.create(minReplicas=1, containers=image("1.0.0")["containers"])
        await one.until(f"{APP}/revisions/{stable}", runningState="Running")
        yield one


async def status(local: Local, host: str = "web--two.wb.localhost") -> int:
    """What one request is answered; 0 when it is not, within 0.2 s."""
    patience = aiohttp.ClientTimeout(total=0.2)
    try:
        async with local.http.get(f"http://{local.real.http}/", headers={"Host": host}, timeout=patience) as got:
            return got.status
    except TimeoutError:
        return 0


async def meanwhile(local: Local) -> None:
    """Another revision, begun later, is ready: so long it takes."""
    await local.patch({"template": image("1.0.0", revisionSuffix="three")})
    await local.until(f"{APP}/revisions/web--three", runningState="Running")


@pytest.mark.fidelity(34)
async def test_one_that_starts_slowly_is_ready_once_the_clock_says_so(local: Local) -> None:
    await local.order("/fates", kind="slow-start", revision="web--two", after=300)
    await local.patch(PATCH)

    await local.until(TWO, runningState="Activating", healthState="None")
    await meanwhile(local)
    await local.until(TWO, runningState="Activating", healthState="None")
    assert await status(local) == 0
    await local.order("/clock", advance=300)
    await local.until(TWO, runningState="Running", healthState="Healthy")
    assert await status(local) == 200


@pytest.mark.fidelity(31, 34)
async def test_one_on_another_port_says_so_hangs_in_its_share_and_is_degraded_in_the_end(local: Local) -> None:
    stable = (await local.properties())["latestReadyRevisionName"]
    await local.order("/fates", kind="port-mismatch", revision="web--*o")
    await local.patch({**PATCH, "configuration": traffic(to(stable, 100))})

    found = await local.until(TWO, runningState="Activating")
    assert found["runningStateDetails"] == "The TargetPort 80 does not match the listening port 8080."
    await local.patch({"configuration": traffic(to(stable, 50), to("web--two", 50))})
    assert {await status(local, "web.wb.localhost") for _ in range(12)} == {0, 200}
    await local.order("/clock", advance=601)
    found = await local.until(TWO, runningState="Degraded", healthState="Unhealthy", provisioningState="Provisioned")
    assert found["runningStateDetails"] == (
        "Deployment Progress Deadline Exceeded. 0/1 replicas ready. "
        "The TargetPort 80 does not match the listening port 8080."
    )


async def test_one_that_crashes_says_so_and_recovers_when_its_fate_is_lifted(local: Local) -> None:
    await local.order("/fates", kind="crash-loop", revision="web--two")
    await local.patch(PATCH)

    found = await local.until(TWO, provisioningState="Failed", healthState="Unhealthy", runningState="Failed")
    assert found["provisioningError"] == "Container crashing: web"
    assert found["runningStateDetails"] == "1/1 Container crashing: web"
    assert await status(local) == 0
    await local.control("DELETE", "/fates")
    await local.until(TWO, healthState="Healthy", runningState="Running")


async def test_one_that_crashes_so_often_and_no_more_gets_ready(local: Local) -> None:
    await local.order("/fates", kind="crash-loop", revision="web--two", times=2)
    await local.patch(PATCH)

    await local.until(TWO, healthState="Healthy", runningState="Running")
    assert [replica.restarts for replica in local.real.state("web--two").replicas] == [2]


async def test_a_refused_image_fails_the_operation_and_makes_no_revision(local: Local) -> None:
    await local.order("/fates", kind="pull-refused", revision="web--two")
    failed = await local.patch(PATCH)

    assert failed.body["status"] == "Failed"
    assert (
        "Field 'template.containers.web.image' is invalid with details: 'Invalid value: "
        '"weighbridge.azurecr.io/shop/web:1.1.0": GET https:?scope=repository%3Ashop%2Fweb%3Apull'
        "&service=weighbridge.azurecr.io: UNAUTHORIZED: authentication required; on order';.."
    ) in failed.body["error"]["message"]
    assert (await local.ask("GET", TWO)).status == 404


@pytest.mark.fidelity(34)
async def test_an_image_that_never_comes_leaves_a_failed_revision_without_a_process(local: Local) -> None:
    await local.order("/fates", kind="pull-backoff", revision="web--two")
    await local.patch(PATCH)

    found = await local.until(TWO, provisioningState="Failed", runningState="Failed", replicas=1)
    assert found["provisioningError"] == "Pending:ImagePullBackOff on legion"
    assert (await local.ask("GET", f"{TWO}/replicas")).body["value"] == []


async def test_one_without_capacity_waits_without_a_replica_and_is_degraded_after_the_deadline(local: Local) -> None:
    before = children()
    await local.order("/fates", kind="no-capacity", revision="web--two")
    await local.patch(PATCH)
    await meanwhile(local)
    assert len(children() - before) == 1

    await local.until(TWO, provisioningState="Provisioning", runningState="Processing", healthState="None")
    assert (await local.ask("GET", f"{TWO}/replicas")).body["value"] == []
    await local.order("/clock", advance=601)
    found = await local.until(TWO, runningState="Degraded", healthState="Unhealthy", replicas=0)
    assert found["runningStateDetails"] == "Deployment Progress Deadline Exceeded. 0/1 replicas ready."
    await local.control("DELETE", "/fates")
    await local.until(TWO, runningState="Running", healthState="Healthy", replicas=1)


async def test_one_that_degrades_later_is_ready_first_and_hangs_from_then_on(local: Local) -> None:
    await local.order("/fates", kind="degraded", revision="web--two", after=900)
    await local.patch(PATCH)
    await local.until(TWO, runningState="Running")
    assert await status(local) == 200

    await local.order("/clock", advance=900)
    found = await local.until(TWO, runningState="Degraded", healthState="Unhealthy", replicas=1)
    assert found["runningStateDetails"].endswith("0/1 replicas ready.")
    assert await status(local) == 0
    replicas = (await local.ask("GET", f"{TWO}/replicas")).body["value"]
    assert replicas[0]["properties"]["containers"][0]["restartCount"] == 0


@pytest.mark.fidelity(34)
async def test_one_that_outgrows_its_memory_is_killed_and_started_again_as_often_as_ordered(local: Local) -> None:
    await local.patch(PATCH)
    await local.until(TWO, runningState="Running")
    await local.order("/fates", kind="memory-kill", revision="web--two", times=2)

    await local.until(TWO, runningState="Running", healthState="Healthy")
    await _restarts(local, 2)
    assert (await local.control("GET", "/fates")).body["value"][0]["hits"] == 2
    assert [entry["what"] for entry in await local.log("fate")] == ["memory-kill"] * 2
    assert [replica.exit_code for replica in local.real.state("web--two").replicas] == [137]


async def _restarts(local: Local, wanted: int) -> None:
    def restarts() -> int:
        return sum(replica.restarts for replica in local.real.state("web--two").replicas)

    await until(lambda: restarts() == wanted and local.real.state("web--two").replicas[0].ready)
