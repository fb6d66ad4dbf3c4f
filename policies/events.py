"""What a registry and scanners send, to the evidence it brings. Raises `EvidenceError` with a path.

Event Grid's JSON comes in its own schema or as CloudEvents; the registry's own webhooks send the `data` of the same
event without an envelope, and without the region. Facts: the payloads of `Microsoft.ContainerRegistry.ImagePushed` in
the Event Grid schema reference, and learn.microsoft.com/azure/container-registry/container-registry-webhook-reference:
a push by digest has no tag; timestamps have 7 or 9 digits; connected registries send events unasked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from policies.body import Part
from policies.errors import printable
from policies.evidence import DIGEST, REPOSITORY, ScanEvidence, read_time
from policies.pushes import PushEvidence, plain_region
from policies.scan_event import read_scan
from policies.tags import TAG

PUSHED = "Microsoft.ContainerRegistry.ImagePushed"
SCANNED = "Weighbridge.ImageScanCompleted"
CALLED = "Weighbridge.DoctorCalled"
LONGEST_ACTOR = 160  # characters, as of any other actor
_REGISTRY = re.compile(
    r"/providers/microsoft\.containerregistry/registries/([a-z0-9]{1,50})$", re.IGNORECASE | re.ASCII
)
_CONNECTED = re.compile(r"/connectedregistries/[^/]+$", re.IGNORECASE)
# A login server, whose label has a hash where the registry was created with a domain name label; or the endpoint of
# one of its regions. The other clouds than io's are cn, us and the former de.
_HOST = re.compile(
    r"([a-z0-9]{1,50}(?:-[a-z0-9]{1,50})?)(?:\.[a-z0-9]{1,50}\.geo)?\.(azurecr\.(?:io|cn|us|de))", re.ASCII
)
_LOCAL = re.compile(r"localhost:[0-9]{1,5}", re.ASCII)
MEDIA_TYPE = "a media type of at most 255 characters"
_MEDIA_TYPE = re.compile(r"[\x20-\x7e]{0,255}", re.ASCII)  # RFC 6838 4.2: 127 characters on either side of the slash


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A well-formed event that is none of our business."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Called(Ignored):
    """A test event of `weighbridge doctor`: nobody's business but that it came. call, way: as it was told them."""

    call: str
    way: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event of Event Grid, in either of its schemas. topic: the resource it is about, as a path."""

    type: str
    topic: str
    body: Part
    data: Part


def envelope(body: Part) -> Envelope:
    """What both schemas have in common."""
    kind, topic = ("type", "source") if "specversion" in body.found else ("eventType", "topic")
    data = body.part("data")
    return Envelope(type=body.text(kind), topic=body.text(topic), body=body, data=data)


def image_pushed(body: Part) -> PushEvidence | Ignored:
    """A push, told by Event Grid."""
    event = envelope(body)
    if event.type != PUSHED:
        return another(event)
    if _CONNECTED.search(event.topic):
        return Ignored(because="it comes from a connected registry, whose images are its parent's")
    found = _REGISTRY.search(event.topic)
    if found is None:
        raise body.wrong("topic", "the resource id of a container registry", event.topic)
    return _push(event.data, _login_server(found[1].lower(), event.data.found))


def scan_completed(body: Part) -> ScanEvidence | Ignored:
    """A scan event of ours; the data is described in docs/scan-completed.schema.json."""
    event = envelope(body)
    if event.type != SCANNED:
        return another(event)
    return read_scan(body.source, event.data.found)


def acr_webhook(body: Part) -> PushEvidence | Ignored:
    """A push, told by a webhook of the registry itself.

    The body names no registry but the host that was pushed to, so that host must be one that a registry can have.
    Another action than `push` has other fields, which are not looked at.
    """
    match body.text("action"):
        case "push":
            return _push(body, _asked_server(body.part("request")))
        case "quarantine":
            return Ignored(because="the image is in the registry's quarantine; a push is told of when it is let out")
        case other:
            return Ignored(because=f"its action is {printable(other[:80])}")


def _push(data: Part, registry: str) -> PushEvidence:
    """The evidence in the `data` of a push, which Event Grid and webhooks share."""
    target = data.part("target")
    told = target.found
    pushed_at = read_time(data.text("timestamp"))
    if pushed_at is None:
        raise data.wrong("timestamp", "an RFC 3339 time", data.found.get("timestamp"))
    return PushEvidence(
        registry=registry,
        repository=target.matching(REPOSITORY, "repository", "a repository in lower case, as in shop/web"),
        tag=target.matching(TAG, "tag", "a tag of at most 128 characters") if told.get("tag") else "",
        digest=target.matching(DIGEST, "digest", "sha256: and 64 hex digits"),
        pushed_at=pushed_at,
        media_type=target.matching(_MEDIA_TYPE, "mediaType", MEDIA_TYPE) if told.get("mediaType") is not None else "",
        location=plain_region(_text(data.found.get("location"))),
        pushed_by=_actor(data.found.get("actor")),
    )


def _text(found: object) -> str:
    """What is no text is none."""
    return found if isinstance(found, str) else ""


def _actor(found: object) -> str:
    """Who pushed, where the registry tells: an optional field of the event's published schema."""
    name = found.get("name") if isinstance(found, dict) else None
    return printable(name[:LONGEST_ACTOR]) if isinstance(name, str) else ""


def another(event: Envelope) -> Ignored:
    """An event of a type that is not asked for."""
    because = f"it is a {printable(event.type[:80])}"
    if event.type == CALLED:
        call, way = (_text(event.data.found.get(name)) for name in ("call", "way"))
        return Called(because=because, call=call, way=way)
    return Ignored(because=because)


def _login_server(name: str, data: Mapping[str, object]) -> str:
    """By the registry's name; the host of the request may be of one region, but tells the cloud, and a label's hash."""
    request = data.get("request")
    host = _text(request.get("host")).lower() if isinstance(request, dict) else ""
    found = _HOST.fullmatch(host)
    if found is None or found[1].partition("-")[0] != name:
        return f"{name}.azurecr.io"
    return f"{found[1]}.{found[2]}"


def _asked_server(request: Part) -> str:
    """The login server of the registry whose host was pushed to; raises `EvidenceError`."""
    host = request.text("host").lower()
    if _LOCAL.fullmatch(host):
        return host
    found = _HOST.fullmatch(host)
    if found is None:
        raise request.wrong("host", "a registry's login server or regional endpoint, as in contoso.azurecr.io", host)
    return f"{found[1]}.{found[2]}"
