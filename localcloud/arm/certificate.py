"""What Azure tells of a certificate that it was given."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from localcloud.arm.errors import bad_request

if TYPE_CHECKING:
    from localcloud.arm.models import Json


def told(value: str, password: str) -> Json:
    """Of a PFX, or of PEM without a password, in base64. Raises ArmError 400; its code is in no recording."""
    found = _read(value, password)
    if found is None:
        raise bad_request("CertificateInvalid", "The certificate could not be read with this password.")
    name = ", ".join(part.rfc4514_string() for part in reversed(found.subject.rdns))
    return {
        "thumbprint": hashlib.sha1(found.public_bytes(Encoding.DER)).hexdigest().upper(),  # noqa: S324 - it is a name
        "subjectName": name,
        "expirationDate": f"{found.not_valid_after_utc:%Y-%m-%dT%H:%M:%S}",
    }


def _read(value: str, password: str) -> x509.Certificate | None:
    try:
        raw = b64decode(value, validate=True)
        if b"-----BEGIN" in raw:
            return x509.load_pem_x509_certificate(raw)
        return pkcs12.load_key_and_certificates(raw, password.encode() or None)[1]
    except ValueError:
        return None
