"""`storages` of environments: shares that apps may name as volumes. They are kept and answered; nothing is mounted.

Recorded in `test_containerapp_env_storage.yaml` of Azure/azure-cli, 2024-03-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.child_calls import Kind
from localcloud.arm.errors import ArmError, bad_request
from localcloud.arm.shapes import IGNORED, Shape, read

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import Environment, Json

_MODES = {"readonly": "ReadOnly", "readwrite": "ReadWrite"}
# The key of an account is taken and never told, so it is not even kept.
_AZURE = {"accountName": str, "accountKey": IGNORED, "shareName": str, "accessMode": str}
_SHAPE = Shape(
    "ManagedEnvironmentStorage",
    {
        "azureFile": Shape("AzureFile", _AZURE),
        "nfsAzureFile": Shape("NfsAzureFile", {"server": str, "shareName": str, "accessMode": str}),
    },
)


class Storages(Kind):
    """Shares of Azure Files, by either of its protocols."""

    word = "storages"
    parent = "managedenvironments"

    def read(self, call: Call, environment: Environment, body: Json) -> Json:
        """Without the account's key."""
        del environment
        properties: Json = read(_SHAPE, body.get("properties") or {}, call.version, "$.properties")
        for name, share in properties.items():
            mode = share.get("accessMode", "none")
            if mode.lower() not in _MODES:
                found = f"{name}.accessMode: expected one of {', '.join(_MODES.values())}, found {mode}."
                raise bad_request("ManagedEnvironmentStorageInvalid", found)
            share["accessMode"] = _MODES[mode.lower()]
        return properties

    def missing(self, name: str) -> ArmError:
        """As recorded."""
        message = f"ManagedEnvironment Storage '{name}' was not found."
        return ArmError(404, "ManagedEnvironmentStorageNotFound", message)
