"""Bodies read by their published shape: members in any case, in the order of answers, and unknown ones refused.

Azure's words for an unknown member are in github.com/microsoft/azure-container-apps/issues/591 and 954.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.arm.errors import ArmError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES: dict[type, str] = {str: "String", int: "Int32", bool: "Boolean", list: "Collections.Generic.List"}
IGNORED = object()
"""The shape of what a client may send back although the service alone says it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An object. view: the service's name of it, as it is in its refusals.

    members: name -> `str`, `int`, `bool`, another shape, a list of one shape, or IGNORED.
    """

    view: str
    members: Mapping[str, Any]


class Invalid(ArmError):
    """400 as the service's own validation answers, which has another envelope than every other error."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(400, "", message)
        self._where = where

    @property
    def body(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {
            "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
            "title": "One or more validation errors occurred.",
            "status": self.status,
            "traceId": f"00-{0:032x}-{0:016x}-01",
            "errors": {self._where: [self.message]},
        }


def read(shape: Any, value: Any, version: str, where: str = "$") -> Any:  # noqa: ANN401 - JSON
    """The value with the shape's own names and order, without nulls and ignored members; raises Invalid."""
    if isinstance(shape, Shape):
        return _object(shape, value, version, where)
    kind = list if isinstance(shape, list) else shape
    if type(value) is not kind:  # a bool is no number here
        raise Invalid(where, f"The JSON value could not be converted to System.{_NAMES[kind]}. Path: {where}.")
    if isinstance(shape, list):
        return [read(shape[0], one, version, f"{where}[{n}]") for n, one in enumerate(value)]
    return value


def _object(shape: Shape, value: object, version: str, where: str) -> dict[str, Any]:
    view = f"Microsoft.ContainerApps.WebApi.Views.{_class(version)}.{shape.view}"
    if not isinstance(value, dict):
        raise Invalid(where, f"The JSON value could not be converted to {view}. Path: {where}.")
    known = {name.lower(): name for name in shape.members}
    unknown = [name for name in value if name.lower() not in known]
    if unknown:
        raise Invalid("$", f"Unknown properties {', '.join(unknown)} in {view} are not supported")
    given = {known[name.lower()]: one for name, one in value.items() if one is not None}
    return {
        name: read(member, given[name], version, f"{where}.{name}")
        for name, member in shape.members.items()
        if name in given and member is not IGNORED
    }


def _class(version: str) -> str:
    """`2024-10-02-preview` is `Version20241002Preview`."""
    return f"Version{version.replace('-preview', 'Preview').replace('-', '')}"
