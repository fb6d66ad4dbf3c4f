"""Writes to an app: what is sent, that it is sent once, and what its failure means."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import ClientAuthenticationError

from cloud import container_apps
from cloud.arm import Arm
from cloud.container_apps import ContainerApps
from delivery.errors import Refused, Retry
from rollouts.decided import Activate, CreateCanary, Deactivate
from tests.cloud.fake_arm import (
    APP,
    CANARY,
    LATER,
    NEW,
    OLD,
    SECRET,
    SPLIT,
    SPLIT_ON_THE_WIRE,
    TO_SPLIT,
    azure,
    serve_app,
)
from tests.cloud.loopback import (
    CUT,
    SILENT,
    Answer,
    FakeCredential,
    Loopback,
    loopback,
    recorded,
    settings,
)
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from rollouts.decided import ArmWrite

EVERY_WRITE = [TO_SPLIT, CANARY, Activate(revision=NEW), Deactivate(revision=OLD)]
BUSY = {"code": "ContainerAppOperationInProgress", "message": SECRET}


async def test_traffic_is_one_patch_of_that_sub_tree_alone() -> None:
    async with azure() as (server, apps):
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        sent = await apps.send(APP, TO_SPLIT, LATER)

    assert [(a.method, a.path) for a in server.asked] == [("PATCH", APP)], "and nothing polls"
    assert server.asked[0].json == {"properties": {"configuration": {"ingress": {"traffic": SPLIT_ON_THE_WIRE}}}}
    assert sent.location == recorded("revision_label.json", 33).headers["location"]


async def test_a_canary_is_the_apps_template_with_our_image_and_suffix() -> None:
    async with azure() as (server, apps):
        serve_app(server)
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        await apps.send(APP, CANARY, LATER)

    template = recorded("revision_label.json", 28).body["properties"]["template"]  # type: ignore[index]
    wanted = template | {
        "revisionSuffix": "wb1-abcdef",
        "containers": [
            {"image": CANARY.image, "name": "containerapp000002", "resources": {"cpu": 0.5, "memory": "1Gi"}}
        ],
    }
    assert [a.method for a in server.asked] == ["GET", "PATCH"]
    assert server.asked[1].json == {"properties": {"template": wanted}}


async def test_a_canary_comes_with_the_traffic_that_pins_stable() -> None:
    async with azure() as (server, apps):
        serve_app(server)
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        await apps.send(APP, CreateCanary(container="", image="i", suffix="s", traffic=SPLIT), LATER)

    properties = server.asked[1].json["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == {"template", "configuration"}
    assert properties["configuration"] == {"ingress": {"traffic": SPLIT_ON_THE_WIRE}}


async def test_a_template_that_took_too_long_to_read_lets_nothing_be_sent() -> None:
    async with azure() as (server, apps):
        serve_app(server)

        with pytest.raises(Retry) as raised:
            await apps.send(APP, CANARY, FakeClock().now())

        assert not raised.value.lost
    assert [asked.method for asked in server.asked] == ["GET"]


async def test_secrets_are_never_sent_back() -> None:
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", recorded("secrets.json", 45))
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        await apps.send(APP, CANARY, LATER)

    assert b"fakemysecret" not in server.asked[1].body
    assert b"secrets" not in server.asked[1].body


@pytest.mark.parametrize("write", [Activate(revision=NEW), Deactivate(revision=NEW)])
async def test_activating_is_one_post_that_is_done_at_once(write: ArmWrite) -> None:
    act = type(write).__name__.lower()
    async with azure() as (server, apps):
        server.on("POST", f"/revisions/{NEW}/{act}", recorded("scale_revision_copy.json", 23))

        sent = await apps.send(APP, write, LATER)

    assert sent.location == ""
    assert [a.path for a in server.asked] == [f"{APP}/revisions/{NEW}/{act}"]


def broken(server: Loopback, answer: Answer) -> None:
    serve_app(server)
    for method in ("PATCH", "POST"):
        server.on(method, "", answer)


@pytest.mark.parametrize("write", EVERY_WRITE, ids=lambda w: type(w).__name__)
@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (Answer(500, {"error": {"code": "InternalServerError", "message": SECRET}}), True),
        (Answer(503, b"busy", {"Retry-After": "3"}), True),
        (Answer(409, BUSY), False),
        (Answer(429, {"error": BUSY}, {"Retry-After": "3"}), False),
        (CUT, True),
    ],
    ids=["500", "503", "409", "429", "cut"],
)
async def test_a_write_is_sent_once_whatever_happens(write: ArmWrite, answer: Answer, *, lost: bool) -> None:
    async with azure() as (server, apps):
        broken(server, answer)

        with pytest.raises(Retry) as caught:
            await apps.send(APP, write, LATER)

    assert len([a for a in server.asked if a.method != "GET"]) == 1
    assert caught.value.lost is lost
    assert caught.value.after == (timedelta(seconds=3) if answer.headers else None)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("write", EVERY_WRITE, ids=lambda w: type(w).__name__)
async def test_a_write_without_an_answer_may_yet_take_effect(write: ArmWrite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_apps, "WRITE_WITHIN", 0.5)
    async with azure() as (server, apps):
        broken(server, SILENT)

        with pytest.raises(Retry, match=r"expected an answer in time") as caught:
            await apps.send(APP, write, LATER)

    assert caught.value.lost


@pytest.mark.parametrize("write", EVERY_WRITE, ids=lambda w: type(w).__name__)
async def test_a_definite_no_is_refused(write: ArmWrite) -> None:
    async with azure() as (server, apps):
        broken(server, Answer(403, {"error": {"code": "AuthorizationFailed", "message": SECRET}}))

        with pytest.raises(Refused, match=r"403 AuthorizationFailed$") as caught:
            await apps.send(APP, write, LATER)

    assert caught.value.status == 403


async def test_a_missing_provider_is_not_registered_behind_our_back() -> None:
    async with azure() as (server, apps):
        broken(
            server, Answer(409, {"error": {"code": "MissingSubscriptionRegistration", "message": "'Microsoft.App'"}})
        )

        with pytest.raises(Retry):
            await apps.send(APP, TO_SPLIT, LATER)

    assert [a.method for a in server.asked] == ["PATCH"]


async def test_a_redirect_is_not_followed_with_a_write() -> None:
    async with azure() as (server, apps), loopback() as stranger:
        broken(server, Answer(307, None, {"Location": f"{stranger.url}/x"}))

        with pytest.raises(Refused):
            await apps.send(APP, TO_SPLIT, LATER)

    assert (len(server.asked), stranger.asked) == (1, [])


async def test_a_template_that_cannot_be_read_has_sent_nothing() -> None:
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", Answer(503))

        with pytest.raises(Retry) as caught:
            await apps.send(APP, CANARY, LATER)

    assert not caught.value.lost
    assert [a.method for a in server.asked] == ["GET"]


async def test_no_token_means_that_nothing_was_sent() -> None:
    credential = FakeCredential(ClientAuthenticationError(SECRET))
    async with azure(credential) as (server, apps):
        with pytest.raises(Retry, match=r"expected a token, found ClientAuthenticationError$") as caught:
            await apps.send(APP, TO_SPLIT, LATER)

    assert not caught.value.lost
    assert server.asked == []


async def test_nobody_listening_means_that_nothing_was_sent() -> None:
    async with loopback() as server:
        arm = Arm(settings(arm=server.url), FakeCredential)
        apps = ContainerApps(arm, FakeClock())
    with pytest.raises(Retry, match=r"found no connection") as caught:
        await apps.send(APP, TO_SPLIT, LATER)
    await arm.close()

    assert not caught.value.lost


async def test_a_stranger_in_azures_place_gets_no_token() -> None:
    async with loopback() as server:
        arm = Arm(settings(arm=server.url, ca_file=""), FakeCredential)
        with pytest.raises(Retry, match=r"ClientConnectorCertificateError"):
            await ContainerApps(arm, FakeClock()).look(APP)
        await arm.close()

    assert server.asked == []


async def test_accepted_without_an_address_to_poll_is_in_doubt() -> None:
    async with azure() as (server, apps):
        server.on("PATCH", "", Answer(202))

        with pytest.raises(Retry, match=r"found 202 without one") as caught:
            await apps.send(APP, TO_SPLIT, LATER)

    assert caught.value.lost
