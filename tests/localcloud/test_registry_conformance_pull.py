"""The pull checks of the OCI distribution specification's conformance suite, ported; this is not the suite itself.

Each test is named after the check it ports, of `conformance/01_pull_test.go` in opencontainers/distribution-spec. The
suite's checks share one registry and build on each other; here each has a registry of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.localcloud.pushing import CONFIG, IMAGE, Local, code, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "conformance/pull"
NOTHING = digest_of(b"never pushed")
CODES = {
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_request_to_nonexistent_blob_results_in_404(local: Local, method: str) -> None:
    await local.image(NAME, "tagtest0")
    status, _, said = await local.ask(method, f"/v2/{NAME}/blobs/{NOTHING}")
    assert status == 404
    assert method == "HEAD" or code(said) == "BLOB_UNKNOWN"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_request_to_existing_blob_yields_200(local: Local, method: str) -> None:
    digest = await local.blob(NAME, b"config")
    status, headers, body = await local.ask(method, f"/v2/{NAME}/blobs/{digest}")
    assert (status, headers["Docker-Content-Digest"], headers["Content-Length"]) == (200, digest, "6")
    assert body == (b"" if method == "HEAD" else b"config")


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("reference", [".INVALID_MANIFEST_NAME", "none", NOTHING])
async def test_request_to_nonexistent_manifest_returns_404(local: Local, method: str, reference: str) -> None:
    """The suite's own reference starts with a dot and so is no tag: to be not found all the same, not refused."""
    await local.image(NAME, "tagtest0")
    status, _, said = await local.ask(method, f"/v2/{NAME}/manifests/{reference}")
    assert status == 404
    assert method == "HEAD" or code(said) == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("by", ["digest", "tag"])
async def test_request_to_manifest_path_yields_200(local: Local, method: str, by: str) -> None:
    digest = await local.image(NAME, "tagtest0")
    reference = digest if by == "digest" else "tagtest0"
    status, headers, body = await local.ask(method, f"/v2/{NAME}/manifests/{reference}", headers={"Accept": IMAGE})
    assert (status, headers["Docker-Content-Digest"], headers["Content-Type"]) == (200, digest, IMAGE)
    assert digest_of(body) == digest if method == "GET" else body == b""


@pytest.mark.parametrize("reference", ["sha256:totallywrong", "tagtest0"])
async def test_400_response_body_contains_an_oci_conforming_message(local: Local, reference: str) -> None:
    body = {"schemaVersion": 2, "config": {"mediaType": CONFIG, "digest": NOTHING, "size": 12}, "layers": []}
    path = f"/v2/{NAME}/manifests/{reference}"
    status, headers, said = await local.ask("PUT", path, json=body, headers={"Content-Type": IMAGE})
    assert status == 400
    assert headers["Content-Type"].startswith("application/json")
    assert code(said) in CODES


async def test_manifest_and_blobs_made_in_setup_are_deleted(local: Local) -> None:
    """The suite's teardown, the manifest first."""
    digest = await local.image(NAME, "tagtest0", "layer")
    for path in (f"manifests/{digest}", f"blobs/{digest_of(b'{}')}", f"blobs/{digest_of(b'layer')}"):
        assert (await local.ask("DELETE", f"/v2/{NAME}/{path}"))[0] == 202
        assert (await local.ask("GET", f"/v2/{NAME}/{path}"))[0] == 404


async def test_blobs_made_in_setup_are_deleted_before_their_manifest(local: Local) -> None:
    """The suite's teardown in its other order."""
    digest = await local.image(NAME, "tagtest0", "layer")
    for path in (f"blobs/{digest_of(b'{}')}", f"blobs/{digest_of(b'layer')}", f"manifests/{digest}"):
        assert (await local.ask("DELETE", f"/v2/{NAME}/{path}"))[0] == 202
