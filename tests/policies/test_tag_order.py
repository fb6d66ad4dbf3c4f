"""One total order for every kind of Tags: what is parsed, then when it was pushed, then the digest, then the name."""

from __future__ import annotations

from datetime import timedelta
from functools import cmp_to_key, partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from policies.tag_cell import read_tags
from policies.tag_kinds import Order
from policies.tags import Pushed, TagRule
from tests.policies.rows import DIGEST, NOON, OTHER_DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable

# ---- an oracle of its own: a comparison a kind, by hand and character by character ---------------


def sign(one: Any, two: Any) -> int:
    return int(one > two) - int(one < two)


def digits(one: str, two: str) -> int:
    """Numbers as they are compared on paper: the longer is the greater, without the zeros in front."""
    one, two = one.lstrip("0"), two.lstrip("0")
    return sign(len(one), len(two)) or sign(one, two)


def semver(one: str, two: str) -> int:
    halves = [tag.removeprefix("v").split("-", 1) for tag in (one, two)]
    for mine, theirs in zip(halves[0][0].split("."), halves[1][0].split("."), strict=True):
        if answer := digits(mine, theirs):
            return answer
    pre = [half[1].split(".") if len(half) > 1 else [] for half in halves]
    if not pre[0] or not pre[1]:
        return sign(not pre[0], not pre[1])
    for mine, theirs in zip(*pre, strict=False):
        if mine.isdigit() and theirs.isdigit():
            answer = digits(mine, theirs)
        else:
            answer = sign(theirs.isdigit(), mine.isdigit()) or sign(mine, theirs)
        if answer:
            return answer
    return sign(len(pre[0]), len(pre[1]))


def natural(one: str, two: str) -> int:
    """Eats both from the left: a number against a number, a text against a text up to the next digit."""
    while one and two:
        heads = []
        for text in (one, two):
            run = text[0].isdigit()
            heads.append(next((text[:n] for n in range(1, len(text)) if text[n].isdigit() is not run), text))
        if heads[0][0].isdigit() and heads[1][0].isdigit():
            answer = digits(*heads)
        elif heads[0][0].isdigit() or heads[1][0].isdigit():
            return -1 if heads[0][0].isdigit() else 1
        else:
            answer = sign(*heads)
        if answer:
            return answer
        one, two = one[len(heads[0]) :], two[len(heads[1]) :]
    return sign(bool(one), bool(two))


def calver(one: str, two: str) -> int:
    """`YYYY.MM.MICRO-MODIFIER`."""
    halves = [tag.split("-", 1) for tag in (one, two)]
    numbers = [[*half[0].split("."), "0"][:3] for half in halves]
    for mine, theirs in zip(*numbers, strict=True):
        if answer := digits(mine, theirs):
            return answer
    words = [half[1] if len(half) > 1 else "" for half in halves]
    return sign(not words[0], not words[1]) or natural(*words)


def regex(one: str, two: str) -> int:
    """`(?P<name>[a-z]+)-(?P<n>[0-9a-z]+)(?:_(?P<more>.+))?`."""
    parts = [[*tag.partition("_")[0].split("-"), tag.partition("_")[2]] for tag in (one, two)]
    for mine, theirs in zip(*parts, strict=True):
        if answer := natural(mine, theirs):
            return answer
    return 0


def nothing(one: str, two: str) -> int:
    del one, two
    return 0


