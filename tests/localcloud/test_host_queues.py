"""The Functions host and its queues: leased, tried again, poison at last, and never lost."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from azure.core.exceptions import ServiceRequestError

from localcloud.host.messages import Handler
from localcloud.host.queues import QueueOptions, fetch
from localcloud.host.worker import Function
from tests.localcloud.hosts import LIMIT_SECONDS, hosted, listens, queue, until_empty

here = pytest.mark.asyncio(loop_scope="module")
QUEUES = {"visibilityTimeout": "00:00:01", "maxPollingInterval": "00:00:00.2"}
PROGRAM = """
    @app.queue_trigger(arg_name="message", queue_name="typed", connection=STORAGE)
    def typed(message: func.QueueMessage):
        tell(typed=message.get_json(), tries=message.dequeue_count, id=message.id, receipt=message.pop_receipt)

    @app.queue_trigger(arg_name="message", queue_name="failing", connection=STORAGE)
    async def failing(message: func.QueueMessage):
        tell(failing=message.get_body().decode(), tries=message.dequeue_count)
        raise ValueError("every time")

    @app.queue_trigger(arg_name="message", queue_name="failing-poison", connection=STORAGE)
    async def poison(message: str):
        tell(poison=message)
        if message == "fails again":
            raise ValueError("even here")

    @app.queue_trigger(arg_name="message", queue_name="plain", connection=STORAGE)
    async def plain(message: str):
        tell(plain=message)

    here = set()

    @app.queue_trigger(arg_name="message", queue_name="together", connection=STORAGE)
    async def together(message: str):
        '''Ends when 9 are here at once: one more than what keeps the host from fetching others.'''
        here.add(message)
        tell(began=message)
        await until(lambda: len(here) >= 9)
        tell(together=message)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory, azurite):
    folder = tmp_path_factory.mktemp("host") / "app"
    async with hosted(folder, PROGRAM, storage=azurite.connection_string, queues=QUEUES) as running:
        async with queue(azurite, "plain", encoded=False) as client:
            await client.send_message("not base64")  # now, because it takes seconds until it is poison
        yield running


@here
async def test_a_message_is_decoded_run_once_and_gone(host, azurite):
    async with queue(azurite, "typed") as client:
        sent = await client.send_message(json.dumps({"ü": 1}), time_to_live=-1)
        await host.until(lambda: host.told(id=sent.id))
        await until_empty(client)
    (run,) = host.told(id=sent.id)
    assert (run["typed"], run["tries"], bool(run["receipt"])) == ({"ü": 1}, 1, True)


@here
async def test_messages_run_at_once(host, azurite):
    async with queue(azurite, "together") as client:
        await client.send_message("0")
        await host.until(lambda: host.told(began="0"))
        await asyncio.gather(*(client.send_message(str(n)) for n in range(1, 9)))
        await until_empty(client)
    assert sorted(int(one["together"]) for one in host.told() if "together" in one) == list(range(9))


@here
async def test_a_failure_waits_for_the_visibility_timeout_and_the_fifth_is_poison(host, azurite):
    async with queue(azurite, "failing") as client:
        await client.send_message("a", time_to_live=-1)
        await host.until(lambda: host.told(poison="a"))
        await until_empty(client)
    runs = host.told(failing="a")
    assert [run["tries"] for run in runs] == [1, 2, 3, 4, 5]
    pauses = [later["at"] - earlier["at"] for earlier, later in pairwise(runs)]
    assert min(pauses) >= 0.99  # never earlier; how much later is the machine's
    assert "failing: message" in host.log()
    assert "failed 5 times: moved to failing-poison" in host.log()


@here
async def test_a_message_in_another_encoding_never_runs_and_is_poison_as_it_was_sent(host, azurite):
    async with queue(azurite, "plain") as client:
        async with queue(azurite, "plain-poison") as poison, asyncio.timeout(LIMIT_SECONDS):
            while not (found := await poison.peek_messages()):  # noqa: ASYNC110 - it is storage's
                await asyncio.sleep(0.05)
        await until_empty(client)
    assert [one.content for one in found] == ["not base64"]
    assert not [one for one in host.told() if "plain" in one]
    assert "expected a base64 message (host.json messageEncoding)" in host.log()


@here
async def test_what_fails_in_a_poison_queue_stays_there_for_its_lease_and_goes_to_no_third_queue(host, azurite):
    async with queue(azurite, "failing-poison") as client:
        await client.send_message("fails again")
        await host.until(lambda: "ValueError: even here" in host.log())
        assert (await client.get_queue_properties()).approximate_message_count == 1
        assert len(host.told(poison="fails again")) == 1


