"""The shapes of Container Apps, read and written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud import app_shape
from delivery.errors import Refused, Retry
from rollouts.decided import CreateCanary
from rollouts.seen import OperationState, TrafficEntry
from tests.cloud.fake_arm import NEW, OLD
from tests.cloud.loopback import (
    RECORDINGS,
    recorded,
)
from tests.fakes.clock import START


def test_a_crash_loop_is_read_as_recorded() -> None:
    body = recorded("crash_loop.json", 66).body
    assert isinstance(body, dict)

    seen = app_shape.revision_seen(body)

    assert (seen.provisioning, seen.health, seen.running) == ("Failed", "Unhealthy", "")
    assert (seen.details, seen.floor) == ("Failed:capp000002ContainerCrashing", 1)


def test_a_failed_pull_and_what_stands_beside_it_are_read_as_saved() -> None:
    file = json.loads((RECORDINGS / "failed_pull.json").read_text(encoding="utf-8"))

    *_, fine, failed = map(app_shape.revision_seen, file["value"])

    assert (fine.running, fine.active) == ("RunningAtMaxScale", True)
    assert (failed.provisioning, failed.running) == ("Failed", "Failed")
    assert failed.details == "1/1 Pending:ImagePullBackOff on legion"


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_states_nobody_published_pass_through(provisioning: str, health: str, running: str) -> None:
    props = {"provisioningState": provisioning, "healthState": health, "runningState": running}

    seen = app_shape.revision_seen({"name": "r", "properties": props})

    assert (seen.provisioning, seen.health, seen.running) == (provisioning, health, running)


@pytest.mark.parametrize("weight", ["50", 50, 50.0, "50.0"])
def test_weights_may_come_as_strings(weight: object) -> None:
    body = {"properties": {"configuration": {"ingress": {"traffic": [{"revisionName": OLD, "weight": weight}]}}}}

    assert app_shape.app_seen(body, [], START).traffic == (TrafficEntry(weight=50, revision=OLD),)


@pytest.mark.parametrize(("ingress", "fqdn"), [({"external": True}, "web--1.azurecontainerapps.io"), (None, "")])
def test_a_revision_has_an_address_only_with_ingress_whatever_azure_tells(ingress: object, fqdn: str) -> None:
    """Recorded by the Azure CLI's test_containerapp_exec: with `ingress` null a revision tells a host all the same."""
    revision = {"name": "web--1", "properties": {"fqdn": "web--1.azurecontainerapps.io"}}
    body = {"properties": {"configuration": {"ingress": ingress}}}

    assert [one.fqdn for one in app_shape.app_seen(body, [revision], START).revisions] == [fqdn]


@pytest.mark.parametrize("ingress", [{}, {"transport": "Auto", "stickySessions": {"affinity": "none"}}, None])
def test_an_ingress_of_http_without_sessions_is_plain(ingress: object) -> None:
    seen = app_shape.app_seen({"properties": {"configuration": {"ingress": ingress}}}, [], START)

    assert (seen.tcp, seen.sticky) == (False, False)


def test_tcp_and_sticky_sessions_are_read_in_any_case() -> None:
    ingress = {"transport": "Tcp", "stickySessions": {"affinity": "Sticky"}}
    seen = app_shape.app_seen({"properties": {"configuration": {"ingress": ingress}}}, [], START)

    assert (seen.tcp, seen.sticky) == (True, True)


def test_a_weight_that_is_no_number_is_not_read_as_nothing() -> None:
    body = {"properties": {"configuration": {"ingress": {"traffic": [{"revisionName": OLD, "weight": "half"}]}}}}

    with pytest.raises(Retry, match="expected a number, found 'half'"):
        app_shape.app_seen(body, [], START)


def test_labels_and_duplicates_keep_their_order() -> None:
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
                        "provisioningState",
                        "status",
                        "error",
                        "message",
                        "restartCount",
                    ]
                ),
                x,
            )
        ),
    )
)
def test_no_shape_of_body_breaks_the_reading(body: object) -> None:
    body = body if isinstance(body, dict) else {"properties": body}

    assert app_shape.app_seen(body, [body], START).at == START
    assert isinstance(app_shape.restarts({"value": [body]}), int)
    assert app_shape.operation_seen(200, body).state in OperationState


SIDECARS = {
    "containers": [
        {"name": "web", "image": "old", "resources": {"cpu": 1, "ephemeralStorage": "4Gi"}},
        {"name": "log", "image": "side", "resources": None},
    ],
    "initContainers": [{"name": "init", "image": "i", "resources": {"cpu": 1, "ephemeralStorage": "4Gi"}}],
    "scale": {"minReplicas": 2, "rules": [{"name": "http", "somethingNew": [1]}]},
}


def test_sidecars_scale_and_what_we_do_not_know_stay_as_they_are() -> None:
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
def test_a_container_that_cannot_be_told_is_refused_with_those_there_are(name: str, wanted: str) -> None:
    write = CreateCanary(container=name, image="new", suffix="s", traffic=())

    with pytest.raises(Refused, match=f"expected {wanted}, found web, log; nothing was sent"):
        app_shape.canary_patch(SIDECARS, write)


@pytest.mark.parametrize("entry", [TrafficEntry(weight=100, latest=True, revision=NEW), TrafficEntry(weight=100)])
def test_latest_revision_is_never_written(entry: TrafficEntry) -> None:
    with pytest.raises(Refused, match="nothing was sent"):
        app_shape.traffic_patch([entry])
