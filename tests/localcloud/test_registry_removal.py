"""A whole repository is deleted as the Azure CLI deletes one: all of it, told, and only when nothing in it is held."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.locking import ALL, DISALLOWED, NAME, change, told
from tests.localcloud.pushing import INDEX, Local, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DELETED = "Microsoft.ContainerRegistry.ImageDeleted"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def remove(local: Local, name: str = NAME) -> dict[str, list[str]]:
    """What went with a repository."""
    status, _, said = await local.ask("DELETE", f"/acr/v1/{name}?api-version=2021-07-01", headers={"User-Agent": "t/1"})
    assert status == 202, said
    body: dict[str, list[str]] = json.loads(said)
    return body


async def test_deleting_a_repository_answers_the_digests_and_tags_that_went(local: Local) -> None:
    """As recorded of the service: azure-sdk-for-js, deletion of `library/busybox`."""
    one = await local.image(NAME, "1.0.0")
    await local.image(NAME, "latest")
    other = await local.image(NAME, "", "other")
    assert await remove(local) == {"manifestsDeleted": sorted([one, other]), "tagsDeleted": ["1.0.0", "latest"]}


async def test_of_a_deleted_repository_nothing_is_found(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await remove(local)
    for path in (f"/v2/{NAME}/tags/list", f"/acr/v1/{NAME}", f"/acr/v1/{NAME}/_tags", f"/acr/v1/{NAME}/_manifests"):
        assert await told(local, "GET", path) == (404, "NAME_UNKNOWN")
    for reference in ("1.0.0", digest):
        assert await told(local, "GET", f"/v2/{NAME}/manifests/{reference}") == (404, "MANIFEST_UNKNOWN")
    assert await told(local, "GET", f"/v2/{NAME}/blobs/{digest_of(b'hello')}") == (404, "BLOB_UNKNOWN")
    assert json.loads((await local.ask("GET", "/acr/v1/_catalog"))[2])["repositories"] == []


async def test_repositories_beside_and_below_in_name_keep_what_they_have(local: Local) -> None:
    for name in ("shop", "shop/web", "shop/web/api", "shop/web2"):
        await local.image(name, "1.0.0")
    await remove(local, "shop/web")
    assert json.loads((await local.ask("GET", "/v2/_catalog"))[2])["repositories"] == [
        "shop",
        "shop/web/api",
        "shop/web2",
    ]
    for name in ("shop", "shop/web/api", "shop/web2"):
        assert (await local.ask("GET", f"/v2/{name}/manifests/1.0.0"))[0] == 200
        assert (await local.ask("GET", f"/v2/{name}/blobs/{digest_of(b'hello')}"))[2] == b"hello"


async def test_deleting_a_repository_raises_one_event_for_each_manifest_and_names_no_tag(local: Local) -> None:
    child = await local.image(NAME, "1.0.0")
    body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": INDEX, "digest": child, "size": 1}]}
    index = await local.put(NAME, "latest", body, INDEX)
    local.events.clear()
    await remove(local)
    assert [event["data"]["target"]["digest"] for event in local.events] == sorted([child, index])
    for event in local.events:
        assert (event["eventType"], event["subject"]) == (DELETED, NAME)
        assert set(event["data"]["target"]) == {"mediaType", "digest", "repository"}
        assert (event["data"]["request"]["method"], event["data"]["request"]["useragent"]) == ("DELETE", "t/1")


@pytest.mark.parametrize("attribute", ["writeEnabled", "deleteEnabled"])
@pytest.mark.parametrize("what", ["", "_tags/1.0.0", "_manifests/{digest}"])
async def test_a_repository_goes_whole_or_not_at_all(local: Local, what: str, attribute: str) -> None:
    digest = await local.image(NAME, "1.0.0")
    await local.image(NAME, "2.0.0", "other")
    await change(local, what.format(digest=digest), **{attribute: False})
    local.events.clear()
    assert await told(local, "DELETE", f"/acr/v1/{NAME}") == DISALLOWED
    assert local.events == []
    assert json.loads((await local.ask("GET", f"/v2/{NAME}/tags/list"))[2])["tags"] == ["1.0.0", "2.0.0"]
    await change(local, what.format(digest=digest), **{attribute: True})
    assert (await remove(local))["tagsDeleted"] == ["1.0.0", "2.0.0"]


async def test_what_is_pushed_after_a_deletion_begins_a_repository_anew(local: Local) -> None:
    await local.image(NAME, "1.0.0")
    await change(local, "", listEnabled=False)
    await remove(local)
    await local.image(NAME, "2.0.0", "other")
    assert json.loads((await local.ask("GET", f"/v2/{NAME}/tags/list"))[2])["tags"] == ["2.0.0"]
    assert json.loads((await local.ask("GET", f"/acr/v1/{NAME}"))[2])["changeableAttributes"] == ALL


async def test_a_repository_that_is_not_there_is_not_found_when_deleted(local: Local) -> None:
    assert await told(local, "DELETE", f"/acr/v1/{NAME}") == (404, "NAME_UNKNOWN")


async def test_deleting_a_repository_needs_the_scope_delete(tmp_path: Path) -> None:
    async with registry(tmp_path, auth=True) as local:
        status, headers, _ = await local.ask("DELETE", f"/acr/v1/{NAME}")
        assert status == 401
        assert headers["WWW-Authenticate"].endswith(f'scope="repository:{NAME}:delete"')
