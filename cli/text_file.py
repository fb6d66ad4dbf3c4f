"""The text of a file or of standard input, bounded, whatever a shell wrote it as."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class FileError(Exception):
    """A file that cannot be used: where, what was expected, and what was found."""


def read_text(name: str, most: int, what: str) -> str:
    """The text of a file, `-` for standard input; raises `FileError`. most: bytes. what: the file should hold.

    Windows PowerShell writes UTF-16 where `>` redirects.
    """
    try:
        data = _read(sys.stdin.buffer, most) if name == "-" else _read_file(name, most)
    except OSError as error:
        raise FileError(f"{name}: expected a file of {what}, found none ({error.strerror})") from error
    if len(data) > most:
        raise FileError(f"{name}: expected at most {most >> 20} MiB, found more")
    return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig", "replace")


def _read_file(name: str, most: int) -> bytes:
    with Path(name).open("rb") as file:
        return _read(file, most)


def _read(file: IO[bytes], most: int) -> bytes:
    return file.read(most + 1)
