"""A credential whose failures are ours: no token means that nothing was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from delivery.errors import Retry

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

    Credential = Callable[[], AsyncTokenCredential]  # called inside the running loop, at the first use


class Tokens:
    """An `AsyncTokenCredential` that raises `Retry` where the inner one fails.

    Without this, a refusal of the identity service would pass for an answer of the service asked.
    """

    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 - azure-core's own signature
        """One token, from the inner credential's cache when it is still good."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - not on the way of a cold start

        try:
            return await self._credential.get_token(*scopes, **options)
        except AzureError as error:
            scope = " ".join(scopes)
            raise Retry(f"identity: {scope}: expected a token, found {type(error).__name__}") from None

    async def close(self) -> None:
        """Nothing: the inner credential belongs to who made it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.close()
