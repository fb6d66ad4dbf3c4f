"""What is heard, to the evidence it brings; what cannot be read is `Malformed`, with the path of what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from delivery.errors import Malformed
from policies import heard_event
from policies.errors import EvidenceError
from policies.heard_event import MOST_WEBHOOK, Ignored

if TYPE_CHECKING:
    from collections.abc import Callable

    from policies.evidence import ScanEvidence
    from policies.pushes import PushEvidence

__all__ = ["MOST_WEBHOOK", "Ignored", "acr_webhook", "image_pushed", "scan_completed"]
T = TypeVar("T")


def image_pushed(text: str) -> PushEvidence | Ignored:
    """A push, told by Event Grid."""
    return _read(heard_event.image_pushed, text)


def scan_completed(text: str) -> ScanEvidence | Ignored:
    """A scan event of ours."""
    return _read(heard_event.scan_completed, text)


def acr_webhook(text: str) -> PushEvidence | Ignored:
    """A push, told by a webhook of the registry itself."""
    return _read(heard_event.acr_webhook, text)


def _read(reader: Callable[[str], T], text: str) -> T:
    try:
        return reader(text)
    except EvidenceError as error:
        raise Malformed(str(error)) from error
