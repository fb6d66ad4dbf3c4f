"""After: the cell, and what another app's row says of a digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.after import elsewhere, read_after
from policies.errors import CellError
from policies.facts import Elsewhere
from rollouts.model import App, Done, Phase, Stable

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY, MINE, OTHER = "contoso.azurecr.io|shop|web/staging", "sha256:" + "a" * 64, "sha256:" + "b" * 64
EXPECTED = '"POLICY" or "POLICY for D", as in "staging for 2h"'


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("staging", (("staging", timedelta()),)),
        ("staging for 2h", (("staging", timedelta(hours=2)),)),
        ("dev, staging for 1d", (("dev", timedelta()), ("staging", timedelta(days=1)))),
    ],
)
def test_a_good_cell(text: str, before: object) -> None:
    rule = read_after(text)
    assert rule is not None
    assert rule.before == before


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("staging 2h", "staging 2h", "staging for 2h"),
        ("staging soak 2 hours", "staging soak 2 hours", "staging for 2h"),
        ("staging for ever", "staging for ever", ""),
        ("Staging", "Staging", ""),
        ("dev, staging: 2h", "staging: 2h", "dev, staging for 2h"),
        ("dev,, staging", None, ""),
        ("staging, dev for 1dxx, dev for 1d", "dev for 1dxx", ""),
    ],
)
def test_a_bad_cell_says_what_is_expected_and_offers_what_was_meant(text: str, found: str | None, hint: str) -> None:
    said = f'"{found}"' if found else "nothing"
    offer = f'; did you mean "{hint}"?' if hint else ""
    with pytest.raises(CellError) as caught:
        read_after(text)
    assert str(caught.value) == f"After: expected {EXPECTED}, found {said}{offer}"


def test_a_policy_is_named_once_and_none_is_none() -> None:
    with pytest.raises(CellError, match='After: expected each policy once, found "dev"'):
        read_after("dev, dev for 2h")
    assert read_after("none") is None


def ends(*phases: Phase, digest: str = MINE, policy: str = POLICY) -> tuple[Done, ...]:
    return tuple(
        Done(n=n, digest=digest, tag="1.0.0", policy=policy, phase=phase, at=NOON + timedelta(hours=n))
        for n, phase in enumerate(phases)
    )


@pytest.mark.parametrize(
    ("app", "seen"),
    [
        (App(key="a"), Elsewhere()),
        (App(key="a", done=ends(Phase.PROMOTED)), Elsewhere(promoted_at=NOON)),
        (App(key="a", done=ends(Phase.ROLLED_BACK)), Elsewhere()),
        (App(key="a", done=ends(Phase.PROMOTED, digest=OTHER)), Elsewhere()),
        (App(key="a", done=ends(Phase.PROMOTED, policy=POLICY + "2")), Elsewhere()),
        (
            App(key="a", done=ends(Phase.PROMOTED, Phase.ROLLED_BACK)),
            Elsewhere(promoted_at=NOON, revoked="rolled back at 2026-11-24 13:00 UTC"),
        ),
        (
            App(key="a", done=ends(Phase.ROLLED_BACK, Phase.PROMOTED)),
            Elsewhere(promoted_at=NOON + timedelta(hours=1)),
        ),
        (
            App(key="a", stable=Stable(revision="r", digest=MINE, policy=POLICY, since=NOON)),
            Elsewhere(promoted_at=NOON),
        ),
        (App(key="a", stable=Stable(revision="r", digest=MINE, policy="someone", since=NOON)), Elsewhere()),
    ],
)
def test_what_the_row_there_says(app: App, seen: Elsewhere) -> None:
    assert elsewhere(app, POLICY, MINE) == seen


def test_a_quarantine_there_revokes() -> None:
    seen = elsewhere(App(key="a", done=ends(Phase.PROMOTED)), POLICY, MINE, "in quarantine there: errors 6 %")
    assert seen == Elsewhere(promoted_at=NOON, revoked="in quarantine there: errors 6 %")
