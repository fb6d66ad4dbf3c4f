"""A credential whose token nobody reads: for clients of what asks for none."""

from __future__ import annotations

from typing import Self

from azure.core.credentials import AccessToken


class Credential:
    async def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken("token", 4_102_444_800)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...
