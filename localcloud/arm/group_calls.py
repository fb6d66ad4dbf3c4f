"""Resource groups: made, listed, and deleted with everything in them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.environment_view import environment_view
from localcloud.arm.errors import ArmError, unsupported
from localcloud.arm.views import app_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.arm.operations import Operations
    from localcloud.arm.urls import Route
    from localcloud.arm.writes import Writes

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_RESULTS = _SUBSCRIPTION + "/operationresults/{operation}"
_REGISTRY = "Microsoft.ContainerRegistry/registries"


def everything(store: Store, home: str) -> Iterator[Json]:
    """Bodies of all resources whose id begins so, without their properties."""
    bodies = [environment_view(e) for e in store.environments.values()]
    bodies += [app_view(a) for a in store.apps()]
    bodies += [body for guest in store.guests for body in guest.bodies()]
    for body in [*bodies, *store.others.values()]:
        if body["id"].lower().startswith(home.lower()):
            yield {name: body[name] for name in ("id", "name", "type", "location")}


class GroupCalls:
    """A resource group exists once it was made, or something is in it."""

    def __init__(self, store: Store, writes: Writes, operations: Operations) -> None:
        self._store, self._writes, self._operations = store, writes, operations
        self._made: dict[str, Json] = {}
        self._going: set[str] = set()

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", _SUBSCRIPTION + "/resourceGroups", self.list),
            ("GET", _GROUP, self.get),
            ("HEAD", _GROUP, self.has),
            ("PUT", _GROUP, self.put),
            ("DELETE", _GROUP, self.delete),
            ("GET", _RESULTS, self.results),
        )

    async def list(self, call: Call) -> Reply:
        """Every group."""
        return Reply(body={"value": [*self._known(call).values()]})

    async def get(self, call: Call) -> Reply:
        """One group; raises ArmError 404."""
        return Reply(body=self._found(call))

    async def has(self, call: Call) -> Reply:
        """204 for a group that is there; raises ArmError 404."""
        self._found(call)
        return Reply(status=204)

    async def put(self, call: Call) -> Reply:
        """Make one, or change its tags."""
        new = call.names["group"].lower() not in self._known(call)
        body = call.body if isinstance(call.body, dict) else {}
        location = str(body.get("location") or "eastus").lower().replace(" ", "")
        group = _view(call.names["subscription"], call.names["group"], location)
        if body.get("tags"):
            group["tags"] = body["tags"]
        self._made[group["id"].lower()] = group
        return Reply(status=201 if new else 200, body=group)

    async def delete(self, call: Call) -> Reply:
        """202 with a `location` that answers 202 until all of it is gone; raises ArmError 404.

        The group of the registry stays: 501, for the registry is a part of this cloud.
        """
        group = self._found(call)
        home = f"{group['id']}/"
        if any(resource["type"] == _REGISTRY for resource in everything(self._store, home)):
            raise unsupported("DELETE", f"resource group {group['name']}, which holds {_REGISTRY}")
        operation = str(uuid.uuid4())
        self._going.add(operation)
        self._operations.spawn(self._remove(call, home, operation))
        where = f"{call.base}/subscriptions/{call.names['subscription']}/operationresults/{operation}"
        return Reply(status=202, headers={"location": f"{where}?api-version={call.version}"})

    async def results(self, call: Call) -> Reply:
        """202 while it goes on, then 200."""
        return Reply(status=202 if call.names["operation"] in self._going else 200)

    async def _remove(self, call: Call, home: str, operation: str) -> None:
        """Apps first, each after what is being done to it; then what they were in."""
        try:
            for app in [a for a in self._store.apps() if f"{a.home}/".lower().startswith(home.lower())]:
                if app.operation is not None:
                    await app.operation.over.wait()
                await self._writes.delete(call, app).over.wait()
            for guest in self._store.guests:
                guest.forget(home.removesuffix("/"))
            for kept in (self._store.environments, self._store.others, self._made):
                for key in [key for key in kept if f"{key}/".startswith(home.lower())]:
                    del kept[key]
            self._store.children.forget(home.rstrip("/"))
        finally:
            self._going.discard(operation)

    def _known(self, call: Call) -> dict[str, Json]:
        """Groups by their names in lower case."""
        subscription = call.names["subscription"]
        home = f"/subscriptions/{subscription}/"
        names = (resource["id"].split("/")[4] for resource in everything(self._store, home))
        found = {name.lower(): _view(subscription, name, "eastus") for name in names}
        return found | {g["name"].lower(): g for key, g in self._made.items() if key.startswith(home.lower())}

    def _found(self, call: Call) -> Json:
        name = call.names["group"]
        group = self._known(call).get(name.lower())
        if group is None:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        return group


def _view(subscription: str, name: str, location: str) -> Json:
    return {
        "id": f"/subscriptions/{subscription}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }
