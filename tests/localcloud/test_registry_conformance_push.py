"""The push checks of the OCI distribution specification's conformance suite, ported; this is not the suite itself.

Each test is named after the check it ports, of `conformance/02_push_test.go` in opencontainers/distribution-spec.
Three are not of that file: the sha512 blob, the digest that is not the contents', and the location of a manifest.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.pushing import CONFIG, IMAGE, Local, code, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME, OTHER = "conformance/push", "conformance/mount"
FIRST, SECOND = b"the first chunk", b" and the second"
WHOLE = digest_of(FIRST + SECOND)
STREAM = {"Content-Type": "application/octet-stream"}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def begun(local: Local) -> str:
    """Where an upload that was just begun goes on."""
    status, headers, _ = await local.ask("POST", f"/v2/{NAME}/blobs/uploads/", headers={"Content-Length": "0"})
    assert status == 202
    return headers["Location"]


async def chunk(local: Local, place: str, content: bytes, start: int) -> tuple[int, str, str]:
    """Status, Location and Range."""
    headers = STREAM | {"Content-Range": f"{start}-{start + len(content) - 1}"}
    status, got, _ = await local.ask("PATCH", place, data=content, headers=headers)
    return status, got["Location"], got["Range"]


async def test_streamed_patch_request_with_blob_in_body_yields_202(local: Local) -> None:
    status, headers, _ = await local.ask("PATCH", await begun(local), data=FIRST, headers=STREAM)
    assert status == 202
    assert headers["Location"]


async def test_streamed_put_request_to_session_url_with_digest_yields_201(local: Local) -> None:
    _, headers, _ = await local.ask("PATCH", await begun(local), data=FIRST, headers=STREAM)
    digest = digest_of(FIRST)
    status, headers, _ = await local.ask("PUT", headers["Location"], params={"digest": digest}, headers=STREAM)
    assert status == 201
    assert (await local.ask("GET", headers["Location"]))[2] == FIRST


async def test_get_nonexistent_blob_results_in_404(local: Local) -> None:
    assert (await local.ask("GET", f"/v2/{NAME}/blobs/{WHOLE}"))[0] == 404


async def test_post_request_with_digest_and_blob_yields_a_201(local: Local) -> None:
    digest = digest_of(FIRST)
    path = f"/v2/{NAME}/blobs/uploads/"
    status, headers, _ = await local.ask("POST", path, params={"digest": digest}, data=FIRST, headers=STREAM)
    assert status == 201
    assert (await local.ask("GET", headers["Location"]))[2] == FIRST


async def test_post_request_yields_a_session_id(local: Local) -> None:
    assert await begun(local) != await begun(local)


async def test_put_upload_of_a_blob_yields_a_201(local: Local) -> None:
    digest = digest_of(FIRST)
    status, headers, _ = await local.ask(
        "PUT", await begun(local), params={"digest": digest}, data=FIRST, headers=STREAM
    )
    assert status == 201
    assert headers["Location"]
    assert (await local.ask("GET", f"/v2/{NAME}/blobs/{digest}"))[:3:2] == (200, FIRST)


async def test_put_upload_of_a_sha512_blob_yields_a_201(local: Local) -> None:
    digest = f"sha512:{hashlib.sha512(FIRST).hexdigest()}"
    status, headers, _ = await local.ask("PUT", await begun(local), params={"digest": digest}, data=FIRST)
    assert (status, headers["Location"]) == (201, f"/v2/{NAME}/blobs/{digest}")
    assert (await local.ask("GET", headers["Location"]))[:3:2] == (200, FIRST)


async def test_put_upload_with_a_digest_that_is_not_the_contents_yields_a_400(local: Local) -> None:
    status, _, said = await local.ask("PUT", await begun(local), params={"digest": WHOLE}, data=FIRST)
    assert (status, code(said)) == (400, "DIGEST_INVALID")


async def test_out_of_order_blob_upload_returns_416(local: Local) -> None:
    assert (await chunk(local, await begun(local), SECOND, len(FIRST)))[0] == 416


async def test_patch_request_with_first_chunk_returns_202(local: Local) -> None:
    status, place, kept = await chunk(local, await begun(local), FIRST, 0)
    assert (status, kept) == (202, f"0-{len(FIRST) - 1}")
    assert place


async def test_retry_of_a_previous_chunk_returns_416(local: Local) -> None:
    _, place, _ = await chunk(local, await begun(local), FIRST, 0)
    assert (await chunk(local, place, FIRST, 0))[0] == 416


async def test_get_on_stale_blob_upload_returns_204_with_a_range_and_location(local: Local) -> None:
    _, place, _ = await chunk(local, await begun(local), FIRST, 0)
    await chunk(local, place, FIRST, 0)
    status, headers, _ = await local.ask("GET", place)
    assert (status, headers["Range"], headers["Location"]) == (204, f"0-{len(FIRST) - 1}", place)


async def test_put_request_with_final_chunk_returns_201(local: Local) -> None:
    _, place, _ = await chunk(local, await begun(local), FIRST, 0)
    last = f"{len(FIRST)}-{len(FIRST + SECOND) - 1}"
    headers = STREAM | {"Content-Range": last}
    status, got, _ = await local.ask("PUT", place, params={"digest": WHOLE}, data=SECOND, headers=headers)
    assert status == 201
    assert (await local.ask("GET", got["Location"]))[2] == FIRST + SECOND


async def test_patch_request_with_second_chunk_returns_202_and_put_closes_it(local: Local) -> None:
    _, place, _ = await chunk(local, await begun(local), FIRST, 0)
    status, place, kept = await chunk(local, place, SECOND, len(FIRST))
    assert (status, kept) == (202, f"0-{len(FIRST + SECOND) - 1}")
    status, got, _ = await local.ask("PUT", place, params={"digest": WHOLE}, headers={"Content-Length": "0"})
    assert status == 201
    assert (await local.ask("GET", got["Location"]))[2] == FIRST + SECOND


async def test_mounting_another_repositorys_blob_returns_201_and_it_is_there(local: Local) -> None:
    """The suite also allows 202, a session; this registry mounts."""
    digest = await local.blob(NAME, FIRST)
    path = f"/v2/{OTHER}/blobs/uploads/"
    status, headers, _ = await local.ask("POST", path, params={"mount": digest, "from": NAME})
    assert (status, headers["Location"]) == (201, f"/v2/{OTHER}/blobs/{digest}")
    assert (await local.ask("GET", headers["Location"]))[:3:2] == (200, FIRST)


async def test_mounting_a_nonexistent_blob_yields_a_session_id(local: Local) -> None:
    path = f"/v2/{OTHER}/blobs/uploads/"
    status, headers, _ = await local.ask("POST", path, params={"mount": WHOLE, "from": NAME})
    assert status == 202
    assert headers["Location"].startswith(path)


async def test_mounting_without_from_returns_202(local: Local) -> None:
    """The suite's check for a registry that does not look for the blob by itself."""
    digest = await local.blob(NAME, FIRST)
    status, headers, _ = await local.ask("POST", f"/v2/{OTHER}/blobs/uploads/", params={"mount": digest})
    assert status == 202
    assert headers["Location"]


