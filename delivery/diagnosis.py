"""What `weighbridge doctor` is told of an installation: one diagnosis per thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from delivery.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

# What the commands name is what azd tells (docs/doctor.md).
IDENTITY, OPERATOR_ROLE = '"$WEIGHBRIDGE_IDENTITY"', '"$WEIGHBRIDGE_OPERATOR_ROLE"'
GIVES_ROLES = "who may give roles"
ON_CALL = "on call"
AUTHOR = "the policy's author"
DEPLOYS = "who deploys Weighbridge"


class State(StrEnum):
    """How bad it is. WARNING: it works, and somebody should know or act."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


CHECKS: Mapping[str, str] = {
    "settings": "no setting is missing or wrong",
    "table": "each table takes a row of doctor's own, gives it back, and lets it go",
    "queue": "each queue takes a message of doctor's own",
    "timers": "the watch over policy rows ran within five minutes",
    "late": "no app's tick is late",
    "parked": "nothing that could not be read is kept aside",
    "switch": "not everything is stopped",
    "rows": "every policy row can be read",
    "registry": "each registry of a row lists a repository of it",
    "heard": "each registry of a row was heard from",
    "app": "each app of a row is there and in Multiple mode",
    "rights": "the identity has every right on it that the role gives",
    "metrics": "its request counts can be read",
    "probe": "its stable revision answers on its own address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """check: one of CHECKS. subject: what of that kind, "" where there is one only. who, do: "" when it is ok."""

    check: str
    subject: str = ""
    state: State = State.OK
    found: str
    expected: str = ""
    who: str = ""
    do: str = ""

    def json(self) -> dict[str, object]:
        """As the API answers it."""
        return asdict(self)


async def examined(check: str, subject: str, question: Awaitable[list[Diagnosis]]) -> list[Diagnosis]:
    """What was found out; that it could not be asked is a finding too, and hides no other."""
    try:
        return await question
    except DeliveryError as error:
        away = Diagnosis(
            check=check,
            subject=subject,
            state=State.BROKEN,
            found=str(error),
            expected="an answer",
            who=DEPLOYS,
            do="see the row of this check in docs/doctor.md; a right that was just given is known after five minutes",
        )
        return [away]


def grant(role: str, scope: str) -> str:
    """The command that gives the installation a role."""
    return f"az role assignment create --assignee {IDENTITY} --role {role} --scope {scope}"
