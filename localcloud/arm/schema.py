"""What a request may say of an app: names and kinds of members. Others are dropped, as Azure does.

Of azure-mgmt-appcontainers 5.1.0, the published definitions of 2024-08-02-preview and the types of Bicep.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from localcloud.arm.errors import invalid_schema

if TYPE_CHECKING:
    from localcloud.arm.models import Json

    Schema = Any  # a kind, the members of an object, or a list of the one schema of its items


def _of(names: str, **inside: Schema) -> dict[str, Schema]:
    """Members that are texts, or of the kind after a colon, beside those that are objects or lists of objects.

    `!` is after those that must be there, by the published definitions but for the name of an address rule,
    which was recorded without; of containers and variables it is the name.
    """
    return {**dict(map(_member, names.split())), **inside}


def _member(text: str) -> tuple[str, str]:
    name, _, kind = text.removesuffix("!").partition(":")
    return name, f"{kind or 'text'}{'!' if text.endswith('!') else ''}"


_AUTH = _of("secretRef triggerParameter")
_RULE = _of(
    "name",
    azureQueue=_of("accountName queueName queueLength:integer identity", auth=[_AUTH]),
    custom=_of("type metadata:map identity", auth=[_AUTH]),
    http=_of("metadata:map identity", auth=[_AUTH]),
    tcp=_of("metadata:map identity", auth=[_AUTH]),
)
_PROBE = _of(
    "type failureThreshold:integer initialDelaySeconds:integer periodSeconds:integer successThreshold:integer "
    "terminationGracePeriodSeconds:integer timeoutSeconds:integer",
    httpGet=_of("host path port:integer! scheme", httpHeaders=[_of("name! value!")]),
    tcpSocket=_of("host port:integer!"),
)
_INIT = _of(
    "image imageType name! command:texts args:texts",
    env=[_of("name! value secretRef")],
    resources=_of("cpu:number memory"),
    volumeMounts=[_of("volumeName mountPath subPath")],
)
_TEMPLATE = _of(
    "revisionSuffix terminationGracePeriodSeconds:integer customMetricsSettings:any",
    initContainers=[_INIT],
    containers=[{**_INIT, "probes": [_PROBE]}],
    scale=_of(
        "minReplicas:integer maxReplicas:integer cooldownPeriod:integer pollingInterval:integer "
        "allowScalingRuleOverride:boolean",
        rules=[_RULE],
    ),
    volumes=[_of("name storageType storageName mountOptions", secrets=[_of("secretRef path")])],
    serviceBinds=[_of("serviceId name clientType customizedKeys:map")],
)
_CORS = _of(
    "allowedOrigins:texts! allowedMethods:texts allowedHeaders:texts exposeHeaders:texts maxAge:integer "
    "allowCredentials:boolean"
)
_INGRESS = _of(
    "fqdn external:boolean targetPort:integer targetPortHttpScheme exposedPort:integer transport allowInsecure:boolean "
    "clientCertificateMode",
    traffic=[_of("revisionName weight:integer latestRevision:boolean label")],
    customDomains=[_of("name! bindingType certificateId")],
    ipSecurityRestrictions=[_of("name description ipAddressRange! action!")],
    stickySessions=_of("affinity"),
    corsPolicy=_CORS,
    additionalPortMappings=[_of("external:boolean! targetPort:integer! exposedPort:integer")],
)
_DAPR = _of(
    "enabled:boolean appId appProtocol appPort:integer httpReadBufferSize:integer httpMaxRequestSize:integer logLevel "
    "enableApiLogging:boolean maxConcurrency:integer",
    appHealth=_of(
        "enabled:boolean path probeIntervalSeconds:integer probeTimeoutMilliseconds:integer threshold:integer"
    ),
)
_CONFIGURATION = _of(
    "activeRevisionsMode maxInactiveRevisions:integer revisionTransitionThreshold:integer targetLabel",
    secrets=[_of("name value identity keyVaultUrl")],
    ingress=_INGRESS,
    registries=[_of("server username passwordSecretRef identity")],
    dapr=_DAPR,
    runtime=_of("dotnet:any", java=_of("enableMetrics:boolean javaAgent:any")),
    service=_of("type!"),
    identitySettings=[_of("identity! lifecycle")],
)
_APP = _of(
    "tags:map location managedBy kind",
    extendedLocation=_of("name type"),
    identity=_of("type userAssignedIdentities:object"),
    properties=_of(
        "environmentId managedEnvironmentId workloadProfileName patchingMode",
        networking=_of("outboundVnetSubnetId"),
        patchingConfiguration=_of("patchingMode"),
        configuration=_CONFIGURATION,
        template=_TEMPLATE,
    ),
)


def app(body: Json, *, whole: bool = True) -> Json:
    """The body of a request with its known members, spelled as Azure does: .NET reads names in any case.

    whole: False for one to be merged, which may lack what must be there.

    Raises:
        ArmError: 400 for a member of another kind, or one that is missing.
    """
    found: Json = _read(body, _APP, "", whole=whole)
    return found


def _read(body: Any, schema: Schema, path: str, *, whole: bool) -> Any:  # noqa: ANN401 - JSON
    if body is None:
        return None
    if isinstance(schema, str):
        found = _value(body, schema.removesuffix("!"), path)
        return {k: v for k, v in found.items() if v is not None} if whole and schema == "map" else found
    if isinstance(schema, list):
        items = enumerate(_value(body, "list", path))
        return [_read(one, schema[0], f"{path}[{at}]", whole=whole) for at, one in items]
    at = f"{path}." if path else ""
    spelled = {name.lower(): name for name in schema}
    named = ((spelled.get(name.lower()), value) for name, value in _value(body, "object", path).items())
    found = {name: _read(value, schema[name], f"{at}{name}", whole=whole) for name, value in named if name}
    for name, kind in schema.items() if whole else ():
        if isinstance(kind, str) and kind.endswith("!") and found.get(name) is None:
            raise invalid_schema(f"{at}{name}", kind.removesuffix("!"), None)
    return found


def _value(body: Any, kind: str, path: str) -> Any:  # noqa: ANN401 - JSON
    """What is of its kind. A number may come as a text: so were weights recorded (`traffic`)."""
    found = number(body, kind) if kind in {"integer", "number"} else body if _fits(body, kind) else None
    if found is None:
        raise invalid_schema(path, kind, body)
    return found


def number(body: object, kind: str) -> float | None:
    """What is a number, or a text that says one; None when it is none. kind: `integer` or `number`."""
    if isinstance(body, bool) or not isinstance(body, (int, float, str)):
        return None
    try:
        found = float(body)
    except ValueError:
        return None
    if kind == "integer":
        return int(found) if found.is_integer() else None
    return found if isfinite(found) else None


def _fits(body: object, kind: str) -> bool:
    match kind:
        case "text":
            return isinstance(body, str)
        case "boolean":
            return isinstance(body, bool)
        case "list":
            return isinstance(body, list) and None not in body
        case "texts":
            return isinstance(body, list) and all(isinstance(one, str) for one in body)
        case "object":
            return isinstance(body, dict)
        case "map":
            return isinstance(body, dict) and all(one is None or isinstance(one, str) for one in body.values())
        case _:
            return True
