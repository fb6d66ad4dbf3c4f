"""Rows `names | key | <name>`, whom a Signed cell trusts: for notation anchors and identities, for cosign keys."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from policies.cells import nearest
from policies.certificates import UNREADABLE
from policies.errors import PolicyError, Problem, quoted
from policies.identities import Identity, read_identities

T = TypeVar("T")
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

MOST = 20  # certificates or keys of a row
_LONGEST = 65536  # characters of a cell: a table holds no more
_LEAST_RSA = 2048  # bits
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_COLUMNS = ("Certificates", "Identities", "PublicKey", "Note")
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*)-----END \1-----", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whose notation signatures count: those whose chain holds an anchor, by a signer whom an identity names."""

    anchors: tuple[x509.Certificate, ...]
    identities: tuple[Identity, ...]


def read_trusted(name: str, columns: Mapping[str, object]) -> Trusted:
    """What a row says for notation; raises `PolicyError` with all its problems."""
    row = _Row(name, columns)
    anchors = row.blocks("Certificates", "CERTIFICATE", x509.load_der_x509_certificate)
    identities = row.identities()
    row.check()
    return Trusted(anchors=anchors, identities=identities)


def read_public_keys(name: str, columns: Mapping[str, object]) -> tuple[PublicKey, ...]:
    """What a row says for cosign: a signature by any of these counts; raises `PolicyError` with all its problems."""
    row = _Row(name, columns)
    keys = row.blocks("PublicKey", "PUBLIC KEY", _public_key)
    row.check()
    return keys


def _public_key(content: bytes) -> PublicKey:
    key = load_der_public_key(content)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise ValueError("a key that is too weak, or of a kind cosign does not make")


class _Row:
    """The cells of one row while it is read, and what was found wrong so far. Key material is never repeated."""

    def __init__(self, name: str, columns: Mapping[str, object]) -> None:
        self._source = f"names/key/{name}"
        self._problems: list[Problem] = []
        self._cells: dict[str, str] = {}
        known = {column.lower(): column for column in _COLUMNS}
        for written, value in columns.items():
            column = known.get(written.strip().lower(), "")
            if column:
                self._cells[column] = self._text(column, value)
            elif not written.startswith("_") and value not in (None, ""):
                expected = f"one of {', '.join(_COLUMNS)}"
                hint = nearest(written, list(_COLUMNS))
                problem = Problem(column=quoted(written)[1:-1], expected=expected, found=quoted(written), hint=hint)
                self._problems.append(problem)

    def _text(self, column: str, value: object) -> str:
        if value is None or (isinstance(value, str) and len(value) <= _LONGEST):
            return value or ""
        found = f"a cell of type {type(value).__name__}" if not isinstance(value, str) else f"{len(value)} characters"
        self._problems.append(Problem(column=column, expected=f"text of at most {_LONGEST} characters", found=found))
        return ""

    def check(self) -> None:
        """Raise what was found wrong."""
        if self._problems:
            raise PolicyError(self._source, self._problems)

    def blocks(self, column: str, label: str, load: Callable[[bytes], T]) -> tuple[T, ...]:
        """The PEM blocks of a cell, loaded; also where a form took the ends of lines away, or JSON wrote them out."""
        text = self._cells.get(column, "").replace("\\n", "\n").strip()
        expected = f"PEM, one or more blocks BEGIN {label}"
        found = _BLOCK.findall(text)
        labels = sorted({each for each, _ in found})
        if labels != [label] or _BLOCK.sub("", text).strip():
            seen = f"blocks {' and '.join(labels)}" if labels not in ([], [label]) else "text that is none"
            self._problems.append(Problem(column=column, expected=expected, found=seen if text else "nothing"))
            return ()
        if len(found) > MOST:
            self._problems.append(Problem(column=column, expected=f"at most {MOST} blocks", found=str(len(found))))
            return ()
        loaded: list[T] = []
        for place, (_, block) in enumerate(found, 1):
            try:
                loaded.append(load(base64.b64decode("".join(block.split()), validate=True)))
            except UNREADABLE:
                what = f"block {place} that cannot be read as {'a certificate' if label == 'CERTIFICATE' else 'a key'}"
                self._problems.append(Problem(column=column, expected=expected, found=what))
        return tuple(loaded)

    def identities(self) -> tuple[Identity, ...]:
        """The identities of the row. None at all is nobody, which is a mistake and not a wish."""
        text = self._cells.get("Identities", "")
        try:
            read = read_identities(text)
        except ValueError as error:
            self._problems.append(Problem(column="Identities", expected=str(error), found=quoted(text)))
            return ()
        if not read:
            expected = '"x509.subject: C=US, ST=WA, O=Contoso, CN=release", or * for any subject under the anchors'
            self._problems.append(Problem(column="Identities", expected=expected, found="nothing"))
        return read
