"""Answers about managed environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.canonical import region
from localcloud.arm.errors import ArmError, not_found, unsupported
from localcloud.arm.models import Environment
from localcloud.arm.views import environment_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.clock import Clock

_KEPT = ("appLogsConfiguration",)


class EnvironmentCalls:
    """Environments are ready as soon as they are made. domains: each new one takes the first that is free."""

    def __init__(self, store: Store, clock: Clock, domains: Sequence[str]) -> None:
        self._store, self._clock, self._domains = store, clock, domains

    async def get(self, call: Call) -> Reply:
        """One environment."""
        return Reply(body=environment_view(self._find(call)))

    async def list(self, call: Call) -> Reply:
        """Environments of the subscription, or of the group the path names."""
        home = f"/subscriptions/{call.names['subscription']}/"
        home += f"resourceGroups/{call.names['group']}/" if "group" in call.names else ""
        found = self._store.environments.items()
        return Reply(body={"value": [environment_view(e) for key, e in found if key.startswith(home.lower())]})

    async def put(self, call: Call) -> Reply:
        """Make one, ready at once; the answer is the resource itself, as for an operation that has ended."""
        body = call.body if isinstance(call.body, dict) else {}
        properties = body.get("properties") or {}
        taken = {e.domain for key, e in self._store.environments.items() if key != call.path.lower()}
        domain = next((d for d in self._domains if d not in taken), None)
        if domain is None:
            raise unsupported("PUT", f"more than {len(self._domains)} Microsoft.App/managedEnvironments")
        environment = Environment(
            subscription=call.names["subscription"],
            group=call.names["group"],
            name=call.names["environment"],
            domain=domain,
            created=self._clock.now(),
            location=region(str(body.get("location") or "East US")),
            streams=self._store.streams,
            logs=_logs(properties),
            tags=body.get("tags") or {},
        )
        kept = self._store.environments.setdefault(environment.id.lower(), environment)
        return Reply(body=environment_view(kept))

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
        return Reply(body=environment_view(environment))

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
