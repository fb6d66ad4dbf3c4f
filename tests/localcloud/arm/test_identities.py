"""Identities of an app, and what a PUT that gives it one is answered."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.arm.knobs import Knobs
from tests.localcloud.arm.cloud import APP, Answer, Cloud, app_body, cloud

SYSTEM, NONE = {"type": "SystemAssigned"}, {"type": "None"}
BOTH = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {"/id/one": {}}}
FOUND_OUT = {"runningStatus", "latestRevisionName", "latestRevisionFqdn", "eventStreamEndpoint"}


async def put(it: Cloud, identity: dict[str, Any]) -> Answer:
    body = {**app_body(), "identity": identity}
    body["properties"]["configuration"]["secrets"] = []
    answer = await it.ask("PUT", APP, body)
    await it.end(answer)
    return answer


@pytest.mark.parametrize(
    "kind", ["SystemAssigned, UserAssigned", "SystemAssigned,UserAssigned", "userAssigned,systemAssigned"]
)
async def test_an_identity_tells_its_kind_first_and_in_azures_spelling(kind: str) -> None:
    """Recorded in identity_e2e."""
    async with cloud() as it:
        answer = await put(it, {**BOTH, "type": kind})

        assert answer.body["identity"]["type"] == "SystemAssigned, UserAssigned"
        assert list(answer.body["identity"]) == ["type", "principalId", "tenantId", "userAssignedIdentities"]


@pytest.mark.parametrize(("day", "filled"), [("2024-05-06", True), ("2024-10-14", False)])
async def test_giving_keeping_and_taking_an_identity_are_answered_like_any_other_put(day: str, *, filled: bool) -> None:
    """Recorded in create_with_vnet_yaml of May 2024, and in identity_user of October, when every PUT was `as_sent`."""
    async with cloud(knobs=Knobs(day=day)) as it:
        for identity in (SYSTEM, BOTH, BOTH, SYSTEM, NONE):
            answer = await put(it, identity)

            assert (set(answer.body["properties"]) >= FOUND_OUT) is filled
            assert answer.body["identity"]["type"] == identity["type"]
            assert answer.body["properties"]["configuration"]["secrets"] == (None if filled else [])


async def test_a_user_assigned_identity_is_spelled_as_azure_does_and_its_ids_are_its_own() -> None:
    """Recorded in identity_user of October 2024; the group stays as it was sent."""
    group = "/subscriptions/0/resourcegroups/rg"
    sent = f"{group}/providers/microsoft.ManagedIdentity/userassignedidentities/one"
    users = [{"type": "UserAssigned", "userAssignedIdentities": {name: {}}} for name in (sent, f"{sent}-2")]
    async with cloud() as it:
        (first, one), (_, two) = [
            item for user in users for item in (await put(it, user)).body["identity"]["userAssignedIdentities"].items()
        ]

        assert first == f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
        assert not set(one.values()) & set(two.values())


async def test_every_app_has_a_system_identity_of_its_own() -> None:
    async with cloud() as it:
        bodies = [(await it.ask("PUT", path, {**app_body(), "identity": SYSTEM})).body for path in (APP, f"{APP}-2")]

        one, two = (body["identity"] for body in bodies)
        assert one["principalId"] != two["principalId"]
        assert one["tenantId"] == two["tenantId"]


async def test_an_app_that_gets_a_system_identity_again_gets_another_one() -> None:
    """Recorded in identity_system of March 2023 and of October 2024; it keeps the one it has."""
    async with cloud() as it:
        given = [(await put(it, identity)).body["identity"] for identity in (SYSTEM, BOTH, NONE, SYSTEM)]
        first, kept, _, again = (identity.get("principalId") for identity in given)

        assert first == kept != again
        assert given[0]["tenantId"] == given[3]["tenantId"]
