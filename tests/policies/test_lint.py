from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import lint
from tests.policies.rows import WEB

PATTERNS = "contoso.azurecr.io|*"
ROUND = "After: expected policies that can be promoted before this one, found "


@dataclass(frozen=True)
class Written:
    key: str
    after: str = ""
    partition: str = WEB
    cells: dict[str, object] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, object]:
        app = {} if self.key == "defaults" else {"App": "rg-{name}/ca-{name}-" + self.key}
        return {**app, "After": self.after, **self.cells}


def said(*rows: Written, whole: bool = True) -> dict[str, list[str]]:
    """The problems of each row that has any, by its name."""
    read = lint.check(rows, whole=whole)
    assert [one.row for one in read] == list(rows)
    assert all((one.policy is None) == bool(one.error) for one in read if one.row.key != "defaults")
    return {one.row.key: [str(problem) for problem in one.error.problems] for one in read if one.error}


def test_good_rows_beside_one_another_are_good() -> None:
    chain = Written("dev"), Written("staging", "dev for 1h"), Written("production", "staging for 2h, dev")
    assert said(*chain, Written("defaults", partition=PATTERNS)) == {}


UNKNOWN = [
    ("stagign for 2h", 'policies of shop/web: dev, staging, found "stagign"; did you mean "staging for 2h"?'),
    ("dev, stage", 'policies of shop/web: dev, staging, found "stage"; did you mean "dev, staging"?'),
    ("qa", 'policies of shop/web: dev, staging, found "qa"'),
]


@pytest.mark.parametrize(("after", "expected"), UNKNOWN)
def test_a_policy_that_does_not_exist_is_named_with_those_that_do(after: str, expected: str) -> None:
    assert said(Written("dev"), Written("staging"), Written("production", after)) == {
        "production": [f"After: expected {expected}"]
    }


def test_a_policy_of_another_repository_is_none_of_this_one() -> None:
    elsewhere = Written("staging", partition="contoso.azurecr.io|shop|api")
    assert said(elsewhere, Written("production", "staging")) == {
        "production": ['After: expected another policy of shop/web, found "staging"']
    }


def test_a_broken_row_exists_all_the_same() -> None:
    for where in (WEB, PATTERNS):
        broken = Written("staging", partition=where, cells={"Steps": "5", "Repository": "shop/*"})
        assert list(said(broken, Written("production", "staging"))) == ["staging"]


def test_a_pattern_row_may_be_named_where_it_applies() -> None:
    fleet = Written("staging", partition=PATTERNS, cells={"Repository": "shop/*"})
    other = Written("production", "staging", partition="contoso.azurecr.io|hr|portal")
    assert said(fleet, Written("production", "staging")) == {}
    assert said(fleet, other) == {"production": ['After: expected another policy of hr/portal, found "staging"']}


def test_a_pattern_row_names_a_policy_of_some_repository_or_of_the_patterns() -> None:
    fleet = Written("fleet", "staging", partition=PATTERNS, cells={"Repository": "*"})
    wrong = {"fleet": ['After: expected another policy of this registry, found "staging"']}
    assert said(fleet, Written("staging")) == {}
    assert said(fleet, Written("staging", partition=PATTERNS)) == {}
    assert said(fleet) == wrong
    assert said(fleet, Written("staging", partition="fabrikam.azurecr.io|shop|web")) == wrong
    assert said(fleet, whole=False) == {}


def test_the_defaults_row_is_named_where_its_cell_is_at_fault() -> None:
    defaults = Written("defaults", "staging", partition=PATTERNS)
    assert said(defaults, Written("staging"), Written("production")) == {
        "staging": [ROUND.replace(":", " (defaults row):") + "staging → staging"],
        "production": [ROUND.replace(":", " (defaults row):") + "production → staging → staging"],
    }
    assert said(defaults, Written("staging", "none"), Written("production", "qa")) == {
        "production": ['After: expected policies of shop/web: staging, found "qa"']
    }


