"""Chains of X.509 certificates, as "Certificate Requirements" of the Notary Project signature specification has them.

Of a certificate's extensions that page honours basic constraints, key usage and extended key usage, and no other:
constraints on names, policies and revocation lists are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from policies.signatures import Unproven, from_base64, shown

T = TypeVar("T", bound=x509.ExtensionType)

MOST = 10  # certificates of a chain
UNREADABLE = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises of a certificate that it cannot read or whose signature is wrong."""

_LEAST_RSA, _LEAST_EC = 2048, 256  # bits
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_NOT_OF_CODE = {
    Usage.ANY_EXTENDED_KEY_USAGE: "any use",
    Usage.SERVER_AUTH: "servers",
    Usage.CLIENT_AUTH: "clients",
    Usage.EMAIL_PROTECTION: "mail",
    Usage.TIME_STAMPING: "timestamps",
    Usage.OCSP_SIGNING: "revocation answers",
}


def read_chain(found: object) -> list[x509.Certificate]:
    """The certificates of an `x5c` header, the signer's first."""
    if not isinstance(found, list) or not found:
        raise Unproven("it has no certificates (x5c)")
    if len(found) > MOST:
        raise Unproven(f"its chain has {len(found)} certificates, more than {MOST}")
    return [_read(from_base64("x5c", each)) for each in found]


def _read(content: bytes) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(content)
    # The bits a signature leaves unused may be miscounted where they are zero: the one loose byte of a certificate.
    if not content.endswith(b"\x00" + certificate.signature):
        raise Unproven(f"the certificate {name_of(certificate)} is not written as DER has it")
    return certificate


def name_of(certificate: x509.Certificate) -> str:
    """A certificate's subject, for people."""
    return shown(certificate.subject.rfc4514_string()) or "a certificate without a subject"


def check_chain(chain: Sequence[x509.Certificate], now: datetime) -> None:
    """Refuse a chain that is not complete, well formed and valid now; whom it leads to is not asked here.

    Without a timestamp authority nothing proves an earlier time, so now is what counts: "in the absence of an
    Authentic Timestamp, each and every certificate … must be valid".
    """
    for certificate in chain:
        _check_strength(certificate)
        _check_time(certificate, now)
    for below, above in pairwise(chain):
        if _issued(below, below):
            raise Unproven(f"{name_of(below)} signed itself and is not the last of the chain")
        if not _issued(below, above):
            raise Unproven(f"{name_of(below)} was not issued by {name_of(above)}, which is next in the chain")
    if not _issued(chain[-1], chain[-1]):
        raise Unproven(f"the chain ends with {name_of(chain[-1])}, which is no root")
    for depth, certificate in enumerate(chain[1:]):
        _check_authority(certificate, depth)
    _check_signer(chain[0])


def anchored(chain: Iterable[x509.Certificate], anchors: Iterable[x509.Certificate]) -> bool:
    """Whether one of the chain is, byte for byte, one of the anchors: an equal name or key is not enough."""
    trusted = set(anchors)
    return any(certificate in trusted for certificate in chain)


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _check_strength(certificate: x509.Certificate) -> None:
    if not isinstance(certificate.signature_hash_algorithm, _HASHES):
        raise Unproven(f"{name_of(certificate)} is signed with neither SHA-256, SHA-384 nor SHA-512")
    key = certificate.public_key()
    bits = key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
    if bits < (_LEAST_RSA if isinstance(key, rsa.RSAPublicKey) else _LEAST_EC):
        raise Unproven(f"the key of {name_of(certificate)} is too weak, or neither RSA nor elliptic")


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        raise Unproven(f"{name_of(certificate)} is not valid before {begins:%Y-%m-%d %H:%M} UTC")
    if now > ends:
        when = f"{ends:%Y-%m-%d %H:%M} UTC"
        raise Unproven(f"{name_of(certificate)} ran out at {when}, and timestamp countersignatures are not checked")


def _check_authority(certificate: x509.Certificate, depth: int) -> None:
    """depth: how many certificates that issue others are below this one."""
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.critical or not constraints.value.ca:
        raise Unproven(f"{name_of(certificate)} may not issue certificates (basic constraints)")
    longest = constraints.value.path_length
    if longest is not None and depth > longest:
        raise Unproven(f"{name_of(certificate)} allows {longest} authorities below it, found {depth}")
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not usage.critical or not usage.value.key_cert_sign:
        raise Unproven(f"{name_of(certificate)} may not sign certificates (key usage)")


def _check_signer(certificate: x509.Certificate) -> None:
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise Unproven(f"{name_of(certificate)} is an authority's certificate, not a signer's")
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not usage.critical or not usage.value.digital_signature:
        raise Unproven(f"{name_of(certificate)} may not sign (key usage)")
    uses = usage.value
    if any((uses.key_encipherment, uses.data_encipherment, uses.key_agreement, uses.key_cert_sign, uses.crl_sign)):
        raise Unproven(f"{name_of(certificate)} is for more than signing (key usage)")
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    if extended is None:
        return
    other = [_NOT_OF_CODE[use] for use in extended.value if use in _NOT_OF_CODE]
    if other:
        raise Unproven(f"{name_of(certificate)} is for {' and '.join(other)} too (extended key usage)")
    if Usage.CODE_SIGNING not in extended.value:
        raise Unproven(f"{name_of(certificate)} is not for signing code (extended key usage)")


def _extension(certificate: x509.Certificate, kind: type[T]) -> x509.Extension[T] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
