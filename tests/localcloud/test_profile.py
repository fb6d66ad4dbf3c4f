"""Latencies go through the percentiles they were measured by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from localcloud.profile import AZURE, FAST, Latency
from tests.localcloud.arm.cloud import ENVIRONMENT, QUICK, cloud


def test_half_are_below_the_median_and_nine_in_ten_below_the_ninetieth_percentile() -> None:
    chance = Random(1)  # noqa: S311 - latencies
    drawn = sorted(AZURE.patch.draw(chance) for _ in range(10_000))

    assert 9.5 < drawn[5_000] < 10.5
    assert 17 < drawn[9_000] < 19


def test_the_fast_profile_is_fast() -> None:
    chance = Random(1)  # noqa: S311 - latencies

    assert max(FAST.patch.draw(chance) for _ in range(1_000)) < 1


async def test_a_seed_gives_the_same_latencies_and_names_again_and_another_gives_others() -> None:
    async def run(seed: str) -> tuple[str, float]:
        async with cloud(seed=seed) as it:
            return await it.create(), it.arm._chance.random()

    first, again, other = [await run(seed) for seed in ("one", "one", "two")]

    assert first == again
    assert other[0] != first[0]
    assert other[1] != first[1]


def test_azures_percentiles_are_the_recorded_ones() -> None:
    """762 operations in recorded traffic; of DELETE the median alone is known."""
    assert (AZURE.put.p50, AZURE.put.p90) == (8, 15)
    assert (AZURE.patch.p50, AZURE.patch.p90) == (10, 18)


async def test_environments_take_their_own_time() -> None:
    """Recorded in test_containerapp_env_e2e: 105 seconds to make one, more than nine minutes to delete it."""
    slow = replace(QUICK, environment=Latency(p50=100, p90=101), environment_delete=Latency(p50=560, p90=561))
    async with cloud(slow) as it:
        other = f"{ENVIRONMENT}-two"
        made = await it.ask("PUT", other, {"location": "eastus"})
        assert (await it.end(made, skip=60)).body["status"] == "Succeeded"
        deleted = await it.ask("DELETE", other)
        it.clock.advance(timedelta(seconds=300))
        assert (await it.ask("GET", deleted.headers["location"])).status == 202
        assert (await it.end(deleted, skip=300)).status == 204
    assert AZURE.delete.p50 == 17
    assert 20 <= AZURE.drain <= 45
    assert 180 <= AZURE.metrics_delay <= 300
