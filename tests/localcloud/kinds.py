"""What people push: images, indexes, artifacts and what refers to them, as bytes and in the order to push them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tests.localcloud.pushing import CONFIG, IMAGE, INDEX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Descriptor = dict[str, Any]

EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
UNSHARED = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
ONE, OTHER = "application/vnd.example.one", "application/vnd.example.other"
PLATFORMS = ({"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"})


class Kind:
    """blobs, manifests: by digest, the manifests in the order to push them. tags: to digests.

    referrers: what a registry must tell of each subject.
    """

    def __init__(self, algorithm: str = "sha256") -> None:
        self.algorithm = algorithm
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.referrers: dict[str, list[Descriptor]] = {}

    def blob(self, content: bytes, media_type: str) -> Descriptor:
        descriptor = self._describe(content, media_type)
        self.blobs[descriptor["digest"]] = content
        return descriptor

    def manifest(self, body: Descriptor, tag: str = "") -> Descriptor:
        content = json.dumps(body).encode()
        descriptor = self._describe(content, body["mediaType"])
        self.manifests[descriptor["digest"]] = content
        if tag:
            self.tags[tag] = descriptor["digest"]
        if "subject" in body:
            artifact = body.get("artifactType") or body.get("config", {}).get("mediaType")
            told = {"artifactType": artifact, "annotations": body.get("annotations")}
            kept = {name: value for name, value in told.items() if value}
            self.referrers.setdefault(body["subject"]["digest"], []).append(descriptor | kept)
        return descriptor

    def image(self, words: str = "hello", tag: str = "", **more: object) -> Descriptor:
        """more: members of the manifest, in place of those that are always there."""
        config = self.blob(json.dumps({**PLATFORMS[0], "words": words}).encode(), CONFIG)
        layers = [self.blob(f"{words} {number}".encode(), LAYER) for number in range(2)]
        return self.manifest({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers, **more}, tag)

    def artifact(self, words: str, artifact: str, tag: str = "", **more: object) -> Descriptor:
        config, part = self.blob(b"{}", EMPTY), self.blob(words.encode(), artifact)
        body = {"schemaVersion": 2, "mediaType": IMAGE, "artifactType": artifact, "config": config, "layers": [part]}
        return self.manifest({**body, **more}, tag)

    def index(self, children: Sequence[Descriptor], tag: str = "", **more: object) -> Descriptor:
        return self.manifest({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(children), **more}, tag)

    def platforms(self, words: str = "hello", tag: str = "", **more: object) -> Descriptor:
        """An index of an image for each of two platforms."""
        children = [self.image(f"{words} {one['architecture']}") | {"platform": one} for one in PLATFORMS]
        return self.index(children, tag, **more)

    def _describe(self, content: bytes, media_type: str) -> Descriptor:
        digest = f"{self.algorithm}:{hashlib.new(self.algorithm, content).hexdigest()}"
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _of(make: Callable[[Kind], object], algorithm: str = "sha256") -> Callable[[], Kind]:
    def made() -> Kind:
        kind = Kind(algorithm)
        make(kind)
        return kind

    return made


def _nested(kind: Kind) -> None:
    kind.index([kind.platforms("one"), kind.platforms("other")], "nested")


def _artifacts(kind: Kind) -> None:
    kind.index([kind.artifact("one", ONE), kind.artifact("other", OTHER)], "artifacts", artifactType=ONE)


def _unshared(kind: Kind) -> None:
    """An image of Windows as it once was: its base layer lies elsewhere and is pushed nowhere."""
    digest = f"sha256:{hashlib.sha256(b'elsewhere').hexdigest()}"
    far = {"mediaType": UNSHARED, "digest": digest, "size": 123456, "urls": ["https://store.example.com/layer"]}
    near = kind.blob(b"near", LAYER)
    kind.image("near", "unshared", layers=[far, near])


def _data(kind: Kind) -> None:
    """Content inside its descriptor, in base64; it is pushed all the same."""
    config = kind.blob(b"{}", EMPTY) | {"data": "e30="}
    kind.manifest({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [config]}, "data")


def _subject(kind: Kind) -> None:
    notes = {"annotations": {"org.example.words": "hello"}}
    subject = kind.image("subject", "subject")
    kind.image("image", subject=subject)
    kind.artifact("one", ONE, "one", subject=subject, **notes)
    kind.artifact("other", OTHER, "other", subject=subject, **notes)


def _indexes_with_a_subject(kind: Kind) -> None:
    subject = kind.platforms("subject", "subject")
    kind.platforms("plain", subject=subject)
    kind.platforms("typed", "typed", subject=subject, artifactType=ONE, annotations={"org.example.words": "hello"})


def _no_subject(kind: Kind) -> None:
    digest = f"sha256:{hashlib.sha256(b'never pushed').hexdigest()}"
    kind.artifact("early", ONE, "early", subject={"mediaType": IMAGE, "digest": digest, "size": 12})


KINDS = {
    "image": _of(lambda kind: kind.image(tag="image")),
    "no layers": _of(lambda kind: kind.image(tag="bare", layers=[])),
    "unknown members": _of(lambda kind: kind.platforms(tag="unknown", **{"org.example.unknown": "hello"})),
    "nearly 4 MiB": _of(lambda kind: kind.image(tag="large", annotations={str(n): "A" * 10_000 for n in range(390)})),
    "layer elsewhere": _of(_unshared),
    "content in its descriptor": _of(_data),
    "index": _of(lambda kind: kind.platforms(tag="index")),
    "empty index": _of(lambda kind: kind.index([], "empty")),
    "index of indexes": _of(_nested),
    "artifact": _of(lambda kind: kind.artifact("one", ONE, "artifact")),
    "artifact without content": _of(lambda kind: kind.artifact("{}", EMPTY, "nothing", artifactType=ONE)),
    "index of artifacts": _of(_artifacts),
    "subject": _of(_subject),
    "indexes with a subject": _of(_indexes_with_a_subject),
    "subject that was never pushed": _of(_no_subject),
    "sha512": _of(lambda kind: kind.platforms(), "sha512"),
}
