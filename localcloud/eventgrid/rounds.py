"""Events and one subscription: tried until they arrive or are given up, and then written down."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.eventgrid import schedule
from localcloud.eventgrid.batches import ONE_BY_ONE
from localcloud.eventgrid.headers import of_event
from localcloud.eventgrid.model import DeadLetter, Delivery, State, Subscription, Taken
from localcloud.eventgrid.orders import DROPPED, Ordered
from localcloud.eventgrid.outcomes import PROBATION, last_outcome
from localcloud.eventgrid.probation import Probation
from localcloud.eventgrid.schemas import event_type

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from random import Random

    from localcloud.clock import Clock
    from localcloud.eventgrid.courier import Courier
    from localcloud.eventgrid.schedule import GiveUp, Pace
    from localcloud.eventgrid.schemas import Event
    from localcloud.eventgrid.storage import Account

_KEPT = 10_000  # attempts in the log, and dead letters
_UNPROVEN = schedule.GiveUp(reason="the endpoint never answered the handshake")
# learn.microsoft.com/azure/event-grid/delivery-and-retry: a dead letter is written five minutes after the last attempt,
# and dropped when where it goes cannot be reached for four hours.
_WRITTEN_AFTER = 300.0
_WRITTEN_WITHIN = 4 * 3600.0


@dataclass(slots=True, kw_only=True)
class _Round:
    """Events that go together. tried: when last, None before the first attempt. outcome: of the last attempt."""

    subscription: Subscription
    batch: list[Taken]
    attempt: int = 0
    tried: datetime | None = None
    outcome: str = ""


class Rounds:
    """deliveries: every attempt, the oldest first. dead_letters: what was given up. begin: starts what then goes on.

    An event that waited while its endpoint was left alone, and is too old then, is never tried.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        courier: Courier,
        account: Account | None,
        pace: Pace,
        chance: Random,
        begin: Callable[[Coroutine[object, object, None]], object],
    ) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT)
        self.dead_letters: deque[DeadLetter] = deque(maxlen=_KEPT)
        self._clock, self._courier, self._account = clock, courier, account
        self._pace, self._chance, self._begin = pace, chance, begin
        self._probation = Probation(clock, pace)
        self._waiting: dict[Subscription, list[Taken]] = {}

    def take(self, subscription: Subscription, published: Event, sent: Event) -> None:
        """See this event to its end, with those that are there when it goes. sent: as the subscription wants it."""
        headers = of_event(subscription, published, sent)
        waiting = self._waiting.setdefault(subscription, [])
        waiting.append(Taken(event=sent, published=self._clock.now(), headers=headers))
        if len(waiting) == 1:
            self._begin(self._depart(subscription))

    async def _depart(self, subscription: Subscription) -> None:
        await subscription.settled.wait()
        rested = await self._probation.over(subscription)
        waiting = self._waiting.pop(subscription)
        if subscription.ended:
            return
        together = subscription.batching if subscription.kind is schedule.Kind.WEBHOOK else ONE_BY_ONE
        for batch in together.cut(waiting):
            outcome = PROBATION if rested else ""
            self._begin(self._see_to(_Round(subscription=subscription, batch=batch, outcome=outcome)))

    async def _see_to(self, one: _Round) -> None:
        if one.subscription.state is State.FAILED:
            self._give_up(one, _UNPROVEN)
        if one.outcome:
            self._outlive(one)
        while one.batch:
            one.attempt += 1
            one.tried = self._clock.now()
            status, said = await self._courier.deliver(one.subscription, one.batch, one.attempt)
            self._log(one, status, said)
            if said is DROPPED:
                return
            if status in schedule.DELIVERED:
                self._probation.told(one.subscription, "")
                return
            one.outcome = last_outcome(status, said)
            self._probation.told(one.subscription, one.outcome)
            await self._wait(one, status)

    async def _wait(self, one: _Round, status: int | None) -> None:
        """Until the next attempt, without those that are given up."""
        wait = schedule.after(one.attempt, status, kind=one.subscription.kind, policy=one.subscription.retry)
        if isinstance(wait, schedule.GiveUp):
            self._give_up(one, wait)
            return
        await self._clock.sleep(self._pace.retry(wait, self._chance))
        if await self._probation.over(one.subscription):
            one.outcome = PROBATION
        if one.subscription.ended:
            one.batch = []
        self._outlive(one)

    def _outlive(self, one: _Round) -> None:
        old = [taken for taken in one.batch if schedule.outlived(self._age(taken), one.subscription.retry)]
        one.batch = [taken for taken in one.batch if taken not in old]
        self._bury(one, old, schedule.OUTLIVED)

    def _age(self, taken: Taken) -> float:
        """In Azure's seconds."""
        return (self._clock.now() - taken.published).total_seconds() / self._pace.factor

    def _log(self, one: _Round, status: int | None, said: str) -> None:
        arrived = status in schedule.DELIVERED
        for event in (taken.event for taken in one.batch):
            self.deliveries.append(
                Delivery(
                    at=self._clock.now(),
                    subscription=one.subscription.name,
                    event_id=str(event.get("id")),
                    event_type=event_type(event),
                    subject=str(event.get("subject", "")),
                    attempt=one.attempt,
                    status=status,
                    outcome=str(said) if isinstance(said, Ordered) else "delivered" if arrived else str(status or said),
                )
            )

    def _give_up(self, one: _Round, end: GiveUp) -> None:
        self._bury(one, one.batch, end)
        one.batch = []

    def _bury(self, one: _Round, batch: list[Taken], end: GiveUp) -> None:
        for taken in batch:
            letter = DeadLetter(
                at=one.tried or self._clock.now(),
                published=taken.published,
                topic=one.subscription.topic,
                subscription=one.subscription.name,
                reason=end.reason,
                attempts=one.attempt,
                last_outcome=one.outcome,
                event=taken.event,
            )
            self.dead_letters.append(letter)
            if one.subscription.dead_letters and self._account is not None:
                self._begin(self._write(one.subscription, letter, self._account))

    async def _write(self, subscription: Subscription, letter: DeadLetter, account: Account) -> None:
        for _ in range(int(_WRITTEN_WITHIN / _WRITTEN_AFTER)):
            await self._clock.sleep(_WRITTEN_AFTER * self._pace.factor)
            if await account.bury(subscription, letter):
                return
