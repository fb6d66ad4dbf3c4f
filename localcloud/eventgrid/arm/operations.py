"""Operations: what a write began, and how it ends."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.arm.calls import Call
    from localcloud.arm.urls import Route

_PLACE = "/subscriptions/{subscription}/providers/Microsoft.EventGrid/locations/{region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """status: InProgress, Succeeded or Failed; code and message: of one that failed."""

    status: str = "Succeeded"
    code: str = ""
    message: str = ""


DONE, GOING = Outcome(), Outcome(status="InProgress")


class Operations:
    """Asked about by id. A write tells of the address of its status, a deletion of that of its result too."""

    def __init__(self) -> None:
        self._known: dict[str, Callable[[], Outcome]] = {}

    def routes(self) -> tuple[Route, ...]:
        """Their part of the table."""
        return (
            ("GET", _PLACE + "/operationsStatus/{operation}", self.status),
            ("GET", _PLACE + "/operationResults/{operation}", self.result),
        )

    def begin(self, call: Call, region: str, outcome: Callable[[], Outcome]) -> dict[str, str]:
        """Headers of the answer to `call`. outcome: how it stands whenever somebody asks."""
        name = str(uuid.uuid4())
        self._known[name] = outcome
        home = (
            f"{call.base}/subscriptions/{call.names['subscription']}/providers/Microsoft.EventGrid/locations/{region}"
        )
        version = f"{name.upper()}?api-version={call.version}"
        headers = {"azure-asyncoperation": f"{home}/operationsStatus/{version}"}
        return headers | ({"location": f"{home}/operationResults/{version}"} if call.method == "DELETE" else {})

    async def status(self, call: Call) -> Reply:
        """200 with its status, whatever that is."""
        outcome = self._outcome(call)
        name = call.names["operation"].lower()
        body: dict[str, object] = {
            "id": f"{call.base}{call.path}?api-version={call.version}",
            "name": name,
            "status": outcome.status,
        }
        if outcome.code:
            body["error"] = {"code": outcome.code, "message": outcome.message}
        return Reply(body=body)

    async def result(self, call: Call) -> Reply:
        """202 while it goes on, then 200."""
        return Reply(status=202 if self._outcome(call) is GOING else 200)

    def _outcome(self, call: Call) -> Outcome:
        found = self._known.get(call.names["operation"].lower())
        if found is None:
            raise ArmError(404, "OperationNotFound", f"Operation '{call.names['operation']}' was not found.")
        return found()
