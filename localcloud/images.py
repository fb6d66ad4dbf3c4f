"""Small container images made of bytes: built without a container tool, the same digest on every machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
# Not compressed: the bytes of gzip depend on the zlib at hand, and the digest must not.
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)
_OK, _CREATED, _ACCEPTED = 200, 201, 202


class PushError(Exception):
    """A registry did not take an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A built image. manifest, config: their bytes; blobs: digest -> bytes of the config and the layers."""

    manifest: bytes
    config: bytes
    blobs: Mapping[str, bytes]
    digest: str


def build(
    files: Mapping[str, bytes],
    entrypoint: Sequence[str],
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    architecture: str = "amd64",
) -> Image:
    """An image of one layer. files: absolute paths in the image -> content."""
    layer = _tar(files)
    config = _json(
        {
            "architecture": architecture,
            "config": {
                "Entrypoint": list(entrypoint),
                "Env": [f"{name}={value}" for name, value in sorted((env or {}).items())],
                "Labels": dict(sorted((labels or {}).items())),
                "WorkingDir": "/",
            },
            "os": "linux",
            "rootfs": {"diff_ids": [_digest(layer)], "type": "layers"},
        }
    )
    manifest = _json(
        {
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
            "mediaType": MANIFEST,
            "schemaVersion": 2,
        }
    )
    blobs = {_digest(blob): blob for blob in (config, layer)}
    return Image(manifest=manifest, config=config, blobs=blobs, digest=_digest(manifest))


def write_layout(image: Image, folder: Path, tag: str) -> None:
    """Write an OCI image layout, which `oras cp --from-oci-layout` and `skopeo copy oci:` read."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for digest, blob in {**image.blobs, image.digest: image.manifest}.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(blob)
    named = {
        **_descriptor(MANIFEST, image.manifest),
        "annotations": {"org.opencontainers.image.ref.name": tag},
    }
    (folder / "index.json").write_bytes(_json({"manifests": [named], "mediaType": INDEX, "schemaVersion": 2}))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))


async def push(image: Image, base_url: str, repository: str, tag: str, headers: Mapping[str, str] | None = None) -> str:
    """Push by the distribution API; returns the digest. headers: on every request, for instance Authorization."""
    root = f"{base_url.rstrip('/')}/v2/{repository}/"
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=_TIMEOUT) as session:
            for digest, blob in image.blobs.items():
                await _push_blob(session, root, digest, blob)
            url, kind = urljoin(root, f"manifests/{tag}"), {"Content-Type": MANIFEST}
            async with session.put(url, data=image.manifest, headers=kind) as response:
                _expect(response, _CREATED)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise PushError(f"{repository}:{tag}: expected a registry at {base_url}, found {error!r}") from error
    return image.digest


async def _push_blob(session: aiohttp.ClientSession, root: str, digest: str, blob: bytes) -> None:
    async with session.head(urljoin(root, f"blobs/{digest}")) as response:
        if response.status == _OK:
            return
    async with session.post(urljoin(root, "blobs/uploads/")) as response:
        _expect(response, _ACCEPTED)
        place = urljoin(str(response.url), response.headers["Location"])
    separator = "&" if "?" in place else "?"
    headers = {"Content-Type": "application/octet-stream"}
    async with session.put(f"{place}{separator}digest={digest}", data=blob, headers=headers) as response:
        _expect(response, _CREATED)


def _expect(response: aiohttp.ClientResponse, status: int) -> None:
    if response.status != status:
        raise PushError(f"{response.method} {response.url.path}: expected {status}, found {response.status}")


def _tar(files: Mapping[str, bytes]) -> bytes:
    """One owner, one time, sorted names: nothing of the machine that built it."""
    paths = {PurePosixPath(name).relative_to("/"): content for name, content in files.items()}
    folders = {parent for path in paths for parent in path.parents} - {PurePosixPath()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted({*paths, *folders}):
            entry = tarfile.TarInfo(str(path))
            if path in paths:
                entry.mode, entry.size = 0o644, len(paths[path])
                archive.addfile(entry, io.BytesIO(paths[path]))
            else:
                entry.mode, entry.type = 0o755, tarfile.DIRTYPE
                archive.addfile(entry)
    return out.getvalue()


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"digest": _digest(blob), "mediaType": media_type, "size": len(blob)}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()
