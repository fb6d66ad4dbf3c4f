"""What a registry holds, over one that answers on loopback."""

from __future__ import annotations

import hashlib
import json

import pytest

from cloud import registry as registry_module
from delivery.errors import Refused, Retry
from tests.cloud.fake_acr import ACR, IMAGE, SHA, acr, plain, served
from tests.cloud.loopback import CUT, SILENT, Answer, Asked, FakeCredential

INDEX = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [
        {"digest": SHA, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": "sha256:7", "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
        {"digest": "sha256:6", "platform": {"os": "linux", "architecture": "arm", "variant": "v6"}},
        {"digest": "sha256:a", "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": "sha256:b"},
    ],
}
SIGNATURE = {
    "schemaVersion": 2,
    "artifactType": "application/vnd.cncf.notary.signature",
    "config": {"mediaType": "application/vnd.oci.empty.v1+json"},
    "subject": {"digest": SHA},
}


async def test_an_image_is_told_by_its_config() -> None:
    async with plain() as (server, registry):
        server.on("GET", "/v2/shop/web/manifests/1.4.2", served(IMAGE, **{"Docker-Content-Digest": SHA}))

        found = await registry.manifest("registry.example", "shop/web", "1.4.2")

    assert found is not None
    assert (found.digest, found.media_type) == (SHA, IMAGE["mediaType"])
    assert (found.config, found.artifact, found.subject) == ("application/vnd.oci.image.config.v1+json", "", False)
    assert (found.children, found.labels) == ({}, {"org.opencontainers.image.version": "1.4.2"})
    assert "application/vnd.docker.distribution.manifest.list.v2+json" in server.asked[0].headers["Accept"]


async def test_an_index_names_its_images_by_platform() -> None:
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(INDEX))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert found.children == {"linux/amd64": SHA, "linux/arm": "sha256:7"}


async def test_a_signature_is_told_by_its_subject() -> None:
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(SIGNATURE, **{"Content-Type": f"{IMAGE['mediaType']}; charset=utf-8"}))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert (found.subject, found.artifact) == (True, "application/vnd.cncf.notary.signature")
    assert found.media_type == IMAGE["mediaType"], "from the header where the body does not say"


async def test_what_answers_to_a_digest_must_be_it() -> None:
    raw = json.dumps(IMAGE).encode()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    async with plain() as (server, registry):
        server.on("GET", f"/manifests/{digest}", served(raw))
        server.on("GET", f"/manifests/{SHA}", served(raw, **{"Docker-Content-Digest": SHA}))

        found = await registry.manifest("registry.example", "web", digest)
        with pytest.raises(Retry, match=r"expected this content, found sha256:"):
            await registry.manifest("registry.example", "web", SHA)

    assert found is not None
    assert found.digest == digest


async def test_what_is_gone_is_none() -> None:
    async with plain() as (server, registry):
        server.on("HEAD", "", Answer(404))

        assert await registry.manifest("registry.example", "web", SHA) is None
        assert await registry.digest("registry.example", "web", "1") is None
        assert await registry.tags("registry.example", "web") == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"config": 7, "annotations": [], "manifests": {"a": 1}}'])
async def test_an_odd_manifest_is_read_as_far_as_it_goes(body: object) -> None:
    async with plain() as (server, registry):
        server.on("GET", "", served(body))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert (found.config, found.children, found.labels) == ("", {}, {})


async def test_a_manifest_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_LARGEST", 100)
    async with plain() as (server, registry):
        server.on("GET", "", served(IMAGE))

        with pytest.raises(Refused, match=r"expected at most 100 bytes"):
            await registry.manifest("registry.example", "web", "1")


async def test_a_tag_is_resolved_by_one_head() -> None:
    async with plain() as (server, registry):
        server.on("HEAD", "/v2/web/manifests/1.4.2", Answer(200, None, {"Docker-Content-Digest": SHA}))

        assert await registry.digest("registry.example", "web", "1.4.2") == SHA

    assert len(server.asked) == 1


