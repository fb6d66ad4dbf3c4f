"""Azure Resource Manager as the person who is signed in: raw JSON over the SDK's own pipeline.

The pipeline has tokens, retries and addresses; what is looked at here, no model of the SDK has all of.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.rest import HttpRequest

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient


class AzureSaysError(Exception):
    """What Azure answered instead, for the person who asked."""


class Arm:
    """Where it is asked comes from the environment, as for the service itself."""

    def __init__(self, subscription: str) -> None:
        self.subscription = subscription
        self._client = _client(subscription)

    def ask(self, method: str, path: str, version: str, body: object = None, **query: str) -> dict[str, Any]:
        """One request; raises `AzureSaysError`, which says where and what, and never a body."""
        request = HttpRequest(method, path, params={"api-version": version, **query}, json=body)
        try:
            answer = self._client.send_request(request)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json() if answer.content else {}
        except HttpResponseError as error:
            code = error.error.code if error.error else ""
            raise AzureSaysError(f"{method} {path}: {error.status_code} {code}".rstrip()) from error
        except AzureError as error:
            raise AzureSaysError(
                f"{method} {path}: no answer ({type(error).__name__}); sign in with az login"
            ) from error
        return found


def base() -> str:
    """Of Azure Resource Manager."""
    return os.environ.get("WEIGHBRIDGE_ARM", "https://management.azure.com").rstrip("/")


def _client(subscription: str) -> ContainerAppsAPIClient:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and only needed to ask
    from azure.mgmt.appcontainers import ContainerAppsAPIClient  # noqa: PLC0415 - same

    ca = os.environ.get("WEIGHBRIDGE_CA_FILE", "")
    more: dict[str, Any] = {"connection_verify": ca} if ca else {}
    scopes = [os.environ.get("WEIGHBRIDGE_ARM_AUDIENCE", "https://management.azure.com/.default")]
    credential = DefaultAzureCredential()
    return ContainerAppsAPIClient(credential, subscription, base_url=base(), credential_scopes=scopes, **more)
