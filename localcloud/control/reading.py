"""What an order says, read strictly; a wrong one is told what was found and what was expected."""

from __future__ import annotations

import re
import types
from enum import StrEnum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

Body = TypeVar("Body")

_MEMBER = re.compile(r"`\$\.(\w+)")
_LONGEST = 80  # characters of what was found
_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


class Wrong(Exception):
    """An order that cannot be followed: answered 400, or 404 for a thing there is not."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.status = error, status


def read(raw: bytes, into: type[Body]) -> Body:
    """A body; an empty one is an empty object. Raises Wrong."""
    try:
        return msgspec.json.decode(raw or b"{}", type=into)
    except msgspec.ValidationError as error:
        raise Wrong(_said(str(error), msgspec.json.decode(raw or b"{}"), into)) from error
    except msgspec.DecodeError as error:
        raise Wrong("body: expected JSON, found something else") from error


def shape(body: object) -> dict[str, str]:
    """Member -> what it may be, as people read it; {} for an object with any members."""
    if not (isinstance(body, type) and issubclass(body, msgspec.Struct)):
        return {}
    hints = get_type_hints(body, include_extras=True)
    return {field.name: _member(hints[field.name], field) for field in msgspec.structs.fields(body)}


def _said(error: str, found: object, into: object) -> str:
    """Msgspec's words in ours: `path: expected X, found Y`."""
    expected = shape(into)
    if not isinstance(found, dict):
        return f"body: expected an object, found {type(found).__name__}"
    member = _MEMBER.search(error)
    if member is not None:
        value = msgspec.json.encode(found[member[1]]).decode()
        return f"body.{member[1]}: expected {expected[member[1]]}, found {value[:_LONGEST]}"
    name = error.split("`")[1]
    if name in expected:
        return f"body: expected the member {name!r}, found none"
    return f"body: expected one of {', '.join(expected)}, found {name!r}"


def _member(hint: Any, field: msgspec.structs.FieldInfo) -> str:  # noqa: ANN401 - a type, of whatever kind
    said = _type(hint)
    if field.required:
        return said
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"{said} (without it: {msgspec.json.encode(default).decode()})"


def _type(hint: Any) -> str:  # noqa: ANN401 - as above
    if get_origin(hint) is Annotated:
        base, *metas = get_args(hint)
        limits = [
            f"{word} {limit}"
            for meta in metas
            for word, limit in (("above", meta.gt), ("from", meta.ge), ("to", meta.le))
            if limit is not None
        ]
        return " ".join((_type(base), *limits))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return f"one of {', '.join(hint)}"
    if get_origin(hint) in (types.UnionType, Union):  # the latter where a part has limits
        return " or ".join(_type(part) for part in get_args(hint) if part is not type(None))
    origin = get_origin(hint) or hint
    return _NAMES.get(hint) or ("a list" if origin in (list, tuple) else "an object")
