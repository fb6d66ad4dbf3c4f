"""A Notary Project signature counts only when every byte of it and of its certificates is as specified."""

from __future__ import annotations

import base64
import json
import re
import warnings
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.facts import Manifest
from policies.notation import verify
from policies.signatures import COSE, SignatureSeen, Unproven, shown
from policies.signing_keys import read_trusted
from tests.policies.pki import (
    ALGORITHMS,
    AUTHORITY,
    CODE,
    DIGITAL,
    ENDS,
    NOTARY,
    SIZE,
    TARGET,
    Made,
    authority,
    made,
    name,
    notation,
    private,
    protected,
    signer,
    trusting,
    url,
    usual,
)
from tests.policies.rows import MANIFEST, NOON, OTHER_DIGEST

IMAGE = replace(MANIFEST, size=SIZE)
RELEASE = "CN=release,O=Contoso,ST=WA,C=US"
NAMED = {word.upper(): RELEASE.replace("release", word) for word in ("release", "between", "root", "other", "weak")}
ROOT = NAMED["ROOT"]


def said(
    seen: SignatureSeen, row: dict[str, object] | None = None, image: Manifest = IMAGE, now: datetime = NOON
) -> str:
    """What is said of a signature, good or not."""
    try:
        return verify(seen, image, read_trusted("release-key", row or trusting()), now)
    except Unproven as error:
        return str(error)


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_a_signature_by_every_key_the_specification_allows_is_good(kind: str) -> None:
    root = authority("root of all")
    chain = (signer("release", root, kind=kind), root)

    assert said(notation(chain, kind=kind), trusting(root)) == f"signed by {RELEASE}"


def test_a_chain_with_an_authority_between_is_good_by_any_of_its_certificates() -> None:
    for anchor in usual():
        assert said(notation(), trusting(anchor)) == f"signed by {RELEASE}"


def test_a_certificate_that_signed_itself_is_good_when_it_is_the_anchor() -> None:
    alone = signer("release", None)

    assert said(notation((alone,)), trusting(alone)) == f"signed by {RELEASE}"
    assert said(notation((alone,))).startswith(f"signed by {RELEASE}, whose chain ends with {RELEASE}: not among")


def test_a_signer_without_extended_key_usage_is_good() -> None:
    root = authority("root")
    plain = signer(
        "release", root, extensions=((DIGITAL, True), (x509.BasicConstraints(ca=False, path_length=None), False))
    )

    assert said(notation((plain, root)), trusting(root)) == f"signed by {RELEASE}"


def test_an_expiry_to_come_and_headers_that_are_not_critical_change_nothing() -> None:
    expiry: dict[str, Any] = {
        f"{NOTARY}expiry": "2026-11-24T12:00:01Z",
        "crit": [f"{NOTARY}signingScheme", f"{NOTARY}expiry"],
    }

    assert said(notation(header=protected(**expiry, build="7"))) == f"signed by {RELEASE}"


