"""What of Event Grid outlasts a run: topics that a client made, and every subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from localcloud.eventgrid.access import TopicKeys
from localcloud.eventgrid.attributes import Attribute
from localcloud.eventgrid.batches import ONE_BY_ONE, Batching
from localcloud.eventgrid.filters import ANYTHING, Filter
from localcloud.eventgrid.model import Schema, Subscription
from localcloud.eventgrid.schedule import USUAL, RetryPolicy
from localcloud.eventgrid.topics import Kind, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.eventgrid.service import EventGrid


class KeptTopic(msgspec.Struct, kw_only=True):
    """A topic; it is provisioned by then."""

    name: str
    home: str
    stream: str
    kind: Kind
    schema: Schema | None
    source: str
    keys: TopicKeys
    local_auth: bool
    location: str
    tags: dict[str, str] | None
    identity: str
    given: dict[str, Any]


class KeptSubscription(msgspec.Struct, kw_only=True):
    """A subscription of a topic; its endpoint is asked again whether it wants the events."""

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


def kept_topics(grid: EventGrid) -> list[KeptTopic]:
    """Those that a client made."""
    return [_of(KeptTopic, one) for one in grid.topics.values() if one.made]


def kept_subscriptions(grid: EventGrid) -> list[KeptSubscription]:
    """All of them."""
    return [_of(KeptSubscription, one) for one in grid.subscriptions.values()]


def restore(grid: EventGrid, topics: Iterable[KeptTopic], subscriptions: Iterable[KeptSubscription]) -> None:
    """As it was; a topic of before takes the place of the one that is there from the start."""
    for topic in topics:
        grid.topics[topic.stream] = Topic(**msgspec.structs.asdict(topic), made=True)
    for one in subscriptions:
        grid.begin(Subscription(**msgspec.structs.asdict(one)))


def _of(into: type[Any], one: object) -> Any:  # noqa: ANN401 - either of the two
    return into(**{name: getattr(one, name) for name in into.__struct_fields__})
