"""Which functions an app has: what the real worker would refuse is refused here, and what this host cannot run too."""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any, get_type_hints

import azure.functions as func

from localcloud.host.annotations import misfit
from localcloud.host.worker import Function

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

KINDS = ("eventGridTrigger", "queueTrigger", "timerTrigger", "httpTrigger")
_TEXT = ("eventGridTrigger", "queueTrigger")  # whose argument may be `str`


class IndexingError(Exception):
    """The app would not be accepted by the real worker, or uses what this host cannot run."""


def load(folder: Path) -> list[Function]:
    """The functions of the folder's `function_app.py`. Raises IndexingError."""
    module = _imported(folder)
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    if len(apps) != 1:
        raise IndexingError(f"function_app: expected one FunctionApp at its top level, found {len(apps)}")
    try:
        built = apps[0].get_functions()
    except ValueError as error:  # the library's word for two triggers, none, or one name twice
        raise IndexingError(f"function_app: {error}") from error
    found = [_function(one) for one in built]
    if not found:
        raise IndexingError("function_app: expected functions, found none: is a blueprint not registered?")
    return found


def _imported(folder: Path) -> ModuleType:
    file = folder.resolve() / "function_app.py"
    if not file.is_file():
        raise IndexingError(f"function_app: expected {file}, found none")
    sys.path.insert(0, str(file.parent))
    try:
        return importlib.import_module("function_app")
    except Exception as error:
        # An app may raise anything while it is imported; its own words say what is wrong.
        raise IndexingError(
            f"function_app: expected it to be imported, found {type(error).__name__}: {error}"
        ) from error


def _function(one: Any) -> Function:
    name = one.get_function_name()
    trigger = one.get_trigger()
    settings = _settings(trigger)
    kind = settings["type"]
    if kind not in KINDS:
        raise IndexingError(f"{name}: expected one of {', '.join(KINDS)}, found {kind}")
    call = one.get_user_function()
    bindings = [*map(_settings, one.get_bindings())]
    why = misfit(call, bindings, _TEXT)
    if why is not None:
        raise IndexingError(f"{name}: {why}")
    others = [other["type"] for other in bindings if other["type"] not in (kind, "http")]
    if others:
        raise IndexingError(f"{name}: expected no binding but its trigger, found {', '.join(others)}")
    return Function(
        name=name,
        kind=kind,
        settings=settings,
        argument=trigger.name,
        text=get_type_hints(call).get(trigger.name) is str,
        call=call,
    )


def _settings(binding: Any) -> Mapping[str, Any]:
    plain: Mapping[str, Any] = json.loads(
        json.dumps(binding.get_dict_repr(), default=lambda value: getattr(value, "value", str(value)))
    )
    return plain
