"""The body of an app as Azure stores it: members known to it, its spelling, its defaults."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from localcloud.arm import parts
from localcloud.arm.errors import bad_request
from localcloud.arm.traffic import canonical_traffic

if TYPE_CHECKING:
    from localcloud.arm.models import Json

_NO_WORD = re.compile(r"[ ()]", re.ASCII)  # North Central US (Stage) is northcentralusstage in addresses (recorded)
_REGIONS = {
    _NO_WORD.sub("", name.lower()): name
    for name in (
        *("East US", "East US 2", "Central US", "North Central US", "South Central US", "West Central US"),
        *("West US", "West US 2", "West US 3", "Canada Central", "Canada East", "Brazil South", "North Europe"),
        *("West Europe", "UK South", "UK West", "France Central", "Germany West Central", "Switzerland North"),
        *("Norway East", "Sweden Central", "Poland Central", "Italy North", "Spain Central", "UAE North"),
        *("South Africa North", "Qatar Central", "Israel Central", "Central India", "South India"),
        *("Jio India West", "East Asia", "Southeast Asia", "Japan East", "Japan West", "Korea Central"),
        *("Australia East", "Australia Southeast", "Australia Central", "Central US EUAP", "East US 2 EUAP"),
        "North Central US (Stage)",
    )
}
REGIONS = tuple(_REGIONS.values())
_MODES = {"single": "Single", "multiple": "Multiple", "labels": "Labels"}
_TRANSPORTS = {"auto": "Auto", "http": "Http", "http2": "Http2", "tcp": "Tcp"}
_EPHEMERAL = ((0.25, "1Gi"), (0.5, "2Gi"), (1.0, "4Gi"))
_USER_ASSIGNED = re.compile(r"(?<=/providers/)microsoft\.managedidentity/userassignedidentities(?=/)", re.IGNORECASE)
_ZEROS = re.compile(r"\.0+(?=Gi$)", re.ASCII)
# Answered where they were given, and not otherwise.
GIVEN = ("tags", "kind", "managedBy", "extendedLocation")
GIVEN_OF_APP = ("networking", "patchingConfiguration")
_COOLDOWN, _POLLING = 300, 30  # seconds
_OF_CONTAINER = (("command", "args", "env"), ("probes", "volumeMounts"))  # before its resources, and after them
_VOLUME = ("name", "storageType", "storageName", "secrets", "mountOptions")


def region(location: str) -> str:
    """`eastus` as `East US`; a region of another name stays as it is."""
    return _REGIONS.get(short(location), location)


def short(location: str) -> str:
    """`East US` as `eastus`, as it is in addresses."""
    return _NO_WORD.sub("", location.lower())


def resource(app: str, body: Json, principal: str) -> Json:
    """The canonical writable body. Read-only members that a client sends back are dropped, as Azure does.

    principal: the id of an identity of its own.

    Raises:
        ArmError: 400.
    """
    properties = _map(body.get("properties"))
    environment = properties.get("environmentId") or properties.get("managedEnvironmentId") or ""
    configuration = _configuration(app, _map(properties.get("configuration")))
    given = {name: body[name] for name in GIVEN if body.get(name)}
    return {
        "location": region(str(body.get("location") or "")),
        "identity": identity(_map(body.get("identity")), principal),
        **given,
        "properties": {
            "environmentId": environment,
            "workloadProfileName": properties.get("workloadProfileName"),
            "patchingMode": properties.get("patchingMode") or "Automatic",
            **parts.picked(properties, GIVEN_OF_APP),
            "configuration": configuration,
            "template": template(_map(properties.get("template"))),
        },
    }


def template(body: Json) -> Json:
    """The canonical template: null members of containers go, computed ones are computed anew."""
    scale = _map(body.get("scale"))
    most = scale.get("maxReplicas")
    return {
        "revisionSuffix": body.get("revisionSuffix") or "",
        "terminationGracePeriodSeconds": body.get("terminationGracePeriodSeconds"),
        "containers": [_container(c) for c in body.get("containers") or ()],
        "initContainers": [_container(c) for c in body["initContainers"]] if body.get("initContainers") else None,
        "scale": {
            "minReplicas": scale.get("minReplicas"),
            "maxReplicas": most or 10,  # 0 is taken for "not given"
            **_pace(scale),
            **parts.picked(scale, ("allowScalingRuleOverride",)),
            "rules": [_rule(r) for r in scale["rules"]] if scale.get("rules") else None,
        },
        "volumes": [parts.picked(v, _VOLUME) for v in body["volumes"]] if body.get("volumes") else None,
        "serviceBinds": body.get("serviceBinds"),
        **parts.picked(body, ("customMetricsSettings",)),  # absent where nobody gave it (kind_functionapp of 2025)
    }


def of_revision(body: Json) -> Json:
    """An app's canonical template as its revision shows it (recorded).

    No ephemeral storage, always probes, of http rules only the metadata that the scaler reads, and of how fast it
    scales nothing (seen in 2026).
    """
    rules = body["scale"]["rules"]
    scale = {"cooldownPeriod": None, "pollingInterval": None, "rules": [_revision_rule(r) for r in rules or ()] or None}
    return {
        **{name: value for name, value in body.items() if name != "customMetricsSettings"},
        "revisionSuffix": body["revisionSuffix"] or None,
        "containers": [_revision_container(c) for c in body["containers"]],
        "scale": {**body["scale"], **scale},
    }


def same(one: Json, other: Json) -> bool:
    """Whether two canonical templates make the same revision; what a revision does not show may come back blank."""
    return _pace(one["scale"]) == _pace(other["scale"]) and of_revision(one) == of_revision(other)


def _pace(scale: Json) -> Json:
    """How fast it scales, with Azure's own defaults."""
    given = (("cooldownPeriod", _COOLDOWN), ("pollingInterval", _POLLING))
    return {name: default if scale.get(name) is None else scale[name] for name, default in given}


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _present(body: Json) -> Json:
    return {key: value for key, value in body.items() if value is not None}


