"""Answers about resources inside environments: made, listed, changed and deleted at once, whatever their kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, cast

from localcloud.arm import urls
from localcloud.arm.calls import Reply
from localcloud.arm.children import Child
from localcloud.arm.errors import environment_not_provisioned, invalid_content, parent_not_found
from localcloud.arm.merge import merge_patch
from localcloud.arm.versions import VERSIONS
from localcloud.arm.views import system_data, when

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from localcloud.arm.calls import Call
    from localcloud.arm.errors import ArmError
    from localcloud.arm.models import Environment, Json, Store
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock


class Kind(ABC):
    """What one kind has of its own.

    word: the last of its type. parent: how the type spells the environment's, which differs from kind to kind
    (recorded). deleted: the status of a deletion. dated: whether an answer says who made it and when.
    patched: whether it can be changed by PATCH. versions: the api-versions that have it; none are all.
    """

    word: ClassVar[str]
    parent: ClassVar[str] = "managedEnvironments"
    deleted: ClassVar[int] = 200
    dated: ClassVar[bool] = False
    patched: ClassVar[bool] = False
    versions: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def read(self, call: Call, environment: Environment, body: Json) -> Json:
        """The properties of a body, to keep; raises ArmError 400."""

    def check(self, call: Call, environment: Environment, properties: Json) -> None:
        """Raise ArmError 400 for properties that cannot be; of a PATCH, after it was merged."""
        del call, environment, properties

    def show(self, call: Call, environment: Environment, child: Child) -> Json:
        """Properties as they are answered."""
        del call, environment
        return child.properties

    def acts(self) -> Mapping[str, Callable[[Child], Json]]:
        """What can be POSTed to one of them: name -> the body of the answer."""
        return {}

    @abstractmethod
    def missing(self, name: str) -> ArmError:
        """404."""


def environment_of(store: Store, call: Call, word: str) -> Environment:
    """The environment in the path of one of its resources. word: the last of their type. Raises ArmError 404."""
    names = call.names
    home = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}/providers/Microsoft.App"
    identifier = f"{home}/managedEnvironments/{names['environment']}"
    found = store.environments.get(identifier.lower())
    if found is None:
        raise parent_not_found(call.method, f"managedEnvironments/{word}", identifier)
    return found


async def _nothing() -> None:
    """Nothing follows."""


class ChildCalls:
    """changed: what is to be done after a write, before it is answered."""

    def __init__(
        self, store: Store, clock: Clock, kind: Kind, changed: Callable[[], Awaitable[None]] = _nothing
    ) -> None:
        self._store, self._clock, self._kind, self._changed = store, clock, kind, changed
        self._headers = {"api-supported-versions": ", ".join(kind.versions or VERSIONS)}

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        every = f"{urls.ENVIRONMENT}/{self._kind.word}"
        one = f"{every}/{{child}}"
        patch: tuple[Route, ...] = (("PATCH", one, self.patch),) if self._kind.patched else ()
        return (
            ("GET", every, self.list),
            ("GET", one, self.get),
            ("PUT", one, self.put),
            *patch,
            ("DELETE", one, self.delete),
            *(("POST", f"{one}/{{act:{act}}}", self.act) for act in self._kind.acts()),
        )

    async def list(self, call: Call) -> Reply:
        """All of the environment."""
        environment = self._environment(call)
        found = self._store.children.of_kind(self._kind.word, environment.id)
        return self._reply({"value": [self._view(call, environment, child) for child in found]})

    async def get(self, call: Call) -> Reply:
        """One of them."""
        environment = self._environment(call)
        return self._reply(self._view(call, environment, self._found(call, environment)))

    async def put(self, call: Call) -> Reply:
        """Make or replace one: 200 either way (recorded of every kind)."""
        environment = self._environment(call)
        if not environment.provisioned:
            raise environment_not_provisioned(environment.id)
        there = self._store.children.find(environment.id, self._kind.word, call.names["child"])
        return await self._write(call, environment, there, self._read(call, environment))

    async def patch(self, call: Call) -> Reply:
        """Merge: what the body has replaces, arrays as a whole (recorded)."""
        environment = self._environment(call)
        there = self._found(call, environment)
        merged = cast("Json", merge_patch(there.properties, self._read(call, environment)))
        return await self._write(call, environment, there, merged)

    async def delete(self, call: Call) -> Reply:
        """The kind's own status, or 204 when there is none."""
        environment = self._environment(call)
        found = self._store.children.find(environment.id, self._kind.word, call.names["child"])
        if found is None:
            return Reply(status=204, headers=self._headers)
        self._store.children.forget(found.id)
        await self._changed()
        return Reply(status=self._kind.deleted, headers=self._headers)

    async def act(self, call: Call) -> Reply:
        """One of the kind's own."""
        child = self._found(call, self._environment(call))
        acts = {name.lower(): act for name, act in self._kind.acts().items()}
        return self._reply(acts[call.names["act"].lower()](child))

    def _read(self, call: Call, environment: Environment) -> Json:
        if not isinstance(call.body, dict):
            raise invalid_content()
        return self._kind.read(call, environment, call.body)

    async def _write(self, call: Call, environment: Environment, there: Child | None, properties: Json) -> Reply:
        self._kind.check(call, environment, properties)
        now = when(self._clock.now())
        child = Child(
            environment=environment.id,
            kind=self._kind.word,
            name=there.name if there else call.names["child"],
            properties=properties,
            created=there.created if there else now,
            modified=now,
        )
        self._store.children.keep(child)
        await self._changed()
        return self._reply(self._view(call, environment, child, zone="Z"))

    def _reply(self, body: Json) -> Reply:
        return Reply(body=body, headers=self._headers)

    def _view(self, call: Call, environment: Environment, child: Child, zone: str = "") -> Json:
        kind = self._kind
        return {
            "id": child.id,
            "name": child.name,
            "type": f"Microsoft.App/{kind.parent}/{kind.word}",
            **({"systemData": _dates(child, zone)} if kind.dated else {}),
            "properties": kind.show(call, environment, child),
        }

    def _found(self, call: Call, environment: Environment) -> Child:
        name = call.names["child"]
        found = self._store.children.find(environment.id, self._kind.word, name)
        if found is None:
            raise self._kind.missing(name)
        return found

    def _environment(self, call: Call) -> Environment:
        return environment_of(self._store, call, self._kind.word)


def _dates(child: Child, zone: str) -> Json:
    """What was just written ends with the zone, what had been stored does not (recorded, as of apps)."""
    return system_data(child.created + (zone if child.created == child.modified else ""), child.modified + zone)
