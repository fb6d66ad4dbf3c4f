"""Waiting for whichever comes first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def first(*works: Coroutine[object, object, object]) -> tuple[int, object]:
    """The place and the result of the first that ended; the others are cancelled, as all are with the caller."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    place = next(place for place, task in enumerate(tasks) if task.done() and not task.cancelled())
    return place, tasks[place].result()
