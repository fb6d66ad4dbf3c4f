"""Every kind of image, with every operation of the distribution API.

What the newer form of the specification's conformance suite checks of its sets of data (`conformance/run.go` in
opencontainers/distribution-spec), in words and code of our own; this is not the suite itself.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from tests.localcloud.kinds import KINDS, Kind
from tests.localcloud.pushing import INDEX, Local, code, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

NAME = "conformance/kinds"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]()


def media_type(content: bytes) -> str:
    return str(json.loads(content)["mediaType"])


async def put(local: Local, reference: str, content: bytes) -> tuple[int, Mapping[str, str], bytes]:
    headers = {"Content-Type": media_type(content)}
    return await local.ask("PUT", f"/v2/{NAME}/manifests/{reference}", data=BytesIO(content), headers=headers)


async def push(local: Local, kind: Kind) -> None:
    """Its blobs, its manifests by digest in their order, and its tags."""
    for digest, content in kind.blobs.items():
        path = f"/v2/{NAME}/blobs/uploads/?digest={digest}"
        assert (await local.ask("POST", path, data=BytesIO(content)))[0] == 201
    for digest, content in kind.manifests.items():
        assert (await put(local, digest, content))[0] == 201
    for tag, digest in kind.tags.items():
        assert (await put(local, tag, kind.manifests[digest]))[0] == 201


def references(kind: Kind) -> dict[str, str]:
    """Every tag and digest by which a manifest can be had, to its digest."""
    return kind.tags | {digest: digest for digest in kind.manifests}


async def test_a_manifest_is_taken_by_digest_and_by_tag_and_leads_to_where_it_is(local: Local, kind: Kind) -> None:
    await push(local, kind)
    for reference, digest in references(kind).items():
        content = kind.manifests[digest]
        status, headers, _ = await put(local, reference, content)
        assert (status, headers["Docker-Content-Digest"]) == (201, digest)
        assert headers.get("OCI-Subject") == json.loads(content).get("subject", {}).get("digest")
        assert (await local.ask("GET", headers["Location"]))[2] == content


async def test_a_manifest_is_had_and_got_as_it_was_pushed(local: Local, kind: Kind) -> None:
    await push(local, kind)
    for reference, digest in references(kind).items():
        content = kind.manifests[digest]
        for method, body in (("HEAD", b""), ("GET", content)):
            status, headers, said = await local.ask(method, f"/v2/{NAME}/manifests/{reference}")
            assert (status, said) == (200, body)
            assert (headers["Content-Type"], headers["Content-Length"]) == (media_type(content), str(len(content)))
            assert headers["Docker-Content-Digest"] == digest


async def test_tags_are_listed_and_last_leaves_out_those_up_to_it(local: Local, kind: Kind) -> None:
    await push(local, kind)
    tags = sorted(kind.tags)
    for last in ("", *tags):
        _, _, said = await local.ask("GET", f"/v2/{NAME}/tags/list", params={"last": last} if last else {})
        assert json.loads(said)["tags"] == [tag for tag in tags if tag > last]


async def test_a_subject_tells_all_that_refer_to_it_and_of_one_type_alone(local: Local, kind: Kind) -> None:
    await push(local, kind)
    for subject in kind.referrers or kind.manifests:
        told = kind.referrers.get(subject, [])
        assert by_digest(await referrers(local, subject)) == by_digest(told)
        for wanted in {one.get("artifactType", "") for one in told}:
            found = await referrers(local, subject, artifactType=wanted)
            assert by_digest(found) == by_digest([one for one in told if one.get("artifactType", "") == wanted])


async def referrers(local: Local, subject: str, **query: str) -> list[dict[str, Any]]:
    status, headers, said = await local.ask("GET", f"/v2/{NAME}/referrers/{subject}", params=query)
    assert (status, headers["Content-Type"]) == (200, INDEX)
    assert headers.get("OCI-Filters-Applied") == ("artifactType" if query else None)
    found: list[dict[str, Any]] = json.loads(said)["manifests"]
    return found


def by_digest(descriptors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(descriptors, key=lambda one: str(one["digest"]))


async def test_what_is_deleted_is_gone_at_once(local: Local, kind: Kind) -> None:
    await push(local, kind)
    paths = [f"/v2/{NAME}/manifests/{reference}" for reference in (*kind.tags, *reversed(kind.manifests))]
    for path in paths + [f"/v2/{NAME}/blobs/{digest}" for digest in kind.blobs]:
        assert (await local.ask("DELETE", path))[0] == 202
        assert (await local.ask("HEAD", path))[0] == 404
    for subject in kind.referrers:
        assert await referrers(local, subject) == []


async def test_a_manifest_by_a_digest_that_is_not_its_own_is_refused(local: Local, kind: Kind) -> None:
    await push(local, kind)
    for digest, content in kind.manifests.items():
        path = f"/v2/{NAME}/manifests/{digest}"
        await local.ask("DELETE", path)
        status, _, said = await put(local, digest, content + b"  ")
        assert (status, code(said)) == (400, "DIGEST_INVALID")
        assert (await local.ask("HEAD", path))[0] == 404
