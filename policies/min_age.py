"""MinAge: how long an image must have been in the registry."""

from __future__ import annotations

from policies.errors import CellError, NotKept, quoted
from policies.gate import Rule


def read_min_age(text: str, column: str = "MinAge") -> Rule | None:
    """The rule, None for `none`."""
    if text.lower() == "none":
        return None
    raise CellError(NotKept(column=column, found=quoted(text)))
