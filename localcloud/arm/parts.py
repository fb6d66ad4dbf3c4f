"""Parts of a configuration as Azure stores them: members it knows, in its order, blank ones as it leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.arm.models import Json

_DAPR = (
    *("enabled", "appId", "appProtocol", "appPort"),
    *("httpReadBufferSize", "httpMaxRequestSize", "logLevel", "enableApiLogging"),
)
_CORS = ("allowedOrigins", "allowedMethods", "allowedHeaders", "exposeHeaders")
_RESTRICTION = ("name", "description", "ipAddressRange", "action")
_REGISTRY = ("server", "username", "passwordSecretRef", "identity")
_DOMAIN = ("name", "bindingType", "certificateId")
_PORTS = ("external", "targetPort", "exposedPort")


def picked(body: Json, names: Iterable[str]) -> Json:
    """These members in this order, without those that are blank."""
    return {name: body[name] for name in names if body.get(name) is not None}


def dapr(body: Json | None) -> Json | None:
    """All its members (recorded in dapr_e2e), null those nobody gave."""
    given = ("appHealth", "maxConcurrency")
    return None if body is None else {**{name: body.get(name) for name in _DAPR}, **picked(body, given)}


def cors(body: Json | None) -> Json | None:
    """An empty list is null, and the age, which clients send as text, a number (recorded in cors_policy)."""
    if body is None:
        return None
    age = body.get("maxAge")
    return {
        **{name: body.get(name) or None for name in _CORS},
        "maxAge": int(age) if age is not None else None,
        "allowCredentials": body.get("allowCredentials"),
    }


def restrictions(given: list[Json] | None) -> list[Json] | None:
    """Rules for addresses, in the order given; one may be there twice (recorded in ip_restrictions)."""
    return [picked(rule, _RESTRICTION) for rule in given or ()] or None


def domains(given: list[Json] | None) -> list[Json] | None:
    """Custom domains."""
    return [picked(domain, _DOMAIN) for domain in given or ()] or None


def ports(given: list[Json] | None) -> list[Json] | None:
    """Ports beside the one of the ingress."""
    return [{name: port.get(name) for name in _PORTS} for port in given or ()] or None


def secrets(given: Iterable[Json], *more: str) -> list[Json]:
    """Their names and where a vault has them. more: "value" where it is told (recorded in container_acr)."""
    names = ("name", *more, "keyVaultUrl", "identity")
    return [{name: secret[name] for name in names if secret.get(name)} for secret in given]


def registries(given: list[Json] | None) -> list[Json] | None:
    """What a registry does not need is the empty text, not null (recorded in up_registry_identity_system)."""
    return [{name: registry.get(name) or "" for name in _REGISTRY} for registry in given or ()] or None
