"""What cosign signed with a key pair counts by its public key alone; an attestation is no signature."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from policies.cosign import verify
from policies.facts import Manifest
from policies.signatures import BUNDLE, SignatureSeen, Unproven
from policies.signing_keys import read_public_keys
from tests.policies.pki import bundle, key_signature, private, public, simple, statement
from tests.policies.rows import DIGEST, MANIFEST, OTHER_DIGEST

KINDS = ("p256", "p384", "p521", "rsa2048", "rsa4096", "ed25519")


def said(seen: SignatureSeen, row: dict[str, object] | None = None, image: Manifest = MANIFEST) -> str:
    """What is said of a signature, good or not."""
    try:
        return verify(seen, image, read_public_keys("cosign-key", row or public()))
    except Unproven as error:
        return str(error)


def good(kind: str = "p256") -> str:
    key = private(kind, "cosign").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"signed with the key sha256:{hashlib.sha256(key).hexdigest()[:12]}…"


def message(kind: str = "p256", digest: str = DIGEST, told: str = DIGEST) -> SignatureSeen:
    """A bundle that signs the manifest itself. told: the digest it says it is of."""
    content = bytes.fromhex(digest.removeprefix("sha256:"))
    hashed = Prehashed(hashes.SHA256())  # ignored by ed25519, which then signs the digest itself
    signature = base64.b64encode(key_signature(kind, content, hashed)).decode()
    said_digest = base64.b64encode(bytes.fromhex(told.removeprefix("sha256:"))).decode()
    signed = {"messageDigest": {"algorithm": "SHA2_256", "digest": said_digest}, "signature": signature}
    return bundle(dsseEnvelope=None, messageSignature=signed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_by_every_kind_of_key_is_good(kind: str) -> None:
    assert said(bundle(kind), public(kind)) == good(kind)


@pytest.mark.parametrize(("kind", "hashed"), [("p384", hashes.SHA384()), ("p521", hashes.SHA512())])
def test_a_longer_curve_may_hash_by_its_own_length(kind: str, hashed: hashes.HashAlgorithm) -> None:
    assert said(bundle(kind, hashed=hashed), public(kind)) == good(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_under_the_older_tag_is_good(kind: str) -> None:
    assert said(simple(kind=kind), public(kind)) == good(kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ed25519"])
def test_a_signature_of_the_manifest_itself_is_good(kind: str) -> None:
    assert said(message(kind), public(kind)) == good(kind)


def test_a_signature_by_any_key_of_the_row_is_good() -> None:
    both: dict[str, object] = {"PublicKey": f"{public(owner='the next')['PublicKey']}{public()['PublicKey']}"}

    assert said(bundle(), both) == good()


def test_what_a_bundle_holds_beside_its_signature_is_not_believed() -> None:
    material = {"publicKey": {"hint": "somebody"}, "tlogEntries": [{"logIndex": "1"}]}

    assert said(bundle(verificationMaterial=material)) == good()


NOT_OURS = "it is not what the key of PublicKey signed"
KEYLESS = "it was signed with a certificate (keyless), and only signatures with a key are verified"
BOTH = "its bundle holds neither or both of dsseEnvelope and messageSignature"
SLSA, SIGNS = "https://slsa.dev/provenance/v1", "https://sigstore.dev/cosign/sign/v1"
ENVELOPE: dict[str, Any] = json.loads(bundle().content)["dsseEnvelope"]
SIG = ENVELOPE["signatures"]
BAD = [
    (bundle(said=statement(OTHER_DIGEST)), f"it is of another digest: {OTHER_DIGEST}"),
    (bundle(said=statement(predicate=SLSA)), f"it attests {SLSA}, which is no signature of the image"),
    (bundle(said={**statement(), "_type": "other"}), f"it attests {SIGNS}, which is no signature of the image"),
    (bundle(said={**statement(), "subject": []}), "it is of another digest: none"),
    (bundle(said={**statement(), "subject": None}), "it is of another digest: none"),
    (bundle(said={**statement(), "subject": [7]}), "its subject is not a JSON object"),
    (bundle(said={**statement(), "subject": [{}]}), "its subject is not a JSON object"),
    (bundle(said=[]), "its statement is not a JSON object"),
    (bundle(mediaType="text/plain"), f"its bundle is of type text/plain, not {BUNDLE}"),
    (bundle(verificationMaterial=None), "its verificationMaterial is not a JSON object"),
    (bundle(verificationMaterial={}), "its verificationMaterial names no publicKey"),
    (bundle(verificationMaterial={"certificate": {"rawBytes": ""}}), KEYLESS),
    (bundle(verificationMaterial={"x509CertificateChain": {}, "publicKey": {}}), KEYLESS),
    (bundle(dsseEnvelope=None), BOTH),
    (bundle(messageSignature={}), BOTH),
    (bundle(dsseEnvelope=[]), "its dsseEnvelope is not a JSON object"),
    (
        bundle(dsseEnvelope={**ENVELOPE, "payloadType": "text"}),
        "its payload is not of type application/vnd.in-toto+json",
    ),
    (bundle(dsseEnvelope={**ENVELOPE, "signatures": []}), "its envelope does not hold one signature"),
    (bundle(dsseEnvelope={**ENVELOPE, "signatures": SIG * 2}), "its envelope does not hold one signature"),
    (bundle(dsseEnvelope={**ENVELOPE, "signatures": [{"sig": "***"}]}), "its signature is not base64"),
    (bundle(dsseEnvelope={**ENVELOPE, "signatures": [{}]}), "it has no signature"),
    (bundle(dsseEnvelope={**ENVELOPE, "signatures": {"0": SIG[0]}}), "its envelope does not hold one signature"),
    (bundle(dsseEnvelope={**ENVELOPE, "payload": "e30="}), NOT_OURS),
    (message(digest=OTHER_DIGEST), NOT_OURS),
    (message(told=OTHER_DIGEST), "it is of another digest"),
    (bundle(dsseEnvelope=None, messageSignature={}), "its messageDigest is not a JSON object"),
    (bundle(dsseEnvelope=None, messageSignature={"messageDigest": {}}), "it is of another digest"),
    (simple(OTHER_DIGEST), f"it is of another digest: {OTHER_DIGEST}"),
    (simple(what="other"), "its payload is a other, not a cosign container image signature"),
    (replace(simple(), detached=""), "it has no signature"),
    (replace(simple(), detached="AAAA"), NOT_OURS),
    (replace(simple(), content=b"{}"), NOT_OURS),
    (replace(bundle(), content=b"{"), "its bundle is not JSON"),
]


@pytest.mark.parametrize(("seen", "because"), BAD)
def test_a_signature_that_is_not_as_specified_proves_nothing(seen: SignatureSeen, because: str) -> None:
    assert said(seen) == because


@pytest.mark.parametrize("seen", [bundle(), message(), simple()])
def test_a_signature_by_another_key_proves_nothing(seen: SignatureSeen) -> None:
    assert said(seen, public(owner="somebody else")) == NOT_OURS


def test_ed25519_cannot_sign_what_is_hashed_before() -> None:
    assert said(message("ed25519"), public("ed25519")) == NOT_OURS


def test_a_digest_of_another_algorithm_is_not_compared() -> None:
    assert (
        said(bundle(), image=replace(MANIFEST, digest=f"sha512:{'a' * 128}")) == "it is of a digest that is not sha256"
    )


@pytest.mark.parametrize("seen", [bundle(), message(), simple()], ids=["bundle", "message", "older tag"])
@given(data=st.data(), flip=st.integers(1, 255))
def test_any_byte_that_is_changed_makes_it_prove_nothing(seen: SignatureSeen, data: st.DataObject, flip: int) -> None:
    content = bytearray(seen.content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= flip

    assert said(replace(seen, content=bytes(content))) != good()


@given(place=st.integers(0, len(simple().detached) - 1), char=st.characters(max_codepoint=300))
def test_any_character_of_a_detached_signature_that_is_changed_makes_it_prove_nothing(place: int, char: str) -> None:
    seen = simple()
    changed = f"{seen.detached[:place]}{char}{seen.detached[place + 1 :]}"

    assert changed == seen.detached or said(replace(seen, detached=changed)) != good()


@given(st.binary(max_size=300))
def test_no_content_is_too_odd_to_be_judged(content: bytes) -> None:
    assert said(replace(bundle(), content=content)) != good()
    assert said(replace(simple(), content=content)) != good()
