"""Secrets of an app: given with values, answered without, and referred to by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localcloud.arm.models import Json


def read_secrets(given: Iterable[Json]) -> dict[str, Json]:
    """By name. One without a value, as a GET answers it, is refused: that is how echoing a GET fails on Azure.

    Raises:
        ArmError: 400 ContainerAppSecretInvalid.
    """
    secrets = {str(s.get("name")): s for s in given}
    empty = [name for name, s in secrets.items() if not s.get("value") and not s.get("keyVaultUrl")]
    if empty:
        raise bad_request(
            "ContainerAppSecretInvalid",
            f"Container app secret(s) with name(s) '{', '.join(empty)}' are invalid: "
            "value or keyVaultUrl and identity should be provided.",
        )
    return secrets


def check_references(resource: Json, secrets: Mapping[str, Json]) -> None:
    """Raise ArmError 400 for a reference to a secret that is not there."""
    properties = resource["properties"]
    for container in properties["template"]["containers"]:
        for variable in container.get("env") or ():
            wanted = variable.get("secretRef")
            if wanted and wanted not in secrets:
                raise bad_request(
                    "ContainerAppSecretRefNotFound",
                    f"SecretRef '{wanted}' defined for container '{container['name']}' not found.",
                )
    for registry in properties["configuration"]["registries"] or ():
        wanted = registry.get("passwordSecretRef")
        if wanted and wanted not in secrets:
            raise bad_request(
                "ContainerAppRegistriesPasswordSecretRefNotFound",
                f"PasswordSecretRef '{wanted}' defined for registry server '{registry['server']}' not found.",
            )
