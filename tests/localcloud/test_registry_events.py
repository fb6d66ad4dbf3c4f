"""Every push and delete of a manifest raises the event ACR raises, and nothing else raises one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.localcloud.pushing import IMAGE, INDEX, RESOURCE, Local, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

RECORDED = json.loads((Path(__file__).parent / "recordings" / "distribution-notifications.json").read_text())


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def test_a_push_raises_an_event_with_acrs_fields_and_no_others(local: Local) -> None:
    """Fields of `image_pushed.json`, the payload ACR's own schema records (without connectedRegistry)."""
    digest = await local.image("shop/web", "1.0.0")
    (event,) = local.events
    data = event["data"]
    assert event == {
        "id": data["id"],
        "topic": RESOURCE,
        "subject": "shop/web:1.0.0",
        "eventType": "Microsoft.ContainerRegistry.ImagePushed",
        "data": data,
        "dataVersion": "2.0",
        "metadataVersion": "1",
        "eventTime": data["timestamp"],
    }
    size = data["target"]["size"]
    assert data["target"] == {
        "mediaType": IMAGE,
        "size": size,
        "digest": digest,
        "length": size,
        "repository": "shop/web",
        "tag": "1.0.0",
    }
    assert data["request"] == {
        "id": data["request"]["id"],
        "host": "weighbridge.azurecr.io",
        "method": "PUT",
        "useragent": "t/1",
    }
    assert set(data) == {"id", "timestamp", "action", "location", "target", "request"}
    assert len(data["timestamp"].partition(".")[2]) == len("1234567Z")


class Replay:
    """Pushes what a recording names: other bytes, hence other digests, but always the same for the same."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.digests: dict[str, str] = {}

    async def act(self, recorded: Mapping[str, Any]) -> None:
        target, agent = recorded["target"], recorded["request"]["useragent"]
        if recorded["action"] == "delete":
            path = f"/v2/{target['repository']}/manifests/{self.digests[target['digest']]}"
            assert (await self.local.ask("DELETE", path, headers={"User-Agent": agent}))[0] == 202
            return
        references = [await self._reference(target, one) for one in target["references"]]
        named = (
            {"manifests": references}
            if "config" not in self._kinds(target)
            else {
                "config": references[0],
                "layers": references[1:],
            }
        )
        body = {"schemaVersion": 2, "mediaType": target["mediaType"], "annotations": {"of": target["digest"]}, **named}
        found = await self.local.put(target["repository"], target.get("tag", ""), body, target["mediaType"], agent)
        assert self.digests.setdefault(target["digest"], found) == found

    def _kinds(self, target: Mapping[str, Any]) -> str:
        return "manifests" if "index" in target["mediaType"] or "list" in target["mediaType"] else "config"

    async def _reference(self, target: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, object]:
        if self._kinds(target) == "manifests":
            return {**one, "digest": self.digests[one["digest"]]}
        return {**one, "digest": await self.local.blob(target["repository"], one["digest"].encode())}


async def test_every_recorded_push_and_delete_raises_the_event_it_maps_to(local: Local) -> None:
    """The recording is of the CNCF registry; ACR's event has its fields, less url and references, plus location."""
    replay, expected = Replay(local), []
    for scenario in RECORDED["scenarios"]:
        for recorded in scenario["events"]:
            await replay.act(recorded)
            expected.append((scenario["scenario"], recorded))
    assert len(expected) == len(local.events) == 22
    for (scenario, recorded), event in zip(expected, local.events, strict=True):
        data, was = event["data"], recorded["target"]
        now = data["target"]
        assert data["action"] == recorded["action"], scenario
        assert now["digest"] == replay.digests[was["digest"]], scenario
        # What the recording's delete does not have: ACR names the media type.
        assert set(now) == (set(was) - {"references"}) | {"mediaType"}, scenario
        for name in ("repository", "tag", "mediaType"):
            assert now.get(name) == was.get(name, now.get(name) if name == "mediaType" else None), scenario
        assert data["request"]["method"] == recorded["request"]["method"], scenario
        assert data["request"]["useragent"] == recorded["request"]["useragent"], scenario
        assert event["subject"] == (f"{was['repository']}:{was['tag']}" if "tag" in was else was["repository"])
    assert len({event["id"] for event in local.events}) == len(local.events)


async def test_an_index_raises_an_event_for_each_child_first_and_they_have_no_tag(local: Local) -> None:
    children = [await local.image("shop/web", "", words) for words in ("amd64", "arm64")]
    body = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{"mediaType": IMAGE, "digest": digest, "size": 1} for digest in children],
    }
    index = await local.put("shop/web", "1.0.0", body, INDEX)
    targets = [event["data"]["target"] for event in local.events]
    assert [(one["digest"], one.get("tag")) for one in targets] == [
        (children[0], None),
        (children[1], None),
        (index, "1.0.0"),
    ]
    assert [event["subject"] for event in local.events] == ["shop/web", "shop/web", "shop/web:1.0.0"]


