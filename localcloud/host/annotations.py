"""What the real worker asks of a function's parameters and their annotations before it loads it.

The rules are those of `azure_functions_worker/functions.py` (Azure/azure-functions-python-worker), told in our words.
"""

from __future__ import annotations

import inspect
from types import GenericAlias, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import azure.functions as func
from azure.functions import meta
from azure.functions.decorators.core import BindingDirection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_RETURN, _OUT = "$return", BindingDirection.OUT.value


def misfit(call: Callable[..., Any], bindings: Sequence[Mapping[str, Any]], plain: Sequence[str]) -> str | None:
    """Why the worker would not load a function, None: it would. plain: the triggers whose argument may be `str`."""
    bound = [str(one["name"]) for one in bindings if one["name"] != _RETURN]
    found = list(inspect.signature(call).parameters)
    if sorted(found) != sorted(bound):
        wanted = f"one parameter {bound[0]!r}" if len(bound) == 1 else f"parameters {', '.join(map(repr, bound))}"
        return f"expected {wanted}, found {', '.join(found) or 'none'}"
    try:
        hints = get_type_hints(call)
    except NameError as error:
        return f"{', '.join(bound)}: expected an annotation known at run time, {error}"
    for one in bindings:
        name = str(one["name"])
        hint = "return" if name == _RETURN else name
        why = _unfit(one, hints[hint], plain) if hint in hints else None
        if why is not None:
            return f"{hint}: {why}"
    return None


def _unfit(binding: Mapping[str, Any], annotation: Any, plain: Sequence[str]) -> str | None:
    """Why an annotation does not fit its binding."""
    kind, out, returned = str(binding["type"]), binding["direction"] == _OUT, binding["name"] == _RETURN
    holds = annotation is func.Out or get_origin(annotation) is func.Out
    if holds != (out and not returned):
        return f"{_named(annotation)} does not fit a {kind}: func.Out is for outputs that are parameters, and only it"
    if holds:
        if annotation is func.Out:
            return f"Out does not fit a {kind}: expected what it holds, as in func.Out[str]"
        (annotation,) = get_args(annotation)
    if not (isinstance(annotation, type) or (holds and _known(annotation))) or isinstance(annotation, GenericAlias):
        more = ", or typing.List of one" if holds else ""
        return f"{_named(annotation)} does not fit a {kind}: expected a class{more}"
    if annotation in (str, bytes) and (out or (annotation is str and kind in plain)):
        return None
    converter = meta.get_binding_registry().get(kind)
    check = converter.check_output_type_annotation if out else converter.check_input_type_annotation
    return None if check(annotation) else f"{_named(annotation)} does not fit a {kind}"


def _known(annotation: Any) -> bool:
    """Whether it is a generic of `typing`; the worker does not know `list[str]`, nor unions."""
    return not isinstance(annotation, UnionType) and isinstance(get_origin(annotation), type)


def _named(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
