"""Which topic a path means: by its own name, or by that of the resource it tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.errors import not_found
from localcloud.eventgrid.topics import Kind, Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.arm.calls import Call
    from localcloud.eventgrid.service import EventGrid

OF = "/subscriptions/{subscription}"
GROUP = OF + "/resourceGroups/{group}"
HERE = "/providers/Microsoft.EventGrid"
TOPIC = GROUP + HERE + "/{kind:systemTopics|topics}/{topic}"
REGISTRY = GROUP + "/providers/Microsoft.ContainerRegistry/registries/{registry}"


class Known:
    """registry: the id of the one whose pushes are events; stream: the topic it publishes them to."""

    def __init__(self, grid: EventGrid, registry: str, stream: str) -> None:
        self._grid, self.registry, self.stream = grid, registry, stream

    def topics(self, kind: Kind, home: str) -> Sequence[Topic]:
        """Those whose ids begin so, by name."""
        found = [one for one in self._grid.topics.values() if one.kind is kind and _under(one.id, home)]
        return sorted(found, key=lambda one: one.name)

    def get(self, call: Call) -> Topic | None:
        """The topic that the path names, None when there is none."""
        wanted = f"{home(call)}{HERE}/{call.names['kind']}/{call.names['topic']}".lower()
        return next((one for one in self._grid.topics.values() if one.id.lower() == wanted), None)

    def find(self, call: Call) -> Topic:
        """The topic that the path names, or that of the registry it names; raises ArmError 404."""
        if "registry" in call.names:
            return self._of_registry(call)
        topic = self.get(call)
        if topic is None:
            raise not_found(f"Microsoft.EventGrid/{kind(call)}", call.names["topic"], call.names["group"])
        return topic

    def _of_registry(self, call: Call) -> Topic:
        """One that is yet to be made when there is none: who subscribes to a resource itself need not make it."""
        name = call.names["registry"]
        if self.registry.lower() != f"{home(call)}/providers/Microsoft.ContainerRegistry/registries/{name}".lower():
            raise not_found("Microsoft.ContainerRegistry/registries", name, call.names["group"])
        made = Topic(name=self.stream, home=home(call), stream=self.stream, kind=Kind.SYSTEM, source=self.registry)
        return self._grid.topics.get(self.stream, made)


def home(call: Call) -> str:
    """The id of the resource group in the path."""
    return f"/subscriptions/{call.names['subscription']}/resourceGroups/{call.names['group']}"


def kind(call: Call) -> Kind:
    """Of the topic in the path."""
    return next(one for one in Kind if one.lower() == call.names["kind"].lower())


def _under(identifier: str, begin: str) -> bool:
    return f"{identifier}/".lower().startswith(f"{begin}/".lower())
