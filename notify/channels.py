"""Which channel carries the messages of a row: `webhook` or `eventgrid`, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notify.eventgrid import EventGridTopic
from notify.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.core.credentials_async import AsyncTokenCredential

    from delivery.ports import Channel, Clock
    from notify.connection import Connection


def channels(
    connection: Connection, clock: Clock, identity: Callable[[], AsyncTokenCredential]
) -> Mapping[str, Channel]:
    """Every kind of channel; a new kind is one more entry here. The caller closes the connection."""
    return {
        "webhook": Webhook(connection, clock),
        "eventgrid": EventGridTopic(connection, clock, identity),
    }