SCHEME, EXPIRY, X509 = f"{NOTARY}signingScheme", f"{NOTARY}expiry", "notary.x509"
HEADERS = [
    ({"alg": "PS256"}, "its alg is PS256, and a key on secp256r1 signs with ES256"),
    ({"alg": "none"}, "its alg is none, and a key on secp256r1 signs with ES256"),
    ({"alg": None}, "its alg is None, and a key on secp256r1 signs with ES256"),
    ({"cty": "text/plain"}, "its payload is not of type application/vnd.cncf.notary.payload.v1+json"),
    ({"crit": None}, "its header crit is not a list of names"),
    ({"crit": "alg"}, "its header crit is not a list of names"),
    ({"crit": [SCHEME, 7]}, "its header crit is not a list of names"),
    ({"crit": [SCHEME, SCHEME]}, "its header crit is not a list of names"),
    ({"crit": []}, f"its header {SCHEME} is not critical"),
    ({SCHEME: None, "crit": []}, f"its header {SCHEME} is not critical"),
    ({"crit": [SCHEME, "b64"]}, "its critical header b64 is not understood"),
    ({"crit": [SCHEME, EXPIRY]}, f"its header {EXPIRY} is critical and missing"),
    ({EXPIRY: "2027-01-01T00:00:00Z"}, f"its header {EXPIRY} is not critical"),
    ({EXPIRY: "2026-11-24T12:00:00Z", "crit": [SCHEME, EXPIRY]}, "it expired at 2026-11-24 12:00 UTC"),
    ({EXPIRY: "tomorrow", "crit": [SCHEME, EXPIRY]}, f"its {EXPIRY} is not a time"),
    ({EXPIRY: 1, "crit": [SCHEME, EXPIRY]}, f"it has no {EXPIRY}"),
    ({f"{NOTARY}signingTime": None}, f"it has no {NOTARY}signingTime"),
    ({f"{NOTARY}signingTime": "2026-11-24"}, f"its {NOTARY}signingTime is not a time"),
    ({SCHEME: "other"}, "its signing scheme is other, and only notary.x509 is verified"),
    (
        {SCHEME: f"{X509}.signingAuthority"},
        f"its signing scheme is {X509}.signingAuthority, and only {X509} is verified",
    ),
    (
        {f"{NOTARY}authenticSigningTime": "2026-11-24T11:59:00Z"},
        f"it has {NOTARY}authenticSigningTime, which its signing scheme forbids",
    ),
    (
        {f"{NOTARY}verificationPlugin": "com.example.plugin"},
        f"it asks for a verification plugin ({NOTARY}verificationPlugin), and none is run",
    ),
    (
        {"crit": [SCHEME, f"{NOTARY}verificationPluginMinVersion"]},
        f"it asks for a verification plugin ({NOTARY}verificationPluginMinVersion), and none is run",
    ),
]


@pytest.mark.parametrize(("changes", "because"), HEADERS)
def test_a_protected_header_that_is_not_as_specified_proves_nothing(changes: dict[str, Any], because: str) -> None:
    assert said(notation(header=protected(**changes))) == because


PAYLOADS = [
    ({"targetArtifact": {**TARGET, "digest": OTHER_DIGEST}}, f"it is of another digest: {OTHER_DIGEST}"),
    ({"targetArtifact": {**TARGET, "mediaType": "text/plain"}}, "it is of another media type: text/plain"),
    ({"targetArtifact": {**TARGET, "size": 529}}, "it is of another size: 529"),
    ({"targetArtifact": {**TARGET, "size": "528"}}, "it is of another size: 528"),
    ({"targetArtifact": {**TARGET, "size": 528.0}}, "it is of another size: 528.0"),
    ({"targetArtifact": [TARGET]}, "its targetArtifact is not a JSON object"),
    ({}, "its targetArtifact is not a JSON object"),
    ([], "its payload is not a JSON object"),
]


@pytest.mark.parametrize(("payload", "because"), PAYLOADS)
def test_a_signature_of_something_else_proves_nothing(payload: object, because: str) -> None:
    assert said(notation(payload=payload)) == because


def spoiled(**changes: object) -> SignatureSeen:
    envelope = {**json.loads(notation().content), **changes}
    return replace(notation(), content=json.dumps({k: v for k, v in envelope.items() if v is not None}).encode())


