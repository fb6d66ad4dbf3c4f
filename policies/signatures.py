"""What is attached to an image as a signature, read so strictly that no byte of it can be two things."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.errors import printable

LARGEST = 256 * 1024  # bytes of an envelope; those of Notary Project and cosign have 2 to 30 KiB
MOST = 20  # signatures of an image that are looked at
SHOWN = 120  # characters of a name that a because repeats

JWS = "application/jose+json"
COSE = "application/cose"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"


class Kind(StrEnum):
    """Whose way of signing."""

    NOTATION = "notation"
    COSIGN = "cosign"


KINDS: Mapping[str, Kind] = {
    JWS: Kind.NOTATION,
    COSE: Kind.NOTATION,
    BUNDLE: Kind.COSIGN,
    SIMPLE_SIGNING: Kind.COSIGN,
}
"""The kind of an envelope by its media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureSeen:
    """One envelope that a registry has attached to an image; its bytes prove themselves, or nothing.

    digest: of the manifest that carries it, for people. media_type: of the envelope, one of `KINDS`.
    content: at most `LARGEST` bytes. detached: the signature beside it, base64 ("" where the envelope holds its own).
    problem: why there is no content, "" when there is.
    """

    digest: str
    media_type: str
    content: bytes = b""
    detached: str = ""
    problem: str = ""


class Unproven(Exception):
    """A signature that proves nothing of this image; its text says why, as a because does."""


def shown(name: str) -> str:
    """A name out of an envelope or certificate, fit for a because."""
    flat = printable(name[: SHOWN + 1])
    return flat if len(flat) <= SHOWN else f"{flat[:SHOWN]}…"


def read_object(what: str, content: bytes) -> Mapping[str, object]:
    """A JSON object in UTF-8 without a name that occurs twice, which two readers may read differently."""
    try:
        found = json.loads(content.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Unproven(f"its {what} is not JSON") from None
    return as_object(what, found)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def as_object(what: str, found: object) -> Mapping[str, object]:
    """This value, when it is a JSON object."""
    if not isinstance(found, Mapping):
        raise Unproven(f"its {what} is not a JSON object")
    return found


def as_text(what: str, found: object) -> str:
    """This value, when it is a text that is not blank."""
    if not isinstance(found, str) or not found:
        raise Unproven(f"it has no {what}")
    return found


def from_base64(what: str, found: object) -> bytes:
    """The bytes of a text in base64, which must be the one way to write them."""
    text = as_text(what, found)
    try:
        read = base64.b64decode(text, validate=True)
    except ValueError:  # of a character that is not ASCII too
        read = b""
    if base64.b64encode(read).decode() != text:
        raise Unproven(f"its {what} is not base64")
    return read


def from_base64url(what: str, found: object) -> bytes:
    """The same in base64url without padding, as RFC 7515 writes it."""
    text = as_text(what, found)
    try:
        read = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        read = b""
    if base64.urlsafe_b64encode(read).rstrip(b"=").decode() != text:
        raise Unproven(f"its {what} is not base64url")
    return read