NAMES = ["latest", "stable", "edge"]
CASES: dict[Order, tuple[str, Callable[[str, str], int], st.SearchStrategy[str]]] = {
    Order.SEMVER: (
        "semver: *-0",
        semver,
        st.from_regex(r"v?[01]\.(1|2|10)\.0(-(a|b|1|2|10)(\.(1|10|x))?)?", fullmatch=True),
    ),
    Order.CALVER: (
        "calver: YYYY.MM.MICRO-MODIFIER",
        calver,
        st.from_regex(r"202[56]\.(1|01|12|09)(\.(0|2|10|02)(-(rc|a)[12]?0?)?)?", fullmatch=True),
    ),
    Order.NUMBER: ("number", digits, st.from_regex(r"[0-9]{1,3}|1?0{25}[12]", fullmatch=True)),
    Order.NEWEST: ("newest", nothing, st.from_regex(r"(build|main)-[0-9]{1,2}", fullmatch=True)),
    Order.EXACT: (f"exact: {', '.join(NAMES)}", nothing, st.sampled_from(NAMES)),
    Order.REGEX: (
        "regex: (?P<name>[a-z]+)-(?P<n>[0-9a-z]+)(?:_(?P<more>.+))?",
        regex,
        st.from_regex(r"[ab]-(1|01|2|10|a1|a10)(_(x|1|x10|x9))?", fullmatch=True),
    ),
}
RULES = {order: read_tags(cell) for order, (cell, _, _) in CASES.items()}


def test_every_kind_has_its_oracle() -> None:
    assert set(CASES) == set(Order)
    assert [rule.order for rule in RULES.values()] == list(CASES)


@st.composite
def images(draw: st.DrawFn, order: Order) -> Pushed:
    """Few values each, so that ties, and ties of ties, are common."""
    hours = draw(st.sampled_from([None, 0, 1, 2]))
    return Pushed(
        tag=draw(CASES[order][2]),
        digest=draw(st.sampled_from(["", DIGEST, OTHER_DIGEST])),
        pushed_at=None if hours is None else NOON + timedelta(hours=hours),
    )


SOME = st.sampled_from(list(Order)).flatmap(
    lambda order: st.tuples(st.just(order), st.lists(images(order), min_size=3, max_size=6))
)


def plainly(order: Order, one: Pushed, two: Pushed) -> int:
    """The oracle's word on two images."""
    if answer := CASES[order][1](one.tag, two.tag):
        return answer
    if one.pushed_at != two.pushed_at:
        if one.pushed_at is None or two.pushed_at is None:
            return -1 if one.pushed_at is None else 1
        return 1 if one.pushed_at > two.pushed_at else -1
    if order is Order.EXACT:
        name = sign(NAMES.index(two.tag), NAMES.index(one.tag))
    else:
        name = natural(one.tag, two.tag) or sign(one.tag, two.tag)
    return sign(one.digest, two.digest) or name


@given(SOME)
def test_the_order_is_the_oracles(case: tuple[Order, list[Pushed]]) -> None:
    order, some = case
    rule = RULES[order]
    assert all(rule.select(image.tag).selected for image in some)
    for one in some:
        for two in some:
            answer = plainly(order, one, two)
            event(f"{order}: {'tied by what is parsed' if not CASES[order][1](one.tag, two.tag) else 'told apart'}")
            assert sign(rule.order_key(one), rule.order_key(two)) == answer, (one, two)
    assert sorted(some, key=rule.order_key) == sorted(some, key=cmp_to_key(partial(plainly, order)))


@given(SOME)
def test_the_order_is_antisymmetric_and_transitive_and_total(case: tuple[Order, list[Pushed]]) -> None:
    order, some = case
    keys = [RULES[order].order_key(image) for image in some]
    for one, two, three in permutations(keys, 3):
        assert (one < two) + (two < one) + (one == two) == 1
        assert not (one <= two <= three) or one <= three
    for mine, theirs in permutations(some, 2):
        assert (RULES[order].order_key(mine) == RULES[order].order_key(theirs)) is (mine == theirs)


