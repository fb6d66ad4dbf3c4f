from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import CellError
from policies.evaluate import evaluate
from policies.model import Contender
from policies.patterns import Pattern, glob_matches
from policies.tag_cell import read_tags
from policies.tags import Pushed
from rollouts.findings import Answer
from tests.policies.rows import DIGEST, IMAGE, NOON, OTHER_DIGEST, facts, row


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
        ("regex: (?P<n>[0-9]+)(-x)?", "12 12-x", "12-y x12"),
        ("regex: (?i)MAIN-.", "main-1 Main-2", "main-12"),
        ("regex: ^v[0-9]+$", "v1", "v1x"),
        ("newest except *-dev", "a", "a-dev"),
        ("newest from a* except ab*, *c", "a ad", "ab abd ac b"),
        ("number", "0 7 007 20261105 99999999999999999999999999999999", "v7 7.0 1.10 7a 1e3 0x1 latest _1"),
        ("number from v{}", "v7 v007", "7 v v7.1 vv7"),
        ("calver: YYYY.0M.MICRO", "2026.11.2 v2026.11.2 2026.11", "2026.13.1 2026.1.2 1.4.2 latest"),
        ("calver: YYYY.0M.0D from main-{}", "main-2026.11.05", "2026.11.05 main-2026.11.31 main-"),
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
        "sha512-" + "a" * 64,
        "sha512-" + "a" * 64 + ".sig",
        "sha256-" + "a" * 64 + "-cosign",
        "sha256-abc123.sig",
        "1.4.2.sig",
        "1.4.2.att",
        "app.sbom",
    ],
)
def test_what_is_never_an_image_of_its_own_is_never_taken(tag: str) -> None:
    for cell in ("newest", f"regex: {re.escape(tag)}|x"):
        selection = read_tags(cell).select(tag)
        assert not selection.selected
        assert selection.because


@pytest.mark.parametrize("tag", ["sha256-abc", "sig", "design", "1.4.2-sig", "sha256"])
def test_an_image_that_only_sounds_like_a_signature_is_one(tag: str) -> None:
    assert read_tags("newest").select(tag).selected


@pytest.mark.parametrize(
    ("cell", "tag", "because"),
    [
        ("semver: >=1.4", "1.4.2", "1.4.2 is taken by semver: >=1.4"),
        ("semver: >=1.4", "1.3.0", "outside >=1.4"),
        ("semver", "1.4", "1.4 is not a version such as 1.4.2"),
        ("semver", "01.4.2", "01.4.2 is not a version such as 1.4.2"),
        ("semver", "1.4.2-rc.1", "a pre-release, and the range names none"),
        ("semver from v{}", "1.4.2", "not from v{}"),
        ("newest except *-rc*", "1.4.2-rc1", "left out by except *-rc*"),
        ("number", "1.10", "1.10 is not a whole number"),
        ("calver: YYYY.0M", "2026.13", "2026.13 names a date that does not exist"),
        ("calver: YYYY.0M", "2026.1", "2026.1 does not fit YYYY.0M"),
        ("exact: latest, stable", "edge", "not latest or stable"),
        ("regex: (?P<n>[0-9]+)", "x", "does not match (?P<n>[0-9]+) as a whole"),
        ("regex: [0-9]+", "x", "does not match [0-9]+ as a whole"),
        ("regex: [0-9]+", "x1", "does not match [0-9]+ as a whole"),
        ("regex: ^ver", "xver1", "does not match ^ver"),
        ("regex: ver$", "ver1", "does not match ver$"),
        (r"regex: ver\$", "ver1", r"does not match ver\$ as a whole"),
        ("newest", "1.4.2.sig", "the tag of a signature, attestation or SBOM"),
        ("newest", "a b", "not a tag: more than 128 characters, or one that no tag may hold"),
        ("newest", "", "pushed without a tag"),
    ],
)
def test_every_answer_says_because(cell: str, tag: str, because: str) -> None:
    assert read_tags(cell).select(tag).because == because


def test_an_expression_made_to_explode_is_answered_at_once() -> None:
    assert not read_tags("regex: (a+)+b").select("a" * 128).selected
    assert not read_tags("regex: " + "(" * 1000 + "a" + ")*" * 1000 + "b").select("a" * 128).selected
    assert read_tags("regex: (?P<n>" + "(?:a?){60}" * 80 + ")a*").select("a" * 128).selected
    assert not glob_matches("*a" * 200 + "b", "a" * 128)


def test_an_expression_whose_program_is_so_large_that_every_tag_is_dear_is_refused() -> None:
    with pytest.raises(CellError, match="pattern too large"):
        read_tags("regex: " + "(?:(?:a+a?)*){127}" * 200)


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


# ---- in a row ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "tag", "older", "by_tag"),
    [
        ("calver: YYYY.0M.MICRO", "2026.11.10", "2026.11.9", True),
        ("number", "10", "9", True),
        ("regex: b-(?P<n>.+)", "b-10", "b-9", True),
        ("newest", "b-10", "b-9", False),
    ],
)
def test_a_row_asks_what_a_tag_names_now_only_where_the_tag_does_not_say_what_is_newer(
    cell: str, tag: str, older: str, *, by_tag: bool
) -> None:
    policy, image = row({"Tags": cell}), replace(IMAGE, tag=tag)
    moved = facts(tag_now=OTHER_DIGEST, pushes=())
    old = Pushed(tag=older, digest=DIGEST[:-1] + "e", pushed_at=NOON)
    seen = {one.gate: one for one in evaluate(policy, image, replace(moved, running=old), NOON).children}
    assert seen["upgrade"].answer is Answer.OPEN
    assert seen["tag"].answer is (Answer.OPEN if by_tag else Answer.CLOSED)
    same = replace(moved, running=replace(old, tag=tag))
    again = {one.gate: one for one in evaluate(policy, image, same, NOON).children}
    assert again["upgrade" if by_tag else "tag"].because == f"{tag} names sha256:bbbbbbbbbbbb… now"


def test_rows_of_one_container_that_compare_different_things_do_not_share_it() -> None:
    months, days = row({"Tags": "calver: YYYY.0M"}, key="a"), row({"Tags": "calver: YYYY.0M.0D"}, key="b")
    image = replace(IMAGE, tag="2026.11.05")
    seen = {one.gate: one for one in evaluate(days, image, facts(siblings=(months,)), NOON).children}
    assert seen["lanes"].answer is Answer.CLOSED
    assert seen["lanes"].because == (
        f"{days.key} orders by calver (year, month, day), "
        f"but {months.key} came first to this container and orders by calver (year, month)"
    )
    first = Contender(policy=months, image=replace(IMAGE, tag="2026.11"), pushed_at=NOON)
    later = Contender(policy=days, image=replace(image, digest=OTHER_DIGEST), pushed_at=NOON + timedelta(days=1))
    assert not first.outranks(later)
    assert not later.outranks(first)


@pytest.mark.parametrize(
    ("cell", "tag"),
    [
        ("regex: ^ver", "ver1"),
        ("regex: (?i)^VER", "ver1"),
        ("regex: -prod$", "1.4.2-prod"),
        (r"regex: ^v\d+\.\d+$", "v1.2"),
        ("regex: ver[0-9]", "ver1"),
        ("regex: ^rc-(?P<n>[0-9]+)", "rc-12-gabc"),
    ],
)
def test_an_expression_that_anchors_itself_is_searched_for(cell: str, tag: str) -> None:
    assert read_tags(cell).select(tag).selected
