"""Keys, certificates and envelopes as Notary Project and cosign make them, to be spoiled one thing at a time."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from policies.signatures import BUNDLE, JWS, SIMPLE_SIGNING, SignatureSeen
from tests.policies.rows import DIGEST, OCI

BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
SIZE = 528
SHA256 = hashes.SHA256()
_CURVES: dict[str, ec.EllipticCurve] = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
    "k256": ec.SECP256K1(),
}
ALGORITHMS = {
    "rsa2048": ("PS256", hashes.SHA256()),
    "rsa3072": ("PS384", hashes.SHA384()),
    "rsa4096": ("PS512", hashes.SHA512()),
    "p256": ("ES256", hashes.SHA256()),
    "p384": ("ES384", hashes.SHA384()),
    "p521": ("ES512", hashes.SHA512()),
}
DIGITAL = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
AUTHORITY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
CODE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])


@functools.cache
def private(kind: str, name: str) -> Any:
    """A private key, the same for the same words."""
    _ = name
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
    if kind == "dsa2048":
        return dsa.generate_private_key(2048)
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(_CURVES[kind])


def name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "WA"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True, kw_only=True)
class Made:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def made(
    common: str,
    issuer: Made | None = None,
    *,
    kind: str = "p256",
    subject: x509.Name | None = None,
    begins: datetime = BEGINS,
    ends: datetime = ENDS,
    hashed: hashes.SHA224 | hashes.SHA256 = SHA256,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> Made:
    """A certificate; extensions: each with whether it is critical. issuer None: it signs itself."""
    key = private(kind, common)
    subject = name(common) if subject is None else subject
    built = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    built = built.issuer_name(issuer.certificate.subject if issuer else subject)
    built = built.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
    for extension, critical in extensions:
        built = built.add_extension(extension, critical=critical)
    return Made(certificate=built.sign(issuer.key if issuer else key, hashed), key=key)


def authority(common: str, issuer: Made | None = None, *, below: int | None = None, **more: Any) -> Made:
    constraints = x509.BasicConstraints(ca=True, path_length=below)
    return made(common, issuer, **{"extensions": ((constraints, True), (AUTHORITY, True)), **more})


def signer(common: str, issuer: Made | None, **more: Any) -> Made:
    return made(common, issuer, **{"extensions": ((DIGITAL, True), (CODE, False)), **more})


@functools.cache
def usual() -> tuple[Made, Made, Made]:
    """A signer, an authority between, and a root: what most organisations have."""
    root = authority("root")
    between = authority("between", root, below=0)
    return signer("release", between), between, root


def url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def dumped(found: object) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode()


def jws_signature(key: Any, kind: str, content: bytes) -> bytes:
    """As RFC 7518 writes it, by an implementation of its own: OpenSSL's DER taken apart."""
    hashed = ALGORITHMS[kind][1]
    if kind.startswith("rsa"):
        salted = padding.PSS(mgf=padding.MGF1(hashed), salt_length=hashed.digest_size)
        signed: bytes = key.sign(content, salted, hashed)
        return signed
    size = (key.key_size + 7) // 8
    return b"".join(part.to_bytes(size) for part in decode_dss_signature(key.sign(content, ec.ECDSA(hashed))))


NOTARY = "io.cncf.notary."


def protected(kind: str = "p256", **changes: object) -> dict[str, object]:
    """The protected header of a good envelope; a change to None takes one away, `_` stands for a dot."""
    good: dict[str, object] = {
        "alg": ALGORITHMS[kind][0],
        "crit": [f"{NOTARY}signingScheme"],
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        f"{NOTARY}signingScheme": "notary.x509",
        f"{NOTARY}signingTime": "2026-11-24T11:59:00Z",
    }
    return {key: value for key, value in {**good, **changes}.items() if value is not None}


TARGET = {"mediaType": OCI, "digest": DIGEST, "size": SIZE}


def notation(
    chain: tuple[Made, ...] | None = None,
    *,
    kind: str = "p256",
    header: dict[str, object] | None = None,
    payload: object = None,
    key: Any = None,
    **changes: object,
) -> SignatureSeen:
    """A good signature of DIGEST. changes: of the envelope, after it was signed."""
    chain = chain or usual()
    encoded = url(dumped(header if header is not None else protected(kind)))
    said = url(dumped({"targetArtifact": TARGET} if payload is None else payload))
    x5c = [base64.b64encode(each.certificate.public_bytes(Encoding.DER)).decode() for each in chain]
    signed = jws_signature(key or chain[0].key, kind, f"{encoded}.{said}".encode())
    envelope = {"payload": said, "protected": encoded, "header": {"x5c": x5c}, "signature": url(signed)}
    return attached(JWS, dumped({**envelope, **changes}))


def attached(media_type: str, content: bytes, detached: str = "") -> SignatureSeen:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return SignatureSeen(digest=digest, media_type=media_type, content=content, detached=detached)


def trusting(*anchors: Made, identities: str = "x509.subject: C=US, O=Contoso, CN=release") -> dict[str, object]:
    """The columns of a key row."""
    return {"Certificates": "".join(each.pem for each in anchors or usual()[2:]), "Identities": identities}


def public(kind: str = "p256", owner: str = "cosign") -> dict[str, object]:
    """The columns of a key row for cosign."""
    pem = private(kind, owner).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"PublicKey": pem.decode()}


def key_signature(kind: str, content: bytes, hashed: Any = None, owner: str = "cosign") -> bytes:
    key = private(kind, owner)
    if kind == "ed25519":
        signed: bytes = key.sign(content)
    elif kind.startswith("rsa"):
        signed = key.sign(content, padding.PKCS1v15(), hashed or hashes.SHA256())
    else:
        signed = key.sign(content, ec.ECDSA(hashed or hashes.SHA256()))
    return signed


def statement(digest: str = DIGEST, predicate: str = "https://sigstore.dev/cosign/sign/v1") -> dict[str, object]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": digest.removeprefix("sha256:")}, "annotations": {}}],
        "predicateType": predicate,
        "predicate": {},
    }


def bundle(kind: str = "p256", said: object = None, hashed: Any = None, **changes: object) -> SignatureSeen:
    """A good bundle as cosign makes it with a key pair, kept in no log. changes: of the bundle, after it was signed."""
    payload = dumped(said if said is not None else statement())
    in_toto = "application/vnd.in-toto+json"
    signed = f"DSSEv1 {len(in_toto)} {in_toto} {len(payload)} ".encode() + payload
    signature = base64.b64encode(key_signature(kind, signed, hashed)).decode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": in_toto,
        "signatures": [{"sig": signature}],
    }
    good = {"mediaType": BUNDLE, "verificationMaterial": {"publicKey": {}}, "dsseEnvelope": envelope, **changes}
    return attached(BUNDLE, dumped({key: value for key, value in good.items() if value is not None}))


def simple(digest: str = DIGEST, kind: str = "p256", what: str = "cosign container image signature") -> SignatureSeen:
    """A good signature as cosign's older tag holds it."""
    image = {"docker-manifest-digest": digest}
    critical = {"identity": {"docker-reference": ""}, "image": image, "type": what}
    content = dumped({"critical": critical, "optional": None})
    return attached(SIMPLE_SIGNING, content, base64.b64encode(key_signature(kind, content)).decode())
