"""Whose certificates count: subjects as a Notary Project trust policy writes them, `x509.subject: C=US, O=Contoso`.

An identity names some attributes of a subject; a certificate matches when it has each of them, once, with that value.
Notary Project asks for C, ST and O in every identity; here one attribute will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from cryptography import x509

PREFIX = "x509.subject:"
ANYBODY = "*"
_ESCAPED = ' ,;\\+"<>=#'  # what a backslash may stand before (RFC 4514, section 2.4)
_TYPES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "POSTALCODE": NameOID.POSTAL_CODE,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Attributes of a subject with their values; (): any subject, which somebody wrote as `*`."""

    attributes: tuple[tuple[x509.ObjectIdentifier, str], ...] = ()

    def matches(self, subject: x509.Name) -> bool:
        """Whether this subject has every attribute exactly once and with its value."""
        return all([a.value for a in subject.get_attributes_for_oid(oid)] == [value] for oid, value in self.attributes)


def read_identities(text: str) -> tuple[Identity, ...]:
    """Identities separated by `;` or lines; raises ValueError with what one of them should have been."""
    written = [part.lstrip() for part in _split(text, ";\r\n") if part.strip()]
    anybody = [part for part in written if part.strip() == ANYBODY]
    if anybody and len(written) == 1:
        return (Identity(),)
    if anybody:
        raise ValueError("* alone, for it means any subject")
    return tuple(_identity(part) for part in written)


def _identity(text: str) -> Identity:
    if not text.startswith(PREFIX):
        raise ValueError(f'"{PREFIX} C=US, ST=WA, O=Contoso, CN=release"')
    attributes: dict[x509.ObjectIdentifier, str] = {}
    for part in _split(text.removeprefix(PREFIX), ","):
        name, equals, value = part.partition("=")
        oid = _TYPES.get(name.strip().upper())
        if oid is None or not equals:
            raise ValueError(
                f"attributes among {', '.join(_TYPES)}, each as NAME=value, with \\, for a comma in a value"
            )
        if oid in attributes:
            raise ValueError(f"each attribute once in an identity, and {name.strip().upper()} stands there twice")
        attributes[oid] = _value(value)
    return Identity(attributes=tuple(attributes.items()))


def _split(text: str, marks: str) -> Iterator[str]:
    """Yield the parts between marks that no backslash stands before."""
    begin, place = 0, 0
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] in marks:
            yield text[begin:place]
            begin = place + 1
        place += 1
    yield text[begin:]


def _value(text: str) -> str:
    """A value without its escapes; blanks around it count only with a backslash before them."""
    bare: list[tuple[str, bool]] = []
    rest = iter(text)
    for char in rest:
        escaped = char == "\\"
        meant = next(rest, "") if escaped else char
        if escaped and meant not in set(_ESCAPED):
            raise ValueError('a backslash only before a comma, semicolon, blank, backslash or one of + " < > = #')
        if not escaped and meant in '+"':
            raise ValueError('one value an attribute, and a \\ before + or " in it')
        bare.append((meant, escaped))
    counted = [place for place, (char, escaped) in enumerate(bare) if escaped or not char.isspace()]
    if not counted:
        raise ValueError("a value after each =")
    return "".join(char for char, _ in bare[counted[0] : counted[-1] + 1])
