"""What a registry holds, over one that answers on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from cloud import registry as registry_module
from cloud import registry_labels
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


# ---- labels --------------------------------------------------------------------------------------


REVISION, SOURCE = "org.opencontainers.image.revision", "org.opencontainers.image.source"


def labelled(labels: object) -> tuple[bytes, bytes]:
    """A config with these labels, and a manifest of it."""
    config = json.dumps({"architecture": "amd64", "config": {"Labels": labels}}).encode()
    described = {**IMAGE["config"], "digest": digest_of(config), "size": len(config)}  # type: ignore[dict-item]
    return config, json.dumps({**IMAGE, "config": described}).encode()


def digest_of(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


async def test_an_image_is_told_by_its_labels_which_are_read_once() -> None:
    config, image = labelled({REVISION: "2d9c", SOURCE: "https://github.com/contoso/web", "maintainer": "Ann"})
    async with plain() as (server, registry):
        server.on("GET", f"/manifests/{digest_of(image)}", served(image))
        server.on("GET", f"/blobs/{digest_of(config)}", served(config))

        for _ in range(3):
            found = await registry.manifest("registry.example", "web", digest_of(image))
            assert found is not None
            assert (found.labels[REVISION], found.labels[SOURCE]) == ("2d9c", "https://github.com/contoso/web")
            assert "maintainer" not in found.labels

    assert len([a for a in server.asked if "/blobs/" in a.path]) == 1
    assert len(server.asked) == 4


async def test_of_an_index_the_image_that_would_run_is_read() -> None:
    config, image = labelled({REVISION: "2d9c"})
    children = [
        {"digest": SHA, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": digest_of(image), "platform": {"os": "linux", "architecture": "amd64"}},
    ]
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served({**INDEX, "manifests": children}))
        server.on("GET", f"/manifests/{digest_of(image)}", served(image))
        server.on("GET", f"/blobs/{digest_of(config)}", served(config))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert found.labels == {REVISION: "2d9c"}


async def test_a_config_kept_elsewhere_is_fetched_there_without_our_token() -> None:
    """ACR answers for a blob with a signed address of its storage."""
    config, image = labelled({REVISION: "2d9c"})
    async with acr(FakeCredential(), manifest=served(image)) as (fake, registry):
        kept = f"{fake.server.url}/kept/elsewhere?sig=a%2Bb%2Fc%3D"
        fake.server.on("GET", f"/blobs/{digest_of(config)}", Answer(307, None, {"Location": kept}))
        fake.server.on("GET", "/kept/elsewhere", served(config))

        found = await registry.manifest(ACR, "shop/web", "1.4.2")

    assert found is not None
    assert found.labels[REVISION] == "2d9c"
    assert "Authorization" in fake.server.asked[-2].headers
    assert "Authorization" not in fake.server.asked[-1].headers


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(500),
        Answer(403),
        CUT,
        served(b"{}"),
        served(b"x" * (256 * 1024 + 1)),
        Answer(307, None, {"Location": "http://plain.example/config"}),
        Answer(307),
    ],
    ids=["gone", "broken", "denied", "cut", "another", "endless", "insecure", "nowhere"],
)
async def test_a_config_that_cannot_be_read_costs_the_labels_and_not_the_manifest(answer: Answer) -> None:
    config, image = labelled({REVISION: "2d9c"})
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(image))
        server.on("GET", f"/blobs/{digest_of(config)}", answer)

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert found.config == "application/vnd.oci.image.config.v1+json"
    assert REVISION not in found.labels


async def test_a_config_is_never_fetched_in_the_clear() -> None:
    config, image = labelled({REVISION: "2d9c"})
    heard: list[object] = []

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer)
        writer.close()

    clear = await asyncio.start_server(hear, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{clear.sockets[0].getsockname()[1]}/config"
    async with clear, plain() as (server, registry):
        server.on("GET", "/manifests/1", served(image))
        server.on("GET", f"/blobs/{digest_of(config)}", Answer(307, None, {"Location": address}))

        assert await registry.manifest("registry.example", "web", "1") is not None

    assert not heard


async def test_a_config_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_labels, "_WITHIN", 0.2)
    config, image = labelled({REVISION: "2d9c"})
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(image))
        server.on("GET", f"/blobs/{digest_of(config)}", SILENT, served(config))

        first = await registry.manifest("registry.example", "web", "1")
        second = await registry.manifest("registry.example", "web", "1")

    assert first is not None
    assert REVISION not in first.labels
    assert second is not None
    assert second.labels[REVISION] == "2d9c", "what may help is tried again"


@pytest.mark.parametrize("labels", [None, [], {REVISION: 7}, {REVISION: "a\nb"}, {REVISION: "x" * 513}], ids=repr)
async def test_a_label_is_one_printable_line_or_it_is_not_there(labels: object) -> None:
    config, image = labelled(labels)
    async with plain() as (server, registry):
        server.on("GET", "/manifests/1", served(image))
        server.on("GET", f"/blobs/{digest_of(config)}", served(config))

        found = await registry.manifest("registry.example", "web", "1")

    assert found is not None
    assert REVISION not in found.labels


async def test_of_many_images_the_labels_read_first_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_labels, "_HELD", 1)
    one, two = labelled({REVISION: "1"}), labelled({REVISION: "2"})
    async with plain() as (server, registry):
        for config, image in (one, two):
            server.on("GET", f"/manifests/{digest_of(image)}", served(image))
            server.on("GET", f"/blobs/{digest_of(config)}", served(config))
        for _, image in (one, two, two, one):
            await registry.manifest("registry.example", "web", digest_of(image))

    assert len([a for a in server.asked if "/blobs/" in a.path]) == 3


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


# ---- repositories ------------------------------------------------------------------------------


async def test_acr_lists_its_repositories_page_by_page_up_to_as_many_as_are_wanted() -> None:
    async with acr(FakeCredential()) as (fake, registry):
        pages = iter((["a", "b"], ["c", "d"], ["e"]))

        def page(_: Asked) -> Answer:
            names = next(pages)
            link = {"Link": f'</acr/v1/_catalog?last={names[-1]}&n=100>; rel="next"'}
            return Answer(200, {"repositories": [*names, 7]}, link)

        fake.server._rules.insert(0, ("GET", "/_catalog", [page]))
        found = await registry.repositories(ACR, 3)

    assert found == ["a", "b", "c"]
    assert [a.target for a in fake.server.asked] == ["/acr/v1/_catalog?n=100", "/acr/v1/_catalog?last=b&n=100"]


async def test_a_catalogue_that_names_its_own_page_as_the_next_ends_there() -> None:
    async with plain() as (server, registry):
        itself = {"Link": '</v2/_catalog?n=100>; rel="next"'}
        server.on("GET", "/v2/_catalog", Answer(200, {"repositories": []}, itself))

        assert await registry.repositories("registry.example", 5) == []

    assert len(server.asked) == 1


async def test_a_catalogue_of_empty_pages_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_PAGES", 3)
    async with plain() as (server, registry):
        places = iter(range(99))

        def page(_: Asked) -> Answer:
            return Answer(200, {"repositories": []}, {"Link": f'</v2/_catalog?last={next(places)}>; rel="next"'})

        server._rules.insert(0, ("GET", "/_catalog", [page]))

        assert await registry.repositories("registry.example", 5) == []

    assert len(server.asked) == 3


async def test_a_registry_without_a_catalogue_says_so() -> None:
    async with plain() as (server, registry):
        server.on("GET", "/v2/_catalog", Answer(404))

        with pytest.raises(Refused, match=r"expected a list of its repositories, found none") as caught:
            await registry.repositories("registry.example", 5)

    assert caught.value.status == 404


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
