"""The headers of a delivery.

https://learn.microsoft.com/en-us/azure/event-grid/receive-events, "Message headers": for CloudEvents the version of the
metadata is that of the specification, and that of data does not apply; the id is Event Grid's own, and stays through
every attempt (handler-service-bus). `aeg-delivery-count` is 0 on the first attempt and a subscription's name comes in
capitals, as seen in requests people recorded. end-point-validation-cloud-events-schema: who sends CloudEvents names its
origin as in the handshake.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from localcloud.eventgrid.attributes import fixed, taken_from
from localcloud.eventgrid.model import Schema
from localcloud.eventgrid.schemas import shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.eventgrid.model import Subscription, Taken
    from localcloud.eventgrid.schemas import Event

ORIGIN = "eventgrid.azure.net"
_EVENT_GRID = "application/json; charset=utf-8"
_CONTENT = {  # by whether it is for CloudEvents, and by whether an event goes alone
    (False, False): _EVENT_GRID,
    (False, True): _EVENT_GRID,
    (True, False): "application/cloudevents-batch+json; charset=utf-8",
    (True, True): "application/cloudevents+json; charset=utf-8",
}


def of_event(subscription: Subscription, published: Event, sent: Event) -> dict[str, str]:
    """Those that an event brings along, the same at every attempt. sent: as the subscription wants it."""
    if shape(sent) is Schema.CLOUD_EVENTS:
        versions = {"aeg-metadata-version": str(sent.get("specversion", ""))}
    else:
        versions = {
            "aeg-data-version": str(sent.get("dataVersion", "")),
            "aeg-metadata-version": str(sent.get("metadataVersion", "1")),
        }
    own = {"aeg-output-event-id": str(uuid.uuid4())}
    return {**taken_from(published, subscription.attributes), **versions, **own}


def of_request(subscription: Subscription, batch: Sequence[Taken], attempt: int) -> CIMultiDict[str]:
    """Of the headers its events bring along a batch has those that all of them agree on. attempt: from 1."""
    cloud = subscription.schema is Schema.CLOUD_EVENTS
    headers = CIMultiDict(fixed(subscription.attributes))
    headers.update(set.intersection(*(set(one.headers.items()) for one in batch)))
    headers.update(
        {
            "Content-Type": _CONTENT[cloud, subscription.alone],
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(attempt - 1),
            **({"Origin": ORIGIN} if cloud else {}),
        }
    )
    return headers