def _deep(body: Json) -> Json:
    """Without null members and empty lists at any depth; only a list of no probes is kept (recorded)."""
    return {key: _lean(one) for key, one in body.items() if one is not None and (one != [] or key == "probes")}


def _lean(value: object) -> object:
    if isinstance(value, dict):
        return _deep(value)
    return [_lean(one) for one in value] if isinstance(value, list) else value


def identity(body: Json, principal: str) -> Json:
    """With the ids that Azure gives. principal: of an identity of its own; a user-assigned one always has the same."""
    kind = _kind(str(body.get("type") or "None"))
    users = _map(body.get("userAssignedIdentities"))
    system = {"principalId": principal, "tenantId": guid("tenant")} if "SystemAssigned" in kind else {}
    spelled = (_USER_ASSIGNED.sub("Microsoft.ManagedIdentity/userAssignedIdentities", name) for name in users)
    known = {name: {"principalId": guid(f"p{name}"), "clientId": guid(f"c{name}")} for name in spelled}
    return {"type": kind, **system, **({"userAssignedIdentities": known} if known else {})}


def _kind(given: str) -> str:
    """`systemassigned,userassigned` as `SystemAssigned, UserAssigned`."""
    said = {word.strip().lower() for word in given.split(",")}
    known = [kind for kind in ("SystemAssigned", "UserAssigned") if kind.lower() in said]
    return ", ".join(known) or "None"


