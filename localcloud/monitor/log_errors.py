"""How the query API of Log Analytics refuses, in its own envelope.

Texts and codes: learn.microsoft.com/azure/azure-monitor/logs/api/errors, and answers recorded by the Azure SDKs' tests
(`docs/localcloud-monitor.md` has each).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_INVALID = "The request had some invalid properties"


class LogsError(Exception):
    """An answer that is an error. inner: the `innererror`, None without one."""

    def __init__(self, status: int, code: str, message: str, inner: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.inner = status, code, message, inner

    @property
    def body(self) -> dict[str, Any]:
        """As it goes over the wire."""
        error: dict[str, Any] = {"message": self.message, "code": self.code, "correlationId": str(uuid.uuid4())}
        return {"error": error if self.inner is None else {**error, "innererror": self.inner}}


def syntax(token: str, line: int, column: int) -> LogsError:
    """The query cannot be parsed."""
    inner = {
        "code": "SYN0002",
        "message": f"Query could not be parsed at '{token}' on line [{line},{column}]",
        "line": line,
        "pos": column,
        "token": token,
    }
    reason = {"code": "SyntaxError", "message": "A recognition error occurred in the query.", "innererror": inner}
    return LogsError(400, "BadArgumentError", _INVALID, reason)


def semantic(message: str, code: str = "SEM0100") -> LogsError:
    """The query can be parsed, and names what is not there or cannot be."""
    inner = {"code": code, "message": message}
    reason = {"code": "SemanticError", "message": "A semantic error occurred.", "innererror": inner}
    return LogsError(400, "BadArgumentError", _INVALID, reason)


def unsupported(what: str) -> LogsError:
    """KQL that Azure understands and this machine does not. Azure never answers so."""
    message = f"localcloud: KQL: expected what docs/localcloud-monitor.md lists, found {what}"
    return LogsError(400, "BadArgumentError", _INVALID, {"code": "NotSupportedByLocalCloud", "message": message})


def no_path() -> LogsError:
    """Nothing is there."""
    return LogsError(404, "PathNotFoundError", "The requested path does not exist")


def bad_argument(message: str) -> LogsError:
    """The request around the query."""
    return LogsError(400, "BadArgumentError", message)
