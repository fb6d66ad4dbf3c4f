"""Messages as they travel: in base64, never expiring, visible no earlier than asked, within the service's limits."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from azure.storage.queue import TextBase64DecodePolicy
from azure.storage.queue.aio import QueueClient

from cloud.identity import Identity
from cloud.queues import StorageQueue
from delivery.errors import Refused
from delivery.settings import Settings
from tests.fakes.clock import START, FakeClock
from tests.fakes.queue import MemoryQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from delivery.ports import Queue
    from localcloud.azurite import Azurite

NUMBERS = itertools.count()
NOW = timedelta()


@pytest.fixture
def name() -> str:
    return f"ticks-{next(NUMBERS)}"


@pytest.fixture
async def storage(azurite: Azurite) -> AsyncIterator[StorageQueue]:
    queue = StorageQueue(Settings(storage=azurite.connection_string, registries={}), Identity())
    yield queue
    await queue.close()


@pytest.fixture
async def reader(azurite: Azurite, name: str) -> AsyncIterator[QueueClient]:
    """As the Functions host reads: the body is base64 of UTF-8."""
    decode = TextBase64DecodePolicy()
    async with QueueClient.from_connection_string(azurite.connection_string, name, message_decode_policy=decode) as it:
        yield it


@pytest.fixture(params=["memory", "azurite"])
def queue(request: pytest.FixtureRequest) -> Queue:
    found: Queue = MemoryQueue(FakeClock()) if request.param == "memory" else request.getfixturevalue("storage")
    return found


async def test_the_host_reads_what_was_put_and_the_first_message_makes_the_queue(
    storage: StorageQueue, reader: QueueClient, name: str
) -> None:
    await storage.put(name, {"app": "contoso|web", "because": "5xx ≤ 1 % – naïve"}, NOW)
    message = await reader.receive_message()
    assert message is not None
    assert json.loads(message.content) == {"app": "contoso|web", "because": "5xx ≤ 1 % – naïve"}


async def test_a_message_never_expires(storage: StorageQueue, reader: QueueClient, name: str) -> None:
    await storage.put(name, {}, NOW)
    (message,) = await reader.peek_messages()
    assert message.expires_on is not None
    assert message.expires_on.year == 9999


async def test_a_delayed_message_is_there_but_not_visible(
    storage: StorageQueue, reader: QueueClient, name: str
) -> None:
    await storage.put(name, {}, timedelta(days=7))
    assert await reader.receive_message() is None
    assert (await reader.get_queue_properties()).approximate_message_count == 1


async def test_a_queue_deleted_meanwhile_is_made_again(storage: StorageQueue, reader: QueueClient, name: str) -> None:
    await storage.put(name, {"n": 1}, NOW)
    await reader.delete_queue()
    await storage.put(name, {"n": 2}, NOW)
    assert [json.loads(message.content) for message in await reader.peek_messages(5)] == [{"n": 2}]


@pytest.mark.parametrize("delay", [timedelta(seconds=-1), timedelta(days=7, microseconds=1)])
async def test_a_delay_outside_0_to_7_days_is_refused(queue: Queue, name: str, delay: timedelta) -> None:
    with pytest.raises(Refused, match=f"queue {name}: expected a delay of 0 to 7 days") as error:
        await queue.put(name, {}, delay)
    assert error.value.status == 400


async def test_the_largest_message_is_64_kib_in_base64(queue: Queue, name: str) -> None:
    largest = 48 * 1024 - len('{"text":""}')
    await queue.put(name, {"text": "x" * largest}, NOW)
    with pytest.raises(Refused, match=f"queue {name}: expected a message of at most 65536 bytes, found 65540") as error:
        await queue.put(name, {"text": "x" * (largest + 1)}, NOW)
    assert error.value.status == 413


@pytest.mark.parametrize("bad", ["Ticks", "ab", "a" * 64, "a--b", "-ab", "ab-", "a_b"])
async def test_a_name_no_queue_can_have_is_refused(queue: Queue, bad: str) -> None:
    with pytest.raises(Refused, match="expected a name of 3 to 63 small letters"):
        await queue.put(bad, {}, NOW)


async def test_the_queue_of_the_tests_shows_a_message_when_it_is_due() -> None:
    clock = FakeClock()
    queue = MemoryQueue(clock)
    await queue.put("ticks", {"n": 1}, timedelta(seconds=1.2))
    await queue.put("ticks", {"n": 2}, NOW)
    await queue.put("outbox", {"n": 3}, NOW)
    assert [message.body for message in queue.due("ticks")] == [{"n": 2}]
    assert queue.pop_due("ticks") is not None
    assert queue.pop_due("ticks") is None
    assert queue.next_at("ticks") == START + timedelta(seconds=2)
    clock.advance(timedelta(seconds=2))
    popped = [queue.pop_due(), queue.pop_due()]
    assert [message and message.body for message in popped] == [{"n": 3}, {"n": 1}]
    assert queue.pop_due() is None
    assert queue.next_at() is None


async def test_the_queue_of_the_tests_can_be_interrupted_before_and_after() -> None:
    async def refuse(name: str, arguments: tuple[object, ...]) -> None:
        raise Refused(f"{name} {arguments[0]}")

    queue = MemoryQueue(FakeClock(), before=refuse)
    with pytest.raises(Refused, match="put ticks"):
        await queue.put("ticks", {}, NOW)
    assert queue.messages == []
    queue = MemoryQueue(FakeClock(), after=refuse)
    with pytest.raises(Refused, match="put ticks"):
        await queue.put("ticks", {}, NOW)
    assert len(queue.messages) == 1
