"""Signed: open only for an image that all of its signers have signed; whatever else is there, waiting says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import CellError
from policies.gate import Asked
from policies.scan import Late
from policies.signatures import COSE, JWS, MOST, Kind, SignatureSeen
from policies.signed import SignedRule, Signer, read_signed
from rollouts.findings import Answer, Finding
from rollouts.seen import Unknown
from tests.policies.pki import SIZE, authority, bundle, notation, public, signer, simple, trusting, usual
from tests.policies.rows import IMAGE, MANIFEST, NOON, facts, problems, row

CELL = "notation: release-key"
KEYS = {"release-key": trusting(), "cosign-key": public()}
RELEASE = "CN=release,O=Contoso,ST=WA,C=US"
PEM = "Certificates: expected PEM, one or more blocks BEGIN CERTIFICATE, found text that is none"
UNCHECKED = "revocation and timestamps are not checked"


def ask(cell: str, *signatures: SignatureSeen, now: datetime = NOON, **known: object) -> Finding:
    rule = read_signed(cell)
    assert rule is not None
    found = facts(**{"signatures": signatures, "keys": KEYS, "manifest": replace(MANIFEST, size=SIZE), **known})
    return rule.ask(Asked(policy=row(), image=IMAGE, facts=found, now=now))


# ---- the cell


@pytest.mark.parametrize(
    ("text", "signers", "within", "late"),
    [
        ("notation: release-key", ["notation: release-key"], None, Late.HOLD),
        ("Notation:Release.Key_1", ["notation: Release.Key_1"], None, Late.HOLD),
        ("cosign: k", ["cosign: k"], None, Late.HOLD),
        ("notation: a, cosign: a", ["notation: a", "cosign: a"], None, Late.HOLD),
        ("notation: a, within 1h else reject", ["notation: a"], timedelta(hours=1), Late.REJECT),
        ("within 10m else hold, notation: a", ["notation: a"], timedelta(minutes=10), Late.HOLD),
    ],
)
def test_a_cell_names_who_must_have_signed(text: str, signers: list[str], within: timedelta | None, late: Late) -> None:
    rule = read_signed(text)

    assert rule is not None
    assert ([each.text for each in rule.signers], rule.within, rule.late, rule.text) == (signers, within, late, text)
    assert row({"Signed": text}).gates == (rule,)


def test_none_asks_for_no_signature() -> None:
    assert read_signed("none") is None
    assert row({"Signed": "None"}).gates == ()


EXPECTED = '"notation: KEY" or "cosign: KEY", where names/key/KEY is a row, or "within D else hold|reject"'


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("release-key", "release-key", "notation: release-key"),
        ("notation release-key", "notation release-key", "notation: release-key"),
        ("notary=k", "notary=k", "notation: k"),
        ("sigstore: k", "sigstore: k", "cosign: k"),
        ("notation: a; cosign: b", "notation: a; cosign: b", "notation: a, cosign: b"),
        ("notation: a and cosign: b", "notation: a and cosign: b", "notation: a, cosign: b"),
        ("notation: a, within 60", "within 60", "notation: a, within 1h else hold"),
        ("notation: a, within 1h or reject", "within 1h or reject", "notation: a, within 1h else reject"),
        ("notation: a, within 1h30m or hold", "within 1h30m or hold", "notation: a, within 1h30m else hold"),
        ("notation: a, within 90 else hold", "within 90 else hold", "notation: a, within 1h30m else hold"),
        ("signed by cosign", "signed by cosign", ""),
        ("notation: a; signed by me", "notation: a; signed by me", ""),
        ("notation: a/b", "notation: a/b", ""),
        ("notation:", "notation:", ""),
        ("notation: a, -", "-", ""),
    ],
)
def test_a_cell_that_cannot_be_read_says_what_was_expected(text: str, found: str, hint: str) -> None:
    offer = f'; did you mean "{hint}"?' if hint else ""

    assert problems({"Signed": text}) == [f'Signed: expected {EXPECTED}, found "{found}"{offer}']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("within 1h else hold", 'somebody who signs, as in "notation: release-key"'),
        ("notation: a, notation: a", "each part once"),
        ("notation: a, within 1h else hold, within 2h else hold", "each part once"),
    ],
)
def test_a_cell_whose_parts_do_not_make_a_rule_says_so(text: str, expected: str) -> None:
    assert problems({"Signed": text}) == [f'Signed: expected {expected}, found "{text}"']


def test_a_cell_has_an_end() -> None:
    assert problems({"Signed": "a,b,c,d,e,f"}) == ["Signed: expected at most 5 parts, found 6"]


@given(st.text(st.sampled_from("notaincsg:=,; abk1hwr-._/")) | st.text())
def test_every_cell_is_read_or_refused_with_hints_that_read(text: str) -> None:
    try:
        read_signed(text)
    except CellError as error:
        for hint in (problem.hint for problem in error.problems if problem.hint):
            read_signed(hint)


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
SIGNERS = st.builds(Signer, kind=st.sampled_from(Kind), key=NAMES)


@given(st.lists(SIGNERS, min_size=1, max_size=4, unique=True))
def test_a_cell_reads_as_it_was_printed(signers: list[Signer]) -> None:
    rule = read_signed(", ".join(each.text for each in signers))

    assert rule is not None
    assert rule.signers == tuple(signers)


# ---- its answer


def test_a_verified_signature_opens_and_says_by_whom_and_what_was_not_checked() -> None:
    found = ask(CELL, notation())

    assert (found.gate, found.answer, found.ask_at) == ("signed", Answer.OPEN, None)
    assert found.because == f"release-key: signed by {RELEASE}; {UNCHECKED}"


def test_a_key_of_cosign_opens_and_says_with_which_key_and_what_was_not_checked() -> None:
    for seen in (bundle(), simple()):
        found = ask("cosign: cosign-key", seen)
        assert found.answer is Answer.OPEN
        assert found.because.startswith("cosign-key: signed with the key sha256:")
        assert found.because.endswith("; the transparency log is not checked")


def test_one_good_signature_among_bad_ones_is_enough() -> None:
    other = signer("somebody", authority("other"))
    bad = [replace(notation(), content=b"{}"), notation((other, authority("other"))), notation(payload={})]
    found = ask(CELL, *bad, notation())

    assert found.answer is Answer.OPEN
    assert len(found.children[0].children) == 3, "what was wrong with the others is kept"


def test_no_signature_waits_for_one() -> None:
    found = ask(CELL)

    assert (found.answer, found.ask_at) == (Answer.WAITING, NOON + timedelta(minutes=1))
    assert found.because == "notation: release-key: no notation signature is attached to it yet"


def test_presence_alone_never_opens() -> None:
    seen = SignatureSeen(digest="sha256:1", media_type=JWS, content=b"{}")

    assert ask(CELL, seen).answer is Answer.WAITING


def test_a_signature_that_fails_says_why_and_another_may_come() -> None:
    one = ask(CELL, notation(payload={}))
    two = ask(CELL, notation(payload={}), replace(notation(), media_type=COSE))

    assert one.because == ("notation: release-key: its signature is not good: its targetArtifact is not a JSON object")
    assert two.because.startswith("notation: release-key: none of its 2 signatures is good: its targetArtifact")
    assert [child.because for child in two.children[0].children][1] == "its envelope is COSE, and only JWS is read"
    assert one.answer is two.answer is Answer.WAITING


def test_an_envelope_that_could_not_be_had_says_why() -> None:
    seen = SignatureSeen(digest="sha256:1", media_type=JWS, problem="its envelope is gone")

    assert ask(CELL, seen).because == "notation: release-key: its signature is not good: its envelope is gone"


def test_a_signature_of_the_other_kind_does_not_count_and_is_mentioned() -> None:
    found = ask(CELL, bundle(), simple())

    assert found.because.endswith("no notation signature is attached to it yet; of another kind it has 2")


def test_more_than_are_looked_at_is_said_where_none_is_good() -> None:
    told = f"; only {MOST} of what is attached are looked at"

    assert ask(CELL, *[notation(payload={})] * MOST).because.endswith(told)
    assert ask(CELL, *[bundle()] * MOST).because.endswith(f"of another kind it has {MOST}{told}")
    assert told not in ask(CELL, *[notation(payload={})] * (MOST - 1)).because
    assert told not in ask(CELL, notation(), *[bundle()] * (MOST - 1)).because


def test_all_signers_of_a_cell_must_have_signed() -> None:
    both = "notation: release-key, cosign: cosign-key"

    assert ask(both, notation(), bundle()).answer is Answer.OPEN
    assert ask(both, notation()).because.startswith("cosign: cosign-key: no cosign signature is attached to it yet")
    assert ask(both, bundle()).answer is Answer.WAITING


def test_two_keys_are_two_signers() -> None:
    keys = {**KEYS, "other": trusting(authority("other"))}
    second = notation((signer("release", authority("other")), authority("other")))

    assert ask("notation: release-key, notation: other", notation(), keys=keys).answer is Answer.WAITING
    assert second.content != notation().content


@pytest.mark.parametrize(
    ("known", "because"),
    [
        ({"keys": {}}, "notation: release-key: cannot tell: names/key/release-key: expected a row, found none"),
        (
            {"keys": {"release-key": {"Certificates": "x", "Identities": "*"}}},
            f"{CELL}: cannot tell: names/key/release-key: {PEM}",
        ),
        ({"keys": {"release-key": Unknown(because="tables 503")}}, "notation: release-key: cannot tell: tables 503"),
        ({"signatures": Unknown(because="registry 429")}, "notation: release-key: cannot tell: registry 429"),
        ({"manifest": Unknown(because="registry 503")}, "notation: release-key: cannot tell: registry 503"),
        ({"manifest": None}, "notation: release-key: cannot tell: its manifest is gone"),
    ],
)
def test_what_cannot_be_told_waits_and_is_asked_again(known: dict[str, Any], because: str) -> None:
    found = ask(CELL, notation(), **known)

    assert (found.answer, found.because) == (Answer.WAITING, because)
    assert found.ask_at == NOON + timedelta(minutes=1)


def test_a_signature_of_an_index_is_of_the_index() -> None:
    """What is deployed is the index's digest, so a signature of its child is of something else."""
    found = ask(CELL, notation(), manifest=replace(MANIFEST, size=SIZE, digest="sha256:" + "d" * 64))

    assert found.because.endswith(f"it is of another digest: {MANIFEST.digest}")