async def test_a_tag_cannot_leave_its_place_in_the_path() -> None:
    async with plain() as (server, registry):
        await registry.manifest("registry.example", "web", "../../catalog?x#y")

    assert server.asked[0].target.startswith("/v2/web/manifests/..%2F..%2Fcatalog%3Fx%23y")


# ---- tags --------------------------------------------------------------------------------------


async def test_acr_lists_its_tags_newest_first_page_by_page() -> None:
    async with acr(FakeCredential()) as (fake, registry):
        names = iter("321")

        def page(_: Asked) -> Answer:
            name = next(names)
            link = {} if name == "1" else {"Link": f'</acr/v1/shop/web/_tags?last={name}&n=100>; rel="next"'}
            return Answer(200, {"tags": [{"name": name, "digest": SHA, "lastUpdateTime": "nonsense"}]}, link)

        fake.server._rules.insert(0, ("GET", "/_tags", [page]))
        found = await registry.tags(ACR, "shop/web")

    assert [(t.name, t.updated) for t in found] == [("3", None), ("2", None), ("1", None)]
    assert [a.target for a in fake.server.asked] == [
        "/acr/v1/shop/web/_tags?n=100&orderby=timedesc",
        "/acr/v1/shop/web/_tags?last=3&n=100",
        "/acr/v1/shop/web/_tags?last=2&n=100",
    ]


async def test_another_registry_tells_names_only() -> None:
    async with plain() as (server, registry):
        server.on("GET", "/v2/web/tags/list", served({"name": "web", "tags": ["1", "2", 3]}))

        found = await registry.tags("registry.example", "web")

    assert [(t.name, t.digest, t.updated) for t in found] == [("1", "", None), ("2", "", None)]


async def test_what_is_called_acr_but_does_not_list_as_acr_lists_as_the_others() -> None:
    async with plain(ACR) as (server, registry):
        server.on("GET", "/v2/web/tags/list", served({"tags": ["1"]}))

        assert [t.name for t in await registry.tags(ACR, "web")] == ["1"]


async def test_a_list_that_never_ends_is_refused_or_is_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_PAGES", 3)
    more = {"Link": '</v2/web/tags/list?last=1>; rel="next"'}
    newest = {"Link": '</acr/v1/web/_tags?last=1>; rel="next"'}
    async with plain() as (server, registry):
        server.on("GET", "/tags/list", Answer(200, {"tags": ["1"]}, more))
        with pytest.raises(Refused, match=r"expected its tags on 3 pages, found more"):
            await registry.tags("registry.example", "web")
    async with plain(ACR) as (server, registry):
        server.on("GET", "/_tags", Answer(200, {"tags": [{"name": "1"}]}, newest))

        assert len(await registry.tags(ACR, "web")) == 3


async def test_a_next_page_on_another_host_is_not_followed() -> None:
    async with plain() as (server, registry):
        server.on("GET", "/tags/list", Answer(200, {"tags": []}, {"Link": '<https://evil.example/v2>; rel="next"'}))

        with pytest.raises(Refused, match=r"expected the next page on the same host"):
            await registry.tags("registry.example", "web")


# ---- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(429, {"errors": [{"code": "TOOMANYREQUESTS", "message": "hunter2"}]}, {"Retry-After": "2"}), Retry),
        (Answer(500, b"hunter2"), Retry),
        (Answer(403, {"errors": [{"code": "DENIED", "message": "hunter2"}]}), Refused),
        (Answer(307, None, {"Location": "https://evil.example"}), Refused),
        (CUT, Retry),
    ],
)
async def test_a_registry_that_fails_is_told_without_its_body(answer: Answer, kind: type[Exception]) -> None:
    async with plain() as (server, registry):
        server.on("HEAD", "", answer)

        with pytest.raises(kind, match=r"^registry: registry.example/web: HEAD: ") as caught:
            await registry.digest("registry.example", "web", "1")

    assert "hunter2" not in str(caught.value)


async def test_a_registry_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_WITHIN", 0.2)
    async with plain() as (server, registry):
        server.on("GET", "", SILENT)

        with pytest.raises(Retry, match=r"expected an answer in time"):
            await registry.manifest("registry.example", "web", "1")
