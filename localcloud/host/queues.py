"""Storage queue triggers as the real host polls them (functions.md B)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
LEASE = timedelta(minutes=10)
FIRST_WAIT = 0.1
FETCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """`extensions.queues` of host.json, with the host's defaults. Times in seconds."""

    longest_wait: float = 60.0
    retry_after: int = 0
    most_tries: int = 5
    at_once: int = 24
    encoded: bool = True


def options(folder: Path) -> QueueOptions:
    """Read host.json."""
    found = json.loads((folder / "host.json").read_text()).get("extensions", {}).get("queues", {})
    batch = int(found.get("batchSize", FETCH))
    return QueueOptions(
        longest_wait=_seconds(found.get("maxPollingInterval", "00:01:00")),
        retry_after=int(_seconds(found.get("visibilityTimeout", "00:00:00"))),
        most_tries=int(found.get("maxDequeueCount", 5)),
        at_once=batch + int(found.get("newBatchThreshold", batch // 2)),
        encoded=found.get("messageEncoding", "base64") == "base64",
    )


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


async def poll(function: Function, storage: str, settings: QueueOptions) -> None:
    """Serve one queue until cancelled; runs in flight are awaited first."""
    name = str(function.settings["queueName"])
    running: set[asyncio.Task[None]] = set()
    async with QueueClient.from_connection_string(storage, name) as queue:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        wait = FIRST_WAIT
        try:
            while True:
                got = await _fetch(queue, settings.at_once - len(running))
                for message in got:
                    task = asyncio.create_task(_run(function, queue, storage, message, settings))
                    running.add(task)
                    task.add_done_callback(running.discard)
                wait = FIRST_WAIT if got else min(wait * 2, settings.longest_wait)
                await asyncio.sleep(wait)
        finally:
            await asyncio.gather(*running, return_exceptions=True)


async def _fetch(queue: QueueClient, room: int) -> list[Any]:
    if room <= 0:
        return []
    try:
        lease = int(LEASE.total_seconds())
        pages = queue.receive_messages(max_messages=min(room, FETCH), visibility_timeout=lease)
        return [message async for message in _first_page(pages, min(room, FETCH))]
    except AzureError as error:
        log.warning("queue %s: %s", queue.queue_name, error)
        return []


async def _first_page(pages: Any, most: int) -> Any:
    async for page in pages.by_page():
        count = 0
        async for message in page:
            yield message
            count += 1
            if count >= most:
                return
        return


async def _run(function: Function, queue: QueueClient, storage: str, message: Any, settings: QueueOptions) -> None:
    try:
        if message.dequeue_count > settings.most_tries:
            await _poison(queue, storage, message)
            return
        await invoke(function, datum(_body(message.content, settings), "string"), _metadata(message))
    except Exception:
        # The real host catches everything a function raises; the message comes again, or is poison.
        log.exception("%s", function.name)
        await _failed(queue, storage, message, settings)
        return
    with contextlib.suppress(ResourceNotFoundError):
        await queue.delete_message(message)


def _body(content: str, settings: QueueOptions) -> str:
    if not settings.encoded:
        return content
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("expected a base64 message (host.json messageEncoding), found something else") from error


def _metadata(message: Any) -> Mapping[str, Any]:
    return {
        "Id": datum(message.id, "string"),
        "PopReceipt": datum(message.pop_receipt, "string"),
        "DequeueCount": datum(str(message.dequeue_count), "json"),
        "InsertionTime": datum(json.dumps(message.inserted_on.isoformat()), "json"),
        "ExpirationTime": datum(json.dumps(message.expires_on.isoformat()), "json"),
        "NextVisibleTime": datum(json.dumps(message.next_visible_on.isoformat()), "json"),
    }


async def _failed(queue: QueueClient, storage: str, message: Any, settings: QueueOptions) -> None:
    with contextlib.suppress(ResourceNotFoundError):
        if message.dequeue_count >= settings.most_tries:
            await _poison(queue, storage, message)
        else:
            await queue.update_message(message, visibility_timeout=settings.retry_after)


async def _poison(queue: QueueClient, storage: str, message: Any) -> None:
    async with QueueClient.from_connection_string(storage, f"{queue.queue_name}-poison") as poison:
        with contextlib.suppress(ResourceExistsError):
            await poison.create_queue()
        await poison.send_message(message.content, time_to_live=-1)
    await queue.delete_message(message)
