"""A layer changes its root file system as a container runtime would, and nothing outside it."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from localcloud.dataplane.unpack import LayerError, unpack

if TYPE_CHECKING:
    from pathlib import Path

LINKS = {tarfile.SYMTYPE, tarfile.LNKTYPE}


def layer(*members: tuple[str, bytes | str], kind: bytes = tarfile.SYMTYPE) -> bytes:
    """Of (name, content); a content that is text is the target of a link of this kind."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = kind, content
                archive.addfile(entry)
            elif name.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "around" / "root"
    folder.mkdir(parents=True)
    return folder


def below(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_later_layers_win_and_a_whiteout_hides_a_file_or_a_folder(root: Path) -> None:
    unpack(layer(("a/one", b"1"), ("a/two", b"2"), ("b/three", b"3")), root)

    unpack(layer(("a/one", b"new"), ("a/.wh.two", b""), (".wh.b", b"")), root)

    assert below(root) == {"a/one": "new"}


def test_an_opaque_folder_hides_what_was_below_and_keeps_what_comes_with_it_before_or_after(root: Path) -> None:
    unpack(layer(("a/old", b"1"), ("a/deep/old", b"1"), ("b", b"b")), root)

    unpack(layer(("a/before", b"2"), ("a/.wh..wh..opq", b""), ("a/after", b"3")), root)

    assert below(root) == {"a/before": "2", "a/after": "3", "b": "b"}


def test_a_whiteout_of_nothing_is_nothing(root: Path) -> None:
    unpack(layer((".wh.none", b""), ("none/such/.wh..wh..opq", b"")), root)

    assert below(root) == {}


def test_a_compressed_layer_is_read(root: Path) -> None:
    unpack(gzip.compress(layer(("a", b"1"))), root)

    assert below(root) == {"a": "1"}


def test_an_absolute_link_stays_inside_the_root(root: Path) -> None:
    unpack(layer(("etc/real", b"inside"), ("deep/er/link", "/etc/real")), root)

    assert (root / "deep/er/link").read_text() == "inside"
    assert (root / "deep/er/link").resolve().is_relative_to(root.resolve())


@pytest.mark.parametrize(
    "bad",
    [
        layer(("../out", b"x")),
        layer(("a/../../out", b"x")),
        layer(("/etc/out", b"x")),
        layer(("link", "../../out"), ("link/file", b"x")),
        layer(("link", ".."), ("link/out", b"x")),
        layer(("hard", "../keep"), kind=tarfile.LNKTYPE),
        layer(("../.wh.keep", b"")),
        b"no archive",
    ],
)
def test_what_reaches_outside_is_refused_and_changes_nothing_there(root: Path, bad: bytes) -> None:
    keep = root.parent / "keep"
    keep.write_text("kept")

    with pytest.raises(LayerError):
        unpack(bad, root)

    assert [path.name for path in sorted(root.parent.iterdir())] == ["keep", "root"]
    assert keep.read_text() == "kept"


def test_a_whiteout_behind_a_link_that_leads_outside_is_refused(root: Path) -> None:
    (root.parent / "keep").write_text("kept")
    (root / "link").symlink_to("..")

    with pytest.raises(LayerError):
        unpack(layer(("link/.wh.keep", b"")), root)

    assert (root.parent / "keep").read_text() == "kept"
