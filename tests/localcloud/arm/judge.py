"""What judges the answers of the local Azure Resource Manager: the SDK's models, and the published definitions."""

from __future__ import annotations

from tests.localcloud.arm import sdk_models, swagger

# What Azure answers beyond its own models -> where it was seen.
_GUIDE = "live in June 2026: github.com/yeongseon/azure-container-apps-practical-guide, labs/*/evidence"
BEYOND = {
    "ContainerApp.properties.delegatedIdentities: unknown": "create_with_yaml",
    "ContainerApp.properties.workloadProfileType: unknown": "containerapp_e2e of 2023, with the versions of 2022",
    "ContainerApp.properties.runningStatus: unknown": "create_with_yaml",  # published since 2025-01-01
    "ContainerApp.properties.configuration.ingress.transport: Auto": "create_with_yaml",
    "ContainerApp.properties.configuration.ingress.transport: Http2": "ingress_e2e",
    "ContainerApp.properties.configuration.ingress.transport: Tcp": "test_containerapp_ingress_tcp of the Azure CLI",
    "ContainerApp.properties.configuration.ingress.transport: Http": "nowhere, but spelled as the other three",
    "Revision.properties.runningState: Deprovisioning": "scale_revision_copy",
    "Revision.properties.runningState: RunningAtMaxScale": _GUIDE,
    "Revision.properties.runningState: Activating": _GUIDE,
    "Revision.properties.runningStateDetails: unknown": _GUIDE,
    "ContainerApp.properties.configuration.ingress.ipSecurityRestrictions[].name: missing": "test_parts.py",
    "ContainerApp.identity.type: SystemAssigned, UserAssigned": "test_containerapp_identity_e2e of the Azure CLI",
    "ManagedEnvironment.properties.firstPartyConfiguration: unknown": "env_e2e of the CLI's extension, until 2023-05",
    "ManagedEnvironment.properties.customDomainConfiguration.expirationDateUtc: unknown": "the same, of 2022",
    "ManagedEnvironment.properties.workloadProfiles[].enableFips: unknown": "containerapp_exec, with 2025-07-01",
    "ManagedEnvironment.sku: unknown": "logstream_2022",
    "ManagedEnvironment.properties.useLegionServerlessCompute: unknown": "logstream_2022",
}
# The SDK describes a stable version; these are of previews, by the recordings and definitions that `answered` names.
_OF_PREVIEWS = frozenset(
    {
        "ContainerApp.properties.patchingMode: unknown",
        "ContainerApp.properties.configuration.revisionTransitionThreshold: unknown",
        "ContainerApp.properties.configuration.targetLabel: unknown",
        "ContainerApp.properties.configuration.ingress.targetPortHttpScheme: unknown",
        "Revision.properties.labels: unknown",
        "ManagedEnvironment.properties.availabilityZones: unknown",
        "ManagedEnvironment.properties.diskEncryptionConfiguration: unknown",
        *(
            f"{model}.properties.template.{member}: unknown"
            for model in ("ContainerApp", "Revision")
            for member in ("customMetricsSettings", "containers[].imageType", "initContainers[].imageType")
        ),
    }
)


def problems(model: str, body: object, version: str) -> set[str]:
    """What is wrong with an answer to a request of this api-version.

    The SDK describes the newest; it dropped no member of the resources that are answered here.
    """
    found = sdk_models.problems(model, body)
    if model in swagger.DEFINITIONS.get(version, ()):
        found |= swagger.DEFINITIONS[version].problems(model, body)
    return found - BEYOND.keys() - (_OF_PREVIEWS if version.endswith("-preview") else set())


def refusal(body: object) -> set[str]:
    """What is wrong with the body of an error, in either of Azure's two envelopes, or that of what reads bodies there.

    The third was reported in azure-container-apps#591 and #954.
    """
    if isinstance(body, dict) and {"title", "status", "errors"} <= body.keys():
        return set()
    error = body["error"] if isinstance(body, dict) and "error" in body else body
    if not isinstance(error, dict):
        return {"ErrorResponse.error: missing"}
    missing = {f"ErrorResponse.error.{name}: missing" for name in ("code", "message") if not error.get(name)}
    return missing | sdk_models.problems("ErrorResponse", {"error": error})
