"""`daprComponents` of environments. They are kept and answered; no Dapr runs here.

Recorded in `test_containerapp_env_dapr_components.yaml` of Azure/azure-cli, 2023-04-01-preview; `listSecrets` follows
the published API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.child_calls import Kind
from localcloud.arm.errors import ArmError
from localcloud.arm.shapes import IGNORED, Shape, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localcloud.arm.calls import Call
    from localcloud.arm.children import Child
    from localcloud.arm.models import Environment, Json

_SECRET = Shape("Secret", dict.fromkeys(("name", "value", "identity", "keyVaultUrl"), str))
_SHAPE = Shape(
    "DaprComponent",
    {
        "componentType": str,
        "version": str,
        "ignoreErrors": bool,
        "initTimeout": str,
        "secrets": [_SECRET],
        "secretStoreComponent": str,
        "metadata": [Shape("DaprMetadata", dict.fromkeys(("name", "value", "secretRef"), str))],
        "scopes": [str],
        "provisioningState": IGNORED,
        "deploymentErrors": IGNORED,
    },
)


class DaprComponents(Kind):
    """State stores, brokers and the like, as Dapr describes them."""

    word = "daprComponents"
    deleted = 204
    dated = True

    def read(self, call: Call, environment: Environment, body: Json) -> Json:
        """Secrets with their values."""
        del environment
        properties: Json = read(_SHAPE, body.get("properties") or {}, call.version, "$.properties")
        return properties

    def show(self, call: Call, environment: Environment, child: Child) -> Json:
        """Secrets without their values."""
        del call, environment
        shown = dict(child.properties)
        if "secrets" in shown:
            shown["secrets"] = [{n: v for n, v in secret.items() if n != "value"} for secret in shown["secrets"]]
        return shown

    def acts(self) -> Mapping[str, Callable[[Child], Json]]:
        """`listSecrets`: the only answer that has their values."""
        return {"listSecrets": lambda child: {"value": [_told(one) for one in child.properties.get("secrets", ())]}}

    def missing(self, name: str) -> ArmError:
        """As it was recorded of storages."""
        return ArmError(404, "DaprComponentNotFound", f"Dapr Component '{name}' was not found.")


def _told(secret: Json) -> Json:
    return {"name": secret.get("name"), "value": secret.get("value")}
