"""What ACR tells of a manifest that the distribution API does not: its size, its platform, what an index leads to.

Which fields are there and how `imageSize` is counted, from recorded answers of the service: azure-sdk-for-js,
sdk/containerregistry/container-registry/recordings, lists of `library/hello-world` of 2021-11-08.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localcloud.registry.parsing import INDEXES, Parsed, parse

if TYPE_CHECKING:
    from localcloud.registry.content import Content
    from localcloud.registry.repositories import Manifest, Repositories

_PLATFORMS = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)  # configs that name one
_LARGEST = 4 * 1024 * 1024  # bytes of a config that is read for them


class Details:
    """Read each time from the manifest and its config, which do not change."""

    def __init__(self, content: Content, repositories: Repositories) -> None:
        self._content = content
        self._repositories = repositories

    def of(self, repository: str, manifest: Manifest) -> dict[str, object]:
        """`imageSize`; of an image `configMediaType` too, and `architecture` and `os` where its config names them."""
        parsed = self._parsed(manifest)
        told: dict[str, object] = {"imageSize": self._size(repository, manifest, parsed)}
        if parsed.config is not None:
            told |= {"configMediaType": parsed.config.media_type} | self._platform(parsed)
        return told

    def references(self, manifest: Manifest) -> list[dict[str, str]]:
        """The children of an index in its own order, each with the platform that the index gives it."""
        return [
            {"digest": one.digest}
            | ({"architecture": one.architecture} if one.architecture else {})
            | ({"os": one.os} if one.os else {})
            for one in self._parsed(manifest).children
        ]

    def _size(self, repository: str, manifest: Manifest, parsed: Parsed) -> int:
        """Of an image: itself, its config and its layers here. Of an index: what its children have, without itself."""
        if manifest.media_type in INDEXES:
            found = (self._repositories.find(repository, one.digest) for one in parsed.children)
            return sum(self._size(repository, child, self._parsed(child)) for child in found if child is not None)
        config = parsed.config.size if parsed.config else 0
        return manifest.size + config + sum(layer.size for layer in parsed.layers)

    def _platform(self, parsed: Parsed) -> dict[str, object]:
        config = parsed.config
        if config is None or config.media_type not in _PLATFORMS:
            return {}
        path = self._content.path(config.digest)
        if path.stat().st_size > _LARGEST:
            return {}
        try:
            body = json.loads(path.read_bytes())
        except ValueError:
            return {}
        given = body if isinstance(body, dict) else {}
        return {name: given[name] for name in ("architecture", "os") if isinstance(given.get(name), str)}

    def _parsed(self, manifest: Manifest) -> Parsed:
        return parse(self._content.read(manifest.digest), manifest.media_type)
