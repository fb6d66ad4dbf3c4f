"""What an answer does to an event, by the kind of endpoint: given up at once, or tried again as documented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from localcloud.eventgrid.model import DeadLetter, Schema, Subscription
from localcloud.eventgrid.outcomes import last_outcome
from localcloud.eventgrid.schedule import GiveUp, Kind, Pace, RetryPolicy, after, outlived
from tests.localcloud.serving import until
from tests.localcloud.test_eventgrid import local_grid, pushed


def test_the_schedule_is_the_documented_one() -> None:
    waits = [after(attempt, 500, kind=Kind.WEBHOOK) for attempt in range(1, 12)]
    assert waits == [10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 43200]
    assert after(30, 500, kind=Kind.WEBHOOK) == GiveUp(reason="MaxDeliveryAttemptsExceeded")


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (Kind.WEBHOOK, 400, "BadRequest"),
        (Kind.WEBHOOK, 401, "Unauthorized"),
        (Kind.WEBHOOK, 403, "Forbidden"),
        (Kind.WEBHOOK, 413, "PayloadTooLarge"),
        (Kind.RESOURCE, 400, "BadRequest"),
        (Kind.RESOURCE, 403, "Forbidden"),
        (Kind.RESOURCE, 413, "PayloadTooLarge"),
    ],
)
def test_an_answer_that_no_retry_can_mend_is_given_up_at_the_first_attempt(kind: Kind, status: int, word: str) -> None:
    assert after(1, status, kind=kind) == GiveUp(reason=f"UndeliverableDueToHttp{word}")


@pytest.mark.parametrize(
    ("status", "webhook", "resource"),
    [(401, None, 300), (404, 10, 300), (408, 120, 120), (503, 30, 30), (500, 10, 10), (None, 10, 10)],
)
def test_some_answers_wait_longer_at_least_and_some_by_a_resource_alone(
    status: int | None, webhook: float | None, resource: float
) -> None:
    assert after(1, status, kind=Kind.RESOURCE) == resource
    if webhook is not None:
        assert after(1, status, kind=Kind.WEBHOOK) == webhook
    assert after(6, status, kind=Kind.RESOURCE) == 1800


def test_a_queue_is_a_resource_and_an_address_a_webhook() -> None:
    def kind(endpoint: str) -> Kind:
        return Subscription(name="s", topic="t", endpoint=endpoint, types=(), schema=Schema.EVENT_GRID).kind

    assert (kind("queue://events"), kind("http://127.0.0.1/hook")) == (Kind.RESOURCE, Kind.WEBHOOK)


def test_half_an_hour_to_live_is_six_attempts_as_the_page_reckons() -> None:
    policy, age, attempts = RetryPolicy(event_time_to_live_in_minutes=30), 0.0, 0
    while not outlived(age, policy):
        attempts += 1
        wait = after(attempts, 500, kind=Kind.WEBHOOK, policy=policy)
        assert isinstance(wait, int | float)
        age += wait
    assert attempts == 6


def test_chance_makes_a_retry_later_by_a_tenth_at_most_and_the_same_seed_alike() -> None:
    def waits(seed: str) -> list[float]:
        chance, pace = EventGrid(clock=Clock(), seed=seed).chance, Pace(factor=0.5)
        return [pace.retry(100, chance) for _ in range(1000)]

    some = waits("7")
    assert 50 <= min(some) < 51
    assert 54 < max(some) <= 55
    assert some == waits("7") != waits("8")


@pytest.mark.parametrize(
    ("status", "said", "word"),
    [
        (404, "", "NotFound"),
        (408, "", "TimedOut"),
        (429, "", "Busy"),
        (500, "", "Busy"),
        (503, "", "Busy"),
        (None, "TimedOut", "TimedOut"),
        (None, "ResolutionError", "ResolutionError"),
        (None, "unreachable on order", "SocketError"),
    ],
)
def test_an_outcome_is_told_in_the_words_of_the_page(status: int | None, said: str, word: str) -> None:
    assert last_outcome(status, said) == word


async def test_an_event_that_grows_too_old_is_given_up_when_it_would_be_tried_again_and_not_before() -> None:
    async with local_grid(schedule=100, jitter=0) as local:
        local.hook.answers = [500]
        retry = RetryPolicy(event_time_to_live_in_minutes=1)
        local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, retry=retry)
        await local.grid.publish("weighbridge", pushed("1"))
        for attempts, seconds in ((1, 1000), (2, 3000)):
            await until(lambda: len(local.grid.deliveries) == attempts)  # noqa: B023 - waited for here
            local.clock.advance(timedelta(seconds=seconds))
        await until(lambda: len(local.grid.deliveries) == 3)
        local.clock.advance(timedelta(seconds=5990))
        with pytest.raises(TimeoutError):
            await local.grid.settle(0.05)
        assert not local.grid.dead_letters
        local.clock.advance(timedelta(seconds=10))
        await local.grid.settle(10)
        (letter,) = local.grid.dead_letters
        assert (letter.reason, letter.attempts, letter.last_outcome) == ("TimeToLiveExceeded", 3, "Busy")
        assert letter.at <= local.grid.deliveries[-1].at


class Container:
    """Stands for a container that cannot be reached so many times. asked: the times that it was."""

    def __init__(self, away: int, clock: Clock) -> None:
        self._away, self._clock = away, clock
        self.asked: list[float] = []
        self.letters: list[DeadLetter] = []

    async def bury(self, _: Subscription, letter: DeadLetter) -> bool:
        self.asked.append((self._clock.now() - letter.at).total_seconds())
        if len(self.asked) > self._away:
            self.letters.append(letter)
        return bool(self.letters)


@pytest.mark.parametrize(("away", "asked", "written"), [(0, 1, True), (47, 48, True), (48, 48, False)])
async def test_a_dead_letter_is_written_five_minutes_later_and_dropped_after_four_hours(
    away: int, asked: int, *, written: bool
) -> None:
    async with local_grid(schedule=1) as local:
        container: Any = Container(away, local.clock)
        local.grid._rounds._account = container
        local.hook.answers = [400]
        local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, dead_letters="dead")
        await local.grid.publish("weighbridge", pushed("1"))
        await until(lambda: len(local.grid.dead_letters) == 1)
        for times in range(1, asked + 1):
            assert len(container.asked) == times - 1
            local.clock.advance(timedelta(seconds=300))
            await until(lambda: len(container.asked) == times)  # noqa: B023 - waited for here
        await local.grid.settle(10)
        assert bool(container.letters) is written
        assert 300 <= container.asked[0] < 310