@given(SOME)
def test_no_two_images_are_each_an_upgrade_of_the_other_where_push_times_are_known(
    case: tuple[Order, list[Pushed]],
) -> None:
    order, some = case
    rule = RULES[order]
    for one in some:
        for two in some:
            known = one.digest and two.digest and one.pushed_at and two.pushed_at and one.tag != two.tag
            if known and one.digest != two.digest:
                assert rule.is_upgrade(one, two) is (plainly(order, one, two) > 0)
                assert rule.is_upgrade(one, two) is not rule.is_upgrade(two, one)
            if CASES[order][1](one.tag, two.tag) < 0:
                assert not rule.is_upgrade(one, two), "whatever else is known or not"
            if one.digest and one.digest == two.digest:
                assert not rule.is_upgrade(one, two), "the same image under any name is nothing new"


# ---- upgrades by hand ----------------------------------------------------------------------------


def pushed(tag: str, hours: int | None = 0, digest: str = OTHER_DIGEST) -> Pushed:
    return Pushed(tag=tag, digest=digest, pushed_at=None if hours is None else NOON + timedelta(hours=hours))


def ran(tag: str, hours: int | None = 0) -> Pushed:
    return pushed(tag, hours, DIGEST)


NAMED = "regex: main-(?P<n>[0-9]+)(?:-[a-z]+)?"


@pytest.mark.parametrize(
    ("cell", "candidate", "running", "upgrade"),
    [
        ("semver", pushed("1.4.3"), ran("1.4.2"), True),
        ("semver", pushed("1.10.0"), ran("1.9.0"), True),
        ("semver", pushed("1.4.1", 5), ran("1.4.2"), False),
        ("semver", pushed("1.4.2-rc.1", 5), ran("1.4.2"), False),
        ("semver", pushed("1.4.2", 5), ran("1.4.2"), True),
        ("semver", pushed("1.4.2", 0), ran("1.4.2"), True),
        ("semver", pushed("1.4.2", -5), ran("1.4.2"), False),
        ("semver", pushed("v1.4.2", -5), ran("1.4.2"), False),
        ("semver", pushed("v1.4.2", 5), ran("1.4.2"), True),
        ("semver", pushed("1.4.2"), ran("latest"), True),
        ("semver", pushed("1.4.2"), ran("1.4"), True),
        ("semver", pushed("1.4.2"), ran("x" * 5000), True),
        ("semver: <2", pushed("1.4.2"), ran("2.0.0"), False),
        ("calver: YYYY.0M.MICRO", pushed("2026.11.10"), ran("2026.11.9", 5), True),
        ("calver: YYYY.0M.MICRO", pushed("2026.11.9", 5), ran("2026.11.10"), False),
        ("calver: YYYY.0M.MICRO", pushed("2026.11.10"), ran("2026.13.1"), True),
        ("calver: YYYY.MM", pushed("2026.01", -1), ran("2026.1"), False),
        ("number", pushed("10"), ran("9", 5), True),
        ("number", pushed("9", 5), ran("10"), False),
        ("number", pushed("010", -1), ran("10"), False),
        ("number", pushed("1" + "0" * 30), ran("9" * 30), True),
        ("number from build-{}", pushed("build-3", 5), ran("build-12"), False),
        (NAMED, pushed("main-10"), ran("main-9-x", 5), True),
        (NAMED, pushed("main-9", 5), ran("main-10"), False),
        (NAMED, pushed("main-9", -1), ran("main-09"), False),
        (NAMED, pushed("main-9"), ran("other"), True),
        ("newest", pushed("main-2", 1), ran("main-1"), True),
        ("newest", pushed("main-1", -1), ran("main-2"), False),
        ("newest", pushed("main-1", -1), ran("main-2", None), True),
        ("newest", pushed("main-1", None), ran("main-2"), True),
        ("newest", pushed("main-1", -1), ran("main-1"), False),
        ("newest", pushed("main-2", 0), ran("main-1", 0), True),
        ("newest", pushed("main-2", 0, DIGEST), pushed("main-1", 0), False),
        ("exact: latest", pushed("latest", -1), ran("latest"), True),
        ("exact: latest, stable", pushed("latest", -1), ran("stable"), False),
        ("exact: latest, stable", pushed("latest", 1), ran("stable"), True),
        ("exact: latest", ran("latest", 5), ran("latest"), False),
    ],
)
def test_no_downgrade_where_the_order_is_known(cell: str, candidate: Pushed, running: Pushed, *, upgrade: bool) -> None:
    assert read_tags(cell).is_upgrade(candidate, running) is upgrade


