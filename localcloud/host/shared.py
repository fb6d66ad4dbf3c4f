"""What all instances of one app have in common, as files in one folder; on Azure it is the app's storage account."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(file: Path) -> dict[str, Any]:
    """The JSON object of a file; empty when there is none."""
    try:
        found: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return found


def write(file: Path, content: dict[str, Any]) -> None:
    """Replace a file at once, so that a host killed in the middle leaves the old one. Only its owner may read it."""
    draft = file.with_suffix(f".{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:  # noqa: PTH123 - for its mode
        json.dump(content, out)
    draft.replace(file)


@contextlib.contextmanager
def alone(file: Path) -> Iterator[None]:
    """Keep the other instances waiting; for a moment only."""
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def taken(file: Path) -> int | None:
    """Take a lease, which the process holds until it closes the file descriptor or ends; None: another has it."""
    held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held
