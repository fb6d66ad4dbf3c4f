"""The body of a managed environment in an answer: every api-version has members of its own (recorded)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from localcloud.arm import days
from localcloud.arm.versions import without_blanks
from localcloud.arm.views import PROVIDER, VERIFICATION, system_data, when

if TYPE_CHECKING:
    from localcloud.arm.models import Environment, Json

_SECRET = ("certificateValue", "certificatePassword")
_NAMED = ("workloadProfileType", "name")
_NEVER = "9"
# Members of `properties`: the first preview and the first stable api-version that have them.
_SINCE = {
    "environmentMode": ("2025-10", "2026-07"),
    "openTelemetryConfiguration": ("2023-08", "2025-01"),
    "availabilityZones": ("2024-10", _NEVER),
    "kedaConfiguration": ("2022-11", "2023"),
    "daprConfiguration": ("2022-11", "2023"),
    "ingressConfiguration": ("2025-02", "2025-07"),
    "eventStreamEndpoint": ("2022-11", "2022-10"),
    "workloadProfiles": ("2022-11", "2022-10"),
    "appInsightsConfiguration": ("2023-08", "2025-01"),
    "infrastructureResourceGroup": ("2022-11", "2022-10"),
    "peerAuthentication": ("2023", "2023"),
    "peerTrafficConfiguration": ("2024", "2024"),
    "publicNetworkAccess": ("2024-08", "2025-07"),
    "diskEncryptionConfiguration": ("2024-10", _NEVER),
}
_KEY_VAULT, _FIPS = ("2023-11", "2025-01"), ("2024-08", "2025-07")
_BLANKS = "2022-11"  # from this one on null is told (recorded)
_LEGION = "2022-10"  # up to this one it was told, and of what kind an environment is (recorded)
_REGIONS = "2023"  # eastus is told as East US
_NO_ZONE = "2023-11"  # times in the answer to a PUT end without Z
_FIRST_PARTY = ("2022-10", "2023-11")  # between these
_LATEST = "9-preview"
_SECOND = "2022-10-01"


def environment_view(
    environment: Environment, version: str = "", *, written: bool = False, day: str = days.TODAY
) -> Json:
    """As this api-version answers it. Versions of Dapr and KEDA are those of one recording.

    written: it is the answer to a write; a time that it has just set ends with a zone (recorded). day: since apps show
    what is blank with 2022-06-01-preview, an environment is told as with the version after (recorded in March 2023).
    """
    version = _SECOND if "" < version < _SECOND and day >= days.BLANKS else version or _LATEST
    zone = "Z" if written and version < _NO_ZONE else ""
    created, modified = when(environment.created), when(environment.modified or environment.created)
    body = {
        "id": environment.id,
        "name": environment.name,
        "type": "Microsoft.App/managedEnvironments",
        "location": environment.location if version >= _REGIONS else environment.asked,
        **({"tags": environment.tags} if environment.tags else {}),
        "systemData": system_data(created if environment.modified else created + zone, modified + zone),
        "properties": _properties(environment, version, day),
        **({"identity": environment.identity} if environment.identity else {}),
    }
    if version >= _BLANKS:
        return body
    return cast("Json", without_blanks({**body, **({"sku": {"name": "Consumption"}} if version < _LEGION else {})}))


def _has(version: str, since: tuple[str, str]) -> bool:
    preview, stable = since
    return version >= (preview if version.endswith("-preview") else stable)


def _properties(environment: Environment, version: str, day: str) -> Json:
    given = environment.given
    waits = environment.state == "Waiting"
    found = {
        "environmentMode": "WorkloadProfiles" if environment.workload_profiles else "ConsumptionOnly",
        "provisioningState": environment.state,
        **({} if version >= _LEGION else {"useLegionServerlessCompute": False}),
        "daprAIInstrumentationKey": None,
        "daprAIConnectionString": None,
        "vnetConfiguration": given["vnetConfiguration"],
        "defaultDomain": environment.domain,
        # An environment in a subnet is given its address late (recorded).
        **({} if waits and given["vnetConfiguration"] else {"staticIp": "127.0.0.1"}),
        "appLogsConfiguration": given["appLogsConfiguration"],
        "openTelemetryConfiguration": given["openTelemetryConfiguration"],
        "zoneRedundant": given["zoneRedundant"],
        "availabilityZones": None,
        "kedaConfiguration": {"version": None if waits and version < _REGIONS else "2.12.1"},
        "daprConfiguration": {"version": None if waits and version < _REGIONS else "1.12.5"},
        "ingressConfiguration": given["ingressConfiguration"],
        "eventStreamEndpoint": f"{environment.streams}{environment.id.replace(PROVIDER, '')}/eventstream",
        "customDomainConfiguration": _domain(given["customDomainConfiguration"], version),
        "workloadProfiles": _profiles(given["workloadProfiles"], version),
        **({"firstPartyConfiguration": None} if _FIRST_PARTY[0] <= version < _FIRST_PARTY[1] else {}),
        "appInsightsConfiguration": given["appInsightsConfiguration"],
        "infrastructureResourceGroup": given["infrastructureResourceGroup"],
        "peerAuthentication": given["peerAuthentication"],
        "peerTrafficConfiguration": given["peerTrafficConfiguration"],
        "publicNetworkAccess": given["publicNetworkAccess"],
        "diskEncryptionConfiguration": None,
    }
    if day < days.MODE:
        del found["environmentMode"]
    return {name: value for name, value in found.items() if name not in _SINCE or _has(version, _SINCE[name])}


def _domain(given: Json, version: str) -> Json:
    """The oldest version with blanks named the date otherwise."""
    vault: Json = {"certificateKeyVaultProperties": None} if _has(version, _KEY_VAULT) else {}
    date = "expirationDate" if version >= _REGIONS else "expirationDateUtc"
    return {
        "customDomainVerificationId": VERIFICATION,
        "dnsSuffix": given["dnsSuffix"],
        **vault,
        **dict.fromkeys(_SECRET),
        "thumbprint": given["thumbprint"],
        "subjectName": given["subjectName"],
        date: given["expirationDate"],
    }


def _profiles(given: list[Json] | None, version: str) -> list[Json] | None:
    if given is None or not _has(version, _FIPS):
        return given and [{name: value for name, value in one.items() if name != "enableFips"} for one in given]
    return [{**{name: one[name] for name in _NAMED if name in one}, "enableFips": False, **one} for one in given]
