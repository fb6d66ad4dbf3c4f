"""Identities of an app, and what a PUT that gives it one is answered."""

from __future__ import annotations

from typing import Any

import pytest

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


async def test_a_put_that_gives_an_identity_is_answered_with_what_was_read() -> None:
    """Recorded in create_with_yaml, for a new app, and in identity_system, for one that was there."""
    async with cloud() as it:
        for identity in (SYSTEM, BOTH):
            properties = (await put(it, identity)).body["properties"]

            assert FOUND_OUT & set(properties) == set()
            assert properties["provisioningState"] == "InProgress"
            ingress = properties["configuration"]["ingress"]
            assert (ingress["fqdn"], ingress["exposedPort"]) == (None, None)
            assert properties["configuration"]["secrets"] == []


async def test_a_put_that_keeps_or_takes_an_identity_is_answered_like_any_other() -> None:
    """Recorded in identity_e2e."""
    async with cloud() as it:
        await put(it, BOTH)
        for identity in (BOTH, SYSTEM, NONE):
            answer = await put(it, identity)

            assert set(answer.body["properties"]) >= FOUND_OUT
            assert answer.body["identity"]["type"] == identity["type"]
            assert answer.body["properties"]["configuration"]["secrets"] is None
