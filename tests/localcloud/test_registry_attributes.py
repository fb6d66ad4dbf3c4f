"""The changeable attributes of repositories, tags and manifests are told, changed and kept; lists heed them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from localcloud import identity
from tests.localcloud.locking import ALL, NAME, change, told
from tests.localcloud.pushing import IMAGE, Local, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def names(local: Local, path: str, key: str) -> list[str]:
    """What a list names: tags and repositories by name, manifests by digest."""
    status, _, said = await local.ask("GET", path)
    assert status == 200
    return [one if isinstance(one, str) else one.get("name", one["digest"]) for one in json.loads(said)[key]]


async def test_a_tags_attributes_are_changed_one_by_one_and_kept(tmp_path: Path) -> None:
    async with registry(tmp_path) as before:
        digest = await before.image(NAME, "1.0.0")
        body = await change(before, "_tags/1.0.0", writeEnabled=False)
        assert (body["registry"], body["imageName"]) == ("weighbridge.azurecr.io", NAME)
        assert (body["tag"]["name"], body["tag"]["digest"]) == ("1.0.0", digest)
        assert body["tag"]["changeableAttributes"] == ALL | {"writeEnabled": False}
        await change(before, "_tags/1.0.0", deleteEnabled=False)
    async with registry(tmp_path) as after:
        shown = json.loads((await after.ask("GET", f"/acr/v1/{NAME}/_tags/1.0.0"))[2])["tag"]
        assert shown["changeableAttributes"] == ALL | {"writeEnabled": False, "deleteEnabled": False}


async def test_a_manifest_tells_its_tags_and_its_attributes(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    await local.image(NAME, "latest")
    await change(local, f"_manifests/{digest}", deleteEnabled=False)
    shown = json.loads((await local.ask("GET", f"/acr/v1/{NAME}/_manifests/{digest}"))[2])["manifest"]
    assert {name: shown[name] for name in ("digest", "mediaType", "tags")} == {
        "digest": digest,
        "mediaType": IMAGE,
        "tags": ["1.0.0", "latest"],
    }
    assert shown["changeableAttributes"] == ALL | {"deleteEnabled": False}
    listed = json.loads((await local.ask("GET", f"/acr/v1/{NAME}/_manifests"))[2])["manifests"]
    assert listed == [shown]


async def test_a_tags_attributes_are_not_its_manifests(local: Local) -> None:
    """github.com/Azure/acr/issues/495: the two are apart."""
    digest = await local.image(NAME, "1.0.0")
    await change(local, "_tags/1.0.0", writeEnabled=False)
    shown = json.loads((await local.ask("GET", f"/acr/v1/{NAME}/_manifests/{digest}"))[2])["manifest"]
    assert shown["changeableAttributes"] == ALL


async def test_a_repository_tells_its_counts_and_its_attributes(local: Local) -> None:
    await local.image(NAME, "1.0.0")
    await local.image(NAME, "latest")
    body = await change(local, "", listEnabled=False)
    assert (body["manifestCount"], body["tagCount"]) == (1, 2)
    assert body["changeableAttributes"] == ALL | {"listEnabled": False}
    assert json.loads((await local.ask("GET", f"/acr/v1/{NAME}"))[2]) == body


async def test_what_may_not_be_listed_is_found_only_by_who_knows_it(local: Local) -> None:
    hidden = await local.image(NAME, "1.0.0")
    shown = await local.image(NAME, "2.0.0", "other")
    await change(local, "_tags/1.0.0", listEnabled=False)
    await change(local, f"_manifests/{hidden}", listEnabled=False)
    assert await names(local, f"/v2/{NAME}/tags/list", "tags") == ["2.0.0"]
    assert await names(local, f"/acr/v1/{NAME}/_tags", "tags") == ["2.0.0"]
    assert await names(local, f"/acr/v1/{NAME}/_manifests", "manifests") == [shown]
    assert await told(local, "GET", f"/v2/{NAME}/manifests/1.0.0") == (200, "")
    assert await told(local, "GET", f"/acr/v1/{NAME}/_tags/1.0.0") == (200, "")
    assert await told(local, "GET", f"/acr/v1/{NAME}/_manifests/{hidden}") == (200, "")


async def test_a_repository_that_may_not_be_listed_is_in_no_catalogue(local: Local) -> None:
    await local.image(NAME, "1.0.0")
    await local.image("shop/api", "1.0.0")
    await change(local, "", listEnabled=False)
    for path in ("/v2/_catalog", "/acr/v1/_catalog"):
        assert await names(local, path, "repositories") == ["shop/api"]


async def test_changing_attributes_raises_no_event(local: Local) -> None:
    digest = await local.image(NAME, "1.0.0")
    local.events.clear()
    for what in ("", "_tags/1.0.0", f"_manifests/{digest}"):
        await change(local, what, listEnabled=False)
    assert local.events == []


@pytest.mark.parametrize(
    "body",
    [b"no JSON", b"[]", b'{"writeEnabled": "false"}', b'{"quarantineState": "Passed"}', b'{"writeEnabled": null}'],
)
async def test_a_change_that_is_not_understood_is_refused_and_changes_nothing(local: Local, body: bytes) -> None:
    await local.image(NAME, "1.0.0")
    assert await told(local, "PATCH", f"/acr/v1/{NAME}/_tags/1.0.0", data=body) == (501, "UNSUPPORTED")
    shown = json.loads((await local.ask("GET", f"/acr/v1/{NAME}/_tags/1.0.0"))[2])["tag"]
    assert shown["changeableAttributes"] == ALL


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("shop/none", "NAME_UNKNOWN"),
        (f"{NAME}/_tags/2.0.0", "TAG_UNKNOWN"),
        (f"{NAME}/_manifests/sha256:{'0' * 64}", "MANIFEST_UNKNOWN"),
    ],
)
async def test_what_is_not_there_has_no_attributes(local: Local, path: str, expected: str) -> None:
    await local.image(NAME, "1.0.0")
    for method in ("GET", "PATCH"):
        assert await told(local, method, f"/acr/v1/{path}", json={}) == (404, expected)


async def test_reading_attributes_needs_metadata_read_and_changing_them_metadata_write(tmp_path: Path) -> None:
    async with registry(tmp_path, auth=True) as local:
        form = {
            "grant_type": "access_token",
            "service": "weighbridge.azurecr.io",
            "access_token": identity.token("https://containerregistry.azure.net"),
        }
        form = {
            "grant_type": "refresh_token",
            "service": "weighbridge.azurecr.io",
            "refresh_token": json.loads((await local.ask("POST", "/oauth2/exchange", data=form))[2])["refresh_token"],
        }
        for path in (f"/acr/v1/{NAME}", f"/acr/v1/{NAME}/_tags/1.0.0", f"/acr/v1/{NAME}/_manifests/sha256:{'0' * 64}"):
            for method, action in (("GET", "metadata_read"), ("PATCH", "metadata_write")):
                scope = f"repository:{NAME}:{action}"
                _, headers, _ = await local.ask(method, path, json={})
                assert f'scope="{scope}"' in headers["WWW-Authenticate"]
                _, _, said = await local.ask("POST", "/oauth2/token", data=form | {"scope": scope})
                allowed = {"Authorization": f"Bearer {json.loads(said)['access_token']}"}
                assert (await local.ask(method, path, json={}, headers=allowed))[0] == 404
                other = "PATCH" if method == "GET" else "GET"
                assert (await local.ask(other, path, json={}, headers=allowed))[0] == 401
