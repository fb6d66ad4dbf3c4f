"""The values Event Grid keeps: subscriptions, the log, and dead letters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from localcloud.eventgrid.batches import ONE_BY_ONE, Batching
from localcloud.eventgrid.filters import ANYTHING, Filter
from localcloud.eventgrid.schedule import USUAL, Kind, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from localcloud.eventgrid.attributes import Attribute

QUEUE = "queue://"
FUNCTION = "function://"
ALL = "All"  # which ARM takes for every event type


class Schema(StrEnum):
    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class State(StrEnum):
    """Of a subscription, as ARM spells its provisioning. Nothing is delivered before SUCCEEDED."""

    CREATING = "Creating"
    UPDATING = "Updating"
    AWAITING = "AwaitingManualAction"  # its endpoint has answered without the code, and may call back
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """Who wants which events of a topic, and how.

    endpoint: an address, `QUEUE` and a name in the storage account, or `FUNCTION` and a name in the Functions host.

    types: event types, () or `ALL` for all of them. dead_letters: a container for what is given up, "" for none.

    where: what else must hold. retry: how often and how long it is tried. batching: what goes together. attributes:
    headers of what it delivers. queue_seconds: how long a message of a queue lives, -1 for ever, None for the queue's
    own time.

    labels: words of its owner. by_identity, buried_by_identity: delivers, and buries, as the topic's identity.

    failures: of its endpoint, in a row. unwell_until: its events wait, see `probation`; None while it is well.

    settled: set once its endpoint has proven itself, or has been given up. ended: it is deleted, and gets no more.
    """

    name: str
    topic: str
    endpoint: str
    types: tuple[str, ...]
    schema: Schema
    where: Filter = ANYTHING
    retry: RetryPolicy = USUAL
    dead_letters: str = ""
    batching: Batching = ONE_BY_ONE
    attributes: tuple[Attribute, ...] = ()
    queue_seconds: int | None = None
    labels: tuple[str, ...] | None = None
    by_identity: bool = False
    buried_by_identity: bool = False
    failures: int = 0
    unwell_until: datetime | None = None
    state: State = State.CREATING
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: a name is one topic's, in any case."""
        return self.topic, self.name.lower()

    @property
    def alone(self) -> bool:
        """Whether each event goes in a request of its own, and a CloudEvent as no list."""
        return self.batching.max_events_per_batch == 1

    @property
    def kind(self) -> Kind:
        """Of its endpoint."""
        return Kind.RESOURCE if self.endpoint.startswith(QUEUE) else Kind.WEBHOOK

    def wants(self, event_type: str, event: Mapping[str, object]) -> bool:
        """Whether an event, of this type, is for it."""
        return (self.types in ((), (ALL,)) or event_type in self.types) and self.where.wants(event)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taken:
    """An event that a subscription is to get, as it will be sent. headers: that it brings along."""

    event: Mapping[str, object]
    published: datetime
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt. attempt: from 1. status: None when nothing was answered.

    outcome: `delivered`, or what stood in the way.
    """

    at: datetime
    subscription: str
    event_id: str
    event_type: str
    subject: str
    attempt: int
    status: int | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that was given up, as it would have been delivered, and why.

    at: of the last attempt, or when it was given up without one. reason, last_outcome: in Azure's words, the latter ""
    without an attempt.
    """

    at: datetime
    published: datetime
    topic: str
    subscription: str
    reason: str
    attempts: int
    last_outcome: str
    event: Mapping[str, object]
