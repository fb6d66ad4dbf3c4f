"""Recorded events from a file, as one JSON value, an array, or one a line: Event Grid's, CloudEvents, or webhooks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.text_file import FileError, read_text
from policies.errors import EvidenceError
from policies.evidence import ScanEvidence
from policies.heard_event import PUSHED, SCANNED, Ignored, acr_webhook, image_pushed, scan_completed
from policies.pushes import PushEvidence

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What a file told. ignored: why an event was none of our business, with its place."""

    pushes: tuple[PushEvidence, ...]
    scans: tuple[ScanEvidence, ...]
    ignored: tuple[str, ...]


def read_events(name: str) -> Events:
    """The events of a file, `-` for standard input. Raises `FileError`."""
    pushes: list[PushEvidence] = []
    scans: list[ScanEvidence] = []
    ignored: list[str] = []
    for place, event in enumerate(_values(name, read_text(name, MOST_BYTES, "events")), start=1):
        try:
            heard = _read(event)
        except EvidenceError as error:
            raise FileError(f"{name}: event {place}: {'; '.join(error.problems)}") from error
        match heard:
            case PushEvidence():
                pushes.append(heard)
            case ScanEvidence():
                scans.append(heard)
            case Ignored(because=because):
                ignored.append(f"{name}: event {place}: ignored, {because}")
    return Events(pushes=tuple(pushes), scans=tuple(scans), ignored=tuple(ignored))


def _read(event: object) -> PushEvidence | ScanEvidence | Ignored:
    text = json.dumps(event)
    kind = (event.get("type") or event.get("eventType")) if isinstance(event, dict) else None
    if kind == SCANNED:
        return scan_completed(text)
    if kind is None and isinstance(event, dict) and "action" in event:
        return acr_webhook(text)
    if kind is not None and kind != PUSHED:
        return Ignored(because=f"it is a {str(kind)[:80]}")
    return image_pushed(text)


def _values(name: str, text: str) -> Iterator[object]:
    """The JSON values of a text: one, the items of an array, or one a line."""
    try:
        whole = json.loads(text)
    except RecursionError as error:
        raise FileError(f"{name}: expected events as JSON, found one that is nested too deeply") from error
    except json.JSONDecodeError as error:
        yield from _lines(name, text, error)
        return
    yield from whole if isinstance(whole, list) else [whole]


def _lines(name: str, text: str, whole: json.JSONDecodeError) -> Iterator[object]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    for number, line in lines:
        try:
            yield json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            at = whole.lineno if len(lines) < 2 or number == lines[0][0] else number  # noqa: PLR2004 - one line is no list
            raise FileError(f"{name}: line {at}: expected an event as JSON, found something else") from error
