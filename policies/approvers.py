"""Approvers: how many of a group must say yes."""

from __future__ import annotations

from policies.errors import CellError, NotKept, quoted
from policies.gate import Rule


def read_approvers(text: str, column: str = "Approvers") -> Rule | None:
    """The rule, None for `none`."""
    if text.lower() == "none":
        return None
    raise CellError(NotKept(column=column, found=quoted(text)))
