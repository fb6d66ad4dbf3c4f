from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import CellError
from policies.patterns import Pattern, glob_matches
from policies.tag_cell import read_tags
from policies.tags import Order, Pushed
from tests.policies.rows import DIGEST, NOON, OTHER_DIGEST


@pytest.mark.parametrize(
    ("cell", "taken", "left"),
    [
        ("semver", "1.4.2 v1.4.2 0.0.1", "1.4 latest 1.4.2-rc.1 main-1"),
        ("semver: >=1.4 <2", "1.4.0 1.9.9", "2.0.0 1.3.9 2.0.0-rc.1"),
        ("semver: >=3.0 <4 from hotfix-{}", "hotfix-3.0.1", "3.0.1 hotfix-4.0.0 hotfix- hotfix-x"),
        (
            "semver: >=2.0 from checkout-v{} except *-debug, *-rc*",
            "checkout-v2.1.0",
            "checkout-v2.1.0-debug checkout-v2.1.0-rc1 v2.1.0 cart-v2.1.0",
        ),
        ("newest", "anything 1.4.2 _x", ""),
        ("newest from main-*", "main-1 main-", "release-1 xmain-1"),
        ("newest from main-{}", "main-1", "main- release-1"),
        ("glob: release-202?-*", "release-2026-11", "release-2036-11 release-2026"),
        ("exact: latest, stable", "latest stable", "Latest latest-2"),
        ("regex: main-[0-9]+", "main-12", "xmain-12 main-12x main-"),
        ("regex: [0-9]+ from build-{}", "build-12", "12 build-x"),
        ("newest except *-dev", "a", "a-dev"),
    ],
)
def test_a_rule_takes_these_tags_and_leaves_those(cell: str, taken: str, left: str) -> None:
    rule = read_tags(cell)
    assert {tag for tag in (taken + " " + left).split() if rule.select(tag).selected} == set(taken.split())


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "a" * 129,
        "shop/web",
        ".hidden",
        "sha256-" + "a" * 64,
        "sha256-" + "a" * 64 + ".sig",
        "sha256-" + "a" * 64 + ".att",
        "sha256-" + "a" * 64 + ".sbom",
    ],
)
def test_what_is_never_an_image_of_its_own_is_never_taken(tag: str) -> None:
    selection = read_tags("newest").select(tag)
    assert not selection.selected
    assert selection.because


OFFERS = {
    "semver >=1.4": "semver: >=1.4",
    ">=1.4 <2": "semver: >=1.4 <2",
    "^1.2": "semver: ^1.2",
    "1.4.x": "semver: 1.4.x",
    "semver: >=1<2": "semver: >=1 <2",
    "latest": "exact: latest",
    "1.4.2": "exact: 1.4.2",
    "main-*": "newest from main-*",
    "exact: main-*": "newest from main-*",
    "newest: main-*": "newest from main-*",
    "glob main-*": "glob: main-*",
    "regexp: main-.*": "regex: main-.*",
    "semver from v*": "semver from v{}",
}


@pytest.mark.parametrize(("text", "offer"), OFFERS.items())
def test_the_corrected_cell_is_offered_and_is_good(text: str, offer: str) -> None:
    with pytest.raises(CellError) as caught:
        read_tags(text)
    assert caught.value.problems[0].hint == offer
    assert read_tags(offer).text == offer


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("regex: (?=x)y", "look-ahead (?=…)"),
        ("regex: (?!x)y", "look-ahead (?!…)"),
        ("regex: (?<=x)y", "look-behind (?<=…)"),
        ("regex: (?<!x)y", "look-behind (?<!…)"),
        ("regex: (a)\\1", "a back-reference"),
        ("regex: a(", "missing )"),
        ("regex:", "none"),
        ("semver: >=latest", '">=latest"'),
        ("newest from a{}b*", '"a{}b*"'),
        ("exact: latest from v{}", '"from" or "except"'),
        ("newest from x from y", '"newest from x from y"'),
        ("newest except a/b", '"a/b"'),
    ],
)
def test_a_mistake_is_named(text: str, found: str) -> None:
    with pytest.raises(CellError) as caught:
        read_tags(text)
    assert f"found {found}" in str(caught.value)


