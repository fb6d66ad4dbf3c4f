"""A key row says whom a Signed cell trusts, or everything that is wrong with it; it never repeats key material."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import PolicyError
from policies.identities import Identity, read_identities
from policies.signing_keys import read_public_keys, read_trusted
from tests.policies.pki import private, public, trusting, usual

ROOT = usual()[2]
NOBODY = (
    'Identities: expected "x509.subject: C=US, ST=WA, O=Contoso, CN=release", or * for any subject under the anchors, '
    "found nothing"
)
UNKNOWN = "expected one of Certificates, Identities, PublicKey, Note, found"
LONGEST = "expected text of at most 65536 characters, found"
PEM_EXPECTED = "Certificates: expected PEM, one or more blocks BEGIN CERTIFICATE, found"
SECRET = private("p256", "secret").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def problems(columns: Mapping[str, object], *, cosign: bool = False) -> list[str]:
    try:
        (read_public_keys if cosign else read_trusted)("release-key", columns)
    except PolicyError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_an_error_names_its_row() -> None:
    with pytest.raises(PolicyError, match=r"^names/key/release-key: Certificates: expected PEM"):
        read_trusted("release-key", {})


@pytest.mark.parametrize(
    "pem",
    [
        ROOT.pem,
        ROOT.pem.replace("\n", " "),
        ROOT.pem.replace("\n", "\\n"),
        ROOT.pem.replace("\n", "\r\n"),
        f"\n\n{ROOT.pem}\n\n",
        ROOT.pem.replace("\n", ""),
    ],
    ids=["as it is", "one line", "JSON", "Windows", "blank lines", "no ends of lines"],
)
def test_pem_is_read_however_it_was_pasted(pem: str) -> None:
    assert read_trusted("k", {"Certificates": pem, "Identities": "*"}).anchors == (ROOT.certificate,)


def test_columns_have_no_case_and_notes_are_no_columns() -> None:
    columns = {"certificates": ROOT.pem, "IDENTITIES": "*", "_owner": 7, "Note": "ask security", "PublicKey": None}

    assert problems(columns) == []


def test_one_row_may_serve_both_kinds() -> None:
    both = {**trusting(), **public()}

    assert problems(both) == []
    assert problems(both, cosign=True) == []


BAD = [
    ({"Identities": "*"}, [f"{PEM_EXPECTED} nothing"]),
    ({"Certificates": None, "Identities": "*", "Other": "", "Another": None}, [f"{PEM_EXPECTED} nothing"]),
    ({"Certificates": "contoso.pem", "Identities": "*"}, [f"{PEM_EXPECTED} text that is none"]),
    ({"Certificates": SECRET, "Identities": "*"}, [f"{PEM_EXPECTED} blocks PRIVATE KEY"]),
    ({"Certificates": ROOT.pem + SECRET, "Identities": "*"}, [f"{PEM_EXPECTED} blocks CERTIFICATE and PRIVATE KEY"]),
    ({"Certificates": f"{ROOT.pem}x", "Identities": "*"}, [f"{PEM_EXPECTED} text that is none"]),
    ({"Certificates": ROOT.pem[:-5], "Identities": "*"}, [f"{PEM_EXPECTED} text that is none"]),
    (
        {"Certificates": ROOT.pem + ROOT.pem.replace("MII", "AAA"), "Identities": "*"},
        [f"{PEM_EXPECTED} block 2 that cannot be read as a certificate"],
    ),
    ({"Certificates": ROOT.pem * 21, "Identities": "*"}, ["Certificates: expected at most 20 blocks, found 21"]),
    (
        {"Certificates": 7, "Identities": "*"},
        [f"Certificates: {LONGEST} a cell of type int", f"{PEM_EXPECTED} nothing"],
    ),
    ({"Certificates": ROOT.pem, "Identities": "*" * 65537}, [f"Identities: {LONGEST} 65537 characters", NOBODY]),
    ({"Certificates": ROOT.pem}, [NOBODY]),
    (
        {"Certificates": ROOT.pem, "Identites": "*"},
        [f'Identites: {UNKNOWN} "Identites"; did you mean "Identities"?', NOBODY],
    ),
]


@pytest.mark.parametrize(("columns", "wanted"), BAD)
def test_a_row_for_notation_says_everything_that_is_wrong_with_it(
    columns: dict[str, object], wanted: list[str]
) -> None:
    assert problems(columns) == wanted


EXPECTED = "PublicKey: expected PEM, one or more blocks BEGIN PUBLIC KEY, found"


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({}, [f"{EXPECTED} nothing"]),
        (trusting(), [f"{EXPECTED} nothing"]),
        ({"PublicKey": ROOT.pem}, [f"{EXPECTED} blocks CERTIFICATE"]),
        (public("rsa1024"), [f"{EXPECTED} block 1 that cannot be read as a key"]),
        (public("k256"), [f"{EXPECTED} block 1 that cannot be read as a key"]),
        (
            {**public(), "Issuer": "https://token.actions.githubusercontent.com"},
            [f'Issuer: {UNKNOWN} "Issuer"'],
        ),
    ],
)
def test_a_row_for_cosign_says_everything_that_is_wrong_with_it(columns: dict[str, object], wanted: list[str]) -> None:
    assert problems(columns, cosign=True) == wanted


def test_no_problem_repeats_key_material() -> None:
    for columns in ({"Certificates": SECRET}, {"PublicKey": SECRET}, {"Certificates": f"{SECRET[:90]}"}):
        found = " ".join([*problems(columns), *problems(columns, cosign=True)])
        assert SECRET.splitlines()[1][:12] not in found


C, O, CN = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME  # noqa: E741 - their names


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("*", [()]),
        ("x509.subject: C=US", [((C, "US"),)]),
        ("x509.subject:c = US ,O= Contoso Ltd ", [((C, "US"), (O, "Contoso Ltd"))]),
        ("x509.subject: O=Contoso;\n x509.subject: O=Fabrikam\n", [((O, "Contoso"),), ((O, "Fabrikam"),)]),
        (r"x509.subject: O=Contoso\, Ltd\; and sons\\\ ", [((O, "Contoso, Ltd; and sons\\ "),)]),
        ("x509.subject: CN=a=b", [((CN, "a=b"),)]),
        (" ; \n", []),
    ],
)
def test_identities_are_read_as_a_trust_policy_writes_them(text: str, read: list[object]) -> None:
    assert [identity.attributes for identity in read_identities(text)] == read


NAMES = "C, ST, L, O, OU, CN, STREET, POSTALCODE, SERIALNUMBER, DC, UID, EMAILADDRESS"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("O=Contoso", '"x509.subject: C=US, ST=WA, O=Contoso, CN=release"'),
        ("*; x509.subject: C=US", "* alone, for it means any subject"),
        ("x509.subject: Contoso", f"attributes among {NAMES}, each as NAME=value, with \\, for a comma in a value"),
        ("x509.subject:", f"attributes among {NAMES}, each as NAME=value, with \\, for a comma in a value"),
        ("x509.subject: CN", f"attributes among {NAMES}, each as NAME=value, with \\, for a comma in a value"),
        ("x509.subject: 2.5.4.3=a", f"attributes among {NAMES}, each as NAME=value, with \\, for a comma in a value"),
        ("x509.subject: O=", "a value after each ="),
        ("x509.subject: CN=a, CN=b", "each attribute once in an identity, and CN stands there twice"),
        ("x509.subject: CN=a+OU=b", 'one value an attribute, and a \\ before + or " in it'),
        (r"x509.subject: CN=\a", 'a backslash only before a comma, semicolon, blank, backslash or one of + " < > = #'),
        ("x509.subject: CN=a\\", 'a backslash only before a comma, semicolon, blank, backslash or one of + " < > = #'),
    ],
)
def test_an_identity_that_cannot_be_read_is_named_with_what_was_expected(text: str, expected: str) -> None:
    assert problems({**trusting(), "Identities": text})[0].startswith(f"Identities: expected {expected}, found ")


VALUES = st.text(min_size=1).filter(lambda value: value.strip() == value and not set(value) & set("\r\n"))


@given(st.lists(st.tuples(st.sampled_from([C, O, CN]), VALUES), min_size=1, unique_by=lambda pair: pair[0]))
def test_every_identity_reads_as_it_was_written(pairs: list[tuple[object, str]]) -> None:
    written = {C: "C", O: "O", CN: "CN"}

    def escaped(value: str) -> str:
        return "".join(f"\\{char}" if char in ' ,;\\+"<>=#' else char for char in value)

    text = "x509.subject: " + ",".join(f"{written[oid]}={escaped(value)}" for oid, value in pairs)  # type: ignore[index]

    assert read_identities(text) == (Identity(attributes=tuple(pairs)),)  # type: ignore[arg-type]


@given(st.text())
def test_no_row_is_too_odd_to_be_read(text: str) -> None:
    problems({"Certificates": text, "Identities": f"x509.subject: {text}", text: text})
    problems({"PublicKey": f"-----BEGIN PUBLIC KEY-----{text}-----END PUBLIC KEY-----"}, cosign=True)