TWICE = notation().content.replace(b'{"payload"', b'{"payload":"","payload"')
NOT_FLAT = "its envelope is not flattened JWS: payload, protected, header and signature"
ENVELOPES = [
    (replace(notation(), media_type=COSE), "its envelope is COSE, and only JWS is read"),
    (replace(notation(), content=b""), "its envelope is not JSON"),
    (replace(notation(), content=b"\xff\xfe"), "its envelope is not JSON"),
    (replace(notation(), content=b"[" * 200_000), "its envelope is not JSON"),
    (replace(notation(), content=b"[]"), "its envelope is not a JSON object"),
    (replace(notation(), content=TWICE), "its envelope is not JSON"),
    (spoiled(signatures=[]), NOT_FLAT),
    (spoiled(payload=None), NOT_FLAT),
    (spoiled(header=[]), "its header is not a JSON object"),
    (spoiled(header={}), "it has no certificates (x5c)"),
    (spoiled(header={"x5c": []}), "it has no certificates (x5c)"),
    (spoiled(header={"x5c": "MAA="}), "it has no certificates (x5c)"),
    (spoiled(header={"x5c": ["MAA="] * 11}), "its chain has 11 certificates, more than 10"),
    (spoiled(header={"x5c": ["not base64"]}), "its x5c is not base64"),
    (spoiled(header={"x5c": ["MAA="]}), "a certificate cannot be read (ValueError)"),
    (spoiled(header={"x5c": [7]}), "it has no x5c"),
    (spoiled(protected="e30="), "its protected header is not base64url"),
    (spoiled(protected="e30"), "its alg is None, and a key on secp256r1 signs with ES256"),
    (spoiled(signature=""), "it has no signature"),
    (spoiled(signature="AAAA"), "its signature has 3 bytes, not 64"),
    (spoiled(signature=url(bytes(64))), "it is not what its certificate's key signed"),
    (notation(key=private("p256", "somebody else")), "it is not what its certificate's key signed"),
]


@pytest.mark.parametrize(("seen", "because"), ENVELOPES)
def test_an_envelope_that_is_not_as_specified_proves_nothing(seen: SignatureSeen, because: str) -> None:
    assert said(seen) == because


def of(leaf: Made, *above: Made) -> tuple[SignatureSeen, dict[str, object]]:
    """A signature by a chain, and a row that trusts its root and anybody under it."""
    return notation((leaf, *above)), trusting(above[-1] if above else leaf, identities="*")


