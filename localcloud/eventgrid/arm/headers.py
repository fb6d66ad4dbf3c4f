"""Delivery attribute mappings: headers that a client wants on what is delivered, as ARM has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from localcloud.eventgrid.arm.reading import invalid, read
from localcloud.eventgrid.attributes import LONGEST, MOST, Attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localcloud.arm.models import Json

_OWN = ("connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding")
_HIDDEN = "Hidden"  # recorded, in place of a secret value


class Mapped(msgspec.Struct, kw_only=True):
    """One header."""

    name: str
    type: str
    properties: dict[str, Any] = {}


class _Static(msgspec.Struct, kw_only=True, rename="camel"):
    value: str
    is_secret: bool = False


class _Dynamic(msgspec.Struct, kw_only=True, rename="camel"):
    source_field: str


def attributes(given: Sequence[Mapped], known: Iterable[Attribute]) -> tuple[Attribute, ...]:
    """The headers; raises ArmError 400. known: those of before, whose secrets a client may send back hidden."""
    if len(given) > MOST:
        raise invalid(f"deliveryAttributeMappings: expected {MOST} at most, found {len(given)}")
    secrets = {one.name: one.value for one in known if one.secret}
    return tuple(_attribute(one, secrets.get(one.name, _HIDDEN)) for one in given)


def mappings(known: Iterable[Attribute], *, hidden: bool) -> list[Json]:
    """As ARM shows them. hidden: values of secret ones are not told."""
    return [_mapping(one, hidden=hidden) for one in known]


def _attribute(one: Mapped, secret: str) -> Attribute:
    if one.name.lower().startswith("aeg-") or one.name.lower() in _OWN:
        raise invalid(f"deliveryAttributeMappings: expected a name of your own, found the request's own {one.name!r}")
    match one.type.lower():
        case "static":
            static = read(one.properties, _Static)
            if len(static.value.encode()) > LONGEST:
                raise invalid(f"{one.name}: expected {LONGEST} bytes at most, found {len(static.value.encode())}")
            value = secret if static.is_secret and static.value == _HIDDEN else static.value
            made = {"value": value, "secret": static.is_secret}
        case "dynamic":
            made = {"source": read(one.properties, _Dynamic).source_field}
        case _:
            raise invalid(f"deliveryAttributeMappings: expected the type Static or Dynamic, found {one.type!r}")
    return read({"name": one.name, **made}, Attribute)


def _mapping(one: Attribute, *, hidden: bool) -> Json:
    if one.source:
        return {"properties": {"sourceField": one.source}, "name": one.name, "type": "Dynamic"}
    value = _HIDDEN if hidden and one.secret else one.value
    return {"properties": {"value": value, "isSecret": one.secret}, "name": one.name, "type": "Static"}
