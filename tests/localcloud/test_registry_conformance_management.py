"""The management checks of the OCI distribution specification's conformance suite, ported; it is not the suite itself.

Each test is named after the check it ports, of `conformance/04_management_test.go` in opencontainers/distribution-spec.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.pushing import Local, code, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME = "conformance/management"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def tags(local: Local) -> list[str]:
    status, _, said = await local.ask("GET", f"/v2/{NAME}/tags/list")
    assert status == 200
    found: list[str] = json.loads(said)["tags"]
    return found


async def test_delete_request_to_manifest_tag_returns_202(local: Local) -> None:
    """The suite also allows a registry to refuse it; this one, as ACR, takes the tag off."""
    await local.image(NAME, "tagtest0")
    assert (await local.ask("DELETE", f"/v2/{NAME}/manifests/tagtest0"))[0] == 202
    status, _, said = await local.ask("GET", f"/v2/{NAME}/manifests/tagtest0")
    assert (status, code(said)) == (404, "MANIFEST_UNKNOWN")


async def test_delete_request_to_manifest_digest_yields_202_unless_already_deleted(local: Local) -> None:
    digest = await local.image(NAME, "tagtest0")
    assert (await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest}"))[0] == 202
    status, _, said = await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest}")
    assert (status, code(said)) == (404, "MANIFEST_UNKNOWN")


async def test_delete_request_to_manifest_digest_yields_202_after_its_tag_was_deleted(local: Local) -> None:
    """In the suite's own order: the tag, then the digest."""
    digest = await local.image(NAME, "tagtest0")
    await local.ask("DELETE", f"/v2/{NAME}/manifests/tagtest0")
    assert (await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest}"))[0] == 202


async def test_get_request_to_deleted_manifest_url_yields_404(local: Local) -> None:
    digest = await local.image(NAME, "tagtest0")
    await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest}")
    for method in ("GET", "HEAD"):
        assert (await local.ask(method, f"/v2/{NAME}/manifests/{digest}"))[0] == 404


@pytest.mark.parametrize("by", ["digest", "tag"])
async def test_get_request_to_tags_list_reflects_manifest_deletion(local: Local, by: str) -> None:
    kept = await local.image(NAME, "tagtest1", "kept")
    digest = await local.image(NAME, "tagtest0")
    assert await tags(local) == ["tagtest0", "tagtest1"]
    await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest if by == 'digest' else 'tagtest0'}")
    assert await tags(local) == ["tagtest1"]
    assert (await local.ask("GET", f"/v2/{NAME}/manifests/{kept}"))[0] == 200


async def test_get_request_to_tags_list_yields_200_when_the_last_manifest_is_deleted(local: Local) -> None:
    """The suite asks a repository whose only manifest is gone, and counts fewer tags than before."""
    digest = await local.image(NAME, "tagtest0")
    await local.ask("DELETE", f"/v2/{NAME}/manifests/tagtest0")
    await local.ask("DELETE", f"/v2/{NAME}/manifests/{digest}")
    assert await tags(local) == []


async def test_delete_request_to_blob_url_yields_202(local: Local) -> None:
    await local.image(NAME, "tagtest0", "layer")
    assert (await local.ask("DELETE", f"/v2/{NAME}/blobs/{digest_of(b'layer')}"))[0] == 202
    assert (await local.ask("DELETE", f"/v2/{NAME}/blobs/{digest_of(b'layer')}"))[0] == 404


async def test_get_request_to_deleted_blob_url_yields_404(local: Local) -> None:
    digest = await local.blob(NAME, b"layer")
    elsewhere = await local.blob("conformance/other", b"layer")
    await local.ask("DELETE", f"/v2/{NAME}/blobs/{digest}")
    status, _, said = await local.ask("GET", f"/v2/{NAME}/blobs/{digest}")
    assert (status, code(said)) == (404, "BLOB_UNKNOWN")
    assert (await local.ask("GET", f"/v2/conformance/other/blobs/{elsewhere}"))[0] == 200
