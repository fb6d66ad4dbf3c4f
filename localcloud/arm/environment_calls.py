"""Answers about managed environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from localcloud.arm import environment_body, urls
from localcloud.arm.calls import Reply
from localcloud.arm.canonical import guid, identity, region, short
from localcloud.arm.environment_operations import operation_view
from localcloud.arm.environment_view import environment_view
from localcloud.arm.errors import environment_not_empty, not_found, unsupported
from localcloud.arm.merge import merge_patch
from localcloud.arm.models import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localcloud.arm.calls import Call
    from localcloud.arm.environment_operations import EnvironmentOperations
    from localcloud.arm.models import Json, Store
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock
    from localcloud.profile import Profile


class EnvironmentCalls:
    """domains: each new environment takes the first that is free. profile: how long a write takes."""

    def __init__(
        self, store: Store, clock: Clock, domains: Sequence[str], profile: Profile, operations: EnvironmentOperations
    ) -> None:
        self._store, self._clock, self._domains = store, clock, domains
        self._profile, self._operations = profile, operations

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", urls.ENVIRONMENTS_OF_SUBSCRIPTION, self.list),
            ("GET", urls.ENVIRONMENTS_OF_GROUP, self.list),
            ("GET", urls.ENVIRONMENT, self.get),
            ("PUT", urls.ENVIRONMENT, self.put),
            ("PATCH", urls.ENVIRONMENT, self.patch),
            ("DELETE", urls.ENVIRONMENT, self.delete),
            ("GET", urls.ENVIRONMENT_STATUSES, self.statuses),
            ("GET", urls.ENVIRONMENT_RESULTS, self.results),
        )

    async def get(self, call: Call) -> Reply:
        """One environment."""
        return self._shown(call, self._find(call))

    async def list(self, call: Call) -> Reply:
        """Environments of the subscription, or of the group the path names."""
        home = f"/subscriptions/{call.names['subscription']}/"
        home += f"resourceGroups/{call.names['group']}/" if "group" in call.names else ""
        found = [e for key, e in self._store.environments.items() if key.startswith(home.lower())]
        return Reply(body={"value": [_view(e, call) for e in found]}, versioned=True)

    async def put(self, call: Call) -> Reply:
        """Make or replace one: 201, Waiting, and an operation to ask about; 200 for what it is already (recorded)."""
        environment = self._store.environments.get(call.path.lower())
        if environment is None:
            environment = self._new(call)
            self._store.environments[environment.id.lower()] = environment
        elif not self._change(call, environment, _body(call)):
            return self._unchanged(call, environment)
        operation = self._operations.begin(call, environment, self._profile.environment)
        headers = {
            "azure-asyncoperation": self._operations.statuses(call, operation),
            "x-ms-async-operation-timeout": "PT15M",
        }
        body = _view(environment, call, written=True)
        return Reply(status=201, body=body, headers=headers, versioned=True)

    async def patch(self, call: Call) -> Reply:
        """202 without a body, and its results end with the environment; 200 for what it is already (recorded)."""
        environment = self._find(call)
        there = {
            "location": environment.asked,
            "tags": environment.tags,
            "identity": environment.identity,
            "properties": environment.given,
        }
        if not self._change(call, environment, cast("Json", merge_patch(there, _body(call)))):
            return self._unchanged(call, environment)
        operation = self._operations.begin(call, environment, self._profile.environment)
        return Reply(status=202, headers={"location": self._operations.results(call, operation)})

    async def delete(self, call: Call) -> Reply:
        """202, and its results end with 204 (recorded); 204 when there is none; 409 while an app is in it."""
        environment = self._store.environments.get(call.path.lower())
        if environment is None:
            return Reply(status=204)
        inside = [app.name for app in self._store.apps() if app.environment is environment]
        if inside:
            raise environment_not_empty(environment.name, len(inside))
        self._operations.free(environment)
        operation = self._operations.begin(call, environment, self._profile.environment_delete)
        return Reply(status=202, headers={"location": self._operations.results(call, operation)})

    async def statuses(self, call: Call) -> Reply:
        """200 with its status."""
        return Reply(body=operation_view(self._operations.find(call)))

    async def results(self, call: Call) -> Reply:
        """202 while it runs; then 200 with the environment, or 204 for a deletion."""
        operation = self._operations.find(call)
        if not operation.over:
            return Reply(status=202, headers={"location": self._operations.results(call, operation)})
        return Reply(status=204) if operation.kind == "DELETE" else self._shown(call, operation.environment)

    def _shown(self, call: Call, environment: Environment) -> Reply:
        return Reply(body=_view(environment, call), versioned=True)

    def _new(self, call: Call) -> Environment:
        taken = {environment.domain for environment in self._store.environments.values()}
        domain = next((d for d in self._domains if d not in taken), None)
        if domain is None:
            raise unsupported("PUT", f"more than {len(self._domains)} Microsoft.App/managedEnvironments")
        body, names = _body(call), call.names
        asked = str(body.get("location") or "eastus")
        managed = environment_body.managed_group(names["environment"], names["group"], short(asked))
        return Environment(
            subscription=names["subscription"],
            group=names["group"],
            name=names["environment"],
            domain=domain,
            created=self._clock.now(),
            location=region(asked),
            asked=asked,
            streams=self._store.streams,
            tags=body.get("tags") or {},
            identity=_identity(_id(names), body),
            given=environment_body.properties(body.get("properties") or {}, managed=managed),
            provisioned=False,
        )

    def _change(self, call: Call, environment: Environment, body: Json) -> bool:
        """Have it so from now on; whether there is anything to be done for it. Raises ArmError 409, 501."""
        self._operations.free(environment)
        group = environment.given["infrastructureResourceGroup"] or ""
        wanted = environment_body.properties(body.get("properties") or {}, managed=group)
        environment_body.check_fixed(call.method, environment.given, wanted)
        before = environment.given, environment.identity
        environment.given, environment.modified = wanted, self._clock.now()
        environment.tags, environment.identity = body.get("tags") or {}, _identity(environment.id, body)
        return (environment.given, environment.identity) != before

    def _unchanged(self, call: Call, environment: Environment) -> Reply:
        return Reply(body=_view(environment, call, written=True), versioned=True)

    def _find(self, call: Call) -> Environment:
        names = call.names
        found = self._store.environments.get(_id(names).lower())
        if found is None:
            raise not_found("Microsoft.App/managedEnvironments", names["environment"], names["group"])
        return found


def _view(environment: Environment, call: Call, *, written: bool = False) -> Json:
    return environment_view(environment, call.version, written=written, day=call.day)


def _id(names: Mapping[str, str]) -> str:
    group = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
    return f"{group}/providers/Microsoft.App/managedEnvironments/{names['environment']}"


def _identity(environment: str, body: Json) -> Json:
    """None is told by leaving it out (recorded)."""
    found = identity(body.get("identity") or {}, guid(environment))
    return {} if found["type"] == "None" else found


def _body(call: Call) -> Json:
    """What was sent; an answer that is sent back is taken, too."""
    body = call.body if isinstance(call.body, dict) else {}
    return {**body, "properties": environment_body.spelled(body.get("properties") or {})}
