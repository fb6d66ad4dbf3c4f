"""Storage queues as `delivery.ports.Queue`."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from cloud.storage import CONNECT_SECONDS, READ_SECONDS, RETRIES, Absent, asking
from cloud.tokens import Tokens
from delivery.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from azure.storage.queue.aio import QueueClient, QueueServiceClient

    from cloud.identity import Identity
    from delivery.settings import Settings

MESSAGE_BYTES = 64 * 1024
LONGEST_DELAY = timedelta(days=7)
FOR_EVER = -1  # time to live: must exceed the delay, and a message that waits for a broken host is not lost

_QUEUE = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def encoded(queue: str, message: Mapping[str, object]) -> str:
    """The body as the Functions host expects it: JSON in base64; refuse one over 64 KiB in that form."""
    if not _QUEUE.fullmatch(queue):
        expected = "a name of 3 to 63 small letters, digits and single dashes"
        raise Refused(f"queue {queue}: expected {expected}, found {queue!r}", status=400)
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    body = base64.b64encode(text.encode()).decode()
    if len(body) > MESSAGE_BYTES:
        found = f"{len(body)}; what it says belongs in a row that it names"
        raise Refused(f"queue {queue}: expected a message of at most {MESSAGE_BYTES} bytes, found {found}", status=413)
    return body


def whole_seconds(queue: str, delay: timedelta) -> int:
    """The delay in whole seconds, never early; refuse one that is negative or over 7 days."""
    if not timedelta() <= delay <= LONGEST_DELAY:
        raise Refused(f"queue {queue}: expected a delay of 0 to 7 days, found {delay}", status=400)
    return math.ceil(delay.total_seconds())


class StorageQueue:
    """The queues of one storage account. A queue is made when a first message is sent to it."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity
        self._service: QueueServiceClient | None = None
        self._clients: dict[str, QueueClient] = {}

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        service, self._service = self._service, None
        self._clients.clear()
        if service is not None:
            await service.close()

    async def put(self, queue: str, message: Mapping[str, object], delay: timedelta) -> None:
        """Send one JSON message that becomes visible after `delay`, and never expires.

        A `Retry` that may have been lost can have sent it: a message may arrive twice.
        """
        body = encoded(queue, message)
        seconds = whole_seconds(queue, delay)
        try:
            await self._send(queue, body, seconds)
        except Absent:
            await self._make(queue)
            await self._send(queue, body, seconds)

    async def _send(self, queue: str, body: str, seconds: int) -> None:
        with asking(f"queue {queue}: put"):
            await self._client(queue).send_message(body, visibility_timeout=seconds, time_to_live=FOR_EVER)

    async def _make(self, queue: str) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - as in `_open`

        with asking(f"queue {queue}: create"):
            try:
                await self._client(queue).create_queue()
            except ResourceExistsError:
                return  # another process made it first

    def _client(self, name: str) -> QueueClient:
        if self._service is None:
            self._service = _open(self._settings, self._identity)
        if name not in self._clients:
            self._clients[name] = self._service.get_queue_client(name)
        return self._clients[name]


def _open(settings: Settings, identity: Identity) -> QueueServiceClient:
    from azure.storage.queue.aio import QueueServiceClient  # noqa: PLC0415 - 270 ms, paid at first use only

    patience: dict[str, Any] = {
        "retry_total": RETRIES,
        "initial_backoff": 0,  # with the next two: up to 2 s before each retry
        "increment_base": 1,
        "random_jitter_range": 1,
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }
    if settings.storage:
        return QueueServiceClient.from_connection_string(settings.storage, **patience)
    address = settings.storage_queues or f"https://{settings.storage_account}.queue.core.windows.net"
    return QueueServiceClient(address, credential=Tokens(identity.credential()), **patience)
