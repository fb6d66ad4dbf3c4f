"""Answers about managed environments."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.canonical import region
from localcloud.arm.errors import ArmError, not_found, unsupported
from localcloud.arm.models import Environment
from localcloud.arm.views import environment_view, when

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.clock import Clock
    from localcloud.profile import Latency

_KEPT = ("appLogsConfiguration",)


class EnvironmentCalls:
    """domains: each new environment takes the first that is free. latency: of making one."""

    def __init__(self, store: Store, clock: Clock, domains: Sequence[str], latency: Latency, chance: Random) -> None:
        self._store, self._clock, self._domains = store, clock, domains
        self._latency, self._chance = latency, chance
        self._made: dict[str, Environment] = {}

    async def get(self, call: Call) -> Reply:
        """One environment."""
        return Reply(body=self._view(self._find(call)))

    async def list(self, call: Call) -> Reply:
        """Environments of the subscription, or of the group the path names."""
        home = f"/subscriptions/{call.names['subscription']}/"
        home += f"resourceGroups/{call.names['group']}/" if "group" in call.names else ""
        found = self._store.environments.items()
        return Reply(body={"value": [self._view(e) for key, e in found if key.startswith(home.lower())]})

    async def put(self, call: Call) -> Reply:
        """Make one: 201, Waiting, and an operation to ask about (recorded). One that is there is answered as it is."""
        there = self._store.environments.get(call.path.lower())
        if there is not None:
            return Reply(body=self._view(there))
        environment = self._new(call, call.body if isinstance(call.body, dict) else {})
        self._store.environments[environment.id.lower()] = environment
        operation = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        self._made[operation] = environment
        place = environment.location.lower().replace(" ", "")
        path = f"/subscriptions/{environment.subscription}/providers/Microsoft.App/locations/{place}"
        statuses = f"{call.base}{path}/managedEnvironmentOperationStatuses/{operation}?api-version={call.version}"
        headers = {
            "azure-asyncoperation": f"{statuses}&azureAsyncOperation=true",
            "x-ms-async-operation-timeout": "PT15M",
            "x-ms-ratelimit-remaining-subscription-resource-requests": "99",
        }
        return Reply(status=201, body=self._view(environment), headers=headers)

    async def statuses(self, call: Call) -> Reply:
        """200 with its status."""
        environment = self._made.get(call.names["operation"].lower())
        if environment is None:
            raise ArmError(404, "OperationNotFound", f"Operation '{call.names['operation']}' was not found.")
        body = {
            "id": call.path,
            "name": call.names["operation"],
            "status": "Succeeded" if environment.provisioned(self._clock.now()) else "InProgress",
            "startTime": when(environment.created),
        }
        return Reply(body=body)

    def _new(self, call: Call, body: Json) -> Environment:
        properties = body.get("properties") or {}
        taken = {environment.domain for environment in self._store.environments.values()}
        domain = next((d for d in self._domains if d not in taken), None)
        if domain is None:
            raise unsupported("PUT", f"more than {len(self._domains)} Microsoft.App/managedEnvironments")
        now = self._clock.now()
        return Environment(
            subscription=call.names["subscription"],
            group=call.names["group"],
            name=call.names["environment"],
            domain=domain,
            created=now,
            ready=now + timedelta(seconds=self._latency.draw(self._chance)),
            location=region(str(body.get("location") or "East US")),
            streams=self._store.streams,
            logs=_logs(properties),
            tags=body.get("tags") or {},
            given=_given(properties),
        )

    def _view(self, environment: Environment) -> Json:
        return environment_view(environment, self._clock.now())

    async def patch(self, call: Call) -> Reply:
        """Where its logs go, and its tags; in force at once. Of what this machine does not have: 501."""
        environment = self._find(call)
        body = call.body if isinstance(call.body, dict) else {}
        properties = body.get("properties") or {}
        unknown = sorted(name for name, value in properties.items() if value and name not in _KEPT)
        if unknown:
            raise unsupported("PATCH", f"Microsoft.App/managedEnvironments with {', '.join(unknown)}")
        environment.logs = _logs(properties) or environment.logs
        environment.tags = body.get("tags") or environment.tags
        return Reply(body=self._view(environment))

    async def delete(self, call: Call) -> Reply:
        """200, or 204 when there is none; 409 while an app is in it."""
        key = call.path.lower()
        if key not in self._store.environments:
            return Reply(status=204)
        inside = [app.name for app in self._store.apps() if app.environment.id.lower() == key]
        if inside:
            # In the words of `ManagedEnvironmentHasBuilders`, github.com/microsoft/azure-container-apps/issues/1012.
            message = (
                f"The specified environment {call.names['environment']} cannot be deleted because it still contains "
            )
            raise ArmError(409, "ManagedEnvironmentHasContainerApps", f"{message}{len(inside)} ContainerApps.")
        del self._store.environments[key]
        return Reply()

    def _find(self, call: Call) -> Environment:
        names = call.names
        identifier = (
            f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
            f"/providers/Microsoft.App/managedEnvironments/{names['environment']}"
        )
        found = self._store.environments.get(identifier.lower())
        if found is None:
            raise not_found("Microsoft.App/managedEnvironments", names["environment"], names["group"])
        return found


def _logs(properties: Json) -> Json:
    """`appLogsConfiguration` as it is answered: the key of a workspace is taken and never told."""
    logs = properties.get("appLogsConfiguration") or {}
    workspace = logs.get("logAnalyticsConfiguration")
    shown = {"customerId": workspace.get("customerId"), "sharedKey": None} if workspace else None
    return {**logs, "logAnalyticsConfiguration": shown} if logs else {}


def _given(properties: Json) -> Json:
    """What is answered as it was given; of workload profiles with their members' own spelling."""
    profiles = [{name[:1].lower() + name[1:]: value for name, value in one.items()} for one in _profiles(properties)]
    kept = {name: properties[name] for name in ("zoneRedundant", "peerAuthentication") if properties.get(name)}
    return {**kept, **({"workloadProfiles": profiles} if profiles else {})}


def _profiles(properties: Json) -> list[Json]:
    found: list[Json] = properties.get("workloadProfiles") or []
    return found
