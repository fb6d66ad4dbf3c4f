"""What a client sent, read into types; what is wrong with it is told in ARM's envelope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from localcloud.arm.errors import bad_request

if TYPE_CHECKING:
    from localcloud.arm.errors import ArmError

Body = TypeVar("Body")


def invalid(message: str) -> ArmError:
    """400 with the code Event Grid has for whatever is wrong (cloud-custodian/cloud-custodian#4669)."""
    return bad_request("InvalidRequest", message)


def read(body: object, into: type[Body]) -> Body:
    """A body; members that are null are as good as none. Raises ArmError 400."""
    try:
        return msgspec.convert(_present(body), into)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from error


def check_name(name: str, longest: int) -> None:
    """Letters, digits and hyphens, three at least; raises ArmError 400."""
    if not re.fullmatch(rf"[A-Za-z0-9-]{{3,{longest}}}", name, re.ASCII):
        raise invalid(f"name: expected 3 to {longest} letters, digits and hyphens, found {name!r}")


def _present(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _present(one) for name, one in value.items() if one is not None}
    return [_present(one) for one in value] if isinstance(value, list) else value