def guid(name: str) -> str:
    """One that a name always has."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name.lower()))


def _configuration(app: str, body: Json) -> Json:
    wanted = str(body.get("activeRevisionsMode") or "Single")
    mode = _MODES.get(wanted.lower())
    if mode is None:
        raise bad_request("ContainerAppInvalidActiveRevisionsMode", f"activeRevisionsMode '{wanted}' is not supported.")
    ingress = body.get("ingress")
    return {
        "secrets": parts.secrets(body.get("secrets") or ()) or None,
        "activeRevisionsMode": mode,
        "targetLabel": body.get("targetLabel") or "",
        "revisionTransitionThreshold": body.get("revisionTransitionThreshold"),
        "ingress": _ingress(app, mode, ingress) if isinstance(ingress, dict) else None,
        "registries": parts.registries(body.get("registries")),
        "identitySettings": body.get("identitySettings") or [],
        "dapr": parts.dapr(body.get("dapr")),
        "runtime": body.get("runtime"),
        "maxInactiveRevisions": body.get("maxInactiveRevisions"),
        "service": body.get("service"),
    }


def _ingress(app: str, mode: str, body: Json) -> Json:
    transport = str(body.get("transport") or "Auto")
    return {
        "fqdn": None,
        "external": bool(body.get("external")),
        "targetPort": int(body.get("targetPort") or 0),  # 0: the one the container is found to listen on
        "exposedPort": int(body.get("exposedPort") or 0),
        "transport": _TRANSPORTS.get(transport.lower(), transport),
        "traffic": _traffic(app, mode, body.get("traffic")),
        "customDomains": parts.domains(body.get("customDomains")),
        "allowInsecure": bool(body.get("allowInsecure")),
        "ipSecurityRestrictions": parts.restrictions(body.get("ipSecurityRestrictions")),
        "corsPolicy": parts.cors(body.get("corsPolicy")),
        "clientCertificateMode": body.get("clientCertificateMode"),
        "stickySessions": body.get("stickySessions"),
        "additionalPortMappings": parts.ports(body.get("additionalPortMappings")),
        "targetPortHttpScheme": body.get("targetPortHttpScheme"),
    }


def _traffic(app: str, mode: str, entries: object) -> list[Json]:
    """In Single mode all goes to the latest; in Labels mode blank is blank until a revision has its label."""
    if mode == "Labels" and not entries:
        return []
    return canonical_traffic(app, entries if mode != "Single" else None)


def _container(body: Json) -> Json:
    resources = _map(body.get("resources"))
    cpu = float(resources.get("cpu") or 0.5)
    storage = next((size for most, size in _EPHEMERAL if cpu <= most), "8Gi")
    kept = _deep(body)
    before, after = (parts.picked(kept, names) for names in _OF_CONTAINER)
    return {
        "image": kept.get("image"),
        "imageType": kept.get("imageType", "ContainerImage"),
        "name": kept.get("name"),
        **before,
        "resources": {
            "cpu": cpu,
            "memory": _ZEROS.sub("", resources.get("memory") or "1Gi"),
            "ephemeralStorage": storage,
        },
        **after,
    }


def _revision_container(body: Json) -> Json:
    resources = {k: v for k, v in body["resources"].items() if k != "ephemeralStorage"}
    mounts = parts.picked(body, ("volumeMounts",))
    kept = {k: v for k, v in body.items() if k not in ("imageType", "probes", "volumeMounts")}
    return {**kept, "resources": resources, "probes": body.get("probes") or [], **mounts}


def _rule(body: Json) -> Json:
    """Scale rules come back without their null kinds, metadata and authentication in the order of their keys."""
    rule: Json = {}
    for key, value in _present(body).items():
        rule[key] = _scaler(value) if isinstance(value, dict) else value
    return rule


def _scaler(body: Json) -> Json:
    scaler = _present(body)
    if isinstance(scaler.get("metadata"), dict):
        scaler["metadata"] = dict(sorted(scaler["metadata"].items()))
    if scaler.get("auth"):
        scaler["auth"] = [dict(sorted(a.items())) for a in scaler["auth"]]
    return scaler


def _revision_rule(body: Json) -> Json:
    http = body.get("http")
    if not isinstance(http, dict):
        return body
    known = {k: v for k, v in (http.get("metadata") or {}).items() if k == "concurrentRequests"}
    return {**body, "http": {"metadata": known}}
