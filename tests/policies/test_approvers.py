"""Approvers: the cell, and what one person's yes is worth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policies.approvers import ApproversRule, admitted, read_approvers
from policies.errors import CellError
from policies.gate import Asked
from rollouts.findings import Answer, Finding
from rollouts.model import BEFORE_START, Actor, ActorKind, Approval, Approvers
from rollouts.seen import Unknown
from tests.policies.rows import IMAGE, NOON, facts, problems, row

EXPECTED = '"N of GROUP" or "N of GROUP within D", as in "1 of shop-leads within 24h"'
LEADS, PLATFORM = Approvers(count=1, group="leads"), Approvers(count=1, group="platform")
ADA = Actor(kind=ActorKind.PERSON, id="11111111-2222", name="Ada@contoso.com")
KEY = Actor(kind=ActorKind.PERSON, id="function key", name="someone with the function key")


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("1 of shop-leads", Approvers(count=1, group="shop-leads")),
        ("2 of Platform within 3d", Approvers(count=2, group="platform", within=timedelta(days=3))),
        ("5 OF a_b WITHIN 1h30m", Approvers(count=5, group="a_b", within=timedelta(minutes=90))),
    ],
)
def test_a_good_cell(text: str, need: Approvers) -> None:
    rule = read_approvers(text)
    assert rule is not None
    assert (rule.text, rule.need) == (text, need)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("shop-leads", "1 of shop-leads"),
        ("1 from shop-leads", "1 of shop-leads"),
        ("two of leads in 24 hours", "2 of leads within 24h"),
        ("0 of leads", ""),
        ("6 of leads", ""),
        ("1 of leads within soon", ""),
        ("ada@contoso.com, bob@contoso.com", ""),
        ("1 of leads or 2 of others", ""),
    ],
)
def test_a_bad_cell_says_what_is_expected_and_offers_what_was_meant(text: str, hint: str) -> None:
    offer = f'; did you mean "{hint}"?' if hint else ""
    with pytest.raises(CellError) as caught:
        read_approvers(text)
    assert str(caught.value) == f'Approvers: expected {EXPECTED}, found "{text}"{offer}'
    if hint:
        assert read_approvers(hint)


def test_none_asks_nobody() -> None:
    assert read_approvers("None") is None


def test_a_step_without_a_time_of_its_own_takes_the_shortest_of_the_approvers() -> None:
    steps = "5% until approved, 50% until approved within 1h, 100% for 5m"
    cells: dict[str, object] = {"Steps": steps, "Approvers": "1 of leads within 2h"}
    waits = [step.approve_within for step in row(cells).plan.steps]
    assert waits == [timedelta(hours=2), timedelta(hours=1), None]


def test_a_locked_group_must_approve_in_addition() -> None:
    defaults = {"Approvers": "2 of platform", "Lock": "approvers"}
    assert [(n.count, n.group) for n in row({"Approvers": "1 of leads"}, defaults=defaults).plan.approvers] == [
        (1, "leads"),
        (2, "platform"),
    ]
    assert [n.group for n in row({"Approvers": "none"}, defaults=defaults).plan.approvers] == ["platform"]
    assert [n.group for n in row({}, defaults=defaults).plan.approvers] == ["platform"]


def test_only_the_defaults_row_locks_and_only_gates() -> None:
    assert problems({"Lock": "Scan"}) == [
        'Lock: expected a blank cell: gates are locked in the registry\'s defaults row, found "Scan"'
    ]
    known = "Scan, Signed, MinAge, Approvers, Window, Freeze, After"
    assert problems({}, defaults={"Lock": "Scam, Freeze"}) == [
        f'Lock (defaults row): expected gate columns: {known}, found "Scam"; did you mean "Scan, Freeze"?'
    ]


@pytest.mark.parametrize(
    ("actor", "needs", "members", "pushed_by", "groups", "refused"),
    [
        (ADA, [LEADS], {"leads": {"ada@contoso.com"}}, "", ("leads",), ""),
        (ADA, [LEADS], {"leads": {"11111111-2222"}}, "bob", ("leads",), ""),
        (ADA, [LEADS, PLATFORM], {"leads": {"bob"}, "platform": {"11111111-2222"}}, "", ("platform",), ""),
        (ADA, [LEADS], {"leads": {"bob"}}, "", (), "Ada@contoso.com is not in leads"),
        (ADA, [LEADS], {"leads": {"ada@contoso.com"}}, "ADA@contoso.com", (), "nobody approves their own push"),
        (ADA, [LEADS], {"leads": Unknown(because="tables: 503")}, "", (), "cannot tell: tables: 503"),
        (KEY, [LEADS], {"leads": {"ada"}}, "", (), "someone with the function key is not in leads"),
        (KEY, [], {}, "", (), ""),
    ],
)
def test_what_a_yes_is_worth(actor, needs, members, pushed_by, groups, refused) -> None:
    known = {name: who if isinstance(who, Unknown) else frozenset(who) for name, who in members.items()}
    seen = admitted(actor, needs, known, pushed_by)
    assert (seen.groups, seen.refused) == (groups, refused)


def test_approvals_that_do_not_come_in_time_close_the_gate_at_that_moment_and_say_who_came() -> None:
    policy = row({"Approvers": "3 of leads within 2h"})
    [rule] = [gate for gate in policy.gates if isinstance(gate, ApproversRule)]
    given = tuple(Approval(by=name, at=NOON, step=BEFORE_START, groups=("leads",)) for name in ("bob", "ann"))

    def ask(minutes: int, approvals: tuple[Approval, ...] = given) -> Finding:
        known = facts(asked_at=NOON, approvals=approvals)
        return rule.ask(Asked(policy=policy, image=IMAGE, facts=known, now=NOON + timedelta(minutes=minutes)))

    waiting, closed = ask(119), ask(120)
    assert (waiting.gate, waiting.answer) == ("approvers", Answer.WAITING)
    assert waiting.because == "needs 3 of leads; 2 of 3 of leads: ann, bob"
    assert waiting.ask_at == NOON + timedelta(hours=2)
    assert (closed.gate, closed.answer) == ("approvers", Answer.CLOSED)
    assert closed.because == "2 of 3 of leads: ann, bob approved within 2 h"
    assert ask(120, ()).because == "0 of 3 of leads approved within 2 h"


def test_every_group_that_cannot_be_read_is_named() -> None:
    away = {"leads": Unknown(because="tables: 503"), "platform": Unknown(because="tables: 429")}
    assert admitted(ADA, [LEADS, PLATFORM], away, "").refused == "cannot tell: tables: 503; tables: 429"