def chains() -> list[tuple[str, tuple[Made, ...], str]]:
    leaf, between, root = usual()
    eku, basic = ExtendedKeyUsageOID, x509.BasicConstraints
    other = authority("other")
    ca, not_ca = basic(ca=True, path_length=None), basic(ca=False, path_length=None)
    encipher = x509.KeyUsage(True, False, True, False, False, False, False, False, False)  # noqa: FBT003 - X.509's order

    def leaf_with(*extensions: tuple[x509.ExtensionType, bool]) -> tuple[Made, ...]:
        return signer("release", root, extensions=extensions), root

    def under(*extensions: tuple[x509.ExtensionType, bool]) -> tuple[Made, ...]:
        above = authority("between", root, extensions=extensions)
        return signer("release", above), above, root

    deep = authority("below", between)
    past, soon = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
    weak = authority("weak", kind="rsa1024")
    kept = "and timestamp countersignatures are not checked"

    def uses(*found: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
        return x509.ExtendedKeyUsage(found), False

    return [
        ("no root", (leaf, between), "the chain ends with BETWEEN, which is no root"),
        ("two roots", (leaf, between, root, root), "ROOT signed itself and is not the last of the chain"),
        ("another parent", (leaf, other), "RELEASE was not issued by OTHER, which is next in the chain"),
        ("out of order", (leaf, root, between), "RELEASE was not issued by ROOT, which is next in the chain"),
        (
            "an impostor of its parent",
            (leaf, authority("between", other, kind="p384"), other),
            "RELEASE was not issued by BETWEEN, which is next in the chain",
        ),
        ("ran out", (signer("release", root, ends=past), root), f"RELEASE ran out at 2026-11-24 11:59 UTC, {kept}"),
        ("not yet", (signer("release", root, begins=soon), root), "RELEASE is not valid before 2026-11-24 12:00 UTC"),
        (
            "sha-224",
            (signer("release", root, hashed=hashes.SHA224()), root),
            "RELEASE is signed with neither SHA-256, SHA-384 nor SHA-512",
        ),
        (
            "a short key above",
            (signer("release", weak), weak),
            "the key of WEAK is too weak, or neither RSA nor elliptic",
        ),
        ("too deep", (signer("release", deep), deep, between, root), "BETWEEN allows 0 authorities below it, found 1"),
        ("no authority", under((AUTHORITY, True)), "BETWEEN may not issue certificates (basic constraints)"),
        (
            "not critical",
            under((ca, False), (AUTHORITY, True)),
            "BETWEEN may not issue certificates (basic constraints)",
        ),
        (
            "ca false",
            under((not_ca, True), (AUTHORITY, True)),
            "BETWEEN may not issue certificates (basic constraints)",
        ),
        ("no usage", under((ca, True)), "BETWEEN may not sign certificates (key usage)"),
        ("usage not critical", under((ca, True), (AUTHORITY, False)), "BETWEEN may not sign certificates (key usage)"),
        ("other usage", under((ca, True), (DIGITAL, True)), "BETWEEN may not sign certificates (key usage)"),
        (
            "leaf is ca",
            leaf_with((ca, True), (DIGITAL, True), (CODE, False)),
            "RELEASE is an authority's certificate, not a signer's",
        ),
        ("leaf without usage", leaf_with((CODE, False)), "RELEASE may not sign (key usage)"),
        ("leaf usage not critical", leaf_with((DIGITAL, False)), "RELEASE may not sign (key usage)"),
        ("leaf signs certificates", leaf_with((AUTHORITY, True)), "RELEASE may not sign (key usage)"),
        ("leaf enciphers", leaf_with((encipher, True)), "RELEASE is for more than signing (key usage)"),
        (
            "leaf for servers",
            leaf_with((DIGITAL, True), uses(eku.CODE_SIGNING, eku.SERVER_AUTH)),
            "RELEASE is for servers too (extended key usage)",
        ),
        (
            "leaf for anything",
            leaf_with((DIGITAL, True), uses(eku.ANY_EXTENDED_KEY_USAGE)),
            "RELEASE is for any use too (extended key usage)",
        ),
        (
            "leaf for times and mail",
            leaf_with((DIGITAL, True), uses(eku.TIME_STAMPING, eku.EMAIL_PROTECTION)),
            "RELEASE is for timestamps and mail too (extended key usage)",
        ),
        (
            "leaf for something else",
            leaf_with((DIGITAL, True), uses(x509.ObjectIdentifier("1.2.3.4"))),
            "RELEASE is not for signing code (extended key usage)",
        ),
    ]


@pytest.mark.parametrize(("chain", "because"), [pytest.param(*rest, id=case) for case, *rest in chains()])
def test_a_chain_that_is_not_as_specified_proves_nothing(chain: tuple[Made, ...], because: str) -> None:
    named = re.sub(r"[A-Z]{4,}", lambda match: NAMED.get(match[0], match[0]), because)

    assert said(*of(*chain)) == named


@pytest.mark.parametrize(
    ("kind", "because"),
    [
        ("rsa1024", "its signer has an RSA key of 1024 bits, which Notary Project does not allow"),
        ("rsa2304", "its signer has an RSA key of 2304 bits, which Notary Project does not allow"),
        ("k256", "its signer has a key on secp256k1, which Notary Project does not allow"),
        ("ed25519", "the signer's key is neither RSA nor elliptic"),
    ],
)
def test_a_signer_with_another_kind_of_key_proves_nothing(kind: str, because: str) -> None:
    root = authority("root")
    seen = notation((signer("release", root, kind=kind), root), key=private("p256", "any"))

    assert said(seen, trusting(root)) == because


def test_the_times_of_a_certificate_are_its_own() -> None:
    leaf = signer("release", root := authority("root", ends=ENDS + timedelta(days=1)))

    assert said(notation((leaf, root)), trusting(root), now=ENDS) == f"signed by {RELEASE}"
    assert said(notation((leaf, root)), trusting(root), now=ENDS + timedelta(seconds=1)).startswith(
        f"{RELEASE} ran out"
    )


def test_an_anchor_of_the_same_name_and_key_is_not_the_anchor() -> None:
    leaf, between, root = usual()
    again = authority("root")

    assert again.certificate.public_key() == root.certificate.public_key()
    assert said(notation((leaf, between, root)), trusting(again)) == (
        f"signed by {RELEASE}, whose chain ends with {ROOT}: not among Certificates"
    )


@pytest.mark.parametrize(
    ("identities", "good"),
    [
        ("*", True),
        ("x509.subject: CN=release", True),
        ("x509.subject: CN=release, C=US, ST=WA, O=Contoso", True),
        ("x509.subject: O=Fabrikam; x509.subject: O=Contoso", True),
        ("x509.subject: CN=Release", False),
        ("x509.subject: CN=release, L=Seattle", False),
        ("x509.subject: O=Conto", False),
        ("x509.subject: CN=root", False),
    ],
)
def test_an_identity_names_a_part_of_the_signers_subject(identities: str, good: bool) -> None:  # noqa: FBT001 - a table
    wanted = f"signed by {RELEASE}" if good else f"signed by {RELEASE}, whom Identities does not name"

    assert said(notation(), trusting(identities=identities)) == wanted


def test_a_subject_that_says_an_attribute_twice_matches_neither() -> None:
    root = authority("root")
    twice = x509.Name([*name("release"), x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    leaf = signer("release", root, subject=twice)

    assert said(notation((leaf, root)), trusting(root, identities="x509.subject: CN=release")).endswith("does not name")


def test_a_name_that_no_log_takes_is_shown_on_one_line_and_cut() -> None:
    root = authority("root")
    odd = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "a\n\x1b" + "b" * 60)] * 4)
    leaf = made("odd", root, subject=odd, extensions=((DIGITAL, True),))
    found = said(notation((leaf, root)), trusting(root, identities="*"))

    assert found.isprintable()
    assert found == f"signed by {shown(odd.rfc4514_string())}"
    assert found.endswith("b…")
    assert len(found) < 140


