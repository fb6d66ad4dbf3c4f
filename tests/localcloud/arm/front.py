"""Headers of Azure's front door: some recordings were kept without them, and say so in their note."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_OF_FRONT = ("header x-cache", "header x-msedge-ref", "header x-ms-operation-identifier", "-global-")


def behind_the_front(found: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """What differs but for those headers."""
    return {one for one in found if not any(name in one[0] for name in _OF_FRONT)}
