"""What Event Grid writes to a storage account: events to a queue, and those it gave up to a container.

learn.microsoft.com/azure/event-grid/handler-storage-queues: one event a message, in base64.
learn.microsoft.com/azure/event-grid/manage-event-delivery: a dead letter's five fields, whose names CloudEvents has in
lower case, and the blob's name: topic, subscription, year, month, day, hour. Dead letters whose container is not there
are dropped (delivery-and-retry).
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import uuid
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from localcloud.eventgrid import outcomes
from localcloud.eventgrid.model import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.eventgrid.model import DeadLetter, Subscription

_log = logging.getLogger(__name__)


class Account:
    """One storage account, by its connection string. name: its own."""

    def __init__(self, connection: str) -> None:
        # Event Grid tries again itself.
        self._queues = QueueServiceClient.from_connection_string(connection, retry_total=0)
        self.name = str(self._queues.account_name)
        self._blobs = BlobServiceClient.from_connection_string(connection, retry_total=0)

    async def close(self) -> None:
        """Close the connections."""
        await self._queues.close()
        await self._blobs.close()

    async def container(self, name: str) -> None:
        """Make one, unless it is there."""
        with contextlib.suppress(ResourceExistsError):
            await self._blobs.create_container(name)

    async def put(self, queue: str, event: Mapping[str, object], seconds: int | None = None) -> tuple[int | None, str]:
        """The status answered, or None and what went wrong. A queue that is not there is not made.

        seconds: how long the message lives, -1 for ever, None for the queue's own time.
        """
        text = base64.b64encode(json.dumps(event).encode()).decode()
        try:
            await self._queues.get_queue_client(queue).send_message(text, time_to_live=seconds)
        except HttpResponseError as error:
            return error.status_code, str(error.error_code)  # type: ignore[attr-defined] # storage adds it
        except AzureError:
            return None, outcomes.SOCKET
        return 201, ""

    async def bury(self, subscription: Subscription, letter: DeadLetter) -> bool:
        """Write it down where the subscription says; False when that cannot be reached. No container: it is dropped."""
        container = self._blobs.get_container_client(subscription.dead_letters)
        hour = f"{letter.at.year}/{letter.at.month}/{letter.at.day}/{letter.at.hour}"
        name = f"{subscription.topic}/{subscription.name.upper()}/{hour}/{uuid.uuid4()}.json"
        try:
            await container.upload_blob(name, json.dumps([fields(subscription, letter)]))
        except ResourceNotFoundError:
            _log.warning(
                "localcloud: %s: expected the container %s for dead letters, found none: one is dropped",
                subscription.name,
                subscription.dead_letters,
            )
        except AzureError:
            _log.exception("localcloud: %s: a dead letter could not be written", subscription.name)
            return False
        return True


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
