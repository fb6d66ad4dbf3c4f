"""Recorded pushes, scans and verdicts from a file: one JSON object, an array of them, or one a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cli.text_file import FileError, read_text
from policies.errors import EvidenceError
from policies.events import Ignored
from policies.history import moment_of, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.history import Entry

MOST_BYTES = 256 * 1024 * 1024
_MOST_TOLD = 20  # faults of a file that its error names


def read_events(name: str) -> tuple[list[Entry], list[str]]:
    """What a file records, in the order of time, and what is said of events that are none of our business.

    `-` is standard input. Raises `FileError` with every object that cannot be read.
    """
    entries: list[Entry] = []
    faults: list[str] = []
    ignored: list[str] = []
    for where, value in _values(name, read_text(name, MOST_BYTES, "events")):
        try:
            found = read_entry(where, value)
        except EvidenceError as error:
            faults += str(error).splitlines()
            continue
        if isinstance(found, Ignored):
            ignored.append(f"note: {where}: left out, {found.because}")
        else:
            entries.append(found)
    if faults:
        more = len(faults) - _MOST_TOLD
        raise FileError("\n".join([*faults[:_MOST_TOLD], *([f"{name}: … and {more} more"] if more > 0 else [])]))
    return sorted(entries, key=moment_of), ignored


def _values(name: str, text: str) -> Iterator[tuple[str, object]]:
    """Every JSON object with where it stands. What is not one JSON value is read as one a line."""
    if not text.strip():
        raise FileError(f"{name}: expected JSON events, found nothing")
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise FileError(f"{name}: expected JSON of events, found one that is nested too deeply") from error
    except ValueError as error:
        if "\n" not in text.strip() or not _is_lines(text):
            raise FileError(f"{name}: {_where(error)}") from error
        yield from _lines(name, text)
        return
    if isinstance(whole, list):
        yield from ((f"{name}: event {place}", value) for place, value in enumerate(whole, start=1))
    else:
        yield name, whole


def _is_lines(text: str) -> bool:
    """Whether the first line is a JSON value of its own; else it is one value that is broken."""
    try:
        json.loads(text.strip().partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return True


def _lines(name: str, text: str) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{name}: line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FileError(
                    f"{name}: line {number}: {_where(error).partition(', ')[2] or _where(error)}"
                ) from error


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: expected JSON: {error.msg}"
    return f"expected JSON, found something else ({error})"