async def test_deleting_by_digest_takes_the_tags_and_raises_one_event_without_them(local: Local) -> None:
    digest = await local.image("shop/web", "1.0.0")
    await local.image("shop/web", "latest")
    local.events.clear()
    assert (await local.ask("DELETE", f"/v2/shop/web/manifests/{digest}"))[0] == 202
    assert (await local.ask("GET", "/v2/shop/web/manifests/latest"))[0] == 404
    await local.image("shop/web", "1.0.1", "other")
    assert json.loads((await local.ask("GET", "/v2/shop/web/tags/list"))[2])["tags"] == ["1.0.1"]
    event, _ = local.events
    assert (event["eventType"], event["subject"]) == ("Microsoft.ContainerRegistry.ImageDeleted", "shop/web")
    assert event["data"]["target"] == {"mediaType": IMAGE, "digest": digest, "repository": "shop/web"}
    assert event["data"]["request"]["method"] == "DELETE"


@pytest.mark.parametrize("path", ["/v2/shop/web/manifests/1.0.0", "/acr/v1/shop/web/_tags/1.0.0"])
async def test_taking_a_tag_off_keeps_the_manifest_and_raises_nothing(local: Local, path: str) -> None:
    digest = await local.image("shop/web", "1.0.0")
    local.events.clear()
    assert (await local.ask("DELETE", path))[0] == 202
    assert (await local.ask("GET", "/v2/shop/web/manifests/1.0.0"))[0] == 404
    assert (await local.ask("GET", f"/v2/shop/web/manifests/{digest}"))[0] == 200
    assert local.events == []


async def test_a_delete_raises_an_event_with_acrs_fields_and_no_others(local: Local) -> None:
    """Fields of `image_deleted.json`, the payload ACR's own schema records (without connectedRegistry)."""
    digest = await local.image("shop/web", "1.0.0")
    local.events.clear()
    path = f"/v2/shop/web/manifests/{digest}"
    assert (await local.ask("DELETE", path, headers={"User-Agent": "t/1"}))[0] == 202
    (event,) = local.events
    data = event["data"]
    assert event == {
        "id": data["id"],
        "topic": RESOURCE,
        "subject": "shop/web",
        "eventType": "Microsoft.ContainerRegistry.ImageDeleted",
        "data": {
            "id": data["id"],
            "timestamp": data["timestamp"],
            "action": "delete",
            "location": "westeurope",
            "target": {"mediaType": IMAGE, "digest": digest, "repository": "shop/web"},
            "request": {
                "id": data["request"]["id"],
                "host": "weighbridge.azurecr.io",
                "method": "DELETE",
                "useragent": "t/1",
            },
        },
        "dataVersion": "2.0",
        "metadataVersion": "1",
        "eventTime": data["timestamp"],
    }


async def test_deleting_an_index_raises_one_event_and_keeps_its_children(local: Local) -> None:
    child = await local.image("shop/web", "")
    body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": IMAGE, "digest": child, "size": 1}]}
    index = await local.put("shop/web", "1.0.0", body, INDEX)
    local.events.clear()
    assert (await local.ask("DELETE", f"/v2/shop/web/manifests/{index}"))[0] == 202
    assert (await local.ask("GET", f"/v2/shop/web/manifests/{child}"))[0] == 200
    (event,) = local.events
    assert event["data"]["target"] == {"mediaType": INDEX, "digest": index, "repository": "shop/web"}


async def test_pushing_the_same_again_and_retagging_raise_an_event_each(local: Local) -> None:
    digests = [await local.image("shop/web", tag) for tag in ("1.0.0", "1.0.0", "prod")]
    assert [event["subject"] for event in local.events] == ["shop/web:1.0.0", "shop/web:1.0.0", "shop/web:prod"]
    assert {event["data"]["target"]["digest"] for event in local.events} == set(digests)
    assert len({event["data"]["request"]["id"] for event in local.events}) == len(digests)


async def test_moving_a_tag_raises_the_push_and_no_delete_of_what_it_named(local: Local) -> None:
    old, new = await local.image("shop/web", "1.0.0"), await local.image("shop/web", "1.0.0", "other")
    assert [event["data"]["action"] for event in local.events] == ["push", "push"]
    assert [event["data"]["target"]["digest"] for event in local.events] == [old, new]


async def test_an_artifacts_event_does_not_tell_it_from_an_image(local: Local) -> None:
    """A signature, an SBOM, a chart: only the manifest says what it is."""
    subject = await local.image("shop/web", "1.0.0")
    referring = {"subject": {"mediaType": IMAGE, "digest": subject, "size": 1}}
    await local.image("shop/web", "", "sig", artifactType="application/x-signature", **referring)
    image, signature = (event["data"]["target"] for event in local.events)
    assert set(image) - set(signature) == {"tag"}
    assert set(signature) <= set(image)
    assert signature["mediaType"] == IMAGE
    assert local.events[-1]["eventType"] == "Microsoft.ContainerRegistry.ImagePushed"


async def test_pulls_blobs_and_mounts_raise_nothing(local: Local) -> None:
    digest = await local.image("shop/web", "1.0.0")
    layer = digest_of(b"hello")
    local.events.clear()
    for method, path in (
        ("GET", f"/v2/shop/web/manifests/{digest}"),
        ("HEAD", "/v2/shop/web/manifests/1.0.0"),
        ("GET", f"/v2/shop/web/blobs/{layer}"),
        ("POST", f"/v2/shop/api/blobs/uploads/?mount={layer}&from=shop/web"),
        ("DELETE", f"/v2/shop/api/blobs/{layer}"),
    ):
        assert (await local.ask(method, path))[0] in (200, 201, 202)
    assert local.events == []
