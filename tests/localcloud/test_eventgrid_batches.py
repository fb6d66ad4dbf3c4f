"""A webhook that asked for batches gets what is there together, and all of it arrives or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from localcloud.eventgrid.batches import Batching
from localcloud.eventgrid.model import Taken
from localcloud.eventgrid.orders import EventTrouble
from localcloud.eventgrid.schedule import RetryPolicy
from tests.localcloud.serving import until
from tests.localcloud.test_eventgrid import CLOUD, Local, local_grid, pushed

NOW = datetime.now(UTC)


def cut(batching: Batching, *sizes: int) -> list[list[int]]:
    """Places of events of these sizes, in KB, batch by batch."""
    waiting = [
        Taken(event={"id": str(place), "data": "x" * size * 1000}, published=NOW, headers={})
        for place, size in enumerate(sizes)
    ]
    return [[int(str(one.event["id"])) for one in batch] for batch in batching.cut(waiting)]


def test_a_batch_has_no_more_events_than_the_most() -> None:
    assert cut(Batching(max_events_per_batch=2), 0, 0, 0, 0, 0) == [[0, 1], [2, 3], [4]]
    assert cut(Batching(max_events_per_batch=1), 0, 0) == [[0], [1]]
    assert cut(Batching()) == []


def test_a_batch_is_no_larger_than_preferred_but_for_an_event_that_is() -> None:
    batching = Batching(preferred_batch_size_in_kilobytes=10)
    assert cut(batching, 4, 4, 4, 12, 1, 8) == [[0, 1], [2], [3], [4, 5]]
    assert cut(batching, 12, 1) == [[0], [1]]


@pytest.mark.parametrize(
    ("given", "most", "size"),
    [
        ({"maxEventsPerBatch": 7}, 7, 64),
        ({"preferredBatchSizeInKilobytes": 512}, 5000, 512),
    ],
)
def test_either_setting_turns_batches_on(given: dict[str, int], most: int, size: int) -> None:
    found = msgspec.convert(given, Batching)
    assert (found.max_events_per_batch, found.preferred_batch_size_in_kilobytes) == (most, size)


@pytest.mark.parametrize(
    "given",
    [
        {"maxEventsPerBatch": 0},
        {"maxEventsPerBatch": 5001},
        {"preferredBatchSizeInKilobytes": 0},
        {"preferredBatchSizeInKilobytes": 1025},
    ],
)
def test_a_setting_beyond_the_documented_limits_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Batching)


async def publish(local: Local, *names: str) -> None:
    for name in names:
        await local.grid.publish("weighbridge", pushed(name))


def subscribe(local: Local, most: int = 3, **more: Any) -> None:
    batching = Batching(max_events_per_batch=most)
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, batching=batching, **more)


def ids(local: Local) -> list[list[str]]:
    return sorted([event["id"] for event in one.body] for one in local.hook.received)


@pytest.mark.parametrize(
    ("schema", "content"),
    [("EventGridSchema", "application/json"), (CLOUD, "application/cloudevents-batch+json")],
)
async def test_what_is_published_together_comes_together_and_later_events_by_themselves(
    schema: str, content: str
) -> None:
    async with local_grid() as local:
        subscribe(local, schema=schema)
        await publish(local, "1", "2", "3", "4")
        await local.grid.settle(10)
        await publish(local, "5")
        await local.grid.settle(10)
        assert ids(local) == [["1", "2", "3"], ["4"], ["5"]]
        assert {one.headers["Content-Type"].partition(";")[0] for one in local.hook.received} == {content}
        assert [one.outcome for one in local.grid.deliveries] == ["delivered"] * 5


async def test_a_batch_that_fails_comes_again_as_a_whole_and_is_given_up_event_by_event() -> None:
    async with local_grid() as local:
        local.hook.answers = [500]
        subscribe(local, retry=RetryPolicy(max_delivery_attempts=2))
        await publish(local, "1", "2")
        await local.grid.settle(10)
        assert ids(local) == [["1", "2"], ["1", "2"]]
        assert [one.headers["aeg-delivery-count"] for one in local.hook.received] == ["0", "1"]
        assert [(one.event_id, one.attempt) for one in local.grid.deliveries] == [
            ("1", 1),
            ("2", 1),
            ("1", 2),
            ("2", 2),
        ]
        assert [letter.event["id"] for letter in local.grid.dead_letters] == ["1", "2"]


async def test_an_event_of_a_batch_that_grows_too_old_leaves_the_others() -> None:
    async with local_grid(schedule=1, jitter=0) as local:
        local.hook.ready = False
        local.hook.answers = [500, 202]
        subscribe(local, retry=RetryPolicy(event_time_to_live_in_minutes=1))
        await publish(local, "old")
        local.clock.advance(timedelta(seconds=55))
        await publish(local, "young")
        local.hook.ready = True
        await until(lambda: len(local.grid.deliveries) == 2)
        local.clock.advance(timedelta(seconds=10))
        await local.grid.settle(10)
        assert [[event["id"] for event in one.body] for one in local.hook.received] == [["old", "young"], ["young"]]
        assert [(letter.event["id"], letter.reason) for letter in local.grid.dead_letters] == [
            ("old", "TimeToLiveExceeded")
        ]


async def test_a_batch_meets_as_a_whole_what_is_ordered_for_one_of_its_events() -> None:
    async with local_grid() as local:
        local.grid.orders.add(EventTrouble.REFUSE, status=400, subject="second")
        subscribe(local)
        await publish(local, "1")
        await local.grid.publish("weighbridge", pushed("2") | {"subject": "second"})
        await local.grid.settle(10)
        assert [letter.event["id"] for letter in local.grid.dead_letters] == ["1", "2"]
        assert local.hook.received == []


async def test_without_batches_each_event_comes_alone() -> None:
    async with local_grid() as local:
        local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url)
        await publish(local, "1", "2")
        await local.grid.settle(10)
        assert ids(local) == [["1"], ["2"]]
