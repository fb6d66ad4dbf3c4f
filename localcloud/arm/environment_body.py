"""The body of an environment as Azure stores it: what it keeps, spelled and filled as its answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localcloud.arm import certificate, schema
from localcloud.arm.errors import invalid_content, unsupported

if TYPE_CHECKING:
    from localcloud.arm.models import Json

CONSUMPTION = {"workloadProfileType": "Consumption", "name": "Consumption"}
_VNET = ("infrastructureSubnetId", "dockerBridgeCidr", "platformReservedCidr", "platformReservedDnsIP")
_CERTIFICATE = ("thumbprint", "subjectName", "expirationDate")
_COUNTS = ("minimumCount", "maximumCount")
_PROFILE = ("workloadProfileType", "name", "enableFips", *_COUNTS)
_GROUP = 20  # characters of a group's name in that of a managed one (recorded in create_with_vnet_yaml)
# `x-ms-mutability: create, read` in the published definitions.
_FIXED = ("vnetConfiguration", "zoneRedundant", "infrastructureResourceGroup")


def spelled(value: object) -> object:
    """Members begin with a small letter, however a client wrote them: the CLI sends `Name` and gets `name`."""
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": spelled(one) for name, one in value.items()}
    return [spelled(one) for one in value] if isinstance(value, list) else value


def properties(given: Json, *, managed: str = "") -> Json:
    """`properties` that are kept. Secrets are taken and answered as null (recorded). Raises ArmError 400.

    managed: where the parts of an environment in a subnet of its own lie, if the client does not say.
    """
    vnet, profiles = _vnet(given.get("vnetConfiguration")), given.get("workloadProfiles")
    in_subnet = bool(vnet and vnet["infrastructureSubnetId"] and profiles)
    return {
        "vnetConfiguration": vnet,
        "appLogsConfiguration": _logs(_map(given.get("appLogsConfiguration"))),
        "openTelemetryConfiguration": _telemetry(given.get("openTelemetryConfiguration")),
        "zoneRedundant": bool(given.get("zoneRedundant")),
        "ingressConfiguration": given.get("ingressConfiguration"),
        "customDomainConfiguration": _domain(_map(given.get("customDomainConfiguration"))),
        "workloadProfiles": [_profile(one) for one in profiles] if profiles else None,
        "appInsightsConfiguration": {"connectionString": None} if given.get("appInsightsConfiguration") else None,
        "infrastructureResourceGroup": given.get("infrastructureResourceGroup") or (managed if in_subnet else None),
        "peerAuthentication": {"mtls": _switch(_map(given.get("peerAuthentication")).get("mtls"))},
        "peerTrafficConfiguration": {
            "encryption": _switch(_map(given.get("peerTrafficConfiguration")).get("encryption"))
        },
        "publicNetworkAccess": given.get("publicNetworkAccess") or "Enabled",
    }


def check_fixed(verb: str, there: Json, wanted: Json) -> None:
    """Raise ArmError 501 for a change of what is fixed when an environment is made: Azure's answer is not known."""
    changed = [name for name in _FIXED if there.get(name) != wanted[name]]
    if changed:
        raise unsupported(verb, f"Microsoft.App/managedEnvironments with another {', '.join(changed)}")


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _vnet(body: object) -> Json | None:
    if not isinstance(body, dict):
        return None
    return {"internal": bool(body.get("internal")), **{name: body.get(name) for name in _VNET}}


def _domain(body: Json) -> Json:
    """What was told of its certificate stays until there is another."""
    value = body.get("certificateValue")
    fresh = certificate.told(str(value), str(body.get("certificatePassword") or "")) if value else body
    return {"dnsSuffix": body.get("dnsSuffix"), **{name: fresh.get(name) for name in _CERTIFICATE}}


def _logs(body: Json) -> Json:
    workspace = body.get("logAnalyticsConfiguration")
    shown = {**workspace, "sharedKey": None} if isinstance(workspace, dict) else None
    return {"destination": body.get("destination"), "logAnalyticsConfiguration": shown}


def _telemetry(body: object) -> Json | None:
    """Where it goes, without the keys that open the doors there."""
    if not isinstance(body, dict):
        return None
    places = _map(body.get("destinationsConfiguration"))
    datadog, otlp = places.get("dataDogConfiguration"), places.get("otlpConfigurations")
    shown = {
        "dataDogConfiguration": {**datadog, "key": None} if isinstance(datadog, dict) else None,
        "otlpConfigurations": [_otlp(one) for one in otlp] if otlp else None,
    }
    return {**body, "destinationsConfiguration": shown}


def _otlp(body: Json) -> Json:
    headers = body.get("headers")
    return {**body, "headers": [{**one, "value": None} for one in headers] if headers else None}


def managed_group(environment: str, group: str, region: str) -> str:
    """Where the parts of an environment in a subnet of its own lie, if nobody says so. region: in its short form."""
    return f"ME_{environment}_{group[:_GROUP]}_{region}"


def _profile(body: Json) -> Json:
    """The CLI sends counts as texts (recorded in create_with_workloadprofile_yaml)."""
    given = {name: body[name] for name in _PROFILE if body.get(name) is not None}
    counts = {name: schema.number(given[name], "integer") for name in _COUNTS if name in given}
    if None in counts.values():
        raise invalid_content()
    return {**given, **counts}


def _switch(body: object) -> Json:
    return {"enabled": bool(_map(body).get("enabled"))}
