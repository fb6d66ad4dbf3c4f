"""What the identity may do with a resource, as Azure Resource Manager answers who asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cloud.arm import READ_WITHIN
from cloud.http import asking, of_answer, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cloud.arm import Arm

# learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
_PATH = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"


class Rights:
    """`delivery.ports.Rights`. The list is short: one page has every role that a resource's caller has."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def lacking(self, resource: str, wanted: Sequence[str]) -> tuple[str, ...]:
        """1 GET. Deny assignments and conditions are not in the answer: a right that is told may yet be refused."""
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - not on the way of a cold start

        where = f"rights on {resource.rpartition('/')[2]}"
        with asking(where):
            async with asyncio.timeout(READ_WITHIN):
                answer = await self._arm.send(HttpRequest("GET", f"{resource}{_PATH}"))
        body = parsed(answer.content)
        roles = body.get("value") if isinstance(body, Mapping) else None
        if answer.status_code != 200 or not isinstance(roles, list):  # noqa: PLR2004 - HTTP's own number
            raise of_answer(where, answer.status_code, answer.headers, body, wrote=False)
        return tuple(right for right in wanted if not any(_gives(role, right) for role in roles))


def _gives(role: object, right: str) -> bool:
    """One role gives what its actions cover and its notActions do not; another role may give that all the same."""
    if not isinstance(role, Mapping):
        return False
    return _covers(role.get("actions"), right) and not _covers(role.get("notActions"), right)


def _covers(actions: Iterable[object] | None, right: str) -> bool:
    return any(_matches(str(action), right) for action in actions or ())


def _matches(action: str, right: str) -> bool:
    """Only `*` is special there, and case is not told apart."""
    pattern = ".*".join(re.escape(part) for part in action.split("*"))
    return re.fullmatch(pattern, right, re.IGNORECASE) is not None
