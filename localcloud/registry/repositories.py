"""What each repository has: its blobs, manifests and tags, as small files that survive a restart."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from localcloud.registry import names
from localcloud.registry.attributes import Attributes
from localcloud.registry.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a manifest without reading it. artifact: its artifactType, else its config's type.

    subject: the digest it refers to, "" for none. created, updated: as ACR writes times.
    """

    digest: str
    media_type: str
    size: int
    created: str
    updated: str
    artifact: str = ""
    subject: str = ""
    annotations: dict[str, str] = {}
    attributes: Attributes = Attributes()


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag and the digest it names now."""

    name: str
    digest: str
    created: str
    updated: str
    attributes: Attributes = Attributes()


class Repositories:
    """`<repository>/_blobs|_manifests|_tags|_attributes/<name>`: no part of a repository's name starts with `_`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def all(self) -> list[str]:
        """Every repository that holds a manifest."""
        found = {path.parents[1] for path in self._folder.rglob("_manifests/*")}
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def listed(self) -> list[str]:
        """Every repository that holds a manifest and may be listed."""
        return [name for name in self.all() if self.attributes(name).list_enabled]

    def attributes(self, repository: str) -> Attributes:
        """Of the repository itself."""
        path = self._in(repository, "_attributes") / "repository"
        return msgspec.json.decode(path.read_bytes(), type=Attributes) if path.is_file() else Attributes()

    def permit(self, repository: str, attributes: Attributes) -> None:
        """Change what may be done with a repository."""
        self._put(repository, "_attributes", "repository", msgspec.json.encode(attributes))

    def known(self, repository: str) -> None:
        """Refuse a repository that no manifest was ever pushed to; one whose last is deleted has an empty list."""
        if not self._in(repository, "_manifests").is_dir():
            raise RegistryError("NAME_UNKNOWN", 404, f'repository "{repository}" is not found')

    def remove(self, repository: str) -> None:
        """Forget all that a repository has and may; those below it in name (`shop/web` below `shop`) stay."""
        for kind in ("_manifests", "_tags", "_blobs", "_attributes"):
            shutil.rmtree(self._in(repository, kind), ignore_errors=True)

    def link(self, repository: str, digest: str) -> None:
        """Let a repository have a blob."""
        self._put(repository, "_blobs", digest, b"")

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether a repository has a blob."""
        return self._at(repository, "_blobs", digest).is_file()

    def drop_blob(self, repository: str, digest: str) -> None:
        """Take a blob from a repository; others keep it."""
        self._at(repository, "_blobs", digest).unlink()

    def put(self, repository: str, manifest: Manifest) -> None:
        """Keep a manifest as it is given."""
        self._put(repository, "_manifests", manifest.digest, msgspec.json.encode(manifest))

    def find(self, repository: str, digest: str) -> Manifest | None:
        """One manifest by digest."""
        path = self._at(repository, "_manifests", digest)
        return msgspec.json.decode(path.read_bytes(), type=Manifest) if path.is_file() else None

    def manifests(self, repository: str) -> Iterator[Manifest]:
        """Every manifest of a repository."""
        for path in sorted(self._in(repository, "_manifests").glob("*")):
            yield msgspec.json.decode(path.read_bytes(), type=Manifest)

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest and every tag that names it."""
        for tag in list(self.tags(repository)):
            if tag.digest == digest:
                self.untag(repository, tag.name)
        self._at(repository, "_manifests", digest).unlink()

    def tag(self, repository: str, name: str, digest: str, now: str) -> None:
        """Let a tag name this digest; one that is moved keeps its attributes and the time it was created."""
        before = self.tagged(repository, name) or Tag(name=name, digest=digest, created=now, updated=now)
        self.put_tag(repository, msgspec.structs.replace(before, digest=digest, updated=now))

    def put_tag(self, repository: str, tag: Tag) -> None:
        """Keep a tag as it is given."""
        self._put(repository, "_tags", tag.name, msgspec.json.encode(tag))

    def tagged(self, repository: str, name: str) -> Tag | None:
        """One tag by its name, None also for what cannot be a tag."""
        if not names.is_tag(name):
            return None
        path = self._in(repository, "_tags") / name
        return msgspec.json.decode(path.read_bytes(), type=Tag) if path.is_file() else None

    def tags(self, repository: str) -> Iterator[Tag]:
        """Every tag of a repository, by name."""
        for path in sorted(self._in(repository, "_tags").glob("*")):
            yield msgspec.json.decode(path.read_bytes(), type=Tag)

    def untag(self, repository: str, name: str) -> None:
        """Forget a tag; what it named stays."""
        (self._in(repository, "_tags") / names.tag(name)).unlink()

    def _in(self, repository: str, kind: str) -> Path:
        return self._folder / names.repository(repository) / kind

    def _at(self, repository: str, kind: str, digest: str) -> Path:
        return self._in(repository, kind) / names.digest(digest).replace(":", "-")

    def _put(self, repository: str, kind: str, name: str, content: bytes) -> None:
        place = self._in(repository, kind)
        place.mkdir(parents=True, exist_ok=True)
        (place / name.replace(":", "-")).write_bytes(content)
