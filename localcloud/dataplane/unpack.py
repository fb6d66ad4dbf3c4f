"""One layer onto a root file system: whiteouts first, then its files, and nothing outside the root."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class LayerError(Exception):
    """A layer is no tar archive, or reaches outside its root."""


def unpack(archive: bytes, root: Path) -> None:
    """Apply a layer (tar, plain or compressed). Raises LayerError; what it wrote by then is the caller's to drop."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as layer:
            members = [(_inside(member.name), member) for member in layer.getmembers()]
            # A whiteout hides what lower layers have, never what its own layer brings, wherever it stands in it.
            for path, _ in members:
                if path.name.startswith(_WHITEOUT):
                    _white_out(root, path)
            for path, member in members:
                if not path.name.startswith(_WHITEOUT):
                    layer.extract(_rooted(member), root, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise LayerError(f"layer: {error}") from error


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise LayerError(f"layer: expected paths inside the root, found {name!r}")
    return path


def _rooted(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """An absolute link means the container's root; said relatively, it stays in it on this machine too."""
    if member.issym() and member.linkname.startswith("/"):
        target = os.path.relpath(member.linkname, PurePosixPath("/", member.name).parent)
        return member.replace(linkname=target, deep=False)
    return member


def _white_out(root: Path, marker: PurePosixPath) -> None:
    folder = (root / marker.parent).resolve()
    if not folder.is_relative_to(root.resolve()):
        raise LayerError(f"layer: expected whiteouts inside the root, found {str(marker)!r}")
    if marker.name == _OPAQUE:
        hidden = list(folder.iterdir()) if folder.is_dir() else []
    else:
        hidden = [folder / marker.name.removeprefix(_WHITEOUT)]
    for path in hidden:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
