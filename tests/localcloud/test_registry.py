"""The registry answers as the distribution specification and ACR say, and raises the events ACR raises."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.localcloud.pushing import CONFIG, IMAGE, Local, code, digest_of, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


async def test_a_pushed_image_is_pulled_by_tag_and_by_digest(local: Local) -> None:
    digest = await local.image("shop/web", "1.0.0")
    by_tag = await local.ask("GET", "/v2/shop/web/manifests/1.0.0")
    by_digest = await local.ask("GET", f"/v2/shop/web/manifests/{digest}")
    assert by_tag[0] == by_digest[0] == 200
    assert digest_of(by_tag[2]) == digest_of(by_digest[2]) == by_tag[1]["Docker-Content-Digest"] == digest
    assert by_tag[1]["Content-Type"] == IMAGE
    layer = json.loads(by_tag[2])["layers"][0]["digest"]
    assert (await local.ask("GET", f"/v2/shop/web/blobs/{layer}"))[2] == b"hello"
    status, _, part = await local.ask("GET", f"/v2/shop/web/blobs/{layer}", headers={"Range": "bytes=1-2"})
    assert (status, part) == (206, b"el")


async def test_head_answers_like_get_without_the_body(local: Local) -> None:
    digest = await local.image("shop/web", "1.0.0")
    layer = digest_of(b"hello")
    for path, length in ((f"/v2/shop/web/blobs/{layer}", "5"), ("/v2/shop/web/manifests/1.0.0", None)):
        status, headers, body = await local.ask("HEAD", path)
        assert (status, body) == (200, b"")
        assert headers["Docker-Content-Digest"] in (digest, layer)
        assert length in (headers["Content-Length"], None)
    assert (await local.ask("HEAD", "/v2/shop/web/manifests/2.0.0"))[0] == 404


async def test_an_upload_in_chunks_refuses_a_gap_and_keeps_its_place(local: Local) -> None:
    _, headers, _ = await local.ask("POST", "/v2/shop/web/blobs/uploads/")
    place = headers["Location"]
    first = await local.ask("PATCH", place, data=b"abc", headers={"Content-Range": "0-2"})
    assert (first[0], first[1]["Range"]) == (202, "0-2")
    gap = await local.ask("PATCH", place, data=b"xyz", headers={"Content-Range": "7-9"})
    assert (gap[0], gap[1]["Range"]) == (416, "0-2")
    assert (await local.ask("GET", place))[1]["Range"] == "0-2"
    digest = digest_of(b"abcdef")
    last = await local.ask("PUT", f"{place}?digest={digest}", data=b"def", headers={"Content-Range": "3-5"})
    assert (last[0], last[1]["Location"]) == (201, f"/v2/shop/web/blobs/{digest}")
    assert (await local.ask("GET", last[1]["Location"]))[2] == b"abcdef"
    assert (await local.ask("GET", place))[0] == 404


async def test_an_upload_that_is_not_what_it_says_is_refused_and_gone(local: Local) -> None:
    _, headers, _ = await local.ask("POST", "/v2/shop/web/blobs/uploads/")
    wrong = digest_of(b"something else")
    status, _, said = await local.ask("PUT", f"{headers['Location']}?digest={wrong}", data=b"abc")
    assert (status, code(said)) == (400, "DIGEST_INVALID")
    assert (await local.ask("GET", f"/v2/shop/web/blobs/{wrong}"))[0] == 404
    assert (await local.ask("GET", headers["Location"]))[0] == 404


async def test_a_cancelled_upload_is_gone(local: Local) -> None:
    _, headers, _ = await local.ask("POST", "/v2/shop/web/blobs/uploads/")
    assert (await local.ask("DELETE", headers["Location"]))[0] == 204
    status, _, said = await local.ask("PATCH", headers["Location"], data=b"abc")
    assert (status, code(said)) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_blob_is_mounted_only_from_a_repository_that_has_it(local: Local) -> None:
    digest = await local.blob("shop/web", b"layer")
    mounted = await local.ask("POST", f"/v2/shop/api/blobs/uploads/?mount={digest}&from=shop/web")
    assert mounted[0] == 201
    assert (await local.ask("GET", f"/v2/shop/api/blobs/{digest}"))[2] == b"layer"
    for source in ("&from=shop/none", ""):
        assert (await local.ask("POST", f"/v2/shop/more/blobs/uploads/?mount={digest}{source}"))[0] == 202
    assert (await local.ask("GET", f"/v2/shop/more/blobs/{digest}"))[0] == 404


async def test_a_manifest_that_names_a_missing_blob_is_refused_and_raises_nothing(local: Local) -> None:
    body = {"schemaVersion": 2, "config": {"mediaType": CONFIG, "digest": digest_of(b"none"), "size": 4}, "layers": []}
    status, _, said = await local.ask(
        "PUT", "/v2/shop/web/manifests/1.0.0", data=json.dumps(body), headers={"Content-Type": IMAGE}
    )
    assert (status, code(said)) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert local.events == []


@pytest.mark.parametrize(
    ("path", "kind", "content", "status", "expected"),
    [
        ("/v2/shop/web/manifests/1.0.0", IMAGE, b"no JSON", 400, "MANIFEST_INVALID"),
        ("/v2/shop/web/manifests/1.0.0", "text/plain", b"{}", 400, "MANIFEST_INVALID"),
        ("/v2/shop/web/manifests/1.0.0", IMAGE, b'{"mediaType": "text/plain"}', 400, "MANIFEST_INVALID"),
        ("/v2/shop/web/manifests/-bad", IMAGE, b"{}", 400, "TAG_INVALID"),
        (f"/v2/shop/web/manifests/{'t' * 129}", IMAGE, b"{}", 400, "TAG_INVALID"),
        (f"/v2/shop/web/manifests/sha256:{'0' * 64}", IMAGE, b"{}", 400, "DIGEST_INVALID"),
        ("/v2/shop/web/manifests/sha256:short", IMAGE, b"{}", 400, "DIGEST_INVALID"),
        ("/v2/Shop/web/manifests/1.0.0", IMAGE, b"{}", 400, "NAME_INVALID"),
        ("/v2/shop/web/manifests/1.0.0", IMAGE, b"{" + b" " * 4 * 1024 * 1024 + b"}", 413, "SIZE_INVALID"),
    ],
)
async def test_a_manifest_that_is_none_is_refused(
    local: Local, path: str, kind: str, content: bytes, status: int, expected: str
) -> None:
    found, _, said = await local.ask("PUT", path, data=io.BytesIO(content), headers={"Content-Type": kind})
    assert (found, code(said)) == (status, expected)
    assert local.events == []


async def test_tags_come_in_pages_by_name(local: Local) -> None:
    for tag in ("b", "a", "c"):
        await local.image("shop/web", tag)
    path, pages = "/v2/shop/web/tags/list?n=2", []
    while path:
        _, headers, said = await local.ask("GET", path)
        pages.append(json.loads(said)["tags"])
        path = headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert pages == [["a", "b"], ["c"]]
    status, _, said = await local.ask("GET", "/v2/shop/none/tags/list")
    assert (status, code(said)) == (404, "NAME_UNKNOWN")


async def test_the_catalog_names_what_holds_a_manifest(local: Local) -> None:
    await local.blob("shop/only-blobs", b"layer")
    for repository in ("shop/web", "api", "shop/web/inner"):
        await local.image(repository, "1.0.0")
    for path in ("/v2/_catalog", "/acr/v1/_catalog"):
        _, _, said = await local.ask("GET", path)
        assert json.loads(said) == {"repositories": ["api", "shop/web", "shop/web/inner"]}
    _, headers, said = await local.ask("GET", "/acr/v1/_catalog?n=2")
    assert json.loads(said) == {"repositories": ["api", "shop/web"]}
    assert headers["Link"] == '</acr/v1/_catalog?n=2&last=shop%2Fweb>; rel="next"'


async def test_acr_lists_tags_with_digests_the_newest_first(local: Local) -> None:
    old = await local.image("shop/web", "1.0.0")
    local.clock.advance(timedelta(minutes=1))
    new = await local.image("shop/web", "0.9.0", "other")
    _, headers, said = await local.ask("GET", "/acr/v1/shop/web/_tags?n=1&orderby=timedesc")
    body = json.loads(said)
    assert (body["registry"], body["imageName"]) == ("weighbridge.azurecr.io", "shop/web")
    assert [(tag["name"], tag["digest"]) for tag in body["tags"]] == [("0.9.0", new)]
    following = headers["Link"].partition(">")[0].removeprefix("<")
    assert parse_qs(urlsplit(following).query)["orderby"] == ["timedesc"]
    _, headers, said = await local.ask("GET", following)
    assert [(tag["name"], tag["digest"]) for tag in json.loads(said)["tags"]] == [("1.0.0", old)]
    assert "Link" not in headers


async def test_referrers_are_listed_and_filtered(local: Local) -> None:
    subject = await local.image("shop/web", "1.0.0")
    referring = {"subject": {"mediaType": IMAGE, "digest": subject, "size": 1}}
    sbom = await local.image("shop/web", "", "sbom", artifactType="application/spdx+json", **referring)
    signature = await local.image("shop/web", "", "sig", artifactType="application/x-signature", **referring)
    _, _, said = await local.ask("GET", f"/v2/shop/web/referrers/{subject}")
    assert {one["digest"] for one in json.loads(said)["manifests"]} == {sbom, signature}
    _, headers, said = await local.ask("GET", f"/v2/shop/web/referrers/{subject}?artifactType=application/spdx%2Bjson")
    assert [one["digest"] for one in json.loads(said)["manifests"]] == [sbom]
    assert headers["OCI-Filters-Applied"] == "artifactType"
    _, _, said = await local.ask("GET", f"/v2/shop/web/referrers/{digest_of(b'nothing')}")
    assert json.loads(said)["manifests"] == []


async def test_what_was_pushed_survives_a_restart(tmp_path: Path) -> None:
    async with registry(tmp_path) as before:
        digest = await before.image("shop/web", "1.0.0")
    async with registry(tmp_path) as after:
        status, headers, _ = await after.ask("GET", "/v2/shop/web/manifests/1.0.0")
        assert (status, headers["Docker-Content-Digest"]) == (200, digest)


async def test_what_is_not_there_says_so(local: Local) -> None:
    for method, path in (("DELETE", "/acr/v1/shop/web/_manifests/any"), ("POST", "/v3/anything")):
        status, _, said = await local.ask(method, path)
        assert (status, code(said)) == (501, "UNSUPPORTED")
        assert path in said.decode()


async def test_oras_pushes_and_pulls(local: Local, tmp_path: Path) -> None:
    client_module = pytest.importorskip("oras.client", reason="the package oras is not installed")
    (tmp_path / "sbom.json").write_text('{"a": 1}')
    host = local.base.removeprefix("http://")

    def work() -> object:
        client = client_module.OrasClient(hostname=host, insecure=True)
        client.push(
            target=f"{host}/shop/sbom:1.0.0",
            files=[f"{tmp_path / 'sbom.json'}:application/spdx+json"],
            disable_path_validation=True,
        )
        (pulled,) = client.pull(target=f"{host}/shop/sbom:1.0.0", outdir=str(tmp_path / "out"))
        assert client.get_tags(f"{host}/shop/sbom") == ["1.0.0"]
        return json.loads(Path(pulled).read_text())

    assert await asyncio.to_thread(work) == {"a": 1}
    (event,) = local.events
    assert (event["subject"], event["data"]["target"]["mediaType"]) == ("shop/sbom:1.0.0", IMAGE)
    assert event["data"]["request"]["useragent"].startswith("python-requests/")


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not on the PATH")
async def test_skopeo_inspects_and_copies(local: Local, tmp_path: Path) -> None:
    digest = await local.image("shop/web", "1.0.0")
    host = local.base.removeprefix("http://")
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    copy = await asyncio.create_subprocess_exec(
        *("skopeo", "--policy", str(tmp_path / "policy.json"), "copy"),
        *("--src-tls-verify=false", "--dest-tls-verify=false"),
        *(f"docker://{host}/shop/web:1.0.0", f"docker://{host}/shop/copy:1.0.0"),
    )
    assert await copy.wait() == 0
    assert local.events[-1]["data"]["target"]["digest"] == digest
