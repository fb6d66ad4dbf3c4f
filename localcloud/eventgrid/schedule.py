"""When a delivery is tried again, and when it is given up.

From https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry: the steps, the 30 attempts, the day an event
lives, what is not retried, and how long some answers wait at least. Its jitter is left out, so that a test knows when.
"""

from __future__ import annotations

from dataclasses import dataclass

_STEPS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)  # seconds; the last one repeats
_NEVER = frozenset({400, 401, 403, 413})  # of a webhook
_AT_LEAST = {404: 300, 408: 120, 503: 30}  # seconds
_OTHERS_SECONDS = 10
_ATTEMPTS = 30
_LIVES_SECONDS = 86400
DELIVERED = frozenset({200, 201, 202, 203, 204})


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Why an event is tried no more; `deadLetterReason` of a dead letter."""

    reason: str


def after(attempt: int, status: int | None, *, age: float, factor: float) -> float | GiveUp:
    """Seconds until the next attempt, all of it multiplied by `factor`.

    attempt: the one that just failed, from 1. status: None when nothing was answered. age: seconds since the event was
    published.
    """
    if status in _NEVER:
        return GiveUp(reason=f"not retried after {status}")
    if attempt >= _ATTEMPTS:
        return GiveUp(reason="MaxDeliveryAttemptsExceeded")
    step = _STEPS[min(attempt, len(_STEPS)) - 1]
    wait = max(step, _AT_LEAST.get(status or 0, _OTHERS_SECONDS)) * factor
    return GiveUp(reason="TimeToLiveExceeded") if age + wait > _LIVES_SECONDS * factor else wait
