"""What Event Grid writes to a storage account: events to a queue, and those it gave up to a container.

learn.microsoft.com/azure/event-grid/handler-storage-queues: one event a message, in base64.
learn.microsoft.com/azure/event-grid/manage-event-delivery: a dead letter's five fields, whose names CloudEvents has in
lower case, and the blob's name: topic, subscription, year, month, day, hour.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import uuid
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from localcloud.eventgrid.model import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.eventgrid.model import DeadLetter, Subscription

_log = logging.getLogger(__name__)


class Account:
    """One storage account, by its connection string."""

    def __init__(self, connection: str) -> None:
        self._queues = QueueServiceClient.from_connection_string(connection)
        self._blobs = BlobServiceClient.from_connection_string(connection)

    async def close(self) -> None:
        """Close the connections."""
        await self._queues.close()
        await self._blobs.close()

    async def put(self, queue: str, event: Mapping[str, object]) -> tuple[int | None, str]:
        """The status answered, or None and what went wrong. A queue that is not there is not made: 404."""
        text = base64.b64encode(json.dumps(event).encode()).decode()
        try:
            await self._queues.get_queue_client(queue).send_message(text)
        except ResourceNotFoundError:
            return 404, "no such queue"
        except AzureError as error:
            return None, type(error).__name__
        return 201, ""

    async def bury(self, subscription: Subscription, letter: DeadLetter) -> None:
        """Write it down where the subscription says; what cannot be written is dropped, and said."""
        container = self._blobs.get_container_client(subscription.dead_letters)
        hour = f"{letter.at.year}/{letter.at.month}/{letter.at.day}/{letter.at.hour}"
        name = f"{subscription.topic}/{subscription.name.upper()}/{hour}/{uuid.uuid4()}.json"
        try:
            with contextlib.suppress(ResourceExistsError):
                await container.create_container()
            await container.upload_blob(name, json.dumps([fields(subscription, letter)]))
        except AzureError:
            _log.exception("localcloud: %s: a dead letter could not be written", subscription.name)


def fields(subscription: Subscription, letter: DeadLetter) -> dict[str, object]:
    """A dead letter: the event as it was sent, and five fields more."""
    added = {
        "deadLetterReason": letter.reason,
        "deliveryAttempts": letter.attempts,
        "lastDeliveryOutcome": letter.last_outcome,
        "publishTime": letter.published.isoformat(),
        "lastDeliveryAttemptTime": letter.at.isoformat(),
    }
    lower = subscription.schema is Schema.CLOUD_EVENTS
    return {**letter.event, **{name.lower() if lower else name: value for name, value in added.items()}}
