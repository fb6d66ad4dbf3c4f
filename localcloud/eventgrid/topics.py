"""A topic: where events are published, and what opens it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from localcloud.eventgrid.access import TopicKeys

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.eventgrid.model import Schema


class Kind(StrEnum):
    """As ARM has them in a path."""

    CUSTOM = "topics"
    SYSTEM = "systemTopics"


@dataclass(slots=True, kw_only=True, eq=False)
class Topic:
    """A topic as ARM knows it. home: the id of its resource group.

    stream: what publishers and subscriptions of this Event Grid call it: its name, or that of the source of a system
    topic. schema: which events it takes, None for both. source: the resource a system topic tells of, "" for a custom
    one. keys: both open it, unless `local_auth` is off. given: members of its properties that are kept as they came.

    ready: when it is provisioned, None for long ago. renewed: it had been there before that. made: by a client over
    ARM; others are there from the start.
    """

    name: str
    home: str
    stream: str
    kind: Kind = Kind.CUSTOM
    schema: Schema | None = None
    source: str = ""
    keys: TopicKeys = field(default_factory=TopicKeys)
    local_auth: bool = True
    location: str = "eastus"
    tags: dict[str, str] | None = None
    identity: str = "None"
    given: dict[str, Any] = field(default_factory=dict)
    ready: datetime | None = None
    renewed: bool = False
    made: bool = False

    @property
    def id(self) -> str:
        """Its ARM id."""
        return f"{self.home}/providers/Microsoft.EventGrid/{self.kind}/{self.name}"
