"""Two Functions hosts of one app at once, as when an app scales out: one queue, and every message is done once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.localcloud.hosts import KEY, Hosted, hosted, queue, until_empty

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
