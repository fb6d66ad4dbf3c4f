"""What a request may say of an app: the rest is dropped, as Azure does, and names are spelled as it spells them.

Of azure-mgmt-appcontainers 5.1.0, the published definitions of 2024-08-02-preview and the types of Bicep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from localcloud.arm.answered import of_version

if TYPE_CHECKING:
    from localcloud.arm.models import Json

    Members = dict[str, Any]  # name -> its own members, or None


def _of(names: str, **inside: Members) -> Members:
    """Members by their names: None is any value, the rest an object of these members, or a list of such."""
    return {**dict.fromkeys(names.split()), **inside}


_AUTH = _of("secretRef triggerParameter")
_RULES = _of(
    "name",
    azureQueue=_of("accountName queueName queueLength identity", auth=_AUTH),
    custom=_of("type metadata identity", auth=_AUTH),
    http=_of("metadata identity", auth=_AUTH),
    tcp=_of("metadata identity", auth=_AUTH),
)
_PROBE = _of(
    "failureThreshold initialDelaySeconds periodSeconds successThreshold terminationGracePeriodSeconds timeoutSeconds"
    " type",
    httpGet=_of("host path port scheme", httpHeaders=_of("name value")),
    tcpSocket=_of("host port"),
)
_INIT = _of(
    "image imageType name command args",
    env=_of("name value secretRef"),
    resources=_of("cpu memory"),
    volumeMounts=_of("volumeName mountPath subPath"),
)
_TEMPLATE = _of(
    "revisionSuffix terminationGracePeriodSeconds customMetricsSettings",
    initContainers=_INIT,
    containers={**_INIT, "probes": _PROBE},
    scale=_of("minReplicas maxReplicas cooldownPeriod pollingInterval allowScalingRuleOverride", rules=_RULES),
    volumes=_of("name storageType storageName mountOptions", secrets=_of("secretRef path")),
    serviceBinds=_of("serviceId name clientType customizedKeys"),
)
_INGRESS = _of(
    "external targetPort targetPortHttpScheme exposedPort transport allowInsecure clientCertificateMode",
    traffic=_of("revisionName weight latestRevision label"),
    customDomains=_of("name bindingType certificateId"),
    ipSecurityRestrictions=_of("name description ipAddressRange action"),
    stickySessions=_of("affinity"),
    corsPolicy=_of("allowedOrigins allowedMethods allowedHeaders exposeHeaders maxAge allowCredentials"),
    additionalPortMappings=_of("external targetPort exposedPort"),
)
_DAPR = _of(
    "enabled appId appProtocol appPort httpReadBufferSize httpMaxRequestSize logLevel enableApiLogging maxConcurrency",
    appHealth=_of("enabled path probeIntervalSeconds probeTimeoutMilliseconds threshold"),
)
_CONFIGURATION = _of(
    "activeRevisionsMode maxInactiveRevisions revisionTransitionThreshold targetLabel",
    secrets=_of("name value identity keyVaultUrl"),
    ingress=_INGRESS,
    registries=_of("server username passwordSecretRef identity"),
    dapr=_DAPR,
    runtime=_of("dotnet", java=_of("enableMetrics javaAgent")),
    service=_of("type"),
    identitySettings=_of("identity lifecycle"),
)
_PROPERTIES = _of(
    "environmentId managedEnvironmentId workloadProfileName patchingMode",
    networking=_of("outboundVnetSubnetId"),
    patchingConfiguration=_of("patchingMode"),
    configuration=_CONFIGURATION,
    template=_TEMPLATE,
)
_APP = _of(
    "tags location managedBy kind",
    extendedLocation=_of("name type"),
    identity=_of("type userAssignedIdentities"),
    properties=_PROPERTIES,
)


def known(body: Json, version: str) -> Json:
    """Of a request's body what its version knows: .NET reads names in any case."""
    return cast("Json", of_version(_known(body, _APP), version))


def _known(body: Any, members: Members | None) -> Any:  # noqa: ANN401 - JSON
    if members is None:
        return body
    if isinstance(body, list):
        return [_known(one, members) for one in body]
    if not isinstance(body, dict):
        return body
    spelled = {name.lower(): name for name in members}
    named = ((spelled.get(name.lower()), value) for name, value in body.items())
    return {name: _known(value, members[name]) for name, value in named if name is not None}
