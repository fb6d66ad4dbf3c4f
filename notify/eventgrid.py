"""The same CloudEvents, published to an Event Grid custom topic with azure-eventgrid."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from delivery.errors import Refused, Retry
from notify.answers import judge
from notify.connection import place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.core.credentials import AzureKeyCredential
    from azure.core.credentials_async import AsyncTokenCredential

    from delivery.ports import ChannelRow, Clock
    from notify.connection import Connection

# Topics in Azure's clouds: public, US Government, China; their webhooks' origins are under the same (acr-eventgrid B).
TOPIC = re.compile(r"(?:[a-z0-9-]+\.)+eventgrid\.azure\.(?:net|us|cn)", re.ASCII)
NOT_FOUND = 404  # the SDK replaces this answer by an error without a status


class EventGridTopic:
    """A topic with input schema CloudEvents 1.0; the row's url is its endpoint, ending in `/api/events`.

    identity: makes the credential of this installation, called once and only when a row has no topic key.
    """

    def __init__(self, connection: Connection, clock: Clock, identity: Callable[[], AsyncTokenCredential]) -> None:
        self._connection = connection
        self._clock = clock
        self._identity = identity
        self._token: AsyncTokenCredential | None = None

    async def send(self, channel: ChannelRow, event: Mapping[str, object], attempt: int) -> None:  # noqa: ARG002 - an attempt is published like the first
        """Publish one event. The SDK neither retries nor follows redirects: the outbox keeps the time."""
        from azure.core.exceptions import (  # noqa: PLC0415 - only installations with such a channel pay for it
            AzureError,
            HttpResponseError,
            ResourceNotFoundError,
        )

        where, status, retry_after, found = place(channel), None, None, ""
        try:
            async with asyncio.timeout(self._connection.timeout):
                await self._client(channel).send(dict(event))
        except HttpResponseError as error:
            found = type(error).__name__
            status = NOT_FOUND if isinstance(error, ResourceNotFoundError) else error.status_code
            retry_after = getattr(error.response, "headers", {}).get("retry-after")
        except (AzureError, TimeoutError) as error:
            found = type(error).__name__
        if status is not None:  # judged out here, so that no log shows the SDK's error, which quotes the body
            judge(status, retry_after, place=where, now=self._clock.now())
        elif found:
            raise Retry(f"{where}: expected an answer, found {found}; it is tried again", lost=True)

    def _client(self, channel: ChannelRow) -> Any:  # noqa: ANN401 - azure-eventgrid's client, imported late
        from azure.core.pipeline.transport import AioHttpTransport  # noqa: PLC0415 - late, as above
        from azure.eventgrid.aio import EventGridPublisherClient  # noqa: PLC0415 - same

        return EventGridPublisherClient(
            channel.url,
            self._credential(channel),
            transport=AioHttpTransport(session=self._connection.session(), session_owner=False),
            retry_total=0,
            permit_redirects=False,
            connection_timeout=self._connection.timeout,
            read_timeout=self._connection.timeout,
        )

    def _credential(self, channel: ChannelRow) -> AzureKeyCredential | AsyncTokenCredential:
        from azure.core.credentials import AzureKeyCredential  # noqa: PLC0415 - late, as above

        if channel.secret:
            return AzureKeyCredential(channel.secret)
        if TOPIC.fullmatch(urlsplit(channel.url).hostname or "") is None:
            # A token of this installation opens every topic it may publish to: no other host sees one.
            raise Refused(
                f"{place(channel)}: url: expected a host under .eventgrid.azure.net (or .us, .cn) "
                "for a channel without a secret, found another"
            )
        if self._token is None:
            self._token = self._identity()
        return self._token
