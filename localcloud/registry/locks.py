"""What the changeable attributes refuse: 405 with ACR's own code.

Rules from learn.microsoft.com/azure/container-registry/container-registry-image-lock; that `writeEnabled` false forbids
deletion too is from github.com/Azure/acr/issues/561, the status and the code from github.com/Azure/acr-cli/issues/70.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.registry.errors import RegistryError

if TYPE_CHECKING:
    from localcloud.registry.attributes import Attributes
    from localcloud.registry.repositories import Manifest, Repositories, Tag


class Locks:
    """Raises `REGISTRY_DISALLOWED_OPERATION` for what an attribute of a repository, tag or manifest forbids."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def pull(self, repository: str, manifest: Manifest, tag: Tag | None) -> None:
        """A tag that may not be read leaves its manifest to be pulled by digest. tag: None for a pull by digest."""
        self._read(f"repository {repository}", self._repositories.attributes(repository))
        self._read(manifest.digest, manifest.attributes)
        if tag is not None:
            self._read(f"tag {tag.name}", tag.attributes)

    def push(self, repository: str, digest: str, name: str) -> None:
        """Of a manifest that may be there already, under a tag ("" for none) that may name another."""
        self._write(f"repository {repository}", self._repositories.attributes(repository))
        manifest = self._repositories.find(repository, digest)
        if manifest is not None:
            self._write(digest, manifest.attributes)
        tag = self._repositories.tagged(repository, name) if name else None
        if tag is not None:
            self._write(f"tag {name}", tag.attributes)

    def untag(self, repository: str, tag: Tag) -> None:
        """A repository that may not be deleted still lets go of its tags and manifests."""
        self._write(f"repository {repository}", self._repositories.attributes(repository))
        self._delete(f"tag {tag.name}", tag.attributes)

    def delete(self, repository: str, manifest: Manifest) -> None:
        """With its tags, each of which must let go of it."""
        self._write(f"repository {repository}", self._repositories.attributes(repository))
        self._delete(manifest.digest, manifest.attributes)
        for tag in self._repositories.tags(repository):
            if tag.digest == manifest.digest:
                self._delete(f"tag {tag.name}", tag.attributes)

    def remove(self, repository: str) -> None:
        """The whole of it, of which nothing may be held back."""
        self._delete(f"repository {repository}", self._repositories.attributes(repository))
        for manifest in self._repositories.manifests(repository):
            self._delete(manifest.digest, manifest.attributes)
        for tag in self._repositories.tags(repository):
            self._delete(f"tag {tag.name}", tag.attributes)

    def _read(self, what: str, attributes: Attributes) -> None:
        if not attributes.read_enabled:
            raise _disallowed(what, "readEnabled")

    def _write(self, what: str, attributes: Attributes) -> None:
        if not attributes.write_enabled:
            raise _disallowed(what, "writeEnabled")

    def _delete(self, what: str, attributes: Attributes) -> None:
        self._write(what, attributes)
        if not attributes.delete_enabled:
            raise _disallowed(what, "deleteEnabled")


def _disallowed(what: str, attribute: str) -> RegistryError:
    return RegistryError(
        "REGISTRY_DISALLOWED_OPERATION", 405, f"the operation is disallowed: {what} has {attribute} off"
    )
