"""ACR's own API tells a manifest's size, platform and children, as the service was recorded to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from tests.localcloud.locking import NAME
from tests.localcloud.pushing import CONFIG, IMAGE, INDEX, Local, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
HELM = "application/vnd.cncf.helm.config.v1+json"
LINUX = json.dumps({"architecture": "arm64", "os": "linux", "rootfs": {}}).encode()
WORDS = b"a layer of some bytes"
ELSEWHERE = {
    "mediaType": LAYER,
    "digest": digest_of(b"far"),
    "size": 117_000_000,
    "urls": ["https://store.example.com"],
}
COUNTED = ("imageSize", "configMediaType", "architecture", "os", "references")


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def image(
    local: Local, config: bytes = LINUX, kind: str = CONFIG, more: tuple[object, ...] = ()
) -> tuple[str, int]:
    """Push one without a tag; its digest, and the bytes of its manifest."""
    body = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {"mediaType": kind, "digest": await local.blob(NAME, config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": await local.blob(NAME, WORDS), "size": len(WORDS)}, *more],
    }
    return await local.put(NAME, "", body), len(json.dumps(body))


async def index(local: Local, *children: dict[str, object]) -> str:
    body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children)}
    return await local.put(NAME, "", body, INDEX)


async def shown(local: Local, digest: str) -> dict[str, Any]:
    """What is told of one manifest."""
    status, _, said = await local.ask("GET", f"/acr/v1/{NAME}/_manifests/{digest}")
    assert status == 200
    row: dict[str, Any] = json.loads(said)["manifest"]
    return row


async def counted(local: Local, digest: str) -> dict[str, Any]:
    return {name: value for name, value in (await shown(local, digest)).items() if name in COUNTED}


async def test_an_images_size_is_its_manifests_and_its_configs_and_its_layers_that_are_here(local: Local) -> None:
    digest, size = await image(local, more=(ELSEWHERE,))
    assert (await shown(local, digest))["imageSize"] == size + len(LINUX) + len(WORDS)


async def test_an_indexs_size_is_its_childrens_without_its_own(local: Local) -> None:
    (one, first), (other, second) = await image(local), await image(local, LINUX + b" ")
    sizes = first + len(LINUX) + len(WORDS), second + len(LINUX) + 1 + len(WORDS)
    inner = await index(local, {"mediaType": IMAGE, "digest": one, "size": first})
    outer = await index(
        local, {"mediaType": INDEX, "digest": inner, "size": 1}, {"mediaType": IMAGE, "digest": other, "size": 1}
    )
    assert await counted(local, outer) == {
        "imageSize": sum(sizes),
        "references": [{"digest": inner}, {"digest": other}],
    }
    assert (await shown(local, inner))["imageSize"] == sizes[0]


async def test_an_index_tells_its_children_in_its_order_with_their_platforms_but_not_in_a_list(local: Local) -> None:
    (one, _), (other, _) = await image(local), await image(local, LINUX + b" ")
    platforms = {"architecture": "s390x", "os": "linux"}, {"architecture": "amd64", "os": "windows"}
    digest = await index(
        local,
        *(
            {"mediaType": IMAGE, "digest": d, "size": 1, "platform": p}
            for d, p in zip((one, other), platforms, strict=True)
        ),
    )
    found = await shown(local, digest)
    assert found.pop("references") == [{"digest": one, **platforms[0]}, {"digest": other, **platforms[1]}]
    listed = json.loads((await local.ask("GET", f"/acr/v1/{NAME}/_manifests"))[2])["manifests"]
    assert [row for row in listed if row["digest"] == digest] == [found]


async def test_an_image_tells_the_platform_of_its_config(local: Local) -> None:
    digest, _ = await image(local)
    found = await counted(local, digest)
    assert found.pop("imageSize")
    assert found == {"configMediaType": CONFIG, "architecture": "arm64", "os": "linux"}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (LINUX, HELM),
        (b"{}", CONFIG),
        (b"[]", CONFIG),
        (b"no JSON", CONFIG),
        (b'{"architecture": 1, "os": null}', CONFIG),
        (LINUX + b" " * 4 * 1024 * 1024, CONFIG),
    ],
    ids=["chart", "empty", "list", "no JSON", "no text", "too large"],
)
async def test_a_config_that_names_no_platform_tells_its_type_alone(local: Local, config: bytes, kind: str) -> None:
    digest, size = await image(local, config, kind)
    expected = {"imageSize": size + len(config) + len(WORDS), "configMediaType": kind}
    assert await counted(local, digest) == expected


async def test_an_image_whose_config_was_deleted_still_tells_its_platform(local: Local) -> None:
    digest, _ = await image(local)
    before = await counted(local, digest)
    assert (await local.ask("DELETE", f"/v2/{NAME}/blobs/{digest_of(LINUX)}"))[0] == 202
    assert await counted(local, digest) == before


async def test_a_manifest_without_tags_has_no_list_of_them(local: Local) -> None:
    digest, _ = await image(local)
    assert "tags" not in await shown(local, digest)


async def test_a_changed_manifest_is_told_like_one_that_is_read(local: Local) -> None:
    child, _ = await image(local)
    digest = await index(local, {"mediaType": IMAGE, "digest": child, "size": 1})
    _, _, said = await local.ask("PATCH", f"/acr/v1/{NAME}/_manifests/{digest}", json={"listEnabled": False})
    assert json.loads(said)["manifest"] == await shown(local, digest)


async def test_a_next_page_is_named_by_the_path_that_was_asked_for(local: Local) -> None:
    """Azure's own client writes the `/` of a repository as `%2F`; the service was recorded to keep it."""
    digests = sorted([(await image(local))[0], (await image(local, b"{}"))[0]])
    path = "/acr/v1/shop%2Fweb/_manifests"
    async with local.session.get(URL(f"{local.base}{path}?n=1&orderby=", encoded=True)) as answer:
        assert [row["digest"] for row in (await answer.json())["manifests"]] == digests[:1]
        following = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert following.startswith(f"{path}?")
    async with local.session.get(URL(local.base + following, encoded=True)) as answer:
        assert [row["digest"] for row in (await answer.json())["manifests"]] == digests[1:]
        assert "Link" not in answer.headers
