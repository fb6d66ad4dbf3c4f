"""The Azure CLI locks what the local registry holds and cannot take it away; what is free it deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud import images, samples
from tests.az.az import AzError

if TYPE_CHECKING:
    from localcloud.cloud import LocalCloud
    from tests.az.az import Az

pytestmark = [pytest.mark.az, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

NAMED = ("--name", "weighbridge")


async def test_a_tag_is_locked_shown_locked_and_not_taken_off(cloud: LocalCloud, az: Az) -> None:
    await images.push(samples.good("1.0.0"), f"http://{cloud.endpoints['registry']}", "shop/locked", "1.0.0")
    image = ("--image", "shop/locked:1.0.0")
    changed = await az("acr", "repository", "update", *NAMED, *image, "--write-enabled", "false")
    assert changed["changeableAttributes"]["writeEnabled"] is False
    assert await az("acr", "repository", "show", *NAMED, *image) == changed
    with pytest.raises(AzError, match="disallowed"):
        await az("acr", "repository", "untag", *NAMED, *image)
    await az("acr", "repository", "update", *NAMED, *image, "--write-enabled", "true")
    await az("acr", "repository", "untag", *NAMED, *image)


async def test_manifests_are_listed_and_a_repository_is_shown_and_locked(cloud: LocalCloud, az: Az) -> None:
    digest = await images.push(samples.good("1.0.0"), f"http://{cloud.endpoints['registry']}", "shop/kept", "1.0.0")
    (manifest,) = await az("acr", "manifest", "list-metadata", "--registry", "weighbridge", "--name", "shop/kept")
    assert (manifest["digest"], manifest["tags"], manifest["os"]) == (digest, ["1.0.0"], "linux")
    named = ("--registry", "weighbridge", "--name", f"shop/kept@{digest}")
    assert await az("acr", "manifest", "show-metadata", *named) == manifest
    repository = ("--repository", "shop/kept")
    changed = await az("acr", "repository", "update", *NAMED, *repository, "--delete-enabled", "false")
    assert changed["changeableAttributes"]["deleteEnabled"] is False
    assert (await az("acr", "repository", "show", *NAMED, *repository))["tagCount"] == 1


async def test_an_image_and_then_a_whole_repository_are_deleted(cloud: LocalCloud, az: Az) -> None:
    at = f"http://{cloud.endpoints['registry']}"
    await images.push(samples.good("1.0.0"), at, "shop/gone", "1.0.0")
    second = await images.push(samples.good("2.0.0"), at, "shop/gone", "2.0.0")
    await az("acr", "repository", "delete", *NAMED, "--image", "shop/gone:1.0.0", "--yes")
    assert await az("acr", "repository", "show-tags", *NAMED, "--repository", "shop/gone") == ["2.0.0"]
    went = await az("acr", "repository", "delete", *NAMED, "--repository", "shop/gone", "--yes")
    assert went == {"manifestsDeleted": [second], "tagsDeleted": ["2.0.0"]}
    assert "shop/gone" not in await az("acr", "repository", "list", *NAMED)
