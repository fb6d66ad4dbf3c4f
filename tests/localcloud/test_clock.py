"""The local cloud's clock runs with real time, and ahead of it when told to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from localcloud.clock import Clock


async def test_skipped_time_is_added_and_wakes_those_whose_time_has_come() -> None:
    clock = Clock()
    before = clock.now()
    early, late = asyncio.create_task(clock.sleep(60)), asyncio.create_task(clock.sleep(7200))
    await asyncio.sleep(0)
    clock.advance(timedelta(hours=1))

    assert clock.now() - before >= timedelta(hours=1)
    await asyncio.wait_for(early, 5)
    assert not late.done()
    late.cancel()


async def test_real_time_passes_too() -> None:
    await asyncio.wait_for(Clock().sleep(0.01), 5)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="expected a time ahead"):
        Clock().advance(timedelta(seconds=-1))
