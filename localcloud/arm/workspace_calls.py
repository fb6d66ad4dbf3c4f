"""Log Analytics workspaces, as far as making an environment asks for one. Nothing is ever logged to them."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import not_found

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.arm.urls import Route

_KIND = "Microsoft.OperationalInsights/workspaces"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_LIST, _ONE = f"/providers/{_KIND}", _GROUP + f"/providers/{_KIND}" + "/{workspace}"


class WorkspaceCalls:
    """Made at once, with an id and two keys that open nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

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
        """Make one; 201 when it is new."""
        key = call.path.lower()
        made = key not in self._store.others
        body = call.body if isinstance(call.body, dict) else {}
        names = call.names
        home = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
        workspace = {
            "id": f"{home}/providers/{_KIND}/{names['workspace']}",
            "name": names["workspace"],
            "type": _KIND,
            "location": str(body.get("location") or "eastus"),
            "properties": {
                "customerId": str(uuid.uuid5(uuid.NAMESPACE_URL, key)),
                "provisioningState": "Succeeded",
                "sku": {"name": "PerGB2018"},
                "retentionInDays": 30,
            },
        }
        kept = self._store.others.setdefault(key, workspace)
        return Reply(status=201 if made else 200, body=kept)

    async def delete(self, call: Call) -> Reply:
        """200, or 204 when there is none."""
        return Reply(status=204 if self._store.others.pop(call.path.lower(), None) is None else 200)

    async def keys(self, call: Call) -> Reply:
        """Two keys, the same each time."""
        name = self._found(call)["id"]
        one, two = (hashlib.sha512(f"{name} {n}".encode()).hexdigest() for n in (1, 2))
        return Reply(body={"primarySharedKey": one, "secondarySharedKey": two})

    def _found(self, call: Call) -> Json:
        names = call.names
        home = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
        found = self._store.others.get(f"{home}/providers/{_KIND}/{names['workspace']}".lower())
        if found is None:
            raise not_found(_KIND, names["workspace"], names["group"])
        return found
