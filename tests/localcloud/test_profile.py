"""Latencies go through the percentiles they were measured by."""

from __future__ import annotations

from random import Random

from localcloud.profile import AZURE, FAST


def test_half_are_below_the_median_and_nine_in_ten_below_the_ninetieth_percentile() -> None:
    chance = Random(1)  # noqa: S311 - latencies
    drawn = sorted(AZURE.patch.draw(chance) for _ in range(10_000))

    assert 9.5 < drawn[5_000] < 10.5
    assert 17 < drawn[9_000] < 19


def test_the_fast_profile_is_fast() -> None:
    chance = Random(1)  # noqa: S311 - latencies

    assert max(FAST.patch.draw(chance) for _ in range(1_000)) < 1