@pytest.mark.parametrize("text", ["calver: YYYY.0M.MICRO", "number"])
def test_orders_of_a_later_version_are_not_silently_something_else(text: str) -> None:
    with pytest.raises(CellError, match="this version cannot keep"):
        read_tags(text)


def test_an_expression_made_to_explode_is_answered_at_once() -> None:
    assert not read_tags("regex: (a+)+b").select("a" * 128).selected
    assert not glob_matches("*a" * 200 + "b", "a" * 128)


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=10))
def test_a_glob_means_what_its_plain_reading_means(pattern: str, text: str) -> None:
    def plain(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(plain(pattern[1:], text[cut:]) for cut in range(len(text) + 1))
        return bool(text) and pattern[0] in ("?", text[0]) and plain(pattern[1:], text[1:])

    assert glob_matches(pattern, text) == plain(pattern, text)


def test_the_compared_part_is_what_stands_in_the_hole() -> None:
    assert Pattern(text="a-{}-b").part("a-1-b") == "1"
    assert Pattern(text="aa{}aa").part("aaa") is None


def pushed(tag: str, hours: int | None = 0, digest: str = DIGEST) -> Pushed:
    return Pushed(tag=tag, digest=digest, pushed_at=None if hours is None else NOON + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("cell", "candidate", "running", "upgrade"),
    [
        ("semver", pushed("1.4.3"), pushed("1.4.2"), True),
        ("semver", pushed("1.10.0"), pushed("1.9.0"), True),
        ("semver", pushed("1.4.1", 5), pushed("1.4.2"), False),
        ("semver", pushed("1.4.2", 5), pushed("1.4.2"), True),
        ("semver", pushed("1.4.2", -5), pushed("1.4.2"), False),
        ("semver", pushed("1.4.2"), pushed("latest"), True),
        ("semver: <2", pushed("1.4.2"), pushed("2.0.0"), False),
        ("newest", pushed("main-2", 1), pushed("main-1"), True),
        ("newest", pushed("main-1", -1), pushed("main-2"), False),
        ("newest", pushed("main-1", -1), pushed("main-2", None), True),
        ("exact: latest", pushed("latest", -1), pushed("latest"), True),
        ("exact: latest, stable", pushed("latest", -1), pushed("stable"), False),
    ],
)
def test_no_downgrade_where_the_order_is_known(cell: str, candidate: Pushed, running: Pushed, *, upgrade: bool) -> None:
    assert read_tags(cell).is_upgrade(candidate, running) is upgrade


def test_a_hotfix_that_runs_is_read_by_the_row_that_put_it_there() -> None:
    production, hotfix = read_tags("semver: >=3.0 <4"), read_tags("semver: >=3.0 <4 from hotfix-{}")
    assert not production.is_upgrade(pushed("3.2.0"), pushed("hotfix-3.2.1"), (hotfix,))
    assert production.is_upgrade(pushed("3.2.2"), pushed("hotfix-3.2.1"), (hotfix,))


TAGS = st.sampled_from(["1.0.0", "1.0.0-rc.1", "v1.0.0", "1.10.0", "1.9.0", "2.0.0-a.2", "2.0.0-a.10", "latest"])
IMAGES = st.builds(pushed, TAGS, st.one_of(st.none(), st.integers(-2, 2)), st.sampled_from([DIGEST, OTHER_DIGEST]))


@given(st.sampled_from(list(Order)), st.lists(IMAGES, min_size=3, max_size=3))
def test_the_order_of_images_is_an_order(order: Order, images: list[Pushed]) -> None:
    rule = read_tags("exact: latest" if order is Order.EXACT else str(order))
    one, two, three = (rule.order_key(image) for image in images)
    assert (one < two) + (two < one) + (one == two) == 1
    assert one >= two or two >= three or one < three


@given(IMAGES, IMAGES)
def test_two_images_are_never_each_an_upgrade_of_the_other(one: Pushed, two: Pushed) -> None:
    rule = read_tags("semver")
    both = rule.is_upgrade(one, two) and rule.is_upgrade(two, one)
    versions = rule.version_of(one.tag), rule.version_of(two.tag)
    comparable = None not in versions and versions[0] != versions[1]
    assert not (both and comparable)
