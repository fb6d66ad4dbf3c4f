"""Events as Event Grid really sends them become evidence; anything else says where, what was expected, what found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from delivery.errors import Malformed
from handlers import decode

TOPIC = "/subscriptions/s/resourceGroups/jolov/providers/Microsoft.ContainerRegistry/registries/jolovcr"
DIGEST = "sha256:57a94fc99816c6aa225678b738ac40d85422e75dbb96115f1bb9b6ed77176166"
# The real capture in azure-rest-api-specs, Microsoft.ContainerRegistry 2018-01-01, image_pushed.json (MIT).
DATA: dict[str, Any] = {
    "id": "c25fdb80-ebbd-4dd0-a29c-a7349e6388f6",
    "timestamp": "2021-09-08T06:37:45.4681009Z",
    "action": "push",
    "location": "westus",
    "target": {
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "size": 1153,
        "digest": DIGEST,
        "length": 1153,
        "repository": "samples/nginx",
        "tag": "latest",
    },
    "request": {"id": "9f8f", "host": "jolovcr.azurecr.io", "method": "PUT", "useragent": "docker/20.10.7"},
}


def grid(**changes: Any) -> str:
    return json.dumps(
        {
            "id": DATA["id"],
            "topic": TOPIC,
            "subject": "samples/nginx:latest",
            "eventType": "Microsoft.ContainerRegistry.ImagePushed",
            "data": DATA,
            "dataVersion": "2.0",
            "metadataVersion": "1",
            "eventTime": "2021-09-08T06:37:45.6609948Z",
            **changes,
        }
    )


def cloud(**changes: Any) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": DATA["id"],
            "source": TOPIC,
            "type": "Microsoft.ContainerRegistry.ImagePushed",
            "subject": "samples/nginx:latest",
            "time": "2021-09-08T06:37:45.6609948Z",
            "data": DATA,
            **changes,
        }
    )


def target(**changes: Any) -> dict[str, Any]:
    return {**DATA, "target": {**DATA["target"], **changes}}


def test_both_schemas_of_the_real_capture_bring_the_same_evidence():
    push = decode.image_pushed(grid())
    assert push == decode.image_pushed(cloud())
    assert not isinstance(push, decode.Ignored)
    assert (push.registry, push.repository, push.tag) == ("jolovcr.azurecr.io", "samples/nginx", "latest")
    assert push.digest == DIGEST
    assert push.pushed_at.isoformat() == "2021-09-08T06:37:45.468100+00:00"
    assert push.location == "westus"


def test_the_login_server_is_the_registrys_name_and_not_the_replica_that_was_pushed_to():
    regional = {**DATA, "request": {"host": "jolovcr.westus.geo.azurecr.io"}}
    push = decode.image_pushed(grid(data=regional))
    assert not isinstance(push, decode.Ignored)
    assert push.registry == "jolovcr.azurecr.io"


def test_another_cloud_keeps_its_own_domain():
    push = decode.image_pushed(grid(data={**DATA, "request": {"host": "jolovcr.azurecr.cn"}}))
    assert not isinstance(push, decode.Ignored)
    assert push.registry == "jolovcr.azurecr.cn"


@pytest.mark.parametrize("host", ["jolovcr.azurecr.io/#", "jolovcr." + "x" * 600, "elsewhere.test", None, "\ud800"])
def test_a_host_that_is_none_of_a_registry_changes_nothing(host):
    push = decode.image_pushed(grid(data={**DATA, "request": {"host": host}}))
    assert not isinstance(push, decode.Ignored)
    assert push.registry == "jolovcr.azurecr.io"


def test_a_push_by_digest_has_no_tag():
    bare = {key: value for key, value in DATA["target"].items() if key != "tag"}
    push = decode.image_pushed(grid(data={**DATA, "target": bare}, subject="samples/nginx"))
    assert not isinstance(push, decode.Ignored)
    assert push.tag == ""


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (
            grid(eventType="Microsoft.ContainerRegistry.ImageDeleted"),
            "it is a Microsoft.ContainerRegistry.ImageDeleted",
        ),
        (grid(topic=f"{TOPIC}/connectedRegistries/edge1"), "connected registry"),
    ],
)
def test_what_is_none_of_our_business_is_ignored(text, because):
    found = decode.image_pushed(text)
    assert isinstance(found, decode.Ignored)
    assert because in found.because


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "event: expected JSON"),
        ("[" * 100_000, "event: expected JSON"),
        ("[1]", "event: body: expected one object, found 'list'"),
        ("{}", "event: data: expected an object, found None"),
        (grid(data=[]), "event: data: expected an object, found []"),
        (grid(topic="/subscriptions/s"), "event: topic: expected the resource id of a container registry"),
        (grid(topic=7), "event: topic: expected a text, found 7"),
        (grid(data={**DATA, "timestamp": "yesterday"}), "event: data.timestamp: expected an RFC 3339 time"),
        (grid(data={**DATA, "target": None}), "event: data.target: expected an object, found None"),
        (grid(data=target(tag="x" * 129)), "event: data.target.tag: expected a tag of at most 128 characters"),
        (grid(data=target(tag="a/b")), "event: data.target.tag: expected a tag"),
        (
            grid(data=target(repository="Shop/Web")),
            "event: data.target.repository: expected a repository in lower case",
        ),
        (grid(data=target(repository="a//b")), "event: data.target.repository"),
        (grid(data=target(repository="a" * 256)), "event: data.target.repository"),
        (grid(data=target(mediaType="m" * 256)), "event: data.target.mediaType: expected a media type of at most 255"),
        (grid(data=target(mediaType="\ud800")), "event: data.target.mediaType"),
        (grid(topic=TOPIC[:-7] + "a" * 600), "event: topic: expected the resource id of a container registry"),
        (grid(data=target(repository="a#b")), "event: data.target.repository"),
        (grid(data=target(digest="sha256:12")), "event: data.target.digest: expected sha256: and 64 hex digits"),
        ("x" * (1024 * 1024 + 1), "event: size: expected at most 1024 KiB"),
    ],
)
def test_malformed_events_say_where_and_what(text, message):
    with pytest.raises(Malformed) as raised:
        decode.image_pushed(text)
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 400


def test_a_repository_with_slashes_is_fine():
    push = decode.image_pushed(grid(data=target(repository="team/shop/web")))
    assert not isinstance(push, decode.Ignored)
    assert push.repository == "team/shop/web"


def test_a_scan_event_without_its_data_is_malformed_with_every_problem():
    with pytest.raises(Malformed):
        decode.scan_completed(cloud(type="Weighbridge.ImageScanCompleted", data={}))


def test_another_type_on_the_scans_topic_is_ignored():
    assert isinstance(decode.scan_completed(cloud()), decode.Ignored)


@pytest.mark.parametrize("host", ["jolovcr-f2bfagd9.azurecr.io", "jolovcr-f2bfagd9.westus.geo.azurecr.io"])
def test_a_registry_with_a_domain_name_label_is_called_by_it(host):
    """`az acr create --dnl-scope` adds a hash to the login server, not to the resource's name (azure-cli #30404)."""
    push = decode.image_pushed(grid(data={**DATA, "request": {"host": host}}))
    assert not isinstance(push, decode.Ignored)
    assert push.registry == "jolovcr-f2bfagd9.azurecr.io"


def test_the_host_of_another_registry_does_not_stand_in_for_the_topic():
    push = decode.image_pushed(grid(data={**DATA, "request": {"host": "jolovcrx-f2bf.azurecr.cn"}}))
    assert not isinstance(push, decode.Ignored)
    assert push.registry == "jolovcr.azurecr.io"


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ({"name": "ann@contoso.com"}, "ann@contoso.com"),
        ({"name": "a\ud800\n" + "x" * 900}, "a��" + "x" * 157),
        ({"name": 7}, ""),
        ({}, ""),
        ("ann", ""),
        (None, ""),
    ],
)
def test_who_pushed_is_told_by_some_registries(actor, name):
    push = decode.image_pushed(grid(data={**DATA, "actor": actor}))
    assert not isinstance(push, decode.Ignored)
    assert push.pushed_by == name


def test_a_region_is_called_as_azure_names_it_for_programs():
    push = decode.image_pushed(grid(data={**DATA, "location": "West US 2"}))
    assert not isinstance(push, decode.Ignored)
    assert push.location == "westus2"