def test_a_subject_without_attributes_has_a_name_for_people() -> None:
    root = authority("root")
    leaf = signer("release", root, subject=x509.Name([]))

    assert said(notation((leaf, root)), trusting(root, identities="*")) == ("signed by a certificate without a subject")


def test_a_chain_above_with_another_kind_of_key_proves_nothing() -> None:
    odd = authority("weak", kind="dsa2048")

    assert (
        said(*of(signer("release", odd), odd)) == f"the key of {NAMED['WEAK']} is too weak, or neither RSA nor elliptic"
    )


def test_a_certificate_is_written_in_one_way() -> None:
    """A bit string says how many bits its last byte leaves unused, and readers ignore that where they are zero."""
    root = authority("root")
    leaf = next(made for _ in range(64) if not (made := signer("release", root)).certificate.signature[-1] & 1)
    envelope = json.loads(notation((leaf, root)).content)
    content = bytearray(leaf.certificate.public_bytes(Encoding.DER))
    unused = len(content) - len(leaf.certificate.signature) - 1
    assert content[unused] == 0
    content[unused] = 1
    assert x509.load_der_x509_certificate(bytes(content)).signature == leaf.certificate.signature
    envelope["header"]["x5c"][0] = base64.b64encode(bytes(content)).decode()
    seen = replace(GOOD, content=json.dumps(envelope).encode())

    assert said(seen, trusting(root)) == f"the certificate {RELEASE} is not written as DER has it"


GOOD = notation()


@given(place=st.integers(0, len(GOOD.content) - 1), flip=st.integers(1, 255))
def test_any_byte_of_an_envelope_that_is_changed_makes_it_prove_nothing(place: int, flip: int) -> None:
    content = bytearray(GOOD.content)
    content[place] ^= flip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of certificates that are odd and can be read
        found = said(replace(GOOD, content=bytes(content)))

    assert found != f"signed by {RELEASE}"


@given(which=st.integers(0, 2), place=st.integers(0, 2000), flip=st.integers(1, 255))
def test_any_byte_of_a_certificate_that_is_changed_makes_it_prove_nothing(which: int, place: int, flip: int) -> None:
    envelope = json.loads(GOOD.content)
    content = bytearray(base64.b64decode(envelope["header"]["x5c"][which]))
    assume(place < len(content))
    content[place] ^= flip
    envelope["header"]["x5c"][which] = base64.b64encode(bytes(content)).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = said(replace(GOOD, content=json.dumps(envelope).encode()), trusting(*usual()[2:], identities="*"))

    assert found != f"signed by {RELEASE}"


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(repr).map(str.encode))
def test_no_content_is_too_odd_to_be_judged(content: bytes) -> None:
    assert said(replace(GOOD, content=content))
