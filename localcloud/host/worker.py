"""The worker's part: call a function with what a trigger brings, by azure-functions' own converters."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.functions import meta

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the app. settings: its trigger binding as the worker reports it."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    argument: str
    text: bool  # the trigger's argument is annotated `str`: it gets the raw text
    call: Callable[..., Any]


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
