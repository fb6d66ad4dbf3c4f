"""Content by digest on disk, and the uploads that become it."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

from localcloud.registry import names
from localcloud.registry.errors import RegistryError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO


class Content:
    """One folder: `blobs/<algorithm>/<hex>` shared by every repository, `uploads/<id>` not finished yet."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        for place in (self._blobs / "sha256", self._blobs / "sha512", self._uploads):
            place.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the content of this digest is, or would be."""
        algorithm, _, sum_ = names.digest(digest).partition(":")
        return self._blobs / algorithm / sum_

    def read(self, digest: str) -> bytes:
        """All of it: for manifests, which are small."""
        return self.path(digest).read_bytes()

    def write(self, digest: str, content: bytes) -> None:
        """Keep content whose digest was counted by the caller."""
        upload = self._uploads / uuid.uuid4().hex
        upload.write_bytes(content)
        upload.replace(self.path(digest))

    def begin(self) -> str:
        """Start an upload; answers its id."""
        name = str(uuid.uuid4())
        (self._uploads / name).touch()
        return name

    def size(self, upload: str) -> int:
        """How many bytes an upload has."""
        return self._upload(upload).stat().st_size

    def append(self, upload: str) -> IO[bytes]:
        """Open an upload to write more at its end."""
        return self._upload(upload).open("ab")

    def cancel(self, upload: str) -> None:
        """Forget an upload."""
        self._upload(upload).unlink()

    def finish(self, upload: str, digest: str) -> None:
        """Make an upload the content of its digest. One whose bytes count to another digest is gone."""
        path, kept = self._upload(upload), self.path(digest)
        algorithm = digest.partition(":")[0]
        with path.open("rb") as file:
            found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
        if found != digest:
            path.unlink()
            raise RegistryError("DIGEST_INVALID", 400, f"upload: expected {digest}, found {found}")
        path.replace(kept)

    def _upload(self, upload: str) -> Path:
        try:
            path = self._uploads / str(uuid.UUID(upload))
        except ValueError:
            path = None
        if path is None or not path.is_file():
            raise RegistryError("BLOB_UPLOAD_UNKNOWN", 404, f"upload: expected one that was begun, found {upload!r}")
        return path
