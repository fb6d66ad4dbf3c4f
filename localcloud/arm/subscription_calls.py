"""The frame around every resource: subscriptions, tenants, regions, and providers that are all registered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.canonical import REGIONS, short
from localcloud.arm.errors import unsupported
from localcloud.arm.group_calls import everything
from localcloud.arm.versions import VERSIONS
from localcloud.arm.views import VERIFICATION

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.arm.urls import Route

_TENANT = "00000000-0000-0000-0000-0000000000aa"
_ONE = "/subscriptions/{subscription}"
_PROVIDERS = {
    "Microsoft.App": ("managedEnvironments", "containerApps", "operations"),
    "Microsoft.ContainerRegistry": ("registries",),
    "Microsoft.OperationalInsights": ("workspaces",),
    "Microsoft.EventGrid": ("topics", "systemTopics", "eventSubscriptions"),
    "Microsoft.Insights": ("metrics",),
}
_FILTER = re.compile(r"\s*resourceType\s+eq\s+'([^']+)'\s*", re.IGNORECASE)


class SubscriptionCalls:
    """A subscription is where an environment is. Nothing needs to be registered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", "/tenants", self.tenants),
            ("GET", "/subscriptions", self.subscriptions),
            ("GET", _ONE, self.subscription),
            ("GET", _ONE + "/locations", self.locations),
            ("GET", _ONE + "/resources", self.resources),
            ("GET", "/providers/{namespace}", self.provider),
            ("GET", _ONE + "/providers/{namespace}", self.provider),
            ("POST", _ONE + "/providers/{namespace}/register", self.provider),
            ("POST", _ONE + "/providers/Microsoft.App/getCustomDomainVerificationId", self.verification),
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
        found = [{"name": short(name), "displayName": name, "id": f"{home}/{short(name)}"} for name in REGIONS]
        return Reply(body={"value": found})

    async def resources(self, call: Call) -> Reply:
        """Everything in the subscription, or of one type. A filter by anything else is refused."""
        text = call.query.get("$filter", "")
        wanted = _FILTER.fullmatch(text) if text else None
        if text and wanted is None:
            raise unsupported("GET", f"resources with $filter={text}")
        kind = wanted[1].lower() if wanted else ""
        found = everything(self._store, f"/subscriptions/{call.names['subscription']}/")
        return Reply(body={"value": [r for r in found if kind in ("", r["type"].lower())]})

    async def verification(self, _: Call) -> Reply:
        """What a custom domain must tell of itself in its TXT record: one text for the whole subscription.

        No api-versions are told with it (recorded in get_customdomainverificationid_e2e).
        """
        return Reply(body=VERIFICATION, headers={"api-supported-versions": ""})

    async def provider(self, call: Call) -> Reply:
        """Registered, whether or not it was asked to be. Of what is not here: 501."""
        name = next((n for n in _PROVIDERS if n.lower() == call.names["namespace"].lower()), None)
        if name is None:
            raise unsupported(call.method, call.names["namespace"])
        types = [
            {"resourceType": kind, "locations": list(REGIONS), "apiVersions": list(VERSIONS)}
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


def _subscription(name: str) -> Json:
    return {
        "id": f"/subscriptions/{name}",
        "subscriptionId": name,
        "tenantId": _TENANT,
        "displayName": "localcloud",
        "state": "Enabled",
    }
