"""What Azure Resource Manager refuses, in its own two envelopes, and what the local cloud does not know."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# Refused before a provider is asked.
_OF_FRAME = ("MissingApiVersionParameter", "NoRegisteredProviderFound")


class ArmError(Exception):
    """An answer that is an error. wrapped: whether the body is {"error": {...}}; some codes come bare (recorded)."""

    def __init__(
        self, status: int, code: str, message: str, *, wrapped: bool = True, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.wrapped, self.headers = wrapped, headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """As it goes over the wire."""
        bare = {"code": self.code, "message": self.message}
        return {"error": bare} if self.wrapped else bare


class OperationFailed(Exception):
    """An accepted operation that ended as Failed. The message is Azure's, after its usual beginning."""

    def __init__(self, app: str, details: str) -> None:
        self.message = f"Failed to provision revision for container app '{app}'. Error details: {details}"
        super().__init__(self.message)


def expired(app: str) -> OperationFailed:
    """The operation's own limit has passed."""
    return OperationFailed(app, "Operation expired.")


def invalid_field(app: str, field: str, details: str) -> OperationFailed:
    """A field that could only be judged after the answer."""
    return OperationFailed(
        app,
        "The following field(s) are either invalid or missing. "
        f"Field '{field}' is invalid with details: '{details}';..",
    )


def not_found(kind: str, name: str, group: str) -> ArmError:
    """404 with the recorded text. kind: "Microsoft.App/containerApps" and the like."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def parent_not_found(verb: str, kind: str, parent: str) -> ArmError:
    """404 by Azure Resource Manager itself. kind: `managedEnvironments/storages` and the like; parent: its id."""
    act = {"GET": "read", "DELETE": "delete"}.get(verb, "write")
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{act}' on resource(s) of type '{kind}', because the parent resource '{parent}' could not "
        "be found.",
    )


def environment_not_found(name: str) -> ArmError:
    """404, bare (recorded)."""
    return ArmError(404, "ManagedEnvironmentNotFound", f"Managed Environment '{name}' was not found.", wrapped=False)


def environment_not_provisioned(identifier: str) -> ArmError:
    """400, bare (recorded in test_containerapp_env_premium_sku_e2e of the Azure CLI)."""
    message = f"The environment '{identifier}' has not been provisioned successfully."
    return ArmError(400, "ManagedEnvironmentNotProvisioned", message, wrapped=False)


def environment_in_progress(name: str) -> ArmError:
    """409, in the words of github.com/microsoft/azure-container-apps/issues/701."""
    return ArmError(
        409,
        "ManagedEnvironmentOperationInProgress",
        f"Cannot modify Container Apps environment {name} because another operation is in progress.",
    )


def environment_not_empty(name: str, apps: int) -> ArmError:
    """409, in the words of `ManagedEnvironmentHasBuilders`, github.com/microsoft/azure-container-apps/issues/1012."""
    return ArmError(
        409,
        "ManagedEnvironmentHasContainerApps",
        f"The specified environment {name} cannot be deleted because it still contains {apps} ContainerApps.",
    )


def revision_not_found(name: str) -> ArmError:
    """404. No recording has this one, so the code is the one that third parties expect."""
    return ArmError(404, "RevisionNotFound", f"Revision '{name}' was not found.")


def in_progress(app: str, operation: str) -> ArmError:
    """409, bare: one operation at a time (recorded in revision_label_e2e of June 2022, with the words of 2026).

    github.com/microsoft/azure-container-apps/issues/1731
    """
    return ArmError(
        409,
        "ContainerAppOperationInProgress",
        f"Cannot modify a container app '{app}' because there is an active provisioning operation in progress. "
        f"OperationId: '{operation}'.",
        wrapped=False,
    )


def locked(app: str) -> ArmError:
    """409, the other one, bare."""
    return ArmError(
        409,
        "ContainerAppLockConflict",
        f"Cannot modify container App '{app}' because another modification is in progress. Please retry the operation.",
        wrapped=False,
    )


def throttled(kind: str, subscription: str, actor: str, seconds: int) -> ArmError:
    """429, to be retried after this many seconds. kind: read, write or delete. The words: velero-io/velero#9171."""
    return ArmError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind}' requests for subscription '{subscription}' actor '{actor}' exceeded. Please try again "
        f"after '{seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
        headers={"Retry-After": str(seconds)},
    )


def internal(correlation: str) -> ArmError:
    """500: Azure does not say whether anything happened."""
    return ArmError(500, "InternalServerError", f"Internal server error occurred. correlation ID: {correlation}")


def invalid_revision_name(name: str) -> ArmError:
    """400, with the text that several people were answered."""
    return ArmError(
        400,
        "ContainerAppInvalidRevisionName",
        f"Invalid revision name '{name}'. A revision name must consist of lower case alphanumeric characters or '-', "
        "start with an alphabetic character, and end with an alphanumeric character. The length of the revision name "
        "must not be more than a combined 54 characters with the container app name.",
    )


def unknown_version(kind: str, version: str, known: Iterable[str]) -> ArmError:
    """400: there is no such type in this api-version. kind: `containerApps` and the like."""
    return ArmError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '' and API version '{version}' for type '{kind}'. "
        f"The supported api-versions are '{', '.join(known)}'.",
    )


def invalid_schema(path: str, expected: str, found: object) -> ArmError:
    """400 with the code and the first words that people were answered; the rest, which helps, is ours.

    github.com/microsoft/azure-container-apps/issues/436
    """
    words = "Invalid request body for container app. Does not conform to Container App schema"
    kind = type(found).__name__
    return ArmError(400, "ContainerAppInvalidSchema", f"{words}: {path}: expected {expected}, found {kind}")


def bad_request(code: str, message: str) -> ArmError:
    """400, wrapped."""
    return ArmError(400, code, message)


def invalid_content() -> ArmError:
    """400 for a body that is no object."""
    return bad_request("InvalidRequestContent", "The request content was invalid and could not be deserialized.")


def counted(error: ArmError) -> bool:
    """Whether a refused request counts: the provider tells of those it refuses with 400 or 409 (recorded) alone."""
    return error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT) and error.code not in _OF_FRAME


def unsupported(verb: str, resource: str) -> ArmError:
    """501: this machine does not know it. Azure never answers so."""
    return ArmError(
        501,
        "NotSupportedByLocalCloud",
        f"localcloud: {verb} {resource}: expected a request this emulator supports, found another; nothing was done",
    )
