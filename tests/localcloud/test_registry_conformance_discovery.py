"""The discovery checks of the OCI distribution specification's conformance suite, ported; this is not the suite itself.

Each test is named after the check it ports, of `conformance/03_discovery_test.go` in opencontainers/distribution-spec.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.localcloud.pushing import CONFIG, IMAGE, INDEX, Local, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "conformance/discovery"
TAGS = [f"test{number}" for number in range(4)]
NOTHING = digest_of(b"never pushed")
EMPTY = "application/vnd.oci.empty.v1+json"
A, B = "application/vnd.test.a", "application/vnd.test.b"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def tags(local: Local, **query: str) -> list[str]:
    status, _, said = await local.ask("GET", f"/v2/{NAME}/tags/list", params=query)
    assert status == 200
    body = json.loads(said)
    assert body["name"] == NAME
    found: list[str] = body["tags"]
    return found


async def referrers(local: Local, subject: str, **query: str) -> tuple[str, list[dict[str, Any]]]:
    """The filters applied, and the descriptors."""
    status, headers, said = await local.ask("GET", f"/v2/{NAME}/referrers/{subject}", params=query)
    assert (status, headers["Content-Type"]) == (200, INDEX)
    body = json.loads(said)
    assert (body["schemaVersion"], body["mediaType"]) == (2, INDEX)
    return headers.get("OCI-Filters-Applied", ""), body["manifests"]


async def refer(local: Local, subject: str, name: str, *, config: str, artifact: str = "", kind: str = IMAGE) -> str:
    """Push a manifest that refers to a subject, and check the header that says the registry took note."""
    config_digest, layer = await local.blob(NAME, b"{}"), await local.blob(NAME, name.encode())
    body: dict[str, object] = {"schemaVersion": 2, "mediaType": kind, "annotations": {"org.test": name}}
    if kind == IMAGE:
        body["config"] = {"mediaType": config, "digest": config_digest, "size": 2}
        body["layers"] = [{"mediaType": "application/octet-stream", "digest": layer, "size": len(name)}]
    else:
        body["manifests"] = []
    if artifact:
        body["artifactType"] = artifact
    body["subject"] = {"mediaType": IMAGE, "digest": subject, "size": 1}
    content = json.dumps(body).encode()
    path = f"/v2/{NAME}/manifests/{digest_of(content)}"
    status, headers, said = await local.ask("PUT", path, data=content, headers={"Content-Type": kind})
    assert (status, headers.get("OCI-Subject")) == (201, subject), said
    return digest_of(content)


async def five(local: Local) -> tuple[str, dict[str, str]]:
    """A subject and its five referrers by name: two pushed before it with an index, two after it."""
    config = await local.blob(NAME, b"{}")
    body = {"schemaVersion": 2, "mediaType": IMAGE, "config": {"mediaType": CONFIG, "digest": config, "size": 2}}
    content = {**body, "layers": []}
    subject = digest_of(json.dumps(content).encode())
    found = {
        "config a": await refer(local, subject, "config a", config=A),
        "layer a": await refer(local, subject, "layer a", config=EMPTY, artifact=A),
        "index": await refer(local, subject, "index", config="", artifact="application/vnd.test.index", kind=INDEX),
    }
    assert await local.put(NAME, "tagtest0", content) == subject
    found["config b"] = await refer(local, subject, "config b", config=B)
    found["layer b"] = await refer(local, subject, "layer b", config=EMPTY, artifact=B)
    return subject, found


async def test_get_request_to_list_tags_yields_200(local: Local) -> None:
    for tag in reversed(TAGS):
        await local.image(NAME, tag)
    assert await tags(local) == TAGS


async def test_get_number_of_tags_is_limitable_by_n(local: Local) -> None:
    for tag in TAGS:
        await local.image(NAME, tag)
    assert await tags(local, n="2") == TAGS[:2]
    assert await tags(local, n="0") == []


async def test_get_start_of_tags_is_set_by_last(local: Local) -> None:
    for tag in TAGS:
        await local.image(NAME, tag)
    assert await tags(local, n="2", last=TAGS[1]) == TAGS[2:]
    assert await tags(local, last=TAGS[3]) == []


async def test_get_request_to_referrers_of_nothing_results_in_empty_200(local: Local) -> None:
    assert await referrers(local, NOTHING) == ("", [])


async def test_get_request_to_referrers_of_existing_manifest_yields_200_and_all_of_them(local: Local) -> None:
    subject, expected = await five(local)
    _, found = await referrers(local, subject)
    assert {one["digest"]: one["annotations"] for one in found} == {
        digest: {"org.test": name} for name, digest in expected.items()
    }
    assert len(found) == len(expected)
    assert {one["digest"]: one["artifactType"] for one in found} == {
        expected["config a"]: A,
        expected["layer a"]: A,
        expected["index"]: "application/vnd.test.index",
        expected["config b"]: B,
        expected["layer b"]: B,
    }
    for one in found:
        _, headers, body = await local.ask("GET", f"/v2/{NAME}/manifests/{one['digest']}")
        assert (one["mediaType"], one["size"]) == (headers["Content-Type"], len(body))


async def test_get_request_to_referrers_with_filter_yields_200_and_says_it_filtered(local: Local) -> None:
    subject, expected = await five(local)
    applied, found = await referrers(local, subject, artifactType=A)
    assert applied == "artifactType"
    assert {one["digest"] for one in found} == {expected["config a"], expected["layer a"]}


async def test_get_request_to_referrers_of_missing_manifest_yields_200(local: Local) -> None:
    pushed = await refer(local, NOTHING, "layer c", config=EMPTY, artifact=A)
    _, found = await referrers(local, NOTHING)
    assert [one["digest"] for one in found] == [pushed]


async def test_manifests_and_their_tags_are_deleted_and_refer_no_more(local: Local) -> None:
    """The suite's teardown."""
    subject, expected = await five(local)
    for digest in (*expected.values(), subject):
        assert (await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest}"))[0] == 202
    assert await referrers(local, subject) == ("", [])
    for content in (b"{}", *(name.encode() for name in expected if name != "index")):
        assert (await local.ask("DELETE", f"/v2/{NAME}/blobs/{digest_of(content)}"))[0] == 202
