"""A JSON body and the parts of it, read strictly: what is wrong is said with the path at which it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from policies.errors import EvidenceError, written

SHOWN = 160  # characters of what was found that an error repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One object of a body. source: what the body came as. path: "" for the body itself, else ending in a dot."""

    source: str
    found: Mapping[str, object]
    path: str = ""

    def text(self, key: str) -> str:
        """The text under a key; raises `EvidenceError`."""
        value = self.found.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a text", value)
        return value

    def matching(self, pattern: re.Pattern[str], key: str, expected: str) -> str:
        """The text under a key, of which all matches; raises `EvidenceError`."""
        value = self.text(key)
        if pattern.fullmatch(value) is None:
            raise self.wrong(key, expected, value)
        return value

    def part(self, key: str) -> Part:
        """The object under a key; raises `EvidenceError`."""
        value = self.found.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "an object", value)
        return Part(source=self.source, found=value, path=f"{self.path}{key}.")

    def wrong(self, key: str, expected: str, found: object) -> EvidenceError:
        """The error that names a key, what was expected there, and what was found."""
        return EvidenceError(self.source, [f"{self.path}{key}: expected {expected}, found {written(found, SHOWN)}"])


def read_body(source: str, text: str, most: int) -> Part:
    """The one object that a body is; raises `EvidenceError`. most: characters."""
    if len(text) > most:
        raise EvidenceError(source, [f"size: expected at most {most // 1024} KiB, found {len(text)} characters"])
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(source, [f"expected JSON, found something else ({type(error).__name__})"]) from error
    return whole(source, body)


def whole(source: str, body: object) -> Part:
    """A decoded body, which must be one object; raises `EvidenceError`."""
    if not isinstance(body, dict):
        raise EvidenceError(source, [f"body: expected one object, found {type(body).__name__!r}"])
    return Part(source=source, found=body)
