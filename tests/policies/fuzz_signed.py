"""Signatures for the fuzzer: as an attacker attaches them, and as a signer with the right key might have made them.

Most changes of an envelope stop at its signature. So that what stands behind it is fed too, an envelope may also be
given by its parts, which are then signed with the key that the row trusts. Certificates are texts of their bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from policies import cosign, notation
from policies.certificates import read_chain
from policies.facts import Manifest
from policies.signatures import BUNDLE, JWS, LARGEST, SIMPLE_SIGNING, SignatureSeen, Unproven
from policies.signing_keys import read_public_keys, read_trusted
from tests.policies import pki
from tests.policies.rows import MANIFEST

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
IMAGE: Manifest = replace(MANIFEST, size=pki.SIZE)
CHAIN = [each.certificate.public_bytes(Encoding.DER).decode("latin-1") for each in pki.usual()]
PARTS: dict[str, Any] = {"protected": pki.protected(), "payload": {"targetArtifact": pki.TARGET}, "chain": CHAIN}
ENVELOPE: dict[str, Any] = json.loads(pki.notation().content)
BUNDLED: dict[str, Any] = json.loads(pki.bundle().content)
SIMPLE: dict[str, Any] = json.loads(pki.simple().content)


def _text(found: object) -> bytes:
    return found.encode(errors="replace") if isinstance(found, str) else json.dumps(found).encode()


def _x5c(found: object) -> object:
    if not isinstance(found, list):
        return found
    return [_der(each) if isinstance(each, str) else each for each in found]


def _der(text: str) -> str:
    return base64.b64encode(text.encode("latin-1", errors="replace")).decode()


@cache
def _trusted() -> Any:
    return read_trusted("key", pki.trusting())


@cache
def _keys() -> Any:
    return read_public_keys("key", pki.public())


def chain(found: object) -> object:
    """A chain of certificates, all but the base64 of it."""
    return read_chain(_x5c(found))


def _attached(media_type: str, content: bytes, detached: str = "") -> SignatureSeen:
    """As the registry is asked for it: what is larger is not looked at."""
    if len(content) > LARGEST:
        raise Unproven("too large")
    return pki.attached(media_type, content, detached)


def envelope(found: object) -> object:
    """An envelope of Notary Project as it stands."""
    return notation.verify(_attached(JWS, _text(found)), IMAGE, _trusted(), NOW)


def signed_envelope(found: object) -> object:
    """The parts of an envelope, signed with the key of the certificate that is trusted."""
    parts = found if isinstance(found, Mapping) else {"protected": found}
    protected, payload = (pki.url(_text(parts.get(name))) for name in ("protected", "payload"))
    signature = pki.url(pki.jws_signature(pki.usual()[0].key, "p256", f"{protected}.{payload}".encode()))
    header = {"x5c": _x5c(parts.get("chain"))}
    return envelope({"payload": payload, "protected": protected, "header": header, "signature": signature})


def cosigned(found: object) -> object:
    """A bundle of cosign as it stands, and the same as a payload of its older way."""
    content = _text(found)
    older = _attached(SIMPLE_SIGNING, content, content.decode())
    return [_answer(older), cosign.verify(_attached(BUNDLE, content), IMAGE, _keys())]


def _answer(seen: SignatureSeen) -> str:
    try:
        return cosign.verify(seen, IMAGE, _keys())
    except Unproven as error:
        return str(error)


def signed_bundle(found: object) -> object:
    """A statement, signed with the key of the row."""
    return cosign.verify(_attached(BUNDLE, pki.bundle(said=found).content), IMAGE, _keys())


def signed_simple(found: object) -> object:
    """A payload of cosign's older way, signed with the key of the row."""
    content = _text(found)
    signature = base64.b64encode(pki.key_signature("p256", content)).decode()
    return cosign.verify(_attached(SIMPLE_SIGNING, content, signature), IMAGE, _keys())


SIGNED: Mapping[str, tuple[Callable[[object], object], tuple[object, ...]]] = {
    "policies.certificates.read_chain": (chain, (CHAIN, CHAIN[:1])),
    "policies.notation.verify": (envelope, (ENVELOPE,)),
    "policies.notation.verify, signed": (signed_envelope, (PARTS,)),
    "policies.cosign.verify": (cosigned, (BUNDLED, SIMPLE)),
    "policies.cosign.verify, signed": (signed_bundle, (pki.statement(),)),
    "policies.cosign.verify, older, signed": (signed_simple, (SIMPLE,)),
}
