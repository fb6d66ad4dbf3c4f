"""Verifies what cosign signs with a key pair: sigstore bundles and the older `sha256-….sig` tags, by public keys.

Read from sigstore/cosign specs BUNDLE_SPEC.md and SIGNATURE_SPEC.md, sigstore/protobuf-specs sigstore_bundle.proto,
and secure-systems-lab/dsse protocol.md. A signature with a certificate instead of a key (keyless) proves an identity
only to whoever knows Fulcio's roots and asks a transparency log, and neither is done here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policies.facts import Manifest
from policies.signatures import (
    BUNDLE,
    SIMPLE_SIGNING,
    SignatureSeen,
    Unproven,
    as_object,
    from_base64,
    read_object,
    shown,
)
from policies.signing_keys import PublicKey

NOT_CHECKED = "the transparency log is not checked"
_IN_TOTO = "application/vnd.in-toto+json"
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_SIGNS = "https://sigstore.dev/cosign/sign/v1"  # every other predicate is an attestation: it says something, not yes
_SIMPLE = "cosign container image signature"
_ALGORITHM = "sha256:"
_OF_CURVE: Mapping[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


def verify(seen: SignatureSeen, manifest: Manifest, keys: Sequence[PublicKey]) -> str:
    """With which key this manifest was signed, in words; raises `Unproven` with why the signature proves nothing."""
    if not manifest.digest.startswith(_ALGORITHM):
        raise Unproven("it is of a digest that is not sha256")
    if seen.media_type == SIMPLE_SIGNING:
        return _simple(seen, manifest.digest, keys)
    bundle = read_object("bundle", seen.content)
    if bundle.get("mediaType") != BUNDLE:
        raise Unproven(f"its bundle is of type {shown(str(bundle.get('mediaType')))}, not {BUNDLE}")
    material = as_object("verificationMaterial", bundle.get("verificationMaterial"))
    if {"certificate", "x509CertificateChain"} & set(material):
        raise Unproven("it was signed with a certificate (keyless), and only signatures with a key are verified")
    if "publicKey" not in material:
        raise Unproven("its verificationMaterial names no publicKey")
    if ("dsseEnvelope" in bundle) == ("messageSignature" in bundle):
        raise Unproven("its bundle holds neither or both of dsseEnvelope and messageSignature")
    if "dsseEnvelope" in bundle:
        return _dsse(as_object("dsseEnvelope", bundle["dsseEnvelope"]), manifest.digest, keys)
    return _message(as_object("messageSignature", bundle["messageSignature"]), manifest.digest, keys)


def _dsse(envelope: Mapping[str, object], digest: str, keys: Sequence[PublicKey]) -> str:
    """A statement in a DSSE envelope, as cosign writes it since bundles: signed over its type and length too."""
    if envelope.get("payloadType") != _IN_TOTO:
        raise Unproven(f"its payload is not of type {_IN_TOTO}")
    payload = from_base64("payload", envelope.get("payload"))
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Unproven("its envelope does not hold one signature")
    signature = from_base64("signature", as_object("signature", signatures[0]).get("sig"))
    signed = b"DSSEv1 %d %b %d %b" % (len(_IN_TOTO), _IN_TOTO.encode(), len(payload), payload)
    key = _signer(keys, signature, signed)
    statement = read_object("statement", payload)
    if statement.get("_type") not in _STATEMENTS or statement.get("predicateType") != _SIGNS:
        raise Unproven(f"it attests {shown(str(statement.get('predicateType')))}, which is no signature of the image")
    subjects = statement.get("subject")
    named = [_sha256_of(each) for each in subjects] if isinstance(subjects, list) else []
    if digest not in named:
        raise Unproven(f"it is of another digest: {shown(' '.join(named) or 'none')}")
    return f"signed with {key}"


def _sha256_of(subject: object) -> str:
    found = as_object("subject", subject)
    return f"{_ALGORITHM}{as_object('subject', found.get('digest')).get('sha256')}"


def _message(message: Mapping[str, object], digest: str, keys: Sequence[PublicKey]) -> str:
    """A signature of the manifest itself, which is verified by our digest; the bundle must name the same."""
    told = as_object("messageDigest", message.get("messageDigest"))
    hashed = bytes.fromhex(digest.removeprefix(_ALGORITHM))
    if told.get("algorithm") != "SHA2_256" or from_base64("digest", told.get("digest")) != hashed:
        raise Unproven("it is of another digest")
    return f"signed with {_signer(keys, from_base64('signature', message.get('signature')), hashed, hashed=True)}"


def _simple(seen: SignatureSeen, digest: str, keys: Sequence[PublicKey]) -> str:
    """A "simple signing" payload, whose signature is an annotation of its layer."""
    key = _signer(keys, from_base64("signature", seen.detached), seen.content)
    critical = as_object("critical", read_object("payload", seen.content).get("critical"))
    if critical.get("type") != _SIMPLE:
        raise Unproven(f"its payload is a {shown(str(critical.get('type')))}, not a {_SIMPLE}")
    found = as_object("image", critical.get("image")).get("docker-manifest-digest")
    if found != digest:
        raise Unproven(f"it is of another digest: {shown(str(found))}")
    return f"signed with {key}"


def _signer(keys: Sequence[PublicKey], signature: bytes, signed: bytes, *, hashed: bool = False) -> str:
    """The key that made this signature, for people. hashed: what was signed is given as its SHA-256."""
    for key in keys:
        if any(_made(key, signature, signed, algorithm) for algorithm in _algorithms(key, hashed=hashed)):
            content = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"the key {_ALGORITHM}{hashlib.sha256(content).hexdigest()[:12]}…"
    raise Unproven("it is not what the key of PublicKey signed")


def _algorithms(key: PublicKey, *, hashed: bool) -> Sequence[hashes.HashAlgorithm | Prehashed]:
    """By default cosign hashes with SHA-256 whatever the key; its libraries also go by the key's curve."""
    if hashed:
        return () if isinstance(key, ed25519.Ed25519PublicKey) else (Prehashed(hashes.SHA256()),)
    own = _OF_CURVE[key.curve.name] if isinstance(key, ec.EllipticCurvePublicKey) else hashes.SHA256()
    return (own,) if isinstance(own, hashes.SHA256) else (own, hashes.SHA256())


def _made(key: PublicKey, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | Prehashed) -> bool:
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, signed, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey():
                key.verify(signature, signed, ec.ECDSA(algorithm))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, signed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
