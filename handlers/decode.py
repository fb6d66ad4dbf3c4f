"""Event Grid's JSON, in its own schema or as CloudEvents, to the evidence it brings. Raises `Malformed` with a path.

Facts: the payloads of `Microsoft.ContainerRegistry.ImagePushed` in the Event Grid schema reference; a push by digest
has no tag; timestamps have 7 or 9 digits; connected registries send events unasked (acr-eventgrid A.1).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.errors import Malformed
from policies.errors import EvidenceError, printable
from policies.evidence import DIGEST, REPOSITORY, PushEvidence, ScanEvidence, read_time
from policies.scan_event import read_scan
from policies.tags import TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

PUSHED = "Microsoft.ContainerRegistry.ImagePushed"
SCANNED = "Weighbridge.ImageScanCompleted"
MOST = 1024 * 1024  # Event Grid's own limit for an event
_REGISTRY = re.compile(
    r"/providers/microsoft\.containerregistry/registries/([a-z0-9]{1,50})$", re.IGNORECASE | re.ASCII
)
_CONNECTED = re.compile(r"/connectedregistries/[^/]+$", re.IGNORECASE)
_CLOUD = re.compile(r"\.(azurecr\.[a-z]{2,3})$", re.ASCII)  # io; cn and us are the other clouds
_MEDIA_TYPE = re.compile(r"[\x20-\x7e]{0,255}", re.ASCII)  # RFC 6838 4.2: 127 characters on either side of the slash


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A well-formed event that is none of our business."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    type: str
    topic: str
    data: Mapping[str, object]


def image_pushed(text: str) -> PushEvidence | Ignored:
    """A push event."""
    event = _event(text)
    if event.type != PUSHED:
        return _another(event)
    if _CONNECTED.search(event.topic):
        return Ignored(because="it comes from a connected registry, whose images are its parent's")
    found = _REGISTRY.search(event.topic)
    if found is None:
        raise _wrong("topic", "the resource id of a container registry", event.topic)
    target = event.data.get("target")
    if not isinstance(target, dict):
        raise _wrong("data.target", "an object", target)
    pushed_at = read_time(_text(event.data, "timestamp", "data.timestamp"))
    if pushed_at is None:
        raise _wrong("data.timestamp", "an RFC 3339 time", event.data.get("timestamp"))
    return PushEvidence(
        registry=_login_server(found[1].lower(), event.data),
        repository=_matching(REPOSITORY, target, "repository", "a repository in lower case, as in shop/web"),
        tag=_matching(TAG, target, "tag", "a tag of at most 128 characters") if target.get("tag") else "",
        digest=_matching(DIGEST, target, "digest", "sha256: and 64 hex digits"),
        pushed_at=pushed_at,
        media_type=_matching(_MEDIA_TYPE, target, "mediaType", "a media type of at most 255 characters"),
        location=printable(str(event.data.get("location") or "")[:64]),
    )


def scan_completed(text: str) -> ScanEvidence | Ignored:
    """A scan event of ours; the data is described in docs/scan-completed.schema.json."""
    event = _event(text)
    if event.type != SCANNED:
        return _another(event)
    try:
        return read_scan("event", event.data)
    except EvidenceError as error:
        raise Malformed(str(error)) from error


def _another(event: _Event) -> Ignored:
    return Ignored(because=f"it is a {printable(event.type[:80])}")


def _event(text: str) -> _Event:
    if len(text) > MOST:
        raise _wrong("size", "at most 1 MiB", f"{len(text)} characters")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"event: expected JSON, found something else ({type(error).__name__})") from error
    if not isinstance(body, dict):
        raise _wrong("body", "one event object", type(body).__name__)
    cloud = "specversion" in body
    kind, topic = ("type", "source") if cloud else ("eventType", "topic")
    data = body.get("data")
    if not isinstance(data, dict):
        raise _wrong("data", "an object", type(data).__name__)
    return _Event(type=_text(body, kind, kind), topic=_text(body, topic, topic), data=data)


def _login_server(name: str, data: Mapping[str, object]) -> str:
    """From the registry's name, not from the host of the request: that may be a regional one (acr-eventgrid A.3)."""
    request = data.get("request")
    host = str(request.get("host") or "").lower() if isinstance(request, dict) else ""
    cloud = _CLOUD.search(host)
    return f"{name}.{cloud[1] if cloud else 'azurecr.io'}"


def _text(found: Mapping[str, object], key: str, path: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        raise _wrong(path, "a text", value)
    return value


def _matching(pattern: re.Pattern[str], target: Mapping[str, object], key: str, expected: str) -> str:
    value = _text(target, key, f"data.target.{key}")
    if pattern.fullmatch(value) is None:
        raise _wrong(f"data.target.{key}", expected, value)
    return value


def _wrong(path: str, expected: str, found: object) -> Malformed:
    shown = repr(found)
    return Malformed(f"event: {path}: expected {expected}, found {shown[:160]}{'…' if len(shown) > 160 else ''}")  # noqa: PLR2004 - a line's length
