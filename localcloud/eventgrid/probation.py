"""Endpoints that are unwell are left alone for a while, by new events and by those that are to be tried again.

https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry: how long for which outcome, and that ten events
that failed are its example of when. Not in it: how the while grows to the several hours it speaks of. Here the tenth
failure in a row begins it, and each one that ends in another failure doubles it, to three hours at most.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.eventgrid import outcomes

if TYPE_CHECKING:
    from localcloud.clock import Clock
    from localcloud.eventgrid.model import Subscription
    from localcloud.eventgrid.schedule import Pace

FAILURES = 10
_LONGEST = 3 * 3600.0
_SECONDS = {
    outcomes.BUSY: 10.0,
    outcomes.TIMED_OUT: 10.0,
    outcomes.SOCKET: 30.0,
    outcomes.RESOLUTION: 300.0,
    outcomes.NOT_FOUND: 300.0,
    outcomes.UNAUTHORIZED: 300.0,
    outcomes.FORBIDDEN: 300.0,
}


class Probation:
    """Of every subscription; the pace says whether there is any."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self._clock, self._pace = clock, pace

    def told(self, subscription: Subscription, outcome: str) -> None:
        """What became of an attempt. outcome: "" for one that arrived; what says nothing of the endpoint is ignored."""
        if not outcome:
            subscription.failures, subscription.unwell_until = 0, None
            return
        now = self._clock.now()
        resting = subscription.unwell_until is not None and now < subscription.unwell_until
        if outcome not in _SECONDS or resting:  # an attempt that was under way when it began
            return
        subscription.failures += 1
        doubled = subscription.failures - FAILURES
        if doubled >= 0 and self._pace.probation:
            azures = min(_SECONDS[outcome] * 2 ** min(doubled, 16), _LONGEST)
            subscription.unwell_until = now + timedelta(seconds=azures * self._pace.factor)

    async def over(self, subscription: Subscription) -> bool:
        """Wait until events may go to it; whether there was anything to wait for."""
        waited = False
        while self._pace.probation and (until := subscription.unwell_until) is not None:
            left = (until - self._clock.now()).total_seconds()
            if left <= 0:
                break
            waited = True
            await self._clock.sleep(left)
        return waited