async def test_a_message_of_a_killed_host_comes_again_after_its_lease(tmp_path, azurite):
    program = """
        @app.queue_trigger(arg_name="message", queue_name="killed", connection=STORAGE)
        async def run(message: func.QueueMessage):
            tell(tries=message.dequeue_count)
            await until((FOLDER / "go").exists)
            tell(done=message.get_body().decode())
    """
    async with (
        hosted(
            tmp_path / "app", program, storage=azurite.connection_string, queues=QUEUES, arguments=("--lease", "2")
        ) as host,
        queue(azurite, "killed") as client,
    ):
        await client.send_message("a")
        await host.until(lambda: host.told(tries=1))
        await host.functions.kill()
        (host.folder / "go").touch()
        await host.functions.start()
        await host.until(lambda: host.told(done="a"))
        await until_empty(client)
        assert host.told()[-2]["tries"] > 1


async def test_the_end_waits_for_the_message_in_hand_and_leaves_the_others(tmp_path, azurite):
    program = """
        @app.queue_trigger(arg_name="message", queue_name="ending", connection=STORAGE)
        async def run(message: str):
            tell(begins=message)
            await until((FOLDER / "go").exists)
            tell(done=message)
    """
    async with (
        hosted(
            tmp_path / "app", program, storage=azurite.connection_string, queues=QUEUES, arguments=("--grace", "15")
        ) as host,
        queue(azurite, "ending") as client,
    ):
        await client.send_message("a")
        await host.until(lambda: host.told(begins="a"))
        ending = asyncio.create_task(host.functions.stop())
        await host.until(lambda: not listens(host.functions.port))
        await client.send_message("b")
        (host.folder / "go").touch()
        await ending
        assert [one.content for one in await client.peek_messages(max_messages=5)] == ["Yg=="]
        assert [one["done"] for one in host.told() if "done" in one] == ["a"]


async def test_a_batch_is_fetched_by_one_request(azurite):
    async with queue(azurite, "batch") as client:
        await asyncio.gather(*(client.send_message(str(n)) for n in range(5)))
        assert len(await fetch(client, 4, 60.0)) == 4
        assert len(await fetch(client, 4, 60.0)) == 1
        assert await fetch(client, 4, 60.0) == []
        assert await fetch(client, 0, 60.0) == []


# ---- one message, with a queue that remembers


class RememberingQueue:
    """A queue of one message. Every renewal gives it another receipt; `broken` renewals fail."""

    def __init__(self, broken: int = 0, name: str = "work") -> None:
        self.queue_name = name
        self.renewals: list[tuple[str, int]] = []
        self.deleted = ""
        self._broken = broken

    async def update_message(self, message: Any, *, visibility_timeout: int) -> Any:
        self.renewals.append((message.pop_receipt, visibility_timeout))
        await asyncio.sleep(0)
        if len(self.renewals) <= self._broken:
            raise ServiceRequestError("no answer")
        return SimpleNamespace(**{**vars(message), "pop_receipt": f"receipt {len(self.renewals)}"})

    async def delete_message(self, message: Any) -> None:
        self.deleted = message.pop_receipt


async def handled(queue: RememberingQueue, call: Any, tries: int = 1) -> None:
    moment = SimpleNamespace(isoformat=lambda: "2024-05-06T12:00:00")
    message = SimpleNamespace(
        id="1",
        content="YQ==",
        dequeue_count=tries,
        pop_receipt="receipt 0",
        inserted_on=moment,
        expires_on=moment,
        next_visible_on=moment,
    )
    function = Function(name="run", kind="queueTrigger", settings={}, argument="message", text=True, call=call)
    settings = QueueOptions(lease=0.02)
    await Handler(function, queue, "", settings).handle(message)  # type: ignore[arg-type]


@pytest.mark.parametrize("broken", [0, 1])
async def test_a_lease_is_renewed_as_long_as_the_function_runs_and_the_last_receipt_counts(broken):
    remembering = RememberingQueue(broken)

    async def call(message: str) -> None:
        assert message == "a"
        async with asyncio.timeout(LIMIT_SECONDS):
            while len(remembering.renewals) < 3:  # noqa: ASYNC110 - it is another task's
                await asyncio.sleep(0.001)

    await handled(remembering, call)

    used = [receipt for receipt, _ in remembering.renewals]
    assert used[:3] == (["receipt 0", "receipt 0", "receipt 2"] if broken else ["receipt 0", "receipt 1", "receipt 2"])
    assert remembering.deleted == f"receipt {len(used)}"
    renewals = len(remembering.renewals)
    await asyncio.sleep(0)
    assert len(remembering.renewals) == renewals


async def test_a_quick_function_renews_nothing():
    remembering = RememberingQueue()

    async def call(message: str) -> None:
        pass

    await handled(remembering, call)

    assert remembering.renewals == []
    assert remembering.deleted == "receipt 0"


@pytest.mark.parametrize("tries", [1, 5, 6])
async def test_a_queue_for_poison_keeps_what_fails_and_runs_nothing_a_sixth_time(tries):
    remembering, runs = RememberingQueue(name="work-poison"), []

    async def call(message: str) -> None:
        runs.append(message)
        raise ValueError(message)

    await handled(remembering, call, tries)

    assert runs == (["a"] if tries <= 5 else [])
    assert (remembering.renewals, remembering.deleted) == ([], "")
