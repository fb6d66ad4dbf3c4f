"""Storage queue triggers: which queue, how fast, how many at once (webjobs-sdk, QueueListener.cs)."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.queue.aio import QueueClient

from localcloud.host.indexing import IndexingError
from localcloud.host.messages import Handler
from localcloud.host.stopping import pause

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
LEASE = 600.0  # seconds
_FIRST_WAIT = 0.1
_NAME = re.compile(r"[a-z0-9](-?[a-z0-9]){2,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """`extensions.queues` of host.json, with the host's defaults on one core. Times in seconds."""

    longest_wait: float = 60.0
    retry_after: int = 0
    most_tries: int = 5
    batch: int = 16
    threshold: int = 8  # more are fetched when no more than this many run
    encoded: bool = True
    lease: float = LEASE


def options(folder: Path, lease: float = LEASE) -> QueueOptions:
    """Read host.json. lease: seconds a message stays away from others without a word from who runs it."""
    found = json.loads((folder / "host.json").read_text()).get("extensions", {}).get("queues", {})
    batch = int(found.get("batchSize", 16))
    return QueueOptions(
        longest_wait=_seconds(found.get("maxPollingInterval", "00:01:00")),
        retry_after=int(_seconds(found.get("visibilityTimeout", "00:00:00"))),
        most_tries=int(found.get("maxDequeueCount", 5)),
        batch=batch,
        threshold=int(found.get("newBatchThreshold", batch // 2)),
        encoded=found.get("messageEncoding", "base64") == "base64",
        lease=lease,
    )


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def connection(function: Function, settings: Mapping[str, str]) -> str:
    """The connection string of a function's queue. Raises IndexingError."""
    queue = str(function.settings["queueName"])
    if not _NAME.fullmatch(queue):
        raise IndexingError(f"{function.name}: queue_name: expected small letters, digits and dashes, found {queue!r}")
    name = str(function.settings["connection"])
    if not settings.get(name):
        raise IndexingError(f"{function.name}: connection: expected a connection string in {name}, found none")
    return settings[name]


async def poll(function: Function, storage: str, settings: QueueOptions, stopped: asyncio.Event) -> None:
    """Serve one queue until `stopped`; then await the runs in flight."""
    running: set[asyncio.Task[None]] = set()
    name = str(function.settings["queueName"])
    async with QueueClient.from_connection_string(storage, name) as queue:
        handler = Handler(function, queue, storage, settings)
        wait, there = _FIRST_WAIT, False
        while not stopped.is_set():
            there = there or await _create(queue)
            room = settings.batch if there and len(running) <= settings.threshold else 0
            got = await fetch(queue, room, settings.lease)
            for message in got:
                task = asyncio.create_task(handler.handle(message))
                running.add(task)
                task.add_done_callback(running.discard)
            wait = _FIRST_WAIT if got or not room else min(wait * 2, settings.longest_wait)
            await pause(stopped, wait)
        await asyncio.gather(*running)


async def _create(queue: QueueClient) -> bool:
    try:
        await queue.create_queue()
    except ResourceExistsError:
        return True
    except AzureError as error:
        log.warning("queue %s: %s", queue.queue_name, error)
        return False
    return True


async def fetch(queue: QueueClient, most: int, lease: float) -> list[Any]:
    """As many messages as there are, `most` of them at most, by one request; none when storage does not answer."""
    if most <= 0:
        return []
    try:
        found = queue.receive_messages(messages_per_page=most, max_messages=most, visibility_timeout=max(1, int(lease)))
        async for page in found.by_page():  # one request: all of them would ask until the queue is empty
            return [message async for message in page]
    except AzureError as error:
        log.warning("queue %s: %s", queue.queue_name, error)
    return []
