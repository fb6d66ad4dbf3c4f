"""A body held against a model of the installed SDK, which describes the newest api-version."""

from __future__ import annotations

import inspect
import typing
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from azure.mgmt.appcontainers import models
from azure.mgmt.appcontainers.models import _models

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN: dict[type, tuple[type, ...]] = {
    str: (str,),
    bytes: (str,),  # in base64
    int: (int,),
    float: (int, float),
    bool: (bool,),
}


class Member(NamedTuple):
    """kind: its annotation, without None. required: no body is without it. writable: a request may have it."""

    kind: Any
    required: bool
    writable: bool


def problems(model: str, body: object) -> set[str]:
    """Members that are missing, unknown, of a wrong type or outside an enum. An optional one may be null."""
    return set(_problems(getattr(models, model), body, model))


@cache
def members(model: type) -> dict[str, Member]:
    """What the model says, by the names on the wire."""
    hints = typing.get_type_hints(model, {**vars(_models), "_models": models})
    fields = {name: inspect.getattr_static(model, name, None) for name in hints}
    return {
        field._rest_name_input or name: _member(hints[name], field._visibility)
        for name, field in fields.items()
        if hasattr(field, "_rest_name_input")
    }


def allowed(kind: Any) -> tuple[Any, ...]:
    """The values of an enum or of literals; () for what is neither."""
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)
    return tuple(one.value for one in kind) if inspect.isclass(kind) and issubclass(kind, Enum) else ()


def _member(hint: Any, visibility: list[str] | None) -> Member:
    parts = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
    given = tuple(part for part in parts if part is not type(None))
    # A union with an enum is written with str, which lets every string in: the enum is what is known.
    kind = next((part for part in given if allowed(part)), given[0])
    return Member(kind, len(given) == len(parts), visibility != ["read"])


def _problems(kind: Any, body: object, where: str) -> Iterator[str]:
    container = typing.get_origin(kind)
    if container in {list, dict}:
        yield from _each(typing.get_args(kind)[-1], body, container, where)
    elif hasattr(kind, "_is_model"):
        yield from _of_model(kind, body, where)
    elif choices := allowed(kind):
        if body not in choices:
            yield f"{where}: {body}"
    elif kind is not Any and not _fits(kind, body):
        yield f"{where}: not {kind.__name__}"


def _fits(kind: type, body: object) -> bool:
    if kind is datetime:
        return _is_time(body)
    return isinstance(body, _PLAIN[kind]) and (kind is bool or not isinstance(body, bool))


def _each(kind: Any, body: object, container: type, where: str) -> Iterator[str]:
    if not isinstance(body, container):
        yield f"{where}: not {container.__name__}"
        return
    for one in body.values() if isinstance(body, dict) else typing.cast("list[object]", body):
        yield from _problems(kind, one, f"{where}[]")


def _of_model(model: type, body: object, where: str) -> Iterator[str]:
    if not isinstance(body, dict):
        yield f"{where}: not {model.__name__}"
        return
    known = members(model)
    yield from (f"{where}.{n}: missing" for n, member in known.items() if member.required and body.get(n) is None)
    for name, value in body.items():
        if name not in known:
            yield f"{where}.{name}: unknown"
        elif value is not None:
            yield from _problems(known[name].kind, value, f"{where}.{name}")


def _is_time(body: object) -> bool:
    try:
        return isinstance(body, str) and "T" in body and datetime.fromisoformat(body) is not None
    except ValueError:
        return False
