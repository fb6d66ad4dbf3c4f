"""Two Functions hosts of one app at once, as when an app scales out: one queue, and every message is done once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localcloud.functions import Functions
from localcloud.instances import Instances
from tests.localcloud.hosts import KEY, LIMIT_SECONDS, Hosted, hosted, queue, until_empty, write_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# One message at a time: a host that holds one leaves the others to the other host.
QUEUES = {"visibilityTimeout": "00:00:01", "maxPollingInterval": "00:00:00.2", "batchSize": 1, "newBatchThreshold": 0}
PROGRAM = """
    @app.queue_trigger(arg_name="message", queue_name="{queue}", connection=STORAGE)
    async def run(message: func.QueueMessage):
        text = message.get_body().decode()
        tell(begins=text, tries=message.dequeue_count)
        if text in ("first", "second", "held"):
            await until((FOLDER / "go").exists)
        tell(done=text)

    @app.route(auth_level=func.AuthLevel.FUNCTION)
    def enter(req: func.HttpRequest):
        return "in"
"""


@asynccontextmanager
async def two(tmp_path: Any, azurite: Any, name: str):
    more = {
        "storage": azurite.connection_string,
        "queues": QUEUES,
        "shared": tmp_path / "shared",
        "arguments": ("--lease", "2"),
    }
    program = PROGRAM.replace("{queue}", name)
    async with hosted(tmp_path / "one", program, **more) as one, hosted(tmp_path / "other", program, **more) as other:
        yield one, other


@asynccontextmanager
async def three_on_one_port(tmp_path: Any) -> AsyncIterator[Instances]:
    program = """
    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def who(req: func.HttpRequest):
        return str(os.getpid())
    """
    app = write_app(tmp_path / "app", program)
    settings, shared = {"AzureWebJobsStorage": "", "FOLDER": str(app)}, tmp_path / "shared"
    logs = [tmp_path / f"log-{n}" for n in range(3)]
    instances = Instances([Functions(app, settings, KEY, log, shared=shared, shares_port=True) for log in logs])
    try:
        await instances.start()
        yield instances
    finally:
        await instances.stop()


async def answering(instances: Instances, count: int) -> set[str]:
    """Who answers, once that many have; each is asked by a connection of its own."""
    seen: set[str] = set()
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(seen) < count:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"{instances.hosts[0].base}/api/who") as answer,
            ):
                assert answer.status == 200
                seen.add(await answer.text())
    return seen


async def test_instances_on_one_port_all_answer_and_one_that_is_killed_gets_no_more(tmp_path):
    async with three_on_one_port(tmp_path) as instances:
        before = await answering(instances, 3)

        await instances.kill(2)
        assert [host.running for host in instances.hosts] == [True, False, True]
        left = await answering(instances, 2)
        for _ in range(20):
            left |= await answering(instances, 1)
        assert len(left) == 2
        assert left < before

        await instances.start()
        assert left < await answering(instances, 3)
        await instances.kill()
        assert not any(host.running for host in instances.hosts)


def done(*hosts: Hosted) -> Counter[str]:
    return Counter(one["done"] for host in hosts for one in host.told() if "done" in one)


async def test_two_hosts_share_a_queue_and_each_message_is_done_once(tmp_path, azurite):
    async with two(tmp_path, azurite, "shared") as (one, other), queue(azurite, "shared") as client:
        await client.send_message("first")
        await one.until(lambda: one.told() or other.told())
        await client.send_message("second")
        await one.until(lambda: one.told() and other.told())  # both have their hands full now
        many = [str(number) for number in range(30)]
        await asyncio.gather(*(client.send_message(text) for text in many))
        for host in (one, other):
            (host.folder / "go").touch()
        await until_empty(client)
        assert done(one, other) == Counter(["first", "second", *many])
        assert {entry["tries"] for host in (one, other) for entry in host.told() if "tries" in entry} == {1}


async def test_what_a_host_was_at_when_it_was_killed_is_the_others_after_its_lease_and_not_before(tmp_path, azurite):
    async with two(tmp_path, azurite, "handed-over") as (one, other), queue(azurite, "handed-over") as client:
        await client.send_message("held")
        await one.until(lambda: one.told() or other.told())
        killed, heir = (one, other) if one.told() else (other, one)
        await client.send_message("next")
        await heir.until(lambda: heir.told(done="next"))  # it looks into the queue, and does not find what is held
        assert not heir.told(begins="held")

        await killed.functions.kill()
        (heir.folder / "go").touch()
        await heir.until(lambda: heir.told(done="held"))
        await until_empty(client)
        assert done(killed, heir) == Counter(["held", "next"])
        assert [entry["tries"] for entry in heir.told(begins="held")] == [2]


@pytest.mark.parametrize("killed", [False, True])
async def test_all_hosts_of_an_app_know_the_same_keys(tmp_path, azurite, killed):
    async with two(tmp_path, azurite, "keys") as (one, other):
        if killed:
            await one.functions.kill()
            await one.functions.start()
        assert one.functions.keys == other.functions.keys
        for key in (KEY, one.functions.keys.functions["enter"]):
            assert (await other.call("GET", "/api/enter", key=key))[:2] == (200, "in")