@pytest.mark.parametrize(
    ("production", "hotfix", "older", "running", "newer"),
    [
        ("semver: >=3.0 <4", "semver: >=3.0 <4 from hotfix-{}", "3.2.0", "hotfix-3.2.1", "3.2.2"),
        ("calver: YYYY.0M.MICRO", "calver: YY-MM-MICRO from hotfix-{}", "2026.11.1", "hotfix-26-11-2", "2026.11.3"),
        ("number from build-{}", "number from hotfix-{}", "build-9", "hotfix-10", "build-11"),
        ("regex: (?P<n>.+) from b-{}", "regex: (?P<n>.+) from h-{}", "b-9", "h-10", "b-11"),
    ],
)
def test_a_hotfix_that_runs_is_read_by_the_row_that_put_it_there(
    production: str, hotfix: str, older: str, running: str, newer: str
) -> None:
    rule, other = read_tags(production), read_tags(hotfix)
    assert rule.lane == other.lane
    assert not rule.is_upgrade(pushed(older), ran(running), (other,))
    assert rule.is_upgrade(pushed(newer), ran(running), (other,))


def test_a_row_that_orders_otherwise_does_not_say_what_runs() -> None:
    """As a number 20261105 is more than anything; as a version it is nothing."""
    rule, other = read_tags("semver from v{}"), read_tags("number")
    assert rule.is_upgrade(pushed("v1.0.0"), ran("20261105"), (other,))


LANES = [
    ["semver", "semver: <2", "semver from v{}"],
    ["number", "number from build-{}"],
    ["newest", "newest from main-*", "glob: v*", "regex: main-[0-9]+"],
    ["exact: latest", "exact: stable"],
    ["calver: YYYY.0M.MICRO", "calver: YY-MM-MICRO from hotfix-{}"],
    ["calver: YYYY.0M.0D", "calver: 0D-0M-YYYY"],
    ["calver: YYYY.0M"],
    ["calver: MAJOR.YYYY"],
    ["calver: YYYY.MAJOR"],
    ["calver: YYYY-0W"],
    ["calver: YYYY.0M.MICRO-MODIFIER"],
    ["regex: (?P<n>[0-9]+)", "regex: (?P<n>[0-9]+) from v{}"],
    ["regex: (?P<n>[0-9]+)x"],
    [f"regex: (?P<n>[0-9]+){'a' * 4000}b"],
    [f"regex: (?P<n>[0-9]+){'a' * 4000}c"],
]


def test_rules_share_a_lane_exactly_when_they_order_alike() -> None:
    of = {cell: read_tags(cell).lane for alike in LANES for cell in alike}
    assert [{of[cell] for cell in alike} for alike in LANES] == [{of[alike[0]]} for alike in LANES]
    assert len({of[alike[0]] for alike in LANES}) == len(LANES)
    assert max(map(len, of.values())) < 100, "ten of them are kept in an app's row"


def test_what_is_compared_is_never_nothing_for_a_tag_that_is_taken() -> None:
    """A row whose kind goes by the tag has a key for whatever it selects, and keys of one lane can be compared."""
    tags = {Order.SEMVER: "1.0.0", Order.CALVER: "2026.1", Order.NUMBER: "0", Order.REGEX: "a-1"}
    for order, tag in tags.items():
        rule: TagRule = RULES[order]
        assert rule.by_tag
        assert rule.key(tag)
    assert not RULES[Order.NEWEST].by_tag
    assert not RULES[Order.EXACT].by_tag
