"""What a registry has attached to an image is found however it is kept, and asked for no more often than ACR allows."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from cloud import registry_signatures
from cloud.registry_signatures import Signatures
from delivery.errors import Refused, Retry
from policies.signatures import BUNDLE, COSE, JWS, LARGEST, MOST, SIMPLE_SIGNING, SignatureSeen
from tests.cloud.fake_acr import ACR, IMAGE, SHA, acr, plain, served
from tests.cloud.loopback import Answer, FakeCredential

if TYPE_CHECKING:
    from cloud.registry import ContainerRegistry
    from tests.cloud.loopback import Loopback

OTHER = "registry.example"
NOTATION = registry_signatures.NOTATION
EMPTY = "application/vnd.oci.empty.v1+json"
TAG = SHA.replace(":", "-")


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Shelf:
    """What hangs on the image SHA in a registry."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.listed: list[dict[str, Any]] = []

    def blob(self, content: bytes) -> dict[str, Any]:
        digest = digest_of(content)
        self.server.on("GET", f"/blobs/{digest}", served(content))
        return {"digest": digest, "size": len(content)}

    def manifest(self, body: dict[str, Any], **described: object) -> str:
        raw = json.dumps(body).encode()
        digest = digest_of(raw)
        self.server.on("GET", f"/manifests/{digest}", served(raw))
        self.listed.append({"mediaType": IMAGE["mediaType"], "digest": digest, "size": len(raw), **described})
        return digest

    def sign(
        self, content: bytes, media_type: str = JWS, artifact: str = NOTATION, config: str = EMPTY, **described: object
    ) -> str:
        """A referrer that tells its type as `artifact` ("": by its config alone); described: in the listing instead."""
        layer = {**self.blob(content), "mediaType": media_type}
        told = {"artifactType": artifact} if artifact else {}
        body = {**told, "config": {"mediaType": config}, "layers": [layer], "subject": {"digest": SHA}}
        return self.manifest(body, **{**told, **described})

    def index(self) -> Answer:
        return served({"schemaVersion": 2, "manifests": self.listed})

    def open(self) -> None:
        self.server.on("GET", f"/v2/shop/web/referrers/{SHA}", self.index())


async def found(registry: ContainerRegistry, server: str = OTHER) -> list[tuple[str, str, bytes]]:
    seen = await registry.signatures(server, "shop/web", SHA)
    return [(each.digest, each.media_type, each.content) for each in seen]


async def test_signatures_are_found_among_the_referrers() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        shelf.manifest({"artifactType": "application/spdx+json"}, artifactType="application/spdx+json")
        jws = shelf.sign(b"jws")
        cose = shelf.sign(b"cose", COSE)
        cosign = shelf.sign(b"bundle", BUNDLE, BUNDLE)
        shelf.open()

        assert await found(registry) == [(jws, JWS, b"jws"), (cose, COSE, b"cose"), (cosign, BUNDLE, b"bundle")]

    listing = next(asked for asked in server.asked if "/referrers/" in asked.path)
    assert "application/vnd.oci.image.index.v1+json" in listing.headers["Accept"]
    assert not [asked for asked in server.asked if asked.path.endswith(shelf.listed[0]["digest"])], (
        "an SBOM is not read"
    )


@pytest.mark.parametrize("told", [{}, {"artifactType": EMPTY}, {"artifactType": ""}])
async def test_a_referrer_that_only_its_config_tells_is_found(told: dict[str, Any]) -> None:
    """Older notation says what it is in its config's type, and registries list that as they like: Azure/acr#784."""
    async with plain() as (server, registry):
        shelf = Shelf(server)
        old = shelf.sign(b"jws", artifact="", config=NOTATION, **told)
        shelf.sign(b"other", artifact="", config="application/vnd.other")
        shelf.open()

        assert await found(registry) == [(old, JWS, b"jws")]


async def test_a_registry_without_referrers_keeps_an_index_under_a_tag() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        jws = shelf.sign(b"jws")
        server.on("GET", f"/v2/shop/web/manifests/{TAG}", shelf.index())

        assert await found(registry) == [(jws, JWS, b"jws")]


async def test_an_image_without_signatures_has_none() -> None:
    async with plain() as (server, registry):
        assert await found(registry) == []
        assert [asked.path.rpartition("/")[2] for asked in server.asked] == [SHA, f"{TAG}.sig", TAG]

    async with plain() as (server, registry):
        Shelf(server).open()
        assert await found(registry) == []


