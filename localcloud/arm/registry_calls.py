"""Microsoft.ContainerRegistry: the one registry of this cloud as Azure Resource Manager tells of it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import bad_request, not_found, unsupported

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Json, Store
    from localcloud.arm.urls import Route

_KIND = "Microsoft.ContainerRegistry/registries"
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_LIST, _ONE = f"/providers/{_KIND}", _GROUP + f"/providers/{_KIND}" + "/{registry}"


class RegistryCalls:
    """Reads it, and switches its admin user. Another registry cannot be made here: 501."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._passwords: tuple[str, str] = ("", "")

    def add(self, identifier: str, login_server: str, created: datetime, passwords: tuple[str, str]) -> None:
        """Tell of a registry that is served elsewhere. passwords: what its admin user may sign in with."""
        self._passwords = passwords
        self._store.others[identifier.lower()] = {
            "id": identifier,
            "name": identifier.rpartition("/")[2],
            "type": _KIND,
            "location": "eastus",
            "tags": {},
            "sku": {"name": "Basic", "tier": "Basic"},
            "properties": {
                "loginServer": login_server,
                "creationDate": f"{created:%Y-%m-%dT%H:%M:%S.%f}0Z",
                "provisioningState": "Succeeded",
                "adminUserEnabled": False,
                "publicNetworkAccess": "Enabled",
                "zoneRedundancy": "Disabled",
            },
        }

    def signs_in(self, user: str, password: str) -> bool:
        """Whether an enabled admin user has this name and one of these passwords."""
        known = [r for r in self._store.of_kind(_KIND, "/") if r["properties"]["adminUserEnabled"]]
        named = any(r["name"] == user for r in known)
        return named and any(hmac.compare_digest(password.encode(), one.encode()) for one in self._passwords)

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", _SUBSCRIPTION + _LIST, self.list),
            ("GET", _GROUP + _LIST, self.list),
            ("GET", _ONE, self.get),
            ("PUT", _ONE, self.change),
            ("PATCH", _ONE, self.change),
            ("POST", _ONE + "/listCredentials", self.credentials),
            ("POST", _SUBSCRIPTION + "/providers/Microsoft.ContainerRegistry/checkNameAvailability", self.check_name),
        )

    async def list(self, call: Call) -> Reply:
        """Registries of the subscription, or of the group the path names."""
        home = call.path.lower() + "/" if "group" in call.names else f"/subscriptions/{call.names['subscription']}/"
        return Reply(body={"value": self._store.of_kind(_KIND, home)})

    async def get(self, call: Call) -> Reply:
        """One registry; raises ArmError 404."""
        return Reply(body=self._found(call))

    async def change(self, call: Call) -> Reply:
        """Its SKU and its admin user; both change at once. Raises ArmError 501 for a registry that is not here."""
        key = _key(call)
        if key not in self._store.others:
            raise unsupported(call.method, f"{_KIND} {call.names['registry']}")
        registry, body = self._store.others[key], call.body if isinstance(call.body, dict) else {}
        sku = (body.get("sku") or {}).get("name")
        if sku:
            registry["sku"] = {"name": sku, "tier": sku}
        enabled = (body.get("properties") or {}).get("adminUserEnabled")
        if enabled is not None:
            registry["properties"]["adminUserEnabled"] = bool(enabled)
        return Reply(body=registry)

    async def credentials(self, call: Call) -> Reply:
        """User name and two passwords, while the admin user is enabled; raises ArmError 400."""
        registry = self._found(call)
        if not registry["properties"]["adminUserEnabled"]:
            raise bad_request(
                "UnAuthorizedForCredentialOperations",
                f"Cannot perform credential operations for {registry['id']} as admin user is disabled.",
            )
        named = zip(("password", "password2"), self._passwords, strict=True)
        return Reply(
            body={"username": registry["name"], "passwords": [{"name": name, "value": value} for name, value in named]}
        )

    async def check_name(self, call: Call) -> Reply:
        """Whether a registry may have a name."""
        name = str(call.body.get("name", "")) if isinstance(call.body, dict) else ""
        if any(r["name"].lower() == name.lower() for r in self._store.of_kind(_KIND, "/")):
            message = f"The registry {name} is already in use."
            return Reply(body={"nameAvailable": False, "reason": "AlreadyExists", "message": message})
        return Reply(body={"nameAvailable": True})

    def _found(self, call: Call) -> Json:
        found = self._store.others.get(_key(call))
        if found is None:
            raise not_found(_KIND, call.names["registry"], call.names["group"])
        return found


def _key(call: Call) -> str:
    names = call.names
    home = f"/subscriptions/{names['subscription']}/resourceGroups/{names['group']}"
    return f"{home}/providers/{_KIND}/{names['registry']}".lower()
