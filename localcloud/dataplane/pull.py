"""Images from a registry by HTTP: a name becomes a digest, and a digest a root file system on disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from localcloud.dataplane.model import PullError
from localcloud.dataplane.refusals import no_child, refused
from localcloud.dataplane.unpack import LayerError, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_NAME = re.compile(
    r"(?P<registry>[^/@]+)/(?P<repository>[^@]+?)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_UNANSWERED = {401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN", 429: "TOOMANYREQUESTS"}
_MOST_MANIFEST = 4 * 1024 * 1024  # bytes; what registries accept
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image's name, taken apart. reference: the digest, else the tag (`latest` when there is neither)."""

    registry: str
    repository: str
    reference: str

    @classmethod
    def parse(cls, image: str) -> Reference:
        """A name without a registry is one of Docker Hub's. Raises PullError."""
        head, slash, _ = image.partition("/")
        if not slash or not ("." in head or ":" in head or head == "localhost"):
            image = f"docker.io/{image if slash else f'library/{image}'}"
        found = _NAME.fullmatch(image)
        if found is None:
            raise PullError("NAME_INVALID", f"image: expected registry/repository:tag or @sha256:…, found {image!r}")
        reference = found["digest"] or found["tag"] or "latest"
        return cls(registry=found["registry"], repository=found["repository"], reference=reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """An image on disk. rootfs: shared by every replica of the digest; config: its OCI `config` object."""

    digest: str
    rootfs: Path
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: dict[str, str]
    workdir: str


class Puller:
    """Pulls into a folder, each digest once. registries: login server -> base URL, raises KeyError."""

    def __init__(self, folder: Path, registries: Callable[[str], str], session: aiohttp.ClientSession) -> None:
        self._folder = folder
        self._registries = registries
        self._session = session
        self._locks: dict[str, asyncio.Lock] = {}

    async def resolve(self, image: str) -> str:
        """The digest this name stands for now."""
        digest, _ = await self._manifest(Reference.parse(image))
        return digest

    async def pull(self, image: str) -> Pulled:
        """Fetch, verify and unpack; what is on disk already is not fetched again, but the manifest always is."""
        reference = Reference.parse(image)
        digest, manifest = await self._manifest(reference)
        if "manifests" in manifest:
            child = Reference(
                registry=reference.registry, repository=reference.repository, reference=_linux_amd64(manifest, image)
            )
            digest, manifest = await self._manifest(child)
        async with self._locks.setdefault(digest, asyncio.Lock()):
            rootfs = self._folder / digest.removeprefix("sha256:") / "rootfs"
            if not rootfs.is_dir():
                await self._unpack(reference, manifest, rootfs)
        config = json.loads(await self._blob(reference, manifest["config"])).get("config") or {}
        return Pulled(
            digest=digest,
            rootfs=rootfs,
            entrypoint=tuple(config.get("Entrypoint") or ()),
            cmd=tuple(config.get("Cmd") or ()),
            env=dict(pair.split("=", 1) for pair in config.get("Env") or ()),
            workdir=config.get("WorkingDir") or "/",
        )

    async def _unpack(self, reference: Reference, manifest: dict[str, Any], rootfs: Path) -> None:
        rootfs.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=rootfs.parent))
        try:
            for layer in manifest["layers"]:
                archive = await self._blob(reference, layer)
                await asyncio.to_thread(unpack, archive, work)
            _keep(work, rootfs)
        except LayerError as error:
            raise PullError("LAYER_INVALID", f"{reference.repository}: {error}") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    async def _manifest(self, reference: Reference) -> tuple[str, dict[str, Any]]:
        body = await self._get(reference, "manifests", reference.reference, _MOST_MANIFEST)
        digest = _digest(body)
        if reference.reference.startswith("sha256:") and digest != reference.reference:
            raise PullError("DIGEST_INVALID", f"manifest: expected {reference.reference}, found {digest}")
        try:
            manifest = json.loads(body)
            known = "layers" in manifest or "manifests" in manifest
        except (ValueError, TypeError, AttributeError):
            known = False
        if not known:
            raise PullError("MANIFEST_INVALID", f"{reference.repository}: expected an image manifest or an index")
        return digest, manifest

    async def _blob(self, reference: Reference, descriptor: dict[str, Any]) -> bytes:
        body = await self._get(reference, "blobs", descriptor["digest"], descriptor["size"])
        if _digest(body) != descriptor["digest"]:
            raise PullError("DIGEST_INVALID", f"blob: expected {descriptor['digest']}, found {_digest(body)}")
        return body

    async def _get(self, reference: Reference, kind: str, name: str, most: int) -> bytes:
        try:
            base = self._registries(reference.registry)
        except KeyError:
            hint = f"the local cloud pulls nothing from {reference.registry}"
            raise refused(reference, "UNAUTHORIZED", name, hint=hint) from None
        url = f"{base.rstrip('/')}/v2/{reference.repository}/{kind}/{name}"
        headers = {"Accept": ", ".join((*_MANIFESTS, *_INDEXES))} if kind == "manifests" else {}
        try:
            async with self._session.get(url, headers=headers, timeout=_TIMEOUT) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                    code = _code(response.status, await response.content.read(65536))
                    raise refused(reference, code, name, status=response.status)
                return await _at_most(response, most)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PullError("UNAVAILABLE", f"{reference.registry}: {error!r}") from error


def _keep(work: Path, rootfs: Path) -> None:
    """Whole or not at all: what is at `rootfs` is taken for unpacked."""
    work.chmod(0o755)
    work.rename(rootfs)


async def _at_most(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        body += chunk
        if len(body) > most:
            raise PullError("SIZE_INVALID", f"expected at most {most} bytes, found more")
    return bytes(body)


def _linux_amd64(index: dict[str, Any], image: str) -> str:
    """Container Apps runs linux/amd64 and nothing else."""
    for child in index.get("manifests", ()):
        platform = child.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            return str(child["digest"])
    raise no_child(image)


def _code(status: int, body: bytes) -> str:
    """The registry's own error code, else the one its status stands for."""
    try:
        return str(json.loads(body)["errors"][0]["code"])
    except (ValueError, KeyError, IndexError, TypeError):
        return _UNANSWERED.get(status, "UNAVAILABLE")


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
