"""Which channel carries the messages of a row: `webhook` or `eventgrid`, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery.errors import Refused
from notify.connection import Connection
from notify.eventgrid import EventGridTopic
from notify.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.core.credentials_async import AsyncTokenCredential

    from delivery.ports import Channel, ChannelRow, Clock


class Channels:
    """Every kind of channel behind the one port; a new kind is one more entry here."""

    def __init__(self, *, clock: Clock, identity: Callable[[], AsyncTokenCredential], ca_file: str = "") -> None:
        self._connection = Connection(ca_file=ca_file)
        self._kinds: dict[str, Channel] = {
            "webhook": Webhook(self._connection, clock),
            "eventgrid": EventGridTopic(self._connection, clock, identity),
        }

    async def send(self, channel: ChannelRow, event: Mapping[str, object], attempt: int) -> None:
        """Deliver one event over the channel its row asks for. Refused: no channel is of this kind."""
        carrier = self._kinds.get(channel.kind)
        if carrier is None:
            known = ", ".join(self._kinds)
            raise Refused(f"channel {channel.name}: kind: expected one of {known}, found {channel.kind!r}")
        await carrier.send(channel, event, attempt)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()
