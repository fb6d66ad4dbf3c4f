"""After: where an image must have been promoted before."""

from __future__ import annotations

from policies.errors import CellError, NotKept, quoted
from policies.gate import Rule


def read_after(text: str, column: str = "After") -> Rule | None:
    """The rule, None for `none`."""
    if text.lower() == "none":
        return None
    raise CellError(NotKept(column=column, found=quoted(text)))
