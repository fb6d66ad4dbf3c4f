"""The worker's part: load an app, list its functions, and call one with what a trigger brings."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

import azure.functions as func
from azure.functions import meta

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

KINDS = ("eventGridTrigger", "queueTrigger", "timerTrigger", "httpTrigger")


class IndexingError(Exception):
    """The app would not be accepted by the real worker, or uses what this host cannot run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the app. settings: its trigger binding as the worker reports it."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    argument: str
    text: bool  # the trigger's argument is annotated `str`: it gets the raw text
    call: Callable[..., Any]


def load(folder: Path) -> list[Function]:
    """Import `function_app` from a folder, as the worker does: the folder is last on the path."""
    sys.path.append(str(folder))
    module = importlib.import_module("function_app")
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    if len(apps) != 1:
        raise IndexingError(f"function_app: expected one FunctionApp at its top level, found {len(apps)}")
    found = [_function(one) for one in apps[0].get_functions()]
    names = [one.name for one in found]
    if not found or len(set(names)) != len(names):
        raise IndexingError(f"function_app: expected functions of different names, found {names}")
    return found


def _function(one: Any) -> Function:
    name = one.get_function_name()
    trigger = one.get_trigger()
    settings = json.loads(
        json.dumps(trigger.get_dict_repr(), default=lambda value: getattr(value, "value", str(value)))
    )
    if settings["type"] not in KINDS:
        raise IndexingError(f"{name}: expected one of {', '.join(KINDS)}, found {settings['type']}")
    call = one.get_user_function()
    argument = trigger.name
    hints = get_type_hints(call)
    if argument not in inspect.signature(call).parameters:
        raise IndexingError(f"{name}: expected a parameter {argument!r}, found none")
    annotation = hints.get(argument)
    converter = meta.get_binding_registry().get(settings["type"])
    if annotation is not str and annotation is not None and not converter.check_input_type_annotation(annotation):
        raise IndexingError(f"{name}: {argument}: {annotation.__name__} does not fit a {settings['type']}")
    return Function(
        name=name,
        kind=settings["type"],
        settings=settings,
        argument=argument,
        text=annotation is str,
        call=call,
    )


def _plain(value: Any) -> Any:
    return getattr(value, "value", str(value))


async def invoke(function: Function, data: Any, metadata: Mapping[str, Any]) -> Any:
    """Call a function. data: a `Datum`. Raises what the function raises."""
    if function.text:
        value = data.value
    else:
        value = meta.get_binding_registry().get(function.kind).decode(data, trigger_metadata=metadata)
    if inspect.iscoroutinefunction(function.call):
        return await function.call(**{function.argument: value})
    return await asyncio.to_thread(function.call, **{function.argument: value})


def datum(value: Any, kind: str) -> Any:
    """A value as the host hands it to the worker."""
    return meta.Datum(value, kind)
