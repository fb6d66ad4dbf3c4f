"""Container Apps against a server that answers with what Azure was recorded to answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given
from hypothesis import strategies as st

from cloud import app_shape, container_apps
from cloud.arm import Arm
from cloud.container_apps import ContainerApps
from delivery.errors import Refused, Retry
from rollouts.model import (
    Activate,
    CreateCanary,
    Deactivate,
    OperationState,
    SetTraffic,
    TrafficEntry,
)
from tests.cloud.loopback import (
    CUT,
    RECORDINGS,
    SILENT,
    TOKEN,
    Answer,
    FakeCredential,
    Loopback,
    loopback,
    recorded,
    settings,
)
from tests.fakes.clock import START, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/clitest.rg000001"
APP = f"{GROUP}/providers/Microsoft.App/containerApps/containerapp000002"
OLD, NEW = "containerapp000002--lp9udzp", "containerapp000002--ahq4i6h"
SPLIT = (TrafficEntry(revision=OLD, weight=90, label="blue"), TrafficEntry(revision=NEW, weight=10))
SPLIT_ON_THE_WIRE = [{"revisionName": OLD, "weight": 90, "label": "blue"}, {"revisionName": NEW, "weight": 10}]
CANARY = CreateCanary(container="", image="contoso.azurecr.io/web@sha256:ab", suffix="wb1-abcdef", traffic=())
EVERY_WRITE = [SetTraffic(traffic=SPLIT), CANARY, Activate(revision=NEW), Deactivate(revision=OLD)]
SECRET = "Password=hunter2"
BUSY = {"code": "ContainerAppOperationInProgress", "message": SECRET}


@asynccontextmanager
async def azure(credential: FakeCredential | None = None) -> AsyncIterator[tuple[Loopback, ContainerApps]]:
    async with loopback() as server:
        used = credential or FakeCredential()
        arm = Arm(settings(arm=server.url), lambda: used)
        try:
            yield server, ContainerApps(arm, FakeClock())
        finally:
            await arm.close()


def serve_app(server: Loopback, **changed: object) -> None:
    app = recorded("revision_label.json", 28).body
    assert isinstance(app, dict)
    app["properties"] |= changed
    server.on("GET", "/containerapp000002", Answer(200, app))
    server.on("GET", "/revisions", recorded("revision_label.json", 29))


# ---- looking -----------------------------------------------------------------------------------


async def test_a_look_is_two_gets_and_reads_what_was_recorded():
    async with azure() as (server, apps):
        serve_app(server)

        seen = await apps.look(APP)

    assert sorted(a.path for a in server.asked) == [APP, f"{APP}/revisions"]
    assert all(a.headers["Authorization"] == f"Bearer {TOKEN}" for a in server.asked)
    assert all("api-version=2026-07-01" in a.target for a in server.asked)
    assert (seen.at, seen.multiple, seen.provisioning, seen.ingress) == (START, True, "Succeeded", True)
    assert seen.traffic == (TrafficEntry(weight=100, latest=True),)
    assert seen.latest_ready == NEW
    assert seen.fqdn == "containerapp000002.whitebeach-63bf60a5.eastus.azurecontainerapps.io"
    assert seen.images == {"containerapp000002": "nginx"}
    assert seen.location == "East US"
    assert seen.environment.endswith("/managedEnvironments/env-eastus")
    assert [r.name for r in seen.revisions] == [OLD, NEW]


async def test_a_revision_is_read_as_recorded():
    async with azure() as (server, apps):
        serve_app(server)

        newest = (await apps.look(APP)).revisions[-1]

    assert newest.active
    assert (newest.provisioning, newest.health, newest.running) == ("Provisioned", "Healthy", "Running")
    assert (newest.replicas, newest.floor, newest.restarts) == (2, 0, None)
    assert newest.images == {"containerapp000002": "nginx"}
    assert newest.fqdn.startswith(f"{NEW}.whitebeach")
    assert newest.created_at == datetime(2024, 4, 18, 2, 58, 14, tzinfo=UTC)


async def test_both_gets_are_under_way_at_once():
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", SILENT)
        server.on("GET", "/revisions", SILENT)
        look = asyncio.create_task(apps.look(APP))
        async with asyncio.timeout(10):
            while len(server.asked) < 2:
                await asyncio.sleep(0.01)
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look


async def test_ids_and_the_mode_are_read_in_any_casing():
    async with azure() as (server, apps):
        server.on(
            "GET",
            "/containerapp000002",
            Answer(200, {"properties": {"configuration": {"activeRevisionsMode": "MULTIPLE"}}}),
        )
        server.on("GET", "/revisions", recorded("revision_label.json", 29))

        seen = await apps.look(APP.lower())

    assert seen.multiple
    assert seen.revision(NEW.upper()) is not None


async def test_an_app_without_ingress_says_so():
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", recorded("ingress_off.json", 22))
        server.on("GET", "/revisions", Answer(200, {"value": []}))

        seen = await apps.look(APP)

    assert (seen.ingress, seen.fqdn, seen.traffic) == (False, "", ())


async def test_revisions_fill_more_than_one_page():
    async with azure() as (server, apps):
        both = recorded("revision_label.json", 29).body
        assert isinstance(both, dict)
        server.on("GET", "/containerapp000002", recorded("revision_label.json", 28))
        server.on(
            "GET",
            "/revisions",
            Answer(200, {"value": both["value"][1:], "nextLink": f"{server.url}{APP}/revisions?page=2"}),
            Answer(200, {"value": both["value"][:1]}),
        )

        seen = await apps.look(APP)

    assert [r.name for r in seen.revisions] == [OLD, NEW], "oldest first, whatever the pages"


async def test_a_next_page_on_another_host_gets_no_token():
    async with azure() as (server, apps), loopback() as stranger:
        server.on("GET", "/containerapp000002", recorded("revision_label.json", 28))
        server.on("GET", "/revisions", Answer(200, {"value": [], "nextLink": f"{stranger.url}/next"}))

        with pytest.raises(Refused, match="expected an address on 127"):
            await apps.look(APP)

    assert stranger.asked == []


async def test_a_missing_app_is_refused_with_404():
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", recorded("secrets.json", 3))
        server.on("GET", "/revisions", recorded("secrets.json", 3))

        with pytest.raises(
            Refused, match=r"clitest.rg000001/containerapp000002: read: .* 404 ResourceNotFound$"
        ) as caught:
            await apps.look(APP)

    assert caught.value.status == 404


async def test_what_is_no_app_id_is_refused_before_anything_is_sent():
    async with azure() as (server, apps):
        with pytest.raises(Refused, match="expected /subscriptions/"):
            await apps.look("/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j")

    assert server.asked == []


@pytest.mark.parametrize("answer", [Answer(200, b"<html>a proxy</html>"), CUT, Answer(429, {}, {"Retry-After": "9"})])
async def test_a_look_that_fails_is_retried_by_nobody_here(answer):
    async with azure() as (server, apps):
        server.on("GET", "/revisions", recorded("revision_label.json", 29))
        server.on("GET", "/containerapp000002", answer)

        with pytest.raises(Retry) as caught:
            await apps.look(APP)

    assert not caught.value.lost
    assert caught.value.after in (None, timedelta(seconds=9))
    assert "a proxy" not in str(caught.value)


async def test_a_look_ends_although_azure_never_answers(monkeypatch):
    monkeypatch.setattr(container_apps, "READ_WITHIN", 0.2)
    async with azure() as (server, apps):
        server.on("GET", "", SILENT)

        with pytest.raises(Retry, match="expected an answer in time"):
            await apps.look(APP)


async def test_connections_are_kept_between_looks_although_a_ca_file_is_set():
    async with azure() as (server, apps):
        serve_app(server)
        for _ in range(5):
            await apps.look(APP)

    assert len(server.asked) == 10
    assert len(server.connections) == 2


async def test_restarts_are_summed_over_the_replicas_containers():
    async with azure() as (server, apps):
        crashed = recorded("crash_loop.json", 65).body
        assert isinstance(crashed, dict)
        server.on("GET", f"/revisions/{NEW}/replicas", Answer(200, {"value": crashed["value"] * 2}))

        assert await apps.restarts(APP, NEW) == 4

    assert len(server.asked) == 1


# ---- shapes ------------------------------------------------------------------------------------


def test_a_crash_loop_is_read_as_recorded():
    body = recorded("crash_loop.json", 66).body
    assert isinstance(body, dict)

    seen = app_shape.revision_seen(body)

    assert (seen.provisioning, seen.health, seen.running) == ("Failed", "Unhealthy", "")
    assert (seen.details, seen.floor) == ("Failed:capp000002ContainerCrashing", 1)


def test_a_failed_pull_and_what_stands_beside_it_are_read_as_saved():
    file = json.loads((RECORDINGS / "failed_pull.json").read_text(encoding="utf-8"))

    *_, fine, failed = map(app_shape.revision_seen, file["value"])

    assert (fine.running, fine.active) == ("RunningAtMaxScale", True)
    assert (failed.provisioning, failed.running) == ("Failed", "Failed")
    assert failed.details == "1/1 Pending:ImagePullBackOff on legion"


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_states_nobody_published_pass_through(provisioning, health, running):
    props = {"provisioningState": provisioning, "healthState": health, "runningState": running}

    seen = app_shape.revision_seen({"name": "r", "properties": props})

    assert (seen.provisioning, seen.health, seen.running) == (provisioning, health, running)


@pytest.mark.parametrize("weight", ["50", 50, 50.0])
def test_weights_may_come_as_strings(weight):
    body = {"properties": {"configuration": {"ingress": {"traffic": [{"revisionName": OLD, "weight": weight}]}}}}

    assert app_shape.app_seen(body, [], START).traffic == (TrafficEntry(weight=50, revision=OLD),)


def test_a_weight_that_is_no_number_is_not_read_as_nothing():
    body = {"properties": {"configuration": {"ingress": {"traffic": [{"revisionName": OLD, "weight": "half"}]}}}}

    with pytest.raises(Retry, match="expected a number, found 'half'"):
        app_shape.app_seen(body, [], START)


def test_labels_and_duplicates_keep_their_order():
    body = recorded("revision_label.json", 50).body
    assert isinstance(body, dict)

    assert app_shape.app_seen(body, [], START).traffic == (
        TrafficEntry(weight=50, latest=True),
        TrafficEntry(weight=25, revision=OLD, label="label000003"),
        TrafficEntry(weight=25, revision=NEW, label="label000004"),
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "properties",
                        "template",
                        "containers",
                        "configuration",
                        "ingress",
                        "traffic",
                        "scale",
                        "name",
                        "createdTime",
                    ]
                ),
                x,
            )
        ),
    )
)
def test_no_shape_of_body_breaks_the_reading(body):
    body = body if isinstance(body, dict) else {"properties": body}

    app_shape.app_seen(body, [body], START)
    app_shape.restarts({"value": [body]})
    app_shape.operation_seen(200, body)


# ---- writing -----------------------------------------------------------------------------------


async def test_traffic_is_one_patch_of_that_sub_tree_alone():
    async with azure() as (server, apps):
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        sent = await apps.send(APP, SetTraffic(traffic=SPLIT))

    assert [(a.method, a.path) for a in server.asked] == [("PATCH", APP)], "and nothing polls"
    assert server.asked[0].json == {"properties": {"configuration": {"ingress": {"traffic": SPLIT_ON_THE_WIRE}}}}
    assert sent.location == recorded("revision_label.json", 33).headers["location"]


async def test_a_canary_is_the_apps_template_with_our_image_and_suffix():
    async with azure() as (server, apps):
        serve_app(server)
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        await apps.send(APP, CANARY)

    template = recorded("revision_label.json", 28).body["properties"]["template"]  # type: ignore[index]
    wanted = template | {
        "revisionSuffix": "wb1-abcdef",
        "containers": [
            {"image": CANARY.image, "name": "containerapp000002", "resources": {"cpu": 0.5, "memory": "1Gi"}}
        ],
    }
    assert [a.method for a in server.asked] == ["GET", "PATCH"]
    assert server.asked[1].json == {"properties": {"template": wanted}}


async def test_a_canary_comes_with_the_traffic_that_pins_stable():
    async with azure() as (server, apps):
        serve_app(server)
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        await apps.send(APP, CreateCanary(container="", image="i", suffix="s", traffic=SPLIT))

    properties = server.asked[1].json["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == {"template", "configuration"}
    assert properties["configuration"] == {"ingress": {"traffic": SPLIT_ON_THE_WIRE}}


async def test_secrets_are_never_sent_back():
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", recorded("secrets.json", 45))
        server.on("PATCH", "/containerapp000002", recorded("revision_label.json", 33))

        await apps.send(APP, CANARY)

    assert b"fakemysecret" not in server.asked[1].body
    assert b"secrets" not in server.asked[1].body


SIDECARS = {
    "containers": [
        {"name": "web", "image": "old", "resources": {"cpu": 1, "ephemeralStorage": "4Gi"}},
        {"name": "log", "image": "side", "resources": None},
    ],
    "initContainers": [{"name": "init", "image": "i", "resources": {"cpu": 1, "ephemeralStorage": "4Gi"}}],
    "scale": {"minReplicas": 2, "rules": [{"name": "http", "somethingNew": [1]}]},
}


def test_sidecars_scale_and_what_we_do_not_know_stay_as_they_are():
    patch = app_shape.canary_patch(SIDECARS, CreateCanary(container="web", image="new", suffix="s", traffic=()))

    assert patch == {
        "template": {
            "containers": [
                {"name": "web", "image": "new", "resources": {"cpu": 1}},
                {"name": "log", "image": "side", "resources": None},
            ],
            "initContainers": [{"name": "init", "image": "i", "resources": {"cpu": 1}}],
            "scale": {"minReplicas": 2, "rules": [{"name": "http", "somethingNew": [1]}]},
            "revisionSuffix": "s",
        }
    }
    assert SIDECARS["containers"][0]["image"] == "old", "what was read is not changed"  # type: ignore[index]


@pytest.mark.parametrize(("name", "wanted"), [("", "exactly one"), ("api", "api")])
def test_a_container_that_cannot_be_told_is_refused_with_those_there_are(name, wanted):
    write = CreateCanary(container=name, image="new", suffix="s", traffic=())

    with pytest.raises(Refused, match=f"expected {wanted}, found web, log; nothing was sent"):
        app_shape.canary_patch(SIDECARS, write)


@pytest.mark.parametrize("entry", [TrafficEntry(weight=100, latest=True), TrafficEntry(weight=100)])
def test_latest_revision_is_never_written(entry):
    with pytest.raises(Refused, match="nothing was sent"):
        app_shape.traffic_patch([entry])


@pytest.mark.parametrize("write", [Activate(revision=NEW), Deactivate(revision=NEW)])
async def test_activating_is_one_post_that_is_done_at_once(write):
    act = type(write).__name__.lower()
    async with azure() as (server, apps):
        server.on("POST", f"/revisions/{NEW}/{act}", recorded("scale_revision_copy.json", 23))

        sent = await apps.send(APP, write)

    assert sent.location == ""
    assert [a.path for a in server.asked] == [f"{APP}/revisions/{NEW}/{act}"]


# ---- writes that fail --------------------------------------------------------------------------


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
async def test_a_write_is_sent_once_whatever_happens(write, answer, lost):
    async with azure() as (server, apps):
        broken(server, answer)

        with pytest.raises(Retry) as caught:
            await apps.send(APP, write)

    assert len([a for a in server.asked if a.method != "GET"]) == 1
    assert caught.value.lost is lost
    assert caught.value.after == (timedelta(seconds=3) if answer.headers else None)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("write", EVERY_WRITE, ids=lambda w: type(w).__name__)
async def test_a_write_without_an_answer_may_yet_take_effect(write, monkeypatch):
    monkeypatch.setattr(container_apps, "WRITE_WITHIN", 0.5)
    async with azure() as (server, apps):
        broken(server, SILENT)

        with pytest.raises(Retry, match="expected an answer in time") as caught:
            await apps.send(APP, write)

    assert caught.value.lost


@pytest.mark.parametrize("write", EVERY_WRITE, ids=lambda w: type(w).__name__)
async def test_a_definite_no_is_refused(write):
    async with azure() as (server, apps):
        broken(server, Answer(403, {"error": {"code": "AuthorizationFailed", "message": SECRET}}))

        with pytest.raises(Refused, match="403 AuthorizationFailed$") as caught:
            await apps.send(APP, write)

    assert caught.value.status == 403


async def test_a_missing_provider_is_not_registered_behind_our_back():
    async with azure() as (server, apps):
        broken(
            server, Answer(409, {"error": {"code": "MissingSubscriptionRegistration", "message": "'Microsoft.App'"}})
        )

        with pytest.raises(Retry):
            await apps.send(APP, SetTraffic(traffic=SPLIT))

    assert [a.method for a in server.asked] == ["PATCH"]


async def test_a_redirect_is_not_followed_with_a_write():
    async with azure() as (server, apps), loopback() as stranger:
        broken(server, Answer(307, None, {"Location": f"{stranger.url}/x"}))

        with pytest.raises(Refused):
            await apps.send(APP, SetTraffic(traffic=SPLIT))

    assert (len(server.asked), stranger.asked) == (1, [])


async def test_a_template_that_cannot_be_read_has_sent_nothing():
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", Answer(503))

        with pytest.raises(Retry) as caught:
            await apps.send(APP, CANARY)

    assert not caught.value.lost
    assert [a.method for a in server.asked] == ["GET"]


async def test_no_token_means_that_nothing_was_sent():
    credential = FakeCredential(ClientAuthenticationError(SECRET))
    async with azure(credential) as (server, apps):
        with pytest.raises(Retry, match="expected a token, found ClientAuthenticationError$") as caught:
            await apps.send(APP, SetTraffic(traffic=SPLIT))

    assert not caught.value.lost
    assert server.asked == []


async def test_nobody_listening_means_that_nothing_was_sent():
    async with loopback() as server:
        arm = Arm(settings(arm=server.url), FakeCredential)
        apps = ContainerApps(arm, FakeClock())
    with pytest.raises(Retry, match="found no connection") as caught:
        await apps.send(APP, SetTraffic(traffic=SPLIT))
    await arm.close()

    assert not caught.value.lost


async def test_a_stranger_in_azures_place_gets_no_token():
    async with loopback() as server:
        arm = Arm(settings(arm=server.url, ca_file=""), FakeCredential)
        with pytest.raises(Retry, match="ClientConnectorCertificateError"):
            await ContainerApps(arm, FakeClock()).look(APP)
        await arm.close()

    assert server.asked == []


async def test_accepted_without_an_address_to_poll_is_in_doubt():
    async with azure() as (server, apps):
        server.on("PATCH", "", Answer(202))

        with pytest.raises(Retry, match="found 202 without one") as caught:
            await apps.send(APP, SetTraffic(traffic=SPLIT))

    assert caught.value.lost


# ---- operations --------------------------------------------------------------------------------

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
async def test_every_end_of_an_operation_is_told_apart(answer, state, error):
    async with azure() as (server, apps):
        server.on("GET", "", answer)

        seen = await apps.operation(server.url + SIGNED)

    assert (seen.state, seen.error) == (state, error)
    assert len(server.asked) == 1


async def test_a_signed_address_is_asked_as_it_was_given():
    signed = SIGNED + "&t=638490000000000000&c=" + "MIIHpTCCBo2gAwIBAgITfwUPsg-_" * 180 + "&s=a-_%3D&h=x~y%2Bz%2F"
    async with azure() as (server, apps):
        server.on("GET", "", Answer(202))

        await apps.operation(server.url + signed)

    assert server.asked[0].target == signed
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "change",
    [
        lambda url, other: other,
        lambda url, other: url.replace("https://127.0.0.1", "https://localhost"),
        lambda url, other: url.replace("https://", "http://"),
        lambda url, other: url.replace("https://", "https://management.azure.com@"),
        lambda url, other: f"{url}@{other.removeprefix('https://')}",
        lambda url, other: "/relative",
    ],
)
async def test_a_token_stays_on_the_arm_host(change):
    async with azure() as (server, apps), loopback() as stranger:
        address = change(server.url, stranger.url) + SIGNED
        with pytest.raises(Refused):
            await apps.operation(address)

    assert (server.asked, stranger.asked) == ([], [])


async def test_an_operation_that_cannot_be_asked_is_asked_again_later():
    async with azure() as (server, apps):
        server.on("GET", "", Answer(500, {"error": {"code": "InternalServerError", "message": SECRET}}))

        with pytest.raises(Retry, match="500 InternalServerError$"):
            await apps.operation(server.url + SIGNED)


async def test_azures_own_status_address_is_preferred_where_both_are_given():
    async with azure() as (server, apps):
        server.on(
            "PATCH",
            "",
            Answer(202, None, {"Location": "https://a/results", "Azure-AsyncOperation": "https://a/statuses"}),
        )

        assert (await apps.send(APP, SetTraffic(traffic=SPLIT))).location == "https://a/statuses"
