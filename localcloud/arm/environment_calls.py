"""Answers about managed environments, and the little of Azure Resource Manager that clients ask before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.calls import VERSIONS, Reply
from localcloud.arm.canonical import region
from localcloud.arm.errors import not_found
from localcloud.arm.models import Environment
from localcloud.arm.views import environment_view

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import Store
    from localcloud.clock import Clock

_TENANT = "00000000-0000-0000-0000-0000000000aa"
_TYPES = ("managedEnvironments", "containerApps", "operations")


class EnvironmentCalls:
    """Environments are ready as soon as they are made. domain: what new ones live under."""

    def __init__(self, store: Store, clock: Clock, domain: str) -> None:
        self._store, self._clock, self._domain = store, clock, domain

    async def get(self, call: Call) -> Reply:
        """One environment."""
        names = call.names
        identifier = (
            f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
            f"/providers/Microsoft.App/managedEnvironments/{names['environment']}"
        )
        found = self._store.environments.get(identifier.lower())
        if found is None:
            raise not_found("Microsoft.App/managedEnvironments", names["environment"], names["group"])
        return Reply(body=environment_view(found))

    async def list(self, call: Call) -> Reply:
        """Environments of the subscription, or of the group the path names."""
        home = f"/subscriptions/{call.names['subscription']}/"
        home += f"resourceGroups/{call.names['group']}/" if "group" in call.names else ""
        found = self._store.environments.items()
        return Reply(body={"value": [environment_view(e) for key, e in found if key.startswith(home.lower())]})

    async def put(self, call: Call) -> Reply:
        """Make one, ready at once; the answer is the resource itself, as for an operation that has ended."""
        body = call.body if isinstance(call.body, dict) else {}
        environment = Environment(
            subscription=call.names["subscription"],
            group=call.names["group"],
            name=call.names["environment"],
            domain=f"{call.names['environment'].lower()}.{self._domain}",
            created=self._clock.now(),
            location=region(str(body.get("location") or "East US")),
        )
        kept = self._store.environments.setdefault(environment.id.lower(), environment)
        return Reply(body=environment_view(kept))

    async def subscriptions(self, _: Call) -> Reply:
        """Those in which an environment is."""
        names = dict.fromkeys(e.subscription for e in self._store.environments.values())
        return Reply(body={"value": [_subscription(name) for name in names]})

    async def subscription(self, call: Call) -> Reply:
        """One subscription."""
        return Reply(body=_subscription(call.names["subscription"]))

    async def group(self, call: Call) -> Reply:
        """Any resource group exists."""
        name = call.names["group"]
        return Reply(
            body={
                "id": f"/subscriptions/{call.names['subscription']}/resourceGroups/{name}",
                "name": name,
                "type": "Microsoft.Resources/resourceGroups",
                "location": "eastus",
                "properties": {"provisioningState": "Succeeded"},
            }
        )

    async def provider(self, call: Call) -> Reply:
        """Microsoft.App, registered."""
        return Reply(
            body={
                "id": f"/subscriptions/{call.names.get('subscription', '')}/providers/Microsoft.App",
                "namespace": "Microsoft.App",
                "registrationPolicy": "RegistrationRequired",
                "registrationState": "Registered",
                "resourceTypes": [
                    {"resourceType": name, "locations": ["East US"], "apiVersions": list(VERSIONS)} for name in _TYPES
                ],
            }
        )


def _subscription(name: str) -> dict[str, object]:
    return {
        "id": f"/subscriptions/{name}",
        "subscriptionId": name,
        "tenantId": _TENANT,
        "displayName": "localcloud",
        "state": "Enabled",
    }
