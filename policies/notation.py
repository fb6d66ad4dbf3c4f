"""Verifies a Notary Project signature in a JWS envelope, for trust anchors and identities of a names row.

Read from notaryproject/specifications: signature-envelope-jws.md, signature-specification.md, and the validations of
trust-store-trust-policy.md that need nothing but the envelope. Not among them: revocation, timestamp countersignatures.
Signing scheme notary.x509 alone: a signing authority would be trusted by a store of its own, which a row does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from policies.certificates import UNREADABLE, anchored, check_chain, name_of, read_chain
from policies.evidence import read_time
from policies.facts import Manifest
from policies.signatures import (
    JWS,
    SignatureSeen,
    Unproven,
    as_object,
    as_text,
    from_base64url,
    read_object,
    shown,
)
from policies.signing_keys import Trusted

if TYPE_CHECKING:
    from cryptography import x509

NOT_CHECKED = "revocation and timestamps are not checked"
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
_OURS = "io.cncf.notary."
_SCHEME, _SIGNED, _EXPIRY = f"{_OURS}signingScheme", f"{_OURS}signingTime", f"{_OURS}expiry"
_AUTHENTIC, _PLUGIN = f"{_OURS}authenticSigningTime", f"{_OURS}verificationPlugin"
_X509 = "notary.x509"
_FIELDS = {"payload", "protected", "header", "signature"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Algorithm:
    """What the signer's key demands: "the signature algorithm of the signing key is the source of truth"."""

    name: str
    hashed: hashes.HashAlgorithm


_OF_RSA = {
    2048: _Algorithm(name="PS256", hashed=hashes.SHA256()),
    3072: _Algorithm(name="PS384", hashed=hashes.SHA384()),
    4096: _Algorithm(name="PS512", hashed=hashes.SHA512()),
}
_OF_CURVE = {
    "secp256r1": _Algorithm(name="ES256", hashed=hashes.SHA256()),
    "secp384r1": _Algorithm(name="ES384", hashed=hashes.SHA384()),
    "secp521r1": _Algorithm(name="ES512", hashed=hashes.SHA512()),
}


def verify(seen: SignatureSeen, manifest: Manifest, trusted: Trusted, now: datetime) -> str:
    """Who signed this manifest, in words; raises `Unproven` with why the signature proves nothing."""
    if seen.media_type != JWS:
        raise Unproven("its envelope is COSE, and only JWS is read")
    envelope = read_object("envelope", seen.content)
    if set(envelope) != _FIELDS:
        raise Unproven("its envelope is not flattened JWS: payload, protected, header and signature")
    try:
        chain = read_chain(as_object("header", envelope["header"]).get("x5c"))
        protected = read_object("protected header", from_base64url("protected header", envelope["protected"]))
        _check_signature(envelope, str(protected.get("alg")), chain[0])
        _check_protected(protected, now)
        check_chain(chain, now)
        signer = _trusted(chain, trusted)
    except UNREADABLE as error:
        raise Unproven(f"a certificate cannot be read ({type(error).__name__})") from None
    _check_payload(from_base64url("payload", envelope["payload"]), manifest)
    return f"signed by {signer}"


def _check_signature(envelope: Mapping[str, object], alg: str, signer: x509.Certificate) -> None:
    key = signer.public_key()
    signature = from_base64url("signature", envelope["signature"])
    signed = f"{envelope['protected']}.{envelope['payload']}".encode()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            wanted = _bound(alg, _OF_RSA.get(key.key_size), f"an RSA key of {key.key_size} bits")
            salted = padding.PSS(mgf=padding.MGF1(wanted.hashed), salt_length=wanted.hashed.digest_size)
            key.verify(signature, signed, salted, wanted.hashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            wanted = _bound(alg, _OF_CURVE.get(key.curve.name), f"a key on {key.curve.name}")
            key.verify(_as_der(signature, key), signed, ec.ECDSA(wanted.hashed))
        else:
            raise Unproven("the signer's key is neither RSA nor elliptic")
    except InvalidSignature:
        raise Unproven("it is not what its certificate's key signed") from None


def _bound(alg: str, wanted: _Algorithm | None, key: str) -> _Algorithm:
    if wanted is None:
        raise Unproven(f"its signer has {key}, which Notary Project does not allow")
    if alg != wanted.name:
        raise Unproven(f"its alg is {shown(alg)}, and {key} signs with {wanted.name}")
    return wanted


def _as_der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """RFC 7518 writes r and s side by side, each as long as the curve's order; OpenSSL reads DER."""
    size = (key.key_size + 7) // 8
    if len(signature) != 2 * size:
        raise Unproven(f"its signature has {len(signature)} bytes, not {2 * size}")
    return encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))


def _check_protected(protected: Mapping[str, object], now: datetime) -> None:
    if protected.get("cty") != PAYLOAD:
        raise Unproven(f"its payload is not of type {PAYLOAD}")
    _check_critical(protected)
    if protected.get(_SCHEME) != _X509:
        raise Unproven(f"its signing scheme is {shown(str(protected.get(_SCHEME)))}, and only {_X509} is verified")
    if _AUTHENTIC in protected:
        raise Unproven(f"it has {_AUTHENTIC}, which its signing scheme forbids")
    # Claimed by the signer and proven by nobody: it must be there, and nothing is decided by it.
    _time(protected, _SIGNED)
    if _EXPIRY in protected and now >= (ends := _time(protected, _EXPIRY)):
        raise Unproven(f"it expired at {ends:%Y-%m-%d %H:%M} UTC")


def _check_critical(protected: Mapping[str, object]) -> None:
    named = protected.get("crit")
    critical = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    unknown = [name for name in critical if name not in (_SCHEME, _EXPIRY)]
    # A plugin's name is to be critical; a signer who forgot that still meant it.
    if plugin := next((name for name in (*unknown, *protected) if name.startswith(_PLUGIN)), ""):
        raise Unproven(f"it asks for a verification plugin ({shown(plugin)}), and none is run")
    if unknown:
        raise Unproven(f"its critical header {shown(unknown[0])} is not understood")
    if not isinstance(named, list) or len(critical) != len(named) or len(set(critical)) != len(critical):
        raise Unproven("its header crit is not a list of names")
    for name in (_SCHEME, _EXPIRY):
        wanted = name == _SCHEME or name in protected
        if wanted != (name in critical):
            raise Unproven(f"its header {name} {'is not critical' if wanted else 'is critical and missing'}")


def _time(protected: Mapping[str, object], name: str) -> datetime:
    found = read_time(as_text(name, protected.get(name)))
    if found is None:
        raise Unproven(f"its {name} is not a time")
    return found


def _trusted(chain: list[x509.Certificate], trusted: Trusted) -> str:
    signer = name_of(chain[0])
    if not anchored(chain, trusted.anchors):
        raise Unproven(f"signed by {signer}, whose chain ends with {name_of(chain[-1])}: not among Certificates")
    if not any(identity.matches(chain[0].subject) for identity in trusted.identities):
        raise Unproven(f"signed by {signer}, whom Identities does not name")
    return signer


def _check_payload(payload: bytes, manifest: Manifest) -> None:
    target = as_object("targetArtifact", read_object("payload", payload).get("targetArtifact"))
    signed = (target.get("digest"), target.get("mediaType"), target.get("size"))
    for what, found, ours in zip(
        ("digest", "media type", "size"), signed, (manifest.digest, manifest.media_type, manifest.size), strict=True
    ):
        if type(found) is not type(ours) or found != ours:
            raise Unproven(f"it is of another {what}: {shown(str(found))}")
