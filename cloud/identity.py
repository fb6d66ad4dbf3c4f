"""The credential of this process, for every adapter that speaks to Azure as an identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential


class Identity:
    """One credential, made at its first use and shared.

    client_id: of the user-assigned identity; "" takes the first of the default chain that works (environment,
    managed identity, a developer's own sign-in). Made late, because azure.identity is slow to import and its HTTP
    session belongs to the running loop.
    """

    def __init__(self, client_id: str = "") -> None:
        self._client_id = client_id
        self._credential: DefaultAzureCredential | ManagedIdentityCredential | None = None

    def credential(self) -> AsyncTokenCredential:
        """Call inside the running loop."""
        if self._credential is None:
            from azure.identity import aio  # noqa: PLC0415 - a cold start that needs no token does not pay for it

            self._credential = (
                aio.ManagedIdentityCredential(client_id=self._client_id)
                if self._client_id
                else aio.DefaultAzureCredential()
            )
        return self._credential

    async def close(self) -> None:
        """Close its connections; the next use makes a new credential."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()