async def test_get_nonexistent_manifest_returns_404(local: Local) -> None:
    assert (await local.ask("GET", f"/v2/{NAME}/manifests/.INVALID_MANIFEST_NAME"))[0] == 404


async def test_put_accepts_a_manifest_upload_under_every_tag(local: Local) -> None:
    pushed = [await local.image(NAME, f"test{number}") for number in range(4)]
    assert len(set(pushed)) == 1
    for number in range(4):
        _, headers, _ = await local.ask("GET", f"/v2/{NAME}/manifests/test{number}")
        assert headers["Docker-Content-Digest"] == pushed[0]


async def test_put_of_a_manifest_answers_with_its_location(local: Local) -> None:
    digest = await local.image(NAME, "test0")
    content = (await local.ask("GET", f"/v2/{NAME}/manifests/{digest}"))[2]
    path = f"/v2/{NAME}/manifests/test1"
    status, headers, _ = await local.ask("PUT", path, data=content, headers={"Content-Type": IMAGE})
    assert status == 201
    assert (await local.ask("GET", headers["Location"]))[2] == content


async def test_registry_accepts_a_manifest_with_no_layers(local: Local) -> None:
    config = await local.blob(NAME, b"{}")
    body = {"schemaVersion": 2, "config": {"mediaType": CONFIG, "digest": config, "size": 2}, "layers": []}
    digest = await local.put(NAME, "emptylayer", body)
    assert (await local.ask("GET", f"/v2/{NAME}/manifests/emptylayer"))[1]["Docker-Content-Digest"] == digest


async def test_get_request_to_manifest_url_by_digest_yields_200(local: Local) -> None:
    digest = await local.image(NAME, "test0")
    status, _, body = await local.ask("GET", f"/v2/{NAME}/manifests/{digest}", headers={"Accept": IMAGE})
    assert (status, digest_of(body)) == (200, digest)


async def test_manifest_and_blob_made_in_tests_are_deleted(local: Local) -> None:
    """The suite's teardown."""
    digest = await local.image(NAME, "test0", "layer")
    for path in (f"blobs/{digest_of(b'layer')}", f"manifests/{digest}"):
        assert (await local.ask("DELETE", f"/v2/{NAME}/{path}"))[0] == 202
