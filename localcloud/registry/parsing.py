"""What a pushed manifest says about itself, and what of it must already be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.registry.errors import RegistryError

IMAGES = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.artifact.manifest.v1+json",
    }
)
INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a manifest says of something else. size: bytes, 0 where it says none. architecture, os: "" likewise."""

    media_type: str
    digest: str
    size: int
    architecture: str
    os: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """config, layers, children: what the repository must have before this manifest; of an index only children.

    A layer with addresses of its own lies elsewhere and is none of them.
    """

    media_type: str
    artifact: str
    subject: str
    annotations: Mapping[str, str]
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]


def parse(content: bytes, content_type: str) -> Parsed:
    """Read a manifest of the type its request names."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _invalid("a JSON object", "something else")
    media_type = content_type or str(body.get("mediaType", ""))
    if media_type not in IMAGES | INDEXES:
        raise _invalid("a Docker v2 or OCI manifest or index", media_type or "no media type")
    if body.get("mediaType", media_type) != media_type:
        raise _invalid(f"mediaType {media_type!r} as in Content-Type", repr(body["mediaType"]))
    config = _map(body.get("config"))
    layers = [layer for layer in _maps(body.get("layers", body.get("blobs"))) if not layer.get("urls")]
    return Parsed(
        media_type=media_type,
        artifact=str(body.get("artifactType") or config.get("mediaType") or ""),
        subject=str(_map(body.get("subject")).get("digest", "")),
        annotations={str(name): str(text) for name, text in _map(body.get("annotations")).items()},
        config=_descriptor(config) if config else None,
        layers=tuple(_descriptor(layer) for layer in layers),
        children=tuple(_descriptor(child) for child in _maps(body.get("manifests"))),
    )


def _descriptor(body: Mapping[str, object]) -> Descriptor:
    size, platform = body.get("size"), _map(body.get("platform"))
    return Descriptor(
        media_type=str(body.get("mediaType", "")),
        digest=str(body.get("digest")),
        size=size if isinstance(size, int) else 0,
        architecture=str(platform.get("architecture", "")),
        os=str(platform.get("os", "")),
    )


def _invalid(expected: str, found: str) -> RegistryError:
    return RegistryError("MANIFEST_INVALID", 400, f"manifest: expected {expected}, found {found}")


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
