"""The frame around every resource: subscriptions, tenants, resource groups, and providers that are all registered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError, unsupported
from localcloud.arm.versions import VERSIONS
from localcloud.arm.views import app_view, environment_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.arm.urls import Route

_TENANT = "00000000-0000-0000-0000-0000000000aa"
_ONE, _GROUP = "/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}"
_REGIONS = ("East US", "West Europe")
_PROVIDERS = {
    "Microsoft.App": ("managedEnvironments", "containerApps", "operations"),
    "Microsoft.ContainerRegistry": ("registries",),
    "Microsoft.OperationalInsights": ("workspaces",),
    "Microsoft.Insights": ("metrics",),
}
_FILTER = re.compile(r"\s*resourceType\s+eq\s+'([^']+)'\s*", re.IGNORECASE)


class SubscriptionCalls:
    """A resource group exists once it was made, or something is in it. Nothing needs to be registered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._groups: dict[str, Json] = {}

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", "/tenants", self.tenants),
            ("GET", "/subscriptions", self.subscriptions),
            ("GET", _ONE, self.subscription),
            ("GET", _ONE + "/locations", self.locations),
            ("GET", _ONE + "/resources", self.resources),
            ("GET", _ONE + "/resourceGroups", self.groups),
            ("GET", _GROUP, self.group),
            ("HEAD", _GROUP, self.has_group),
            ("PUT", _GROUP, self.put_group),
            ("GET", "/providers/{namespace}", self.provider),
            ("GET", _ONE + "/providers/{namespace}", self.provider),
            ("POST", _ONE + "/providers/{namespace}/register", self.provider),
        )

    async def tenants(self, _: Call) -> Reply:
        """The one of the identity endpoint."""
        return Reply(body={"value": [{"id": f"/tenants/{_TENANT}", "tenantId": _TENANT, "tenantCategory": "Home"}]})

    async def subscriptions(self, _: Call) -> Reply:
        """Those in which an environment is."""
        names = dict.fromkeys(e.subscription for e in self._store.environments.values())
        return Reply(body={"value": [_subscription(name) for name in names]})

    async def subscription(self, call: Call) -> Reply:
        """One subscription."""
        return Reply(body=_subscription(call.names["subscription"]))

    async def locations(self, call: Call) -> Reply:
        """Regions by their two names."""
        home = f"/subscriptions/{call.names['subscription']}/locations"
        found = [{"name": _short(name), "displayName": name, "id": f"{home}/{_short(name)}"} for name in _REGIONS]
        return Reply(body={"value": found})

    async def resources(self, call: Call) -> Reply:
        """Everything in the subscription, or of one type. A filter by anything else is refused."""
        text = call.query.get("$filter", "")
        wanted = _FILTER.fullmatch(text) if text else None
        if text and wanted is None:
            raise unsupported("GET", f"resources with $filter={text}")
        kind = wanted[1].lower() if wanted else ""
        return Reply(body={"value": [r for r in self._all(call) if kind in ("", r["type"].lower())]})

    async def groups(self, call: Call) -> Reply:
        """Every group."""
        return Reply(body={"value": list(self._known(call).values())})

    async def group(self, call: Call) -> Reply:
        """One group; raises ArmError 404."""
        return Reply(body=self._found(call))

    async def has_group(self, call: Call) -> Reply:
        """204 for a group that is there; raises ArmError 404."""
        self._found(call)
        return Reply(status=204)

    async def put_group(self, call: Call) -> Reply:
        """Make one, or change its tags."""
        made = call.names["group"].lower() not in self._known(call)
        body = call.body if isinstance(call.body, dict) else {}
        group = _group(call.names["subscription"], call.names["group"], _short(str(body.get("location") or "eastus")))
        if body.get("tags"):
            group["tags"] = body["tags"]
        self._groups[group["id"].lower()] = group
        return Reply(status=201 if made else 200, body=group)

    async def provider(self, call: Call) -> Reply:
        """Registered, whether or not it was asked to be. Of what is not here: 501."""
        name = next((n for n in _PROVIDERS if n.lower() == call.names["namespace"].lower()), None)
        if name is None:
            raise unsupported(call.method, call.names["namespace"])
        types = [
            {"resourceType": kind, "locations": list(_REGIONS), "apiVersions": list(VERSIONS)}
            for kind in _PROVIDERS[name]
        ]
        return Reply(
            body={
                "id": f"/subscriptions/{call.names.get('subscription', '')}/providers/{name}",
                "namespace": name,
                "registrationPolicy": "RegistrationRequired",
                "registrationState": "Registered",
                "resourceTypes": types,
            }
        )

    def _all(self, call: Call) -> Iterator[Json]:
        home = f"/subscriptions/{call.names['subscription']}/".lower()
        bodies = [environment_view(e, e.created) for e in self._store.environments.values()]
        bodies += [app_view(a) for a in self._store.apps()]
        bodies += self._store.others.values()
        for body in bodies:
            if body["id"].lower().startswith(home):
                yield {name: body[name] for name in ("id", "name", "type", "location")}

    def _known(self, call: Call) -> dict[str, Json]:
        """Groups by their names in lower case."""
        subscription = call.names["subscription"]
        names = (resource["id"].split("/")[4] for resource in self._all(call))
        found = {name.lower(): _group(subscription, name, "eastus") for name in names}
        home = f"/subscriptions/{subscription}/".lower()
        return found | {g["name"].lower(): g for key, g in self._groups.items() if key.startswith(home)}

    def _found(self, call: Call) -> Json:
        name = call.names["group"]
        group = self._known(call).get(name.lower())
        if group is None:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        return group


def _short(region: str) -> str:
    return region.lower().replace(" ", "")


def _group(subscription: str, name: str, location: str) -> Json:
    return {
        "id": f"/subscriptions/{subscription}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }


def _subscription(name: str) -> Json:
    return {
        "id": f"/subscriptions/{name}",
        "subscriptionId": name,
        "tenantId": _TENANT,
        "displayName": "localcloud",
        "state": "Enabled",
    }
