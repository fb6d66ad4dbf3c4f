"""Log Analytics workspaces, as far as making an environment asks for one. Nothing is ever logged to them."""

from __future__ import annotations

import hashlib
import uuid
from base64 import b64encode
from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import not_found
from localcloud.arm.views import when

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock

_KIND = "Microsoft.OperationalInsights/workspaces"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_LIST, _ONE = f"/providers/{_KIND}", _GROUP + f"/providers/{_KIND}" + "/{workspace}"


class WorkspaceCalls:
    """Made at once, with an id and two keys that open nothing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", _SUBSCRIPTION + _LIST, self.list),
            ("GET", _GROUP + _LIST, self.list),
            ("GET", _ONE, self.get),
            ("PUT", _ONE, self.put),
            ("DELETE", _ONE, self.delete),
            ("POST", _ONE + "/sharedKeys", self.keys),
        )

    async def list(self, call: Call) -> Reply:
        """Workspaces of the subscription, or of the group the path names."""
        home = call.path.lower() + "/" if "group" in call.names else f"/subscriptions/{call.names['subscription']}/"
        return Reply(body={"value": self._store.of_kind(_KIND, home)})

    async def get(self, call: Call) -> Reply:
        """One workspace; raises ArmError 404."""
        return Reply(body=self._found(call))

    async def put(self, call: Call) -> Reply:
        """Make one: 201 with its address, Creating, and there when it is asked for next (recorded). Again: 200."""
        key, made = call.path.lower(), call.path.lower() not in self._store.others
        body = call.body if isinstance(call.body, dict) else {}
        names = call.names
        home = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
        identifier = f"{home}/providers/{_KIND}/{names['workspace']}"
        kept = self._store.others.setdefault(key, self._new(identifier, body))
        if not made:
            return Reply(body=kept)
        creating = {**kept, "properties": {**kept["properties"], "provisioningState": "Creating"}}
        where = f"{call.base}{identifier}?api-version={call.version}"
        return Reply(status=201, body=creating, headers={"location": where})

    def _new(self, identifier: str, body: Json) -> Json:
        given, now = body.get("properties") or {}, self._clock.now()
        at = f"{when(now)}Z"
        return {
            "id": identifier,
            "name": identifier.rpartition("/")[2],
            "type": _KIND,
            "location": str(body.get("location") or "eastus"),
            **({"tags": body["tags"]} if body.get("tags") else {}),
            "properties": {
                "customerId": str(uuid.uuid5(uuid.NAMESPACE_URL, identifier.lower())),
                "provisioningState": "Succeeded",
                "sku": {"name": "PerGB2018", **(given.get("sku") or {}), "lastSkuUpdate": at},
                "retentionInDays": given.get("retentionInDays") or 30,
                "features": {"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": True},
                "workspaceCapping": {
                    "dailyQuotaGb": -1.0,
                    "quotaNextResetTime": f"{now + timedelta(days=1):%Y-%m-%dT00:00:00Z}",
                    "dataIngestionStatus": "RespectQuota",
                },
                "publicNetworkAccessForIngestion": "Enabled",
                "publicNetworkAccessForQuery": "Enabled",
                "createdDate": at,
                "modifiedDate": at,
            },
        }

    async def delete(self, call: Call) -> Reply:
        """200, or 204 when there is none."""
        return Reply(status=204 if self._store.others.pop(call.path.lower(), None) is None else 200)

    async def keys(self, call: Call) -> Reply:
        """Two keys, the same each time."""
        name = self._found(call)["id"]
        one, two = (b64encode(hashlib.sha512(f"{name} {n}".encode()).digest()).decode() for n in (1, 2))
        return Reply(body={"primarySharedKey": one, "secondarySharedKey": two})

    def _found(self, call: Call) -> Json:
        names = call.names
        home = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
        found = self._store.others.get(f"{home}/providers/{_KIND}/{names['workspace']}".lower())
        if found is None:
            raise not_found(_KIND, names["workspace"], names["group"])
        return found
