"""Freeze: days on which nothing starts or rises."""

from __future__ import annotations

from policies.errors import CellError, NotKept, quoted
from policies.gate import Rule


def read_freeze(text: str, column: str = "Freeze") -> Rule | None:
    """The rule, None for `none`."""
    if text.lower() == "none":
        return None
    raise CellError(NotKept(column=column, found=quoted(text)))
