"""Signed: who must have signed an image."""

from __future__ import annotations

from policies.errors import CellError, NotKept, quoted
from policies.gate import Rule


def read_signed(text: str, column: str = "Signed") -> Rule | None:
    """The rule, None for `none`."""
    if text.lower() == "none":
        return None
    raise CellError(NotKept(column=column, found=quoted(text)))
