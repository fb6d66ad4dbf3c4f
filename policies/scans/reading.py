"""Takes a report apart: what is there but of the wrong kind is an error with its path, what is not there is None."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from policies.errors import EvidenceError, printable, quoted
from policies.evidence import read_time
from policies.scans.subject import SOURCE

Part = Mapping[str, object]
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # Go writes a time that was never set as one of the year 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HIGHEST_CVSS = 10


def wrong(path: str, expected: str, found: object) -> EvidenceError:
    """The error for one place of a report."""
    said = "none" if found is None else quoted(found if isinstance(found, str) else f"a {_kind(found)}")
    return EvidenceError(SOURCE, [f"{path}: expected {expected}, found {said}"])


def _kind(found: object) -> str:
    match found:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case Mapping():
            return "object"
        case _:
            return "list"


def part(parent: Part, name: str, path: str) -> Part | None:
    """An object; None when it is null or missing."""
    found = parent.get(name)
    if found is None or isinstance(found, Mapping):
        return found
    raise wrong(path, "an object", found)


def parts(parent: Part, name: str, path: str) -> Sequence[Part] | None:
    """A list of objects; None when it is null or missing."""
    found = items(parent, name, path)
    for place, item in enumerate(found or ()):
        if not isinstance(item, Mapping):
            raise wrong(f"{path}[{place}]", "an object", item)
    return found  # type: ignore[return-value]  # every item has just been looked at


def items(parent: Part, name: str, path: str) -> Sequence[object] | None:
    """A list; None when it is null or missing."""
    found = parent.get(name)
    if found is None or isinstance(found, list):
        return found
    raise wrong(path, "a list", found)


def texts(parent: Part, name: str, path: str) -> tuple[str, ...]:
    """A list of texts; () when it is null or missing."""
    found = items(parent, name, path) or ()
    for place, item in enumerate(found):
        if not isinstance(item, str):
            raise wrong(f"{path}[{place}]", "a text", item)
    return tuple(str(item) for item in found)


def text(parent: Part, name: str, path: str) -> str:
    """A text; "" when it is null or missing."""
    found = parent.get(name)
    if found is None or isinstance(found, str):
        return found or ""
    raise wrong(path, "a text", found)


def needed(parent: Part, name: str, path: str) -> str:
    """A text that is not empty."""
    found = text(parent, name, path)
    if not found.strip():
        raise wrong(path, "a text", found or parent.get(name))
    return found


def moment(parent: Part, name: str, path: str) -> datetime | None:
    """A time; None when it is null, missing, or was never set."""
    written = text(parent, name, path)
    if not written:
        return None
    found = read_time(written)
    if found is None:
        raise wrong(path, "an RFC 3339 time", written)
    return found if found >= _NO_TIME else None


def unix_moment(parent: Part, name: str, path: str) -> datetime | None:
    """A time in seconds since 1970; None when it is null, missing, or was never set."""
    found = parent.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int):
        raise wrong(path, "seconds since 1970", found)
    try:
        read = _EPOCH + timedelta(seconds=found)
    except OverflowError as error:
        raise wrong(path, "seconds since 1970", found) from error
    return read if read >= _NO_TIME else None


def number(found: object) -> float | None:
    """A number as JSON may hold it, or as text; None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        read = float(found)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def score(found: object) -> float | None:
    """A CVSS base score; None for anything else."""
    read = number(found)
    return read if read is not None and 0 <= read <= _HIGHEST_CVSS else None


def clean(written: str, most: int) -> str:
    """At most so many characters that any store and any log takes, on one line."""
    return printable(written[:most]).strip()
