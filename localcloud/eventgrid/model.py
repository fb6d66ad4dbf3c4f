"""The values Event Grid keeps: subscriptions, the log, dead letters, and the trouble it was told to make."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Schema(StrEnum):
    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class State(StrEnum):
    """Of a subscription, as ARM spells its provisioning. Nothing is delivered before SUCCEEDED."""

    CREATING = "Creating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription:
    """Who wants which events of a topic, and how. types: event types, () for all of them.

    settled: set once its endpoint has proven itself, or has been given up.
    """

    name: str
    topic: str
    endpoint: str
    types: tuple[str, ...]
    schema: Schema
    state: State = State.CREATING
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, event_type: str) -> bool:
        """Whether an event of this type is for it."""
        return not self.types or event_type in self.types


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt. attempt: from 1; 0 for an event dropped on request. status: None when nothing was answered.

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
    """An event that was given up, as it would have been delivered, and why."""

    at: datetime
    subscription: str
    reason: str
    attempts: int
    last_outcome: str
    event: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What to do to the next events: not to deliver `drop`, then twice `duplicate`, and late `delay` of them.

    seconds: how late, on the cloud's clock; a later event overtakes one that is held back.
    """

    drop: int = 0
    duplicate: int = 0
    delay: int = 0
    seconds: float = 0.0

    def take(self) -> tuple[int, float]:
        """Use up this for one event: how often to deliver it, and after how many seconds."""
        if self.drop > 0:
            self.drop -= 1
            return 0, 0.0
        copies, late = 1 + (self.duplicate > 0), self.seconds if self.delay > 0 else 0.0
        self.duplicate -= self.duplicate > 0
        self.delay -= self.delay > 0
        return copies, late
