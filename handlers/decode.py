"""Bodies of triggers to the evidence they bring, as `policies/events.py` reads it; raises `Malformed` with a path."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, TypeVar

from delivery.errors import Malformed
from policies import events
from policies.body import Part, read_body
from policies.errors import EvidenceError
from policies.events import PUSHED, SCANNED, Called, Ignored
from policies.evidence import ScanEvidence
from policies.pushes import PushEvidence

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "PUSHED",
    "SCANNED",
    "Called",
    "Ignored",
    "acr_webhook",
    "image_pushed",
    "is_scan",
    "queued",
    "scan_completed",
]
T = TypeVar("T", PushEvidence, ScanEvidence)
MOST_EVENT = 1024 * 1024  # Event Grid's own limit for an event
MOST_WEBHOOK = 64 * 1024  # of a webhook's body, which is about 1 KiB long


def image_pushed(text: str) -> PushEvidence | Ignored:
    """A push, told by Event Grid."""
    return _read("event", text, MOST_EVENT, events.image_pushed)


def scan_completed(text: str) -> ScanEvidence | Ignored:
    """A scan event of ours."""
    return _read("event", text, MOST_EVENT, events.scan_completed)


def acr_webhook(text: str) -> PushEvidence | Ignored:
    """A push, told by a webhook of the registry itself."""
    return _read("webhook", text, MOST_WEBHOOK, events.acr_webhook)


def queued(message: str) -> str:
    """An event out of a queue: as it is, or in base64 once more than the host has undone; what is neither stays."""
    if message.lstrip()[:1] in ("{", "["):
        return message
    try:
        return base64.b64decode(message, validate=True).decode()
    except ValueError:
        return message


def is_scan(event: str) -> bool:
    """Whether Event Grid tells of a scan. False also for what cannot be read: its reading says what is wrong."""
    try:
        return events.envelope(read_body("event", event, MOST_EVENT)).type == SCANNED
    except EvidenceError:
        return False


def _read(source: str, text: str, most: int, read: Callable[[Part], T | Ignored]) -> T | Ignored:
    try:
        return read(read_body(source, text, most))
    except EvidenceError as error:
        raise Malformed(str(error)) from error
