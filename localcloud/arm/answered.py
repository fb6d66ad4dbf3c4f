"""Which members answers about apps, revisions and replicas have: every api-version has its own (recorded)."""

from __future__ import annotations

from localcloud.arm import days

_NEVER = "9"
_UNTIL = {"properties.workloadProfileType": "2022-11"}  # of an app, where it is always null (recorded in 2023)
_FIRST_DAY = {"properties.delegatedIdentities": days.DELEGATED}
_LAST = "identitySettings"  # of a configuration, in stable versions; in previews it follows the registries (recorded)
# Parent and name of a member: the first preview and the first stable api-version whose answers have it. Recorded, each
# by the Azure CLI's tests with the versions it asked with; between two recordings the published API decides.
_SINCE = {
    **dict.fromkeys((".kind", "value.kind"), ("2024-08", "2025-07")),
    "properties.environmentId": ("2022-06", "2022-10"),
    "properties.eventStreamEndpoint": ("2022-06", "2022-10"),
    "properties.workloadProfileName": ("2022-11", "2023"),
    "properties.latestReadyRevisionName": ("2022-11", "2022-10"),
    "properties.runningStatus": ("2023-04", "2023-05"),
    "properties.delegatedIdentities": ("2024-02", "2023-05"),
    "properties.patchingMode": ("2024-02", _NEVER),
    "properties.patchingConfiguration": ("2024-08", _NEVER),
    "properties.networking": (_NEVER, "2026-07"),
    "configuration.service": ("2022-11", "2023"),
    "configuration.runtime": ("2024-02", "2025"),
    "configuration.identitySettings": ("2024-02", "2025"),
    "configuration.targetLabel": ("2024-10", _NEVER),
    "configuration.revisionTransitionThreshold": ("2024-10", _NEVER),
    "dapr.appHealth": ("2025", "2025-07"),
    "dapr.maxConcurrency": ("2025", "2025-07"),
    "runtime.dotnet": ("2024-08", _NEVER),
    "java.javaAgent": ("2024-08", _NEVER),
    "ingress.exposedPort": ("2022-06", "2022-10"),
    "ingress.ipSecurityRestrictions": ("2022-06", "2022-10"),
    "ingress.corsPolicy": ("2022-11", "2022-10"),
    "ingress.clientCertificateMode": ("2022-11", "2022-10"),
    "ingress.stickySessions": ("2022-11", "2023"),
    "ingress.additionalPortMappings": ("2023-05", "2024"),
    "ingress.targetPortHttpScheme": ("2023-11", _NEVER),
    "template.terminationGracePeriodSeconds": ("2023-04", "2023-05"),
    "template.serviceBinds": ("2022-11", "2023"),
    "template.customMetricsSettings": ("2025-10", _NEVER),
    "serviceBinds.clientType": ("2023-11", _NEVER),
    "serviceBinds.customizedKeys": ("2023-11", _NEVER),
    "containers.imageType": ("2024-02", _NEVER),
    "initContainers.imageType": ("2024-02", _NEVER),
    "resources.ephemeralStorage": ("2022-06", "2022-10"),
    "scale.cooldownPeriod": ("2024-08", "2025"),
    "scale.pollingInterval": ("2024-08", "2025"),
    "scale.allowScalingRuleOverride": (_NEVER, "2026-07"),
    "azureQueue.accountName": ("2024-08", "2025"),
    **{f"{kind}.identity": ("2024-08", "2025") for kind in ("azureQueue", "custom", "http", "tcp")},
    # Of revisions and replicas.
    "properties.labels": ("2025", _NEVER),
    "properties.runningState": ("2022-11", "2023"),
    "properties.runningStateDetails": ("2022-11", "2023"),
    "properties.lastActiveTime": ("2022-11", "2023"),
    "properties.initContainers": ("2022-11", "2023"),
    "containers.runningState": ("2022-11", "2023"),
    "containers.runningStateDetails": ("2022-11", "2023"),
}


def has(version: str, since: tuple[str, str]) -> bool:
    """Whether a version is one of those. since: the first preview and the first stable one."""
    preview, stable = since
    return version >= (preview if version.endswith("-preview") else stable)


def of_version(value: object, version: str, day: str = days.TODAY, parent: str = "") -> object:
    """A body with the members that this version had that day; those of a list have the list's name for a parent."""
    if isinstance(value, dict):
        kept = {
            name: of_version(one, version, day, name)
            for name, one in value.items()
            if ((since := _SINCE.get(f"{parent}.{name}")) is None or has(version, since))
            and (one is not None or version < _UNTIL.get(f"{parent}.{name}", _NEVER))
            and day >= _FIRST_DAY.get(f"{parent}.{name}", "")
        }
        if parent == "configuration" and _LAST in kept and not version.endswith("-preview"):
            kept[_LAST] = kept.pop(_LAST)
        return kept
    return [of_version(one, version, day, parent) for one in value] if isinstance(value, list) else value
