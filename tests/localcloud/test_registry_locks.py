"""What the changeable attributes forbid is refused with ACR's own status and code, and nothing else is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.locking import DISALLOWED, NAME, change, told
from tests.localcloud.pushing import IMAGE, Local, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def push_again(local: Local, digest: str, tag: str) -> tuple[int, str]:
    """The manifest of this digest once more, under a tag."""
    content = (await local.ask("GET", f"/v2/{NAME}/manifests/{digest}"))[2]
    path = f"/v2/{NAME}/manifests/{tag}"
    return await told(local, "PUT", path, data=content, headers={"Content-Type": IMAGE})


@pytest.mark.parametrize("words", ["hello", "other"])
async def test_a_locked_tag_takes_no_push_of_the_same_or_another_manifest(local: Local, words: str) -> None:
    await local.image(NAME, "1.0.0")
    digest = await local.image(NAME, "2.0.0", words)
    await change(local, "_tags/1.0.0", writeEnabled=False)
    local.events.clear()
    assert await push_again(local, digest, "1.0.0") == DISALLOWED
    assert local.events == []
    assert await push_again(local, digest, "3.0.0") == (201, "")


@pytest.mark.parametrize("attribute", ["writeEnabled", "deleteEnabled"])
@pytest.mark.parametrize("path", ["/v2/{name}/manifests/1.0.0", "/acr/v1/{name}/_tags/1.0.0"])
async def test_a_locked_or_kept_tag_is_not_taken_off(local: Local, attribute: str, path: str) -> None:
    await local.image(NAME, "1.0.0")
    await change(local, "_tags/1.0.0", **{attribute: False})
    assert await told(local, "DELETE", path.format(name=NAME)) == DISALLOWED
    assert await told(local, "GET", f"/v2/{NAME}/manifests/1.0.0") == (200, "")
    await change(local, "_tags/1.0.0", **{attribute: True})
    assert await told(local, "DELETE", path.format(name=NAME)) == (202, "")


async def test_a_tag_that_may_not_be_deleted_may_still_be_moved_and_stays_so(local: Local) -> None:
    await local.image(NAME, "1.0.0")
    await change(local, "_tags/1.0.0", deleteEnabled=False)
    moved = await local.image(NAME, "1.0.0", "other")
    shown = json.loads((await local.ask("GET", f"/acr/v1/{NAME}/_tags/1.0.0"))[2])["tag"]
    assert (shown["digest"], shown["changeableAttributes"]["deleteEnabled"]) == (moved, False)


async def test_a_locked_manifest_takes_no_push_under_any_tag_and_stays_so(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await change(local, f"_manifests/{digest}", writeEnabled=False)
    for tag in ("1.0.0", "2.0.0", digest):
        assert await push_again(local, digest, tag) == DISALLOWED
    await change(local, f"_manifests/{digest}", writeEnabled=True, deleteEnabled=False)
    assert await push_again(local, digest, "2.0.0") == (201, "")
    assert await told(local, "DELETE", f"/v2/{NAME}/manifests/{digest}") == DISALLOWED


@pytest.mark.parametrize("attribute", ["writeEnabled", "deleteEnabled"])
@pytest.mark.parametrize("of", ["manifest", "tag"])
async def test_a_manifest_is_not_deleted_while_it_or_a_tag_of_it_is_locked(
    local: Local, attribute: str, of: str
) -> None:
    digest = await local.image(NAME, "1.0.0")
    what = f"_manifests/{digest}" if of == "manifest" else "_tags/1.0.0"
    await change(local, what, **{attribute: False})
    local.events.clear()
    assert await told(local, "DELETE", f"/v2/{NAME}/manifests/{digest}") == DISALLOWED
    assert local.events == []
    await change(local, what, **{attribute: True})
    assert await told(local, "DELETE", f"/v2/{NAME}/manifests/{digest}") == (202, "")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_tag_that_may_not_be_read_is_pulled_only_by_digest(local: Local, method: str) -> None:
    digest = await local.image(NAME, "1.0.0")
    await local.image(NAME, "latest")
    await change(local, "_tags/1.0.0", readEnabled=False)
    statuses = [(await local.ask(method, f"/v2/{NAME}/manifests/{one}"))[0] for one in ("1.0.0", "latest", digest)]
    assert statuses == [405, 200, 200]


async def test_a_manifest_that_may_not_be_read_is_pulled_by_nothing(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await change(local, f"_manifests/{digest}", readEnabled=False)
    for reference in ("1.0.0", digest):
        assert await told(local, "GET", f"/v2/{NAME}/manifests/{reference}") == DISALLOWED


async def test_a_locked_repository_takes_no_push_and_loses_nothing(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await change(local, "", writeEnabled=False)
    assert await push_again(local, digest, "2.0.0") == DISALLOWED
    for path in (f"/v2/{NAME}/manifests/{digest}", f"/v2/{NAME}/manifests/1.0.0", f"/acr/v1/{NAME}/_tags/1.0.0"):
        assert await told(local, "DELETE", path) == DISALLOWED
    assert await told(local, "GET", f"/v2/{NAME}/manifests/1.0.0") == (200, "")
    await local.image("shop/api", "1.0.0")


async def test_a_repository_that_may_not_be_deleted_lets_its_images_change_and_go(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await change(local, "", deleteEnabled=False)
    assert await push_again(local, digest, "2.0.0") == (201, "")
    assert await told(local, "DELETE", f"/acr/v1/{NAME}/_tags/2.0.0") == (202, "")
    assert await told(local, "DELETE", f"/v2/{NAME}/manifests/{digest}") == (202, "")


async def test_a_repository_that_may_not_be_read_is_pulled_by_nothing(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await change(local, "", readEnabled=False)
    for reference in ("1.0.0", digest):
        assert await told(local, "GET", f"/v2/{NAME}/manifests/{reference}") == DISALLOWED
