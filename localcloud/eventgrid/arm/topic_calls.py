"""Custom topics and system topics: made, changed, listed, deleted, and the keys of those that have some."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from localcloud.arm.calls import Reply
from localcloud.arm.errors import bad_request, unsupported
from localcloud.eventgrid.access import new_key
from localcloud.eventgrid.arm.known import GROUP, HERE, OF, TOPIC, home, kind
from localcloud.eventgrid.arm.operations import DONE, GOING
from localcloud.eventgrid.arm.paging import page
from localcloud.eventgrid.arm.reading import check_name, invalid, read
from localcloud.eventgrid.arm.topic_bodies import TopicBody, changes
from localcloud.eventgrid.arm.views import REGISTRY_TYPE, provisioned, topic_view
from localcloud.eventgrid.topics import Kind, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock
    from localcloud.eventgrid.arm.known import Known
    from localcloud.eventgrid.arm.operations import Operations
    from localcloud.eventgrid.service import EventGrid

_LONGEST = 50  # characters of a name
_TOPICS = HERE + "/{kind:systemTopics|topics}"


class Renewed(msgspec.Struct, kw_only=True, rename="camel"):
    """Which key is to be another."""

    key_name: str


class TopicCalls:
    """seconds: how long it takes to make or change one."""

    def __init__(self, grid: EventGrid, known: Known, operations: Operations, clock: Clock, seconds: float) -> None:
        self._grid, self._known, self._operations = grid, known, operations
        self._clock, self._seconds = clock, seconds

    def routes(self) -> tuple[Route, ...]:
        """Their part of the table."""
        return (
            ("GET", OF + _TOPICS, self.list),
            ("GET", GROUP + _TOPICS, self.list),
            ("GET", TOPIC, self.get),
            ("PUT", TOPIC, self.put),
            ("PATCH", TOPIC, self.patch),
            ("DELETE", TOPIC, self.delete),
            ("POST", GROUP + HERE + "/{kind:topics}/{topic}/listKeys", self.keys),
            ("POST", GROUP + HERE + "/{kind:topics}/{topic}/regenerateKey", self.renew),
        )

    async def list(self, call: Call) -> Reply:
        """Topics of the subscription, or of the group the path names."""
        place = home(call) if "group" in call.names else f"/subscriptions/{call.names['subscription']}"
        return page(call, [self._view(one) for one in self._known.topics(kind(call), place)])

    async def get(self, call: Call) -> Reply:
        """One topic; raises ArmError 404."""
        return Reply(body=self._view(self._known.find(call)))

    async def put(self, call: Call) -> Reply:
        """Make or change one: 201, Creating or Updating, and an operation to ask about (recorded)."""
        check_name(call.names["topic"], _LONGEST)
        body = read(call.body, TopicBody)
        if not body.location:
            raise bad_request("LocationRequired", "The location property is required for this definition.")
        there = self._known.get(call)
        fields = {"tags": None, "identity": "None"} | changes(body) | {"location": _region(body.location)}
        fields |= self._system(body, there) if kind(call) is Kind.SYSTEM else self._custom(call, fields, there)
        topic = there or Topic(name=call.names["topic"], home=home(call), kind=kind(call), made=True, **fields)
        self._grid.topics[topic.stream] = topic
        return self._changed(call, topic, fields, renewed=there is not None)

    async def patch(self, call: Call) -> Reply:
        """Change what is given; raises ArmError 404."""
        topic = self._known.find(call)
        fields = changes(read(call.body, TopicBody))
        if fields.pop("schema", topic.schema) is not topic.schema:
            raise invalid("inputSchema: expected none, found one: it cannot be changed")
        return self._changed(call, topic, fields, renewed=True)

    async def delete(self, call: Call) -> Reply:
        """202, with everything that subscribes to it gone; 204 when there is none."""
        topic = self._known.get(call)
        if topic is None:
            return Reply(status=204)
        self._grid.drop(topic.stream)
        return Reply(status=202, headers=self._operations.begin(call, topic.location, lambda: DONE))

    async def keys(self, call: Call) -> Reply:
        """Both of them."""
        return Reply(body=_keys(self._known.find(call)))

    async def renew(self, call: Call) -> Reply:
        """Make one of them another; the old one opens nothing from now on."""
        topic, name = self._known.find(call), read(call.body, Renewed).key_name
        if name not in _keys(topic):
            raise invalid(f"keyName: expected key1 or key2, found {name!r}")
        setattr(topic.keys, name, new_key())
        return Reply(body=_keys(topic))

    def bodies(self) -> Iterable[Json]:
        """Every topic."""
        return (self._view(one) for one in self._grid.topics.values())

    def forget(self, home: str) -> None:
        """Those of a resource group are gone. home: its id."""
        for one in [one for each in Kind for one in self._known.topics(each, home)]:
            self._grid.drop(one.stream)

    def _custom(self, call: Call, fields: Json, there: Topic | None) -> dict[str, Any]:
        """One name is one address here, whatever group it is in."""
        name = call.names["topic"]
        if there is not None and fields.get("schema", there.schema) is not there.schema:
            raise invalid(f"inputSchema: expected {there.schema}, as it was made, found {fields['schema']}")
        if there is None and any(one.lower() == name.lower() for one in self._grid.topics):
            raise unsupported("PUT", f"a second Microsoft.EventGrid/topics of the name {name}")
        return {"stream": there.stream if there else name}

    def _system(self, body: TopicBody, there: Topic | None) -> dict[str, Any]:
        """Only the registry raises events here, and a source has one system topic (MicrosoftDocs/azure-docs#97986)."""
        source, of = body.properties.source, body.properties.topic_type
        if source.lower() != self._known.registry.lower():
            raise unsupported("PUT", f"Microsoft.EventGrid/systemTopics with the source {source or 'none'}")
        if of.lower() != REGISTRY_TYPE.lower():
            raise invalid(f"topicType: expected {REGISTRY_TYPE}, which the source is, found {of!r}")
        other = self._grid.topics.get(self._known.stream)
        if there is None and other is not None:
            raise invalid(f"source: expected one without a system topic, found {source}, which has {other.id}")
        return {"stream": self._known.stream, "source": self._known.registry, "schema": None}

    def _changed(self, call: Call, topic: Topic, fields: Json, *, renewed: bool) -> Reply:
        for name, value in fields.items():
            setattr(topic, name, value)
        topic.ready, topic.renewed = self._clock.now() + timedelta(seconds=self._seconds), renewed
        over = lambda: DONE if provisioned(topic, self._clock.now()) else GOING  # noqa: E731 - asked about later
        headers = self._operations.begin(call, topic.location, over)
        return Reply(status=201, body=self._view(topic), headers=headers)

    def _view(self, topic: Topic) -> Json:
        return topic_view(topic, self._grid.handshakes.base, self._clock.now())


def _keys(topic: Topic) -> Json:
    return asdict(topic.keys)


def _region(location: str) -> str:
    return location.lower().replace(" ", "")