async def test_the_older_tag_of_cosign_holds_signatures_beside_their_payloads() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        layers = [
            {**shelf.blob(content), "mediaType": SIMPLE_SIGNING, "annotations": {registry_signatures._DETACHED: text}}
            for content, text in ((b"one", "c2ln"), (b"two", "c2lnMg=="))
        ]
        server.on("GET", f"/manifests/{TAG}.sig", served({"layers": [*layers, {"mediaType": "text/plain"}]}))
        seen = await registry.signatures(OTHER, "shop/web", SHA)

    assert [(each.content, each.detached) for each in seen] == [(b"one", "c2ln"), (b"two", "c2lnMg==")]
    assert {each.media_type for each in seen} == {SIMPLE_SIGNING}


async def test_an_attestation_is_not_even_read() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        slsa = {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"}
        signs = {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"}
        shelf.sign(b"provenance", BUNDLE, BUNDLE, annotations=slsa)
        signed = shelf.sign(b"bundle", BUNDLE, BUNDLE, annotations=signs)
        shelf.open()

        assert await found(registry) == [(signed, BUNDLE, b"bundle")]


async def test_an_attestation_that_only_its_manifest_tells_is_left_out() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        layer = {**shelf.blob(b"provenance"), "mediaType": BUNDLE}
        slsa = {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"}
        shelf.manifest({"artifactType": BUNDLE, "layers": [layer], "annotations": slsa}, artifactType=BUNDLE)
        shelf.open()

        assert await found(registry) == []


async def test_an_artifact_manifest_calls_its_layers_blobs() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        layer = {**shelf.blob(b"jws"), "mediaType": JWS}
        digest = shelf.manifest({"artifactType": NOTATION, "blobs": [layer]}, artifactType=NOTATION)
        shelf.open()

        assert await found(registry) == [(digest, JWS, b"jws")]


async def test_pages_are_followed_and_have_an_end() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        first, again = shelf.sign(b"first"), shelf.listed.copy()
        following = {"Link": f'</v2/shop/web/referrers/{SHA}?next=1>; rel="next"'}
        server.on("GET", f"/referrers/{SHA}", served({"manifests": again}, **following))

        assert await found(registry) == [(first, JWS, b"first")]

    assert len([asked for asked in server.asked if "/referrers/" in asked.path]) == registry_signatures.PAGES


async def test_only_so_many_are_looked_at() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        for n in range(MOST + 5):
            shelf.sign(b"%d" % n)
        shelf.open()

        assert len(await found(registry)) == MOST


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        ({"digest": SHA, "size": LARGEST + 1}, f"its envelope has more than {LARGEST} bytes"),
        ({"digest": SHA}, f"its envelope has more than {LARGEST} bytes"),
        ({"digest": SHA, "size": 10}, "its envelope is gone"),
        ({"digest": "md5:1", "size": 10}, "its envelope is gone"),
    ],
)
async def test_an_envelope_that_cannot_be_had_says_why(layer: dict[str, object], problem: str) -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        shelf.manifest({"artifactType": NOTATION, "layers": [{**layer, "mediaType": JWS}]}, artifactType=NOTATION)
        shelf.open()
        server.on("GET", "/blobs/md5:1", served(b"what nobody can check"))
        [seen] = await registry.signatures(OTHER, "shop/web", SHA)

    assert (seen.content, seen.problem) == (b"", problem)


async def test_an_envelope_that_is_larger_than_it_says_is_not_read_to_its_end() -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        layer = {**shelf.blob(b" " * (LARGEST + 1)), "size": 10, "mediaType": JWS}
        shelf.manifest({"artifactType": NOTATION, "layers": [layer]}, artifactType=NOTATION)
        shelf.open()
        [seen] = await registry.signatures(OTHER, "shop/web", SHA)

    assert seen.content == b""
    assert seen.problem.startswith("its envelope cannot be read: ")


@pytest.mark.parametrize(
    "body",
    [
        {"manifests": 7},
        {"manifests": [7, {}, {"digest": 7}, {"digest": "sha256:1"}, {"artifactType": NOTATION}]},
        {"manifests": [{"artifactType": NOTATION, "digest": "../../../etc"}]},
        [],
    ],
)
async def test_an_odd_listing_is_read_as_far_as_it_goes(body: object) -> None:
    async with plain() as (server, registry):
        server.on("GET", f"/referrers/{SHA}", served(body))

        assert await found(registry) == []
        assert not [asked for asked in server.asked if "etc" in asked.target], "a digest is no path"


@pytest.mark.parametrize(
    "manifest",
    [
        {"layers": []},
        {"layers": [{"mediaType": JWS, "digest": SHA, "size": 1}] * 2},
        {"layers": [{"mediaType": "text/plain", "digest": SHA, "size": 1}]},
        {"layers": [7]},
    ],
)
async def test_a_signature_has_one_layer_of_a_known_type(manifest: dict[str, object]) -> None:
    async with plain() as (server, registry):
        shelf = Shelf(server)
        shelf.manifest({**manifest, "artifactType": NOTATION}, artifactType=NOTATION)
        shelf.open()

        assert await found(registry) == []


async def test_acr_is_asked_with_a_token_and_refuses_without() -> None:
    async with acr(FakeCredential()) as (fake, registry):
        shelf = Shelf(fake.server)
        fake.server.on("GET", f"/referrers/{SHA}", fake.guarded(shelf.index()))  # type: ignore[arg-type] # Answer or function

        assert await found(registry, ACR) == []

    async with acr(None) as (fake, registry):
        fake.server.on("GET", f"/referrers/{SHA}", fake.guarded(Answer(200)))  # type: ignore[arg-type] # Answer or function
        with pytest.raises((Refused, Retry)):
            await found(registry, ACR)


async def test_a_registry_that_is_busy_is_no_image_without_signatures() -> None:
    async with plain() as (server, registry):
        server.on("GET", f"/referrers/{SHA}", Answer(429))

        with pytest.raises(Retry):
            await found(registry)


# ---- how often it is asked


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Kept:
    """A registry's answers, counted."""

    def __init__(self) -> None:
        self.listings, self.reads = 0, 0
        self.trouble: Exception | None = None
        self.listed: list[dict[str, object]] = []
        self.held: dict[str, tuple[dict[str, object], bytes]] = {}

    def sign(self, content: bytes) -> None:
        blob, digest = digest_of(content), digest_of(b"manifest of " + content)
        layer = {"mediaType": JWS, "digest": blob, "size": len(content)}
        self.held[digest] = ({"artifactType": NOTATION, "layers": [layer]}, b"")
        self.held[blob] = ({}, content)
        self.listed.append({"artifactType": NOTATION, "digest": digest})

    async def get(self, _kind: str, reference: str) -> Any:
        if reference not in self.held:
            return None
        self.reads += 1
        body, content = self.held[reference]
        return type("Answer", (), {"body": body, "content": content})

    async def referrers(self, _digest: str) -> Any:
        if self.trouble:
            raise self.trouble
        self.listings += 1
        return [{"manifests": list(self.listed)}]


class Asking:
    def __init__(self) -> None:
        self.clock, self.kept = Clock(), Kept()
        self.signatures = Signatures(self.clock)

    async def ask(self, image: str = SHA) -> tuple[SignatureSeen, ...]:
        return await self.signatures.of((OTHER, "shop/web", image), self.kept.get, self.kept.referrers)


async def test_ticks_within_a_minute_ask_once_and_the_next_minute_asks_again() -> None:
    asking = Asking()
    assert await asking.ask() == ()
    asking.kept.sign(b"jws")
    asking.clock.now += 44
    assert await asking.ask() == ()
    asking.clock.now += 1

    assert [each.content for each in await asking.ask()] == [b"jws"]
    assert asking.kept.listings == 2


async def test_what_is_known_is_not_read_again() -> None:
    asking = Asking()
    asking.kept.sign(b"one")
    await asking.ask()
    asking.kept.sign(b"two")
    asking.clock.now += 60

    assert [each.content for each in await asking.ask()] == [b"one", b"two"]
    assert asking.kept.reads == 4, "a manifest and a blob each, once"


async def test_an_envelope_that_was_missing_is_read_again() -> None:
    asking = Asking()
    asking.kept.sign(b"jws")
    blob = asking.kept.held.pop(digest_of(b"jws"))
    assert [each.problem for each in await asking.ask()] == ["its envelope is gone"]
    asking.kept.held[digest_of(b"jws")] = blob
    asking.clock.now += 60

    assert [each.content for each in await asking.ask()] == [b"jws"]


async def test_an_image_that_waits_for_days_is_listed_every_ten_minutes() -> None:
    asking = Asking()
    for _ in range(3 * 24 * 60):
        await asking.ask()
        asking.clock.now += 60

    assert asking.kept.listings == pytest.approx(3 * 24 * 6, rel=0.15)


async def test_what_was_seen_stands_in_while_the_registry_is_away() -> None:
    asking = Asking()
    asking.kept.sign(b"jws")
    before = await asking.ask()
    asking.clock.now += 60
    asking.kept.trouble = Retry("registry 429")

    assert await asking.ask() == before
    asking.kept.trouble = Refused("registry 403")
    with pytest.raises(Refused):
        await asking.ask()


async def test_nothing_seen_stands_in_for_nothing() -> None:
    asking = Asking()
    await asking.ask()
    asking.clock.now += 60
    asking.kept.trouble = Retry("registry 429")

    with pytest.raises(Retry):
        await asking.ask()


async def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_signatures, "_HELD", 3 * registry_signatures._EACH)
    asking = Asking()
    for n in range(10):
        await asking.ask(f"sha256:{n}")

    assert len(asking.signatures._listings) == 3
    await asking.ask("sha256:9")
    assert asking.kept.listings == 10
    await asking.ask("sha256:0")
    assert asking.kept.listings == 11
