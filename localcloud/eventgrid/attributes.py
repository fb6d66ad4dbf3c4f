"""Headers of a subscriber's own, fixed or taken from an event.

https://learn.microsoft.com/en-us/azure/event-grid/delivery-properties: ten of them, 4096 bytes each, none that begins
with `aeg-`; one from an event has a path and takes text, numbers and booleans. What comes of any other value it does
not say: here that header is left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import msgspec

from localcloud.eventgrid.filters import field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.eventgrid.schemas import Event

MOST = 10
LONGEST = 4096  # bytes of a value


class Attribute(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One header. value: of a static one. source: of a dynamic one, where in the event its value is; "" is static."""

    name: Annotated[str, msgspec.Meta(pattern=r"^(?![Aa][Ee][Gg]-)[A-Za-z0-9-]+\Z")]
    value: Annotated[str, msgspec.Meta(pattern=r"^[^\r\n\0]*\Z")] = ""
    secret: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if not _fits(self.value):
            raise ValueError(f"{self.name}: expected a printable text of {LONGEST} bytes at most, found another")


NONE: tuple[Attribute, ...] = ()


def fixed(attributes: Iterable[Attribute]) -> dict[str, str]:
    """The headers of every request, the handshake's too."""
    return {one.name: one.value for one in attributes if not one.source}


def taken_from(event: Event, attributes: Iterable[Attribute]) -> dict[str, str]:
    """The headers that an event, as it was published, gives."""
    texts = {one.name: _text(field(event, one.source.removeprefix("$."))) for one in attributes if one.source}
    return {name: text for name, text in texts.items() if text is not None and _fits(text)}


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _fits(text: str) -> bool:
    return text.isprintable() and len(text.encode()) <= LONGEST
