"""How an operation went, asked at the address Azure gave."""

from __future__ import annotations

import pytest

from delivery.errors import Refused, Retry
from rollouts.seen import OperationState
from tests.cloud.fake_arm import APP, LATER, SECRET, TO_SPLIT, azure
from tests.cloud.loopback import (
    TOKEN,
    Answer,
    loopback,
    recorded,
)

SIGNED = (
    "/subscriptions/s/providers/Microsoft.App/locations/eastus/containerappOperationResults/1?api-version=2026-07-01"
)
FAILED = {
    "id": "/subscriptions/s",
    "name": "1",
    "status": "Failed",
    "error": {"code": "ContainerAppOperationError", "message": "Failed to provision revision for container app 'x'."},
    "startTime": "2024-08-29T02:52:45.1333427",
}


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        (recorded("revision_label.json", 34), OperationState.RUNNING, ""),
        (recorded("revision_label.json", 35), OperationState.SUCCEEDED, ""),
        (Answer(204), OperationState.SUCCEEDED, ""),
        (Answer(200, {"status": "InProgress"}), OperationState.RUNNING, ""),
        (Answer(200, {"status": "SomethingNew"}), OperationState.RUNNING, ""),
        (Answer(200, {"status": "Succeeded"}), OperationState.SUCCEEDED, ""),
        (Answer(200, FAILED), OperationState.FAILED, f"ContainerAppOperationError: {FAILED['error']['message']}"),  # type: ignore[index]
        (Answer(200, {"status": "Canceled", "error": None}), OperationState.FAILED, "canceled"),
        (Answer(200, {"properties": {"provisioningState": "Failed"}}), OperationState.FAILED, "failed"),
        (Answer(403, {"error": {"code": "AuthorizationFailed"}}), OperationState.UNKNOWN, ""),
        (Answer(404), OperationState.UNKNOWN, ""),
    ],
)
async def test_every_end_of_an_operation_is_told_apart(answer: Answer, state: OperationState, error: str) -> None:
    async with azure() as (server, apps):
        server.on("GET", "", answer)

        seen = await apps.operation(server.url + SIGNED)

    assert (seen.state, seen.error) == (state, error)
    assert len(server.asked) == 1


async def test_a_signed_address_is_asked_as_it_was_given() -> None:
    signed = SIGNED + "&t=638490000000000000&c=" + "MIIHpTCCBo2gAwIBAgITfwUPsg-_" * 180 + "&s=a-_%3D&h=x~y%2Bz%2F"
    async with azure() as (server, apps):
        server.on("GET", "", Answer(202))

        await apps.operation(server.url + signed)

    assert server.asked[0].target == signed
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "address",
    [
        "{stranger}",
        "https://localhost:{port}",
        "http://127.0.0.1:{port}",
        "https://127.0.0.1",
        "https://127.0.0.1:x",
        "https://someone@127.0.0.1:{port}",
        "{home}@{stranger_host}",
        "/relative",
    ],
)
async def test_a_token_stays_on_the_arm_host(address: str) -> None:
    async with azure() as (server, apps), loopback() as stranger:
        port, host = server.url.rpartition(":")[2], stranger.url.removeprefix("https://")
        odd = address.format(stranger=stranger.url, home=server.url, port=port, stranger_host=host)

        with pytest.raises(Refused):
            await apps.operation(odd + SIGNED)

    assert (server.asked, stranger.asked) == ([], [])


async def test_an_operation_that_cannot_be_asked_is_asked_again_later() -> None:
    async with azure() as (server, apps):
        server.on("GET", "", Answer(500, {"error": {"code": "InternalServerError", "message": SECRET}}))

        with pytest.raises(Retry, match=r"500 InternalServerError$"):
            await apps.operation(server.url + SIGNED)


async def test_azures_own_status_address_is_preferred_where_both_are_given() -> None:
    async with azure() as (server, apps):
        server.on(
            "PATCH",
            "",
            Answer(202, None, {"Location": "https://a/results", "Azure-AsyncOperation": "https://a/statuses"}),
        )

        assert (await apps.send(APP, TO_SPLIT, LATER)).location == "https://a/statuses"
