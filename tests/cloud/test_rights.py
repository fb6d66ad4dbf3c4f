"""The identity's rights, from a server that answers in the shape of the permissions list (REST API 2022-04-01)."""

from __future__ import annotations

from typing import Any

import pytest

from cloud.arm import Arm
from cloud.rights import Rights
from delivery.errors import Refused, Retry
from tests.cloud.fake_arm import APP
from tests.cloud.loopback import Answer, FakeCredential, loopback, settings

PATH = "/providers/Microsoft.Authorization/permissions"
READ, WRITE = "Microsoft.App/containerApps/read", "Microsoft.App/containerApps/write"
REPLICAS = "Microsoft.App/containerApps/revisions/replicas/read"


def role(*actions: str, but: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"actions": list(actions), "notActions": list(but), "dataActions": [], "notDataActions": []}


async def lacking(answer: Answer) -> tuple[str, ...]:
    async with loopback() as server:
        server.on("GET", PATH, answer)
        arm = Arm(settings(arm=server.url), FakeCredential)
        try:
            found = await Rights(arm).lacking(APP, (READ, WRITE, REPLICAS))
        finally:
            await arm.close()
        assert [one.target for one in server.asked] == [f"{APP}{PATH}?api-version=2022-04-01"]
        return found


@pytest.mark.parametrize(
    ("roles", "lacks"),
    [
        ([], (READ, WRITE, REPLICAS)),
        ([role("*")], ()),
        ([role("*/read")], (WRITE,)),
        ([role("microsoft.app/CONTAINERAPPS/*")], ()),
        ([role("Microsoft.App/containerApps/re")], (READ, WRITE, REPLICAS)),
        ([role("*", but=(WRITE,))], (WRITE,)),
        ([role("*", but=(WRITE,)), role(WRITE)], ()),
        ([role("Microsoft.App/*/read", but=("Microsoft.App/containerApps/revisions/*",))], (WRITE, REPLICAS)),
        (["*"], (READ, WRITE, REPLICAS)),
    ],
)
async def test_what_roles_give_and_leave_out(roles: list[Any], lacks: tuple[str, ...]) -> None:
    assert await lacking(Answer(200, {"value": roles})) == lacks


@pytest.mark.parametrize(
    ("answer", "raises"),
    [
        (Answer(403, {"error": {"code": "AuthorizationFailed", "message": "secret"}}), Refused),
        (Answer(503), Retry),
        (Answer(200, {"values": []}), Retry),
    ],
)
async def test_what_is_no_answer_is_never_a_right_that_is_there(answer: Answer, raises: type[Exception]) -> None:
    with pytest.raises(raises) as error:
        await lacking(answer)
    assert "secret" not in str(error.value)
