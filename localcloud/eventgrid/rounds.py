"""One event and one subscription: tried until it arrives or is given up, and then written down."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.eventgrid import schedule
from localcloud.eventgrid.model import DeadLetter, Delivery, State, Subscription
from localcloud.eventgrid.orders import DROPPED, Ordered
from localcloud.eventgrid.outcomes import last_outcome
from localcloud.eventgrid.schemas import event_type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from random import Random

    from localcloud.clock import Clock
    from localcloud.eventgrid.courier import Courier
    from localcloud.eventgrid.schedule import GiveUp, Pace
    from localcloud.eventgrid.storage import Account

_KEPT = 10_000  # attempts in the log, and dead letters
_UNPROVEN = schedule.GiveUp(reason="the endpoint never answered the handshake")
# learn.microsoft.com/azure/event-grid/delivery-and-retry: a dead letter is written five minutes after the last attempt,
# and dropped when where it goes cannot be reached for four hours.
_WRITTEN_AFTER = 300.0
_WRITTEN_WITHIN = 4 * 3600.0


@dataclass(slots=True, kw_only=True)
class _Round:
    """tried: when last, None before the first attempt. outcome: of the last attempt."""

    subscription: Subscription
    event: Mapping[str, object]
    published: datetime
    attempt: int = 0
    tried: datetime | None = None
    outcome: str = ""


class Rounds:
    """deliveries: every attempt, the oldest first. dead_letters: what was given up."""

    def __init__(self, *, clock: Clock, courier: Courier, account: Account | None, pace: Pace, chance: Random) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self.dead_letters: deque[DeadLetter] = deque(maxlen=_KEPT)
        self._clock, self._courier, self._account = clock, courier, account
        self._pace, self._chance = pace, chance

    async def see_to(self, subscription: Subscription, event: Mapping[str, object]) -> None:
        """From its publishing to its end."""
        one = _Round(subscription=subscription, event=event, published=self._clock.now())
        await subscription.settled.wait()
        if subscription.state is State.FAILED:
            await self._bury(one, _UNPROVEN)
            return
        while True:
            one.attempt += 1
            one.tried = self._clock.now()
            status, said = await self._courier.deliver(subscription, event, one.attempt)
            self._log(one, status, said)
            if status in schedule.DELIVERED or said is DROPPED:
                return
            one.outcome = last_outcome(status, said)
            end = await self._wait(one, status)
            if end is not None:
                await self._bury(one, end)
                return

    async def _wait(self, one: _Round, status: int | None) -> GiveUp | None:
        """Until the next attempt; answers why there is none."""
        retry = one.subscription.retry
        wait = schedule.after(one.attempt, status, kind=one.subscription.kind, policy=retry)
        if isinstance(wait, schedule.GiveUp):
            return wait
        await self._clock.sleep(self._pace.retry(wait, self._chance))
        age = (self._clock.now() - one.published).total_seconds() / self._pace.factor
        return schedule.OUTLIVED if schedule.outlived(age, retry) else None

    def _log(self, one: _Round, status: int | None, said: str) -> None:
        arrived = status in schedule.DELIVERED
        self.deliveries.append(
            Delivery(
                at=self._clock.now(),
                subscription=one.subscription.name,
                event_id=str(one.event.get("id")),
                event_type=event_type(one.event),
                subject=str(one.event.get("subject", "")),
                attempt=one.attempt,
                status=status,
                outcome=str(said) if isinstance(said, Ordered) else "delivered" if arrived else str(status or said),
            )
        )

    async def _bury(self, one: _Round, end: GiveUp) -> None:
        letter = DeadLetter(
            at=one.tried or self._clock.now(),
            published=one.published,
            subscription=one.subscription.name,
            reason=end.reason,
            attempts=one.attempt,
            last_outcome=one.outcome,
            event=one.event,
        )
        self.dead_letters.append(letter)
        if not one.subscription.dead_letters or self._account is None:
            return
        for _ in range(int(_WRITTEN_WITHIN / _WRITTEN_AFTER)):
            await self._clock.sleep(_WRITTEN_AFTER * self._pace.factor)
            if await self._account.bury(one.subscription, letter):
                return
