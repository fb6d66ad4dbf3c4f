"""When a delivery is tried again, and when it is given up.

From https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry: the steps, the 30 attempts, the day an event
lives, what is not retried, and how long some answers wait at least, by the kind of endpoint. An event's age is looked
at when it would be tried again, not before. Every step is a little longer by chance; how much, the page does not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec

from localcloud.eventgrid.outcomes import last_outcome

if TYPE_CHECKING:
    from random import Random


class Kind(StrEnum):
    """Of an endpoint."""

    WEBHOOK = "WebHook"
    RESOURCE = "Azure resource"  # such as a queue


_STEPS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)  # seconds; the last one repeats
_NEVER = {Kind.WEBHOOK: frozenset({400, 401, 403, 413}), Kind.RESOURCE: frozenset({400, 403, 413})}
_AT_LEAST = {  # seconds
    Kind.WEBHOOK: {408: 120, 503: 30},
    Kind.RESOURCE: {401: 300, 404: 300, 408: 120, 503: 30},
}
_OTHERS_SECONDS = 10
DELIVERED = frozenset({200, 201, 202, 203, 204})


class RetryPolicy(msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Of a subscription, as ARM has it; whichever is reached first ends the attempts."""

    max_delivery_attempts: Annotated[int, msgspec.Meta(ge=1, le=30)] = 30
    event_time_to_live_in_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 1440


USUAL = RetryPolicy()


@dataclass(slots=True, kw_only=True)
class Pace:
    """How Azure's waits pass here; a change is for the waits that begin after it.

    factor: of every documented wait, 1.0 is Azure's own pace, 0.001 makes a day 86 s. jitter: the largest part by which
    chance makes a retry later. probation: whether endpoints that are unwell are left alone.
    """

    factor: float = 1.0
    jitter: float = 0.1
    probation: bool = True

    def retry(self, seconds: float, chance: Random) -> float:
        """A documented wait for a retry, as it passes here."""
        return seconds * self.factor * (1 + self.jitter * chance.random())


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Why an event is tried no more; `deadLetterReason` of a dead letter."""

    reason: str


OUTLIVED = GiveUp(reason="TimeToLiveExceeded")


def after(attempt: int, status: int | None, *, kind: Kind, policy: RetryPolicy = USUAL) -> float | GiveUp:
    """Azure's seconds until the next attempt.

    attempt: the one that just failed, from 1. status: None when nothing was answered.
    """
    if status in _NEVER[kind]:
        return GiveUp(reason=f"UndeliverableDueToHttp{last_outcome(status, '')}")
    if attempt >= policy.max_delivery_attempts:
        return GiveUp(reason="MaxDeliveryAttemptsExceeded")
    step = _STEPS[min(attempt, len(_STEPS)) - 1]
    return max(step, _AT_LEAST[kind].get(status or 0, _OTHERS_SECONDS))


def outlived(age: float, policy: RetryPolicy) -> bool:
    """Whether an event is too old to be tried again. age: Azure's seconds since it was published."""
    return age > policy.event_time_to_live_in_minutes * 60
