"""Errors as the distribution specification spells them."""

from __future__ import annotations


class RegistryError(Exception):
    """Answered as `{"errors": [{code, message, detail}]}` with this HTTP status.

    code: of the distribution specification's table. headers: sent along, such as the challenge of a 401.
    """

    def __init__(self, code: str, status: int, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        return {"errors": [{"code": self.code, "message": str(self), "detail": None}]}


def unsupported(what: str) -> RegistryError:
    """Refuse honestly: a client must never believe something happened that did not."""
    return RegistryError("UNSUPPORTED", 501, f"the local registry does not support {what}")