@pytest.mark.parametrize(
    ("waited", "again"),
    [
        (timedelta(), timedelta(minutes=1)),
        (timedelta(minutes=10), timedelta(minutes=1)),
        (timedelta(minutes=50), timedelta(minutes=5)),
        (timedelta(days=3), timedelta(minutes=10)),
    ],
)
def test_the_longer_it_waits_the_rarer_it_is_asked(waited: timedelta, again: timedelta) -> None:
    assert ask(CELL, now=NOON + waited).ask_at == NOON + waited + again


def test_who_must_sign_within_a_time_holds_or_rejects_after_it() -> None:
    hold, reject = f"{CELL}, within 1h else hold", f"{CELL}, within 1h else reject"
    unsigned = "notation: release-key: no notation signature is attached to it yet"
    late = NOON + timedelta(hours=1)

    assert ask(reject).because == f"{unsigned}; waits until 13:00 UTC, then reject"
    assert ask(reject, now=late - timedelta(seconds=30)).ask_at == late
    assert ask(hold, now=NOON + timedelta(minutes=1)).because.endswith("waits until 13:00 UTC, then hold")
    assert ask(f"{CELL}, within 13h else hold").because.endswith("waits until 2026-11-25 01:00 UTC, then hold")
    closed, held = ask(reject, now=late), ask(hold, now=late)
    assert (closed.answer, closed.because) == (Answer.CLOSED, f"{unsigned}; waited 1 h in vain")
    assert (held.answer, held.because) == (Answer.WAITING, f"{unsigned}; waited 1 h in vain; held until it is signed")
    assert held.ask_at == late + timedelta(minutes=6)
    assert ask(hold, notation(), now=late).answer is Answer.OPEN, "late is better than never"


def test_nothing_is_too_late_while_it_cannot_be_told() -> None:
    found = ask(f"{CELL}, within 1h else reject", now=NOON + timedelta(days=1), signatures=Unknown(because="503"))

    assert found.answer is Answer.WAITING


def test_a_key_taken_out_of_its_row_takes_the_answer_back() -> None:
    """Why the gate is asked again while the rollout is live."""
    assert SignedRule.lasting
    assert ask(CELL, notation(), keys={"release-key": trusting(usual()[1])}).answer is Answer.OPEN
    assert ask(CELL, notation(), keys={"release-key": trusting(authority("new"))}).answer is Answer.WAITING


@given(
    st.lists(st.sampled_from([notation(), bundle(), simple(), notation(payload={}), replace(bundle(), content=b"")])),
    st.sampled_from([CELL, "cosign: cosign-key", f"{CELL}, cosign: cosign-key", "cosign: other"]),
)
def test_less_evidence_never_opens(seen: list[SignatureSeen], cell: str) -> None:
    whole = ask(cell, *seen).answer
    for place in range(len(seen)):
        less = ask(cell, *seen[:place], *seen[place + 1 :]).answer
        assert less is not Answer.OPEN or whole is Answer.OPEN
