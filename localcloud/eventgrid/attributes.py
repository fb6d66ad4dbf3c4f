"""Headers that a subscription adds to what it delivers.

https://learn.microsoft.com/en-us/azure/event-grid/delivery-properties: ten of them, 4096 bytes a value; a dynamic one
takes a text, a number or a truth from the event, and is left out where the event has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from localcloud.eventgrid.filters import field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST = 10
LONGEST = 4096  # bytes of a value


class Attribute(msgspec.Struct, kw_only=True, frozen=True):
    """One header. value: of a static one. source: of a dynamic one, where in the event its value is; "" is static."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]+\Z")]
    value: Annotated[str, msgspec.Meta(pattern=r"^[^\r\n\0]*\Z")] = ""
    secret: bool = False
    source: str = ""


def added(attributes: Iterable[Attribute], event: Mapping[str, object]) -> dict[str, str]:
    """The headers of one event."""
    found = {one.name: _text(field(event, one.source)) if one.source else one.value for one in attributes}
    return {name: text for name, text in found.items() if text is not None and len(text.encode()) <= LONGEST}


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else None
    return None if text is None or {"\r", "\n", "\0"} & set(text) else text
