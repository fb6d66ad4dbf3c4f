"""An endpoint that fails ten times in a row is left alone, longer each time, by new events, too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from localcloud.clock import Clock
from localcloud.eventgrid.model import Schema, Subscription
from localcloud.eventgrid.probation import Probation
from localcloud.eventgrid.schedule import Pace, RetryPolicy
from tests.localcloud.serving import until
from tests.localcloud.test_eventgrid import Local, local_grid, pushed

ONCE = RetryPolicy(max_delivery_attempts=1)


def subscription() -> Subscription:
    return Subscription(name="s", topic="t", endpoint="http://e", types=(), schema=Schema.EVENT_GRID)


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        ("Busy", 10),
        ("TimedOut", 10),
        ("SocketError", 30),
        ("ResolutionError", 300),
        ("NotFound", 300),
        ("Unauthorized", 300),
        ("Forbidden", 300),
    ],
)
def test_the_tenth_failure_begins_it_for_as_long_as_the_page_says(outcome: str, seconds: float) -> None:
    clock, one = Clock(), subscription()
    probation = Probation(clock, Pace(factor=0.5))
    for _ in range(9):
        probation.told(one, outcome)
    assert one.unwell_until is None
    probation.told(one, outcome)
    assert one.unwell_until is not None
    left = (one.unwell_until - clock.now()).total_seconds()
    assert seconds / 2 - 1 < left <= seconds / 2


def test_each_further_one_doubles_it_up_to_three_hours_and_one_that_arrives_ends_it() -> None:
    clock, one, lengths = Clock(), subscription(), []
    probation = Probation(clock, Pace())
    for _ in range(9):
        probation.told(one, "SocketError")
    for _ in range(30):
        now = clock.now()
        probation.told(one, "SocketError")
        probation.told(one, "NotFound")  # of a delivery that was under way
        assert one.unwell_until is not None
        lengths.append(round((one.unwell_until - now).total_seconds()))
        clock.advance(one.unwell_until - clock.now())
    assert lengths[:9] == [30, 60, 120, 240, 480, 960, 1920, 3840, 7680]
    assert set(lengths[9:]) == {10_800}
    probation.told(one, "")
    assert (one.failures, one.unwell_until) == (0, None)


def test_what_is_wrong_with_an_event_alone_says_nothing_of_its_endpoint() -> None:
    one = subscription()
    probation = Probation(Clock(), Pace())
    for outcome in ["BadRequest", "PayloadTooLarge"] * 10:
        probation.told(one, outcome)
    assert one.failures == 0


async def unwell(local: Local) -> Subscription:
    """A subscription whose endpoint has just failed ten times."""
    local.hook.answers = [503]
    one = local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, retry=ONCE)
    for place in range(10):
        await local.grid.publish("weighbridge", pushed(str(place)))
    await local.grid.settle(10)
    assert one.unwell_until is not None
    local.hook.answers = [202]
    local.hook.received.clear()
    return one


async def test_new_events_wait_until_an_endpoint_is_tried_again() -> None:
    async with local_grid(schedule=100) as local:
        one = await unwell(local)
        await local.grid.publish("weighbridge", pushed("new"))
        local.clock.advance(timedelta(seconds=900))
        with pytest.raises(TimeoutError):
            await local.grid.settle(0.05)
        assert local.hook.received == []
        local.clock.advance(timedelta(seconds=100))
        await local.grid.settle(10)
        assert [received.body[0]["id"] for received in local.hook.received] == ["new"]
        assert (one.failures, one.unwell_until) == (0, None)


async def test_an_event_that_is_to_be_tried_again_waits_too_and_may_grow_too_old_unseen() -> None:
    async with local_grid(schedule=100, jitter=0) as local:
        retry = RetryPolicy(event_time_to_live_in_minutes=1)
        local.hook.answers = [503]
        old = local.grid.subscribe("old", "weighbridge", endpoint=local.hook.url, retry=retry)
        old.failures = 13
        await local.grid.publish("weighbridge", pushed("retried"))
        await until(lambda: len(local.grid.deliveries) == 1)
        await local.grid.publish("weighbridge", pushed("new"))
        local.clock.advance(timedelta(seconds=4_000))
        with pytest.raises(TimeoutError):
            await local.grid.settle(0.05)
        local.clock.advance(timedelta(seconds=12_000))
        await local.grid.settle(10)
        found = [(str(one.event["id"]), one.attempts, one.last_outcome) for one in local.grid.dead_letters]
        assert sorted(found) == [("new", 0, "Probation"), ("retried", 1, "Probation")]
        assert {one.reason for one in local.grid.dead_letters} == {"TimeToLiveExceeded"}
        assert len(local.hook.received) == 1


async def test_it_can_be_switched_off() -> None:
    async with local_grid() as local:
        local.grid.pace.probation = False
        local.hook.answers = [503]
        one = local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, retry=ONCE)
        for place in range(12):
            await local.grid.publish("weighbridge", pushed(str(place)))
        await local.grid.settle(10)
        assert (one.failures, one.unwell_until, len(local.hook.received)) == (12, None, 12)


async def test_once_it_is_off_a_new_event_goes_to_an_endpoint_that_is_unwell() -> None:
    async with local_grid(schedule=100) as local:
        await unwell(local)
        local.grid.pace.probation = False
        await local.grid.publish("weighbridge", pushed("new"))
        await local.grid.settle(10)
        assert len(local.hook.received) == 1
