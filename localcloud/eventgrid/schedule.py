"""When a delivery is tried again, and when it is given up.

From https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry: the steps, the 30 attempts, the day an event
lives, what is not retried, and how long some answers wait at least. Its jitter is left out, so that a test knows when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

_STEPS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)  # seconds; the last one repeats
_NEVER = frozenset({400, 401, 403, 413})  # of a webhook
_AT_LEAST = {404: 300, 408: 120, 503: 30}  # seconds
_OTHERS_SECONDS = 10
DELIVERED = frozenset({200, 201, 202, 203, 204})


class RetryPolicy(msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Of a subscription, as ARM has it; whichever is reached first ends the attempts."""

    max_delivery_attempts: Annotated[int, msgspec.Meta(ge=1, le=30)] = 30
    event_time_to_live_in_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 1440


USUAL = RetryPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Why an event is tried no more; `deadLetterReason` of a dead letter."""

    reason: str


def after(
    attempt: int, status: int | None, *, age: float, factor: float, policy: RetryPolicy = USUAL
) -> float | GiveUp:
    """Seconds until the next attempt, all of it multiplied by `factor`.

    attempt: the one that just failed, from 1. status: None when nothing was answered. age: seconds since the event was
    published.
    """
    if status in _NEVER:
        return GiveUp(reason=f"not retried after {status}")
    if attempt >= policy.max_delivery_attempts:
        return GiveUp(reason="MaxDeliveryAttemptsExceeded")
    step = _STEPS[min(attempt, len(_STEPS)) - 1]
    lives = policy.event_time_to_live_in_minutes * 60
    wait = max(step, _AT_LEAST.get(status or 0, _OTHERS_SECONDS)) * factor
    return GiveUp(reason="TimeToLiveExceeded") if age + wait > lives * factor else wait