def test_policies_that_wait_for_one_another_never_ship() -> None:
    assert said(Written("a", "b"), Written("b", "c, d"), Written("c", "a"), Written("d")) == {
        "a": [ROUND + "a → b → c → a"],
        "b": [ROUND + "b → c → a → b"],
        "c": [ROUND + "c → a → b → c"],
    }


def test_a_row_that_names_nobody_and_goes_round_is_told_both() -> None:
    assert said(Written("a", "a, b"))["a"] == ['After: expected another policy of shop/web, found "b"', ROUND + "a → a"]


def test_a_policy_behind_a_circle_never_ships_either() -> None:
    assert said(Written("production", "a"), Written("a", "a"))["production"] == [ROUND + "production → a → a"]


def test_a_circle_may_pass_through_a_pattern_row() -> None:
    fleet = Written("staging", "production", partition=PATTERNS, cells={"Repository": "shop/*"})
    assert said(fleet, Written("production", "staging")) == {
        "production": [ROUND + "production → staging → production"]
    }


def test_a_long_circle_is_cut() -> None:
    many = [Written(f"p{number}", f"p{(number + 1) % 500}") for number in range(500)]
    found = said(*many)
    assert len(found) == 500
    assert found["p0"] == [ROUND + " → ".join(f"p{number}" for number in range(9))]


NAMES = st.sampled_from("abcdef")


@settings(max_examples=60)
@given(st.dictionaries(NAMES, st.sets(NAMES, max_size=3)))
def test_what_is_good_can_be_promoted_in_some_order(after: dict[str, set[str]]) -> None:
    """The oracle promotes whatever has nothing left to wait for, until nothing moves."""
    rows = [Written(name, ", ".join(sorted(before))) for name, before in after.items()]
    promoted: set[str] = set()
    while more := {name for name, before in after.items() if before <= promoted} - promoted:
        promoted |= more
    wrong = said(*rows)
    direct = {name for name, before in after.items() if before - set(after)}
    assert promoted.isdisjoint(wrong)
    assert direct <= set(wrong)
    # What only waits for a broken row is good by itself.
    behind = set(after) - promoted - set(wrong)
    assert all(reaches(name, direct, after) for name in behind)


def reaches(name: str, goals: set[str], after: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    todo = {name}
    while todo:
        seen |= todo
        todo = {other for one in todo for other in after.get(one, ())} - seen
    return bool(seen & goals)


# ---- lanes


def lanes(*rows: Written) -> dict[str, list[str]]:
    return {one.row.key: [str(problem) for problem in one.error.problems] for one in lint.lint(rows) if one.error}


def lane(key: str, tags: str, **cells: object) -> Written:
    return Written(key, cells={"App": "rg-shop/ca-web", "Tags": tags, **cells})


def test_two_rows_of_one_container_order_alike_or_are_told() -> None:
    which = "which names the same container of the app"
    assert lanes(lane("production", "semver"), lane("hotfix", "newest from hotfix-*")) == {
        "hotfix": [f"Tags: expected the order of production (semver), {which}, found newest"],
        "production": [f"Tags: expected the order of hotfix (newest), {which}, found semver"],
    }


@pytest.mark.parametrize(
    "other",
    [
        lane("hotfix", "semver from hotfix-{}"),
        lane("hotfix", "newest", App="rg-shop/ca-api"),
        lane("hotfix", "newest", Container="sidecar"),
        lane("hotfix", "newest", Mode="off"),
        lane("hotfix", "newest", Mode="observe"),
    ],
    ids=["alike", "another app", "another container", "off", "only observes"],
)
def test_what_is_no_rival_may_order_as_it_likes(other: Written) -> None:
    assert lanes(lane("production", "semver"), other) == {}


def test_rows_that_are_off_are_nobodys_rivals() -> None:
    assert lanes(lane("production", "semver", Mode="off"), lane("hotfix", "newest", Mode="off")) == {}


def test_lanes_that_order_apart_break_no_row_in_the_service() -> None:
    assert said(lane("production", "semver"), lane("hotfix", "newest")) == {}
