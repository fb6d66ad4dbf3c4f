"""Event subscriptions of a topic: made, changed, listed, deleted; under the topic, or under what it tells of."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError
from localcloud.eventgrid.arm.bodies import Members, Whole, changes
from localcloud.eventgrid.arm.destinations import base_url
from localcloud.eventgrid.arm.headers import mappings
from localcloud.eventgrid.arm.known import GROUP, HERE, REGISTRY, TOPIC
from localcloud.eventgrid.arm.operations import DONE, GOING, Outcome
from localcloud.eventgrid.arm.paging import page
from localcloud.eventgrid.arm.reading import check_name, invalid, read
from localcloud.eventgrid.arm.views import subscription_view
from localcloud.eventgrid.model import FUNCTION, QUEUE, Schema, State, Subscription
from localcloud.eventgrid.topics import Kind

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json
    from localcloud.arm.urls import Route
    from localcloud.eventgrid.arm.known import Known
    from localcloud.eventgrid.arm.operations import Operations
    from localcloud.eventgrid.arm.places import Places
    from localcloud.eventgrid.service import EventGrid
    from localcloud.eventgrid.topics import Topic

_LONGEST = 64  # characters of a name
_MANY = "/eventSubscriptions"
_FORMS = (TOPIC + _MANY, GROUP + HERE + "/{kind:topics}/{topic}" + HERE + _MANY, REGISTRY + HERE + _MANY)
# What a subscription to a registry gets that asks for no type in particular, as recorded of a storage account's.
_USUAL = tuple(
    f"Microsoft.ContainerRegistry.{kind}" for kind in ("ImagePushed", "ImageDeleted", "ChartPushed", "ChartDeleted")
)


class SubscriptionCalls:
    """A name is one subscription of a topic, whichever path it is asked for by."""

    def __init__(self, grid: EventGrid, known: Known, operations: Operations, places: Places) -> None:
        self._grid, self._known, self._operations, self._places = grid, known, operations, places

    def routes(self) -> tuple[Route, ...]:
        """Their part of the table."""
        of_one = (
            ("GET", "", self.get),
            ("PUT", "", self.put),
            ("PATCH", "", self.patch),
            ("DELETE", "", self.delete),
            ("POST", "/getFullUrl", self.full_url),
            ("POST", "/getDeliveryAttributes", self.attributes),
        )
        return (
            *(("GET", form, self.list) for form in _FORMS),
            *((method, f"{form}/{{name}}{more}", act) for form in _FORMS for method, more, act in of_one),
        )

    async def list(self, call: Call) -> Reply:
        """Those of one topic."""
        topic = self._known.find(call)
        found = [one for one in self._grid.subscriptions.values() if one.topic == topic.stream]
        return page(call, [self._view(call, topic, one) for one in found])

    async def get(self, call: Call) -> Reply:
        """One subscription; raises ArmError 404."""
        return Reply(body=self._view(call, *self._found(call)))

    async def put(self, call: Call) -> Reply:
        """Make one, or replace it whole: 201, and an operation that is over once the endpoint has answered."""
        check_name(call.names["name"], _LONGEST)
        topic, given = self._known.find(call), changes(read(call.body, Whole).properties, self._places)
        if "endpoint" not in given:
            raise invalid("properties.destination: expected one, found none")
        there = self._grid.subscriptions.get((topic.stream, call.names["name"].lower()))
        made = Subscription(
            name=there.name if there else call.names["name"],
            topic=topic.stream,
            state=State.UPDATING if there else State.CREATING,
            **{"types": (), "schema": topic.schema or Schema.EVENT_GRID, **given},
        )
        return self._begun(call, topic, made)

    async def patch(self, call: Call) -> Reply:
        """Replace the members that are given, each whole."""
        topic, there = self._found(call)
        given = changes(read(call.body, Members), self._places, there)
        return self._begun(
            call,
            topic,
            replace(there, state=State.UPDATING, settled=asyncio.Event(), failures=0, unwell_until=None, **given),
        )

    async def delete(self, call: Call) -> Reply:
        """202, and nothing more is delivered; 204 when there is none."""
        topic = self._known.find(call)
        key = (topic.stream, call.names["name"].lower())
        if key not in self._grid.subscriptions:
            return Reply(status=204)
        self._grid.delete(key)
        return Reply(status=202, headers=self._operations.begin(call, topic.location, lambda: DONE))

    async def full_url(self, call: Call) -> Reply:
        """The URL of a webhook with its query; raises ArmError 400 for another destination."""
        _, one = self._found(call)
        if one.endpoint.startswith((QUEUE, FUNCTION)):
            raise invalid(f"{one.name}: expected a webhook, found a destination without a URL of its own")
        return Reply(body={"endpointUrl": one.endpoint})

    async def attributes(self, call: Call) -> Reply:
        """Headers of what it delivers, with the secret ones."""
        return Reply(body={"value": mappings(self._found(call)[1].attributes, hidden=False)})

    def _begun(self, call: Call, topic: Topic, one: Subscription) -> Reply:
        if topic.schema is Schema.CLOUD_EVENTS and one.schema is not Schema.CLOUD_EVENTS:
            raise invalid(f"eventDeliverySchema: expected {topic.schema}, which the topic takes, found {one.schema}")
        if topic.kind is Kind.SYSTEM and not one.types:
            one.types = _USUAL
        self._grid.topics.setdefault(topic.stream, topic)
        view = self._view(call, topic, one)
        self._grid.begin(one, times=1)
        headers = self._operations.begin(call, topic.location, lambda: _outcome(one))
        return Reply(status=201, body=view, headers=headers)

    def _found(self, call: Call) -> tuple[Topic, Subscription]:
        topic, name = self._known.find(call), call.names["name"]
        one = self._grid.subscriptions.get((topic.stream, name.lower()))
        if one is None:
            raise ArmError(404, "ResourceNotFound", f"Event subscription doesn't exist: {name} of {topic.id}.")
        return topic, one

    def _view(self, call: Call, topic: Topic, one: Subscription) -> Json:
        """As the path has it; the topic and the registry are spelled as they were made."""
        if "registry" in call.names:
            return subscription_view(one, self._known.registry, "", self._places)
        nested = call.path.lower().count(HERE.lower()) == 1
        return subscription_view(one, topic.id, topic.kind if nested else "", self._places)


def _outcome(one: Subscription) -> Outcome:
    match one.state:
        case State.CREATING | State.UPDATING:
            return GOING
        case State.SUCCEEDED:
            return DONE
        case _:
            where = base_url(one) if one.endpoint.startswith("http") else one.endpoint
            message = f"Webhook validation handshake failed for {where}: the provisioning state is {one.state}."
            return Outcome(status="Failed", code="Url validation", message=message)
