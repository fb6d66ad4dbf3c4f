"""What becomes of one queue message: run under a lease, then deleted, released, or moved to the poison queue.

The order of things is that of webjobs-sdk's QueueProcessor.cs: a failure releases the message for `visibilityTimeout`,
the last one moves it; a queue that is itself for poison has no other to move it to, and keeps it until its lease ends.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.queue.aio import QueueClient

from localcloud.host.stopping import pause
from localcloud.host.worker import datum, invoke

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.host.queues import QueueOptions
    from localcloud.host.worker import Function

log = logging.getLogger("localcloud.host")
_POISON = "-poison"


class Handler:
    """Handles the messages of one function's queue."""

    def __init__(self, function: Function, queue: QueueClient, storage: str, settings: QueueOptions) -> None:
        self._function = function
        self._queue = queue
        self._storage = storage
        self._settings = settings

    async def handle(self, message: Any) -> None:
        """Run the function on a fetched message. A message that storage does not let go comes again."""
        try:
            if message.dequeue_count > self._settings.most_tries:
                await self._move(message)
                return
            message, succeeded = await self._leased(message)
            if succeeded:
                await self._queue.delete_message(message)
            elif message.dequeue_count >= self._settings.most_tries:
                await self._move(message)
            elif not self._last:
                await self._queue.update_message(message, visibility_timeout=self._settings.retry_after)
        except AzureError as error:
            log.warning("queue %s: message %s: %s", self._queue.queue_name, message.id, error)

    @property
    def _last(self) -> bool:
        """Whether there is no poison queue for this queue."""
        return str(self._queue.queue_name).endswith(_POISON)

    async def _leased(self, message: Any) -> tuple[Any, bool]:
        """Run while the lease is renewed; the message as its last renewal left it, and whether the run succeeded."""
        over = asyncio.Event()
        renewing = asyncio.create_task(self._renew(message, over))
        try:
            succeeded = await self._run(message)
        finally:
            # Not cancelled: a renewal that is under way changes what the message is deleted with.
            over.set()
            message = await renewing
        return message, succeeded

    async def _renew(self, message: Any, over: asyncio.Event) -> Any:
        lease = self._settings.lease
        while not await pause(over, lease / 2):
            try:
                message = await self._queue.update_message(message, visibility_timeout=max(1, int(lease)))
            except AzureError as error:
                log.warning("queue %s: message %s: lease: %s", self._queue.queue_name, message.id, error)
        return message

    async def _run(self, message: Any) -> bool:
        try:
            body = _body(message.content, encoded=self._settings.encoded)
            await invoke(self._function, datum(body, "string"), _metadata(message))
        except Exception:
            # The real host catches everything a function raises; the message comes again, or is poison.
            log.exception("%s", self._function.name)
            return False
        return True

    async def _move(self, message: Any) -> None:
        if self._last:
            return
        name = f"{self._queue.queue_name}{_POISON}"
        log.error(
            "%s: message %s failed %d times: moved to %s", self._function.name, message.id, message.dequeue_count, name
        )
        async with QueueClient.from_connection_string(self._storage, name) as poison:
            with contextlib.suppress(ResourceExistsError):
                await poison.create_queue()
            await poison.send_message(message.content, time_to_live=-1)
        await self._queue.delete_message(message)


def _body(content: str, *, encoded: bool) -> str:
    if not encoded:
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
