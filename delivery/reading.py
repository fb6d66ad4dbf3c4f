"""Asking the outside: an outside that is away is never taken for a no."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from delivery.errors import Refused, Retry
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


async def ask(question: Awaitable[T]) -> T | Unknown:
    """An answer, or that there is none."""
    try:
        return await question
    except (Retry, Refused) as error:
        return Unknown(because=str(error))
