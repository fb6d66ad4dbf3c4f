"""Which version of our rows and messages this code reads. One that a newer version wrote is left as it is, and told.

A number goes up when the code of before would misread what is written from now on; what is only added needs none.
Rows that count by being there (`quarantine`, `switch`, `heard`), and those that are found out again when they are gone
(`active`, `seen`, `defender`), have no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.evidence import ROW_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
_KNOWN = {"schema": SCHEMA, "v": ROW_VERSION}


def newer(source: str, columns: Mapping[str, object]) -> str:
    """Why this code may not read a row or a message, "" when it may. source: its keys, or its queue."""
    for name, known in _KNOWN.items():
        found = columns.get(name)
        if isinstance(found, int) and found > known:
            return (
                f"{source}: {name}: expected at most {known}, found {found}; a newer version of Weighbridge wrote it, "
                "so it is left as it is until that version runs again"
            )
    return ""
