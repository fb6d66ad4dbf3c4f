"""Bodies of triggers to the evidence they bring, as `policies/events.py` reads it; raises `Malformed` with a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from delivery.errors import Malformed
from policies import events
from policies.body import Part, read_body
from policies.errors import EvidenceError
from policies.events import PUSHED, SCANNED, Ignored
from policies.evidence import ScanEvidence
from policies.pushes import PushEvidence

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PUSHED", "SCANNED", "Ignored", "acr_webhook", "event_type", "image_pushed", "scan_completed"]
T = TypeVar("T", PushEvidence, ScanEvidence)
MOST_EVENT = 1024 * 1024  # Event Grid's own limit for an event
MOST_WEBHOOK = 64 * 1024  # of a webhook's body, which is about 1 KiB long


def image_pushed(text: str) -> PushEvidence | Ignored:
    """A push, told by Event Grid."""
    return _read("event", text, MOST_EVENT, events.image_pushed)


def scan_completed(text: str) -> ScanEvidence | Ignored:
    """A scan event of ours."""
    return _read("event", text, MOST_EVENT, events.scan_completed)


def event_type(text: str) -> str:
    """What an event says it is, in either schema of Event Grid; "" for what does not say it."""
    try:
        found = read_body("event", text, MOST_EVENT).found
    except EvidenceError:
        return ""
    said = found.get("type") if "specversion" in found else found.get("eventType")
    return said if isinstance(said, str) else ""


def acr_webhook(text: str) -> PushEvidence | Ignored:
    """A push, told by a webhook of the registry itself."""
    return _read("webhook", text, MOST_WEBHOOK, events.acr_webhook)


def _read(source: str, text: str, most: int, read: Callable[[Part], T | Ignored]) -> T | Ignored:
    try:
        return read(read_body(source, text, most))
    except EvidenceError as error:
        raise Malformed(str(error)) from error
