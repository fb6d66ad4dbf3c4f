"""Which of a list of tags is chosen. Tables of our own; where other updaters agree on an answer, they hold it too.

Read for them: fluxcd/image-reflector-controller `internal/policy`, argoproj-labs/argocd-image-updater
`registry-scanner/pkg/{image,tag}`, keel-hq/keel `internal/policy`, akuity/kargo `internal/image`. Where those disagree,
docs/policies.md says what holds here: whole versions only, pre-releases only where the range names one.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.choose import choose, running
from policies.tag_cell import read_tags
from policies.tags import Pushed
from tests.policies.rows import DIGEST, NOON, OTHER_DIGEST


def bare(tags: str) -> list[Pushed]:
    return [Pushed(tag=tag, digest="") for tag in tags.split()]


@pytest.mark.parametrize(
    ("cell", "tags", "chosen"),
    [
        ("semver: 1.0.x", "1.0.0 1.0.0.1 1.0.0p 1.0.1 1.2.0 0.1.0", "1.0.1"),
        ("semver: 1.0.x", "v1.2.3 v1.0.0 v0.1.0", "v1.0.0"),
        ("semver: 1.0.x", "b1.2.3 b1.0.0 b0.1.0", ""),
        ("semver: 1.0.x from b{}", "b1.2.3 b1.0.0 b0.1.0", "b1.0.0"),
        ("semver", "", ""),
        ("semver", "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3", "2.0.3"),
        ("semver: ^1.0", "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3", "1.1.2"),
        ("semver: ~1.0", "0.1 0.5.1 0.9 1.0 1.0.1 1.1.2 2.0.3", "1.0.1"),
        ("semver: ~1.0", "0.1 0.5.1 0.9 1.0 2.0.3", ""),
        ("semver", "5.0.0 0.0.1 0.2.1 0.1.1 1.1.1 7.0.6 1.0.0 1.0.2", "7.0.6"),
        ("semver", "1.9.0 1.10.0 1.2.0", "1.10.0"),
        ("semver", "1.0.0 2.0.0-rc.1 1.1.0-beta", "1.0.0"),
        ("semver: >=1.0.0-0", "1.0.0 2.0.0-rc.1 1.1.0-beta", "2.0.0-rc.1"),
        ("semver: >=1.0.0-0", "1.0.0-rc.9 1.0.0-rc.10 1.0.0-rc.x", "1.0.0-rc.x"),
        ("semver: >=1.4 <2", "1.3.9 1.4.0 1.12.3 1.9.9 2.0.0 2.0.0-rc.1", "1.12.3"),
        ("semver: >=1.4 <2 || >=3", "1.4.0 2.9.9 3.0.0 1.9.0", "3.0.0"),
        ("semver", "01.2.3 1.02.3 1.2.03 latest", ""),
        ("semver: >=2.0 from checkout-v{} except *-debug, *-rc*", "checkout-v2.1.0 checkout-v2.2.0-debug v9.0.0",
         "checkout-v2.1.0"),
        ("calver: YY.0M.MICRO", "16.04 16.04.1 16.10 20.04 20.10", "20.10"),
        ("calver: YY.0M", "16.04 16.04.1 16.10 20.04 20.10", "20.10"),
        ("calver: YYYY.0M.0D", "v2026.01.30 v2026.09.01 v2026.10.03", "v2026.10.03"),
        ("calver: YYYY.0M.0D", "v2026.01.30 2026-02-01 v2026.1.30", "v2026.01.30"),
        ("calver: vYYYY-MM-DD", "v2026-9-01 v2026-10-03 v2026-11-04 v2026-12-25", "v2026-12-25"),
        ("calver: vYYYY-0M-0D-MICRO", "v2026-01-30 v2026-01-30-2 v2026-01-30-10", "v2026-01-30-10"),
        ("calver: vDD-MM-YY", "v03-10-26 v31-12-26 v01-01-27", "v01-01-27"),
        ("calver: vYYYY-0M-0D", "latest v2026-01-30 v1.2.3 v2026-02-01 v2026-02-01-rc1", "v2026-02-01"),
        ("calver: vYYYY-0M-0D-MODIFIER", "v2026-02-01-rc1 v2026-02-01-rc2 v2026-02-01", "v2026-02-01"),
        ("calver: vYYYY-0M-0D-MODIFIER", "v2026-02-01-rc2 v2026-02-01-rc10", "v2026-02-01-rc10"),
        ("calver: MAJOR.YY.0M", "1.26.11 2.25.01", "2.25.01"),
        ("calver: YYYY.0M.0D", "2026.02.29 2026.02.30 2026.13.01", ""),
        ("calver: YYYY-0W", "2026-53 2027-53 2026-52", "2026-53"),
        ("number", "73 72 15 16 15 29", "73"),
        ("number", "1606234201 1606364286 1606334092 1606334284 1606334201", "1606364286"),
        ("number", "9007199254740993 9007199254740992", "9007199254740993"),
        ("number", "18446744073709551616 18446744073709551615 9", "18446744073709551616"),
        ("number", "0 1a b", "0"),
        ("number", "1", "1"),
        ("number from rel-{}", "rel-9 rel-10 10 rel-x", "rel-10"),
        ("glob: latest.*", "latest.20241321 latest.20251321 earliest.20991231", "latest.20251321"),
        ("newest", "xenial yakkety zesty artful bionic", "zesty"),
        ("newest from rel-*", "rel-1606234201 rel-1606364286 rel-1606334092", "rel-1606364286"),
        ("newest", "build-9 build-10 build-8", "build-10"),
        ("newest", f"1.0.0 sha256-{'a' * 64}.sig sha256-{'b' * 64} 1.0.0.att", "1.0.0"),
        ("exact: latest", "1.0.0 latest stable", "latest"),
        ("exact: stable, latest", "latest stable", "stable"),
        ("exact: latest, stable", "latest stable", "latest"),
        ("exact: latest", "Latest latest-1", ""),
        ("regex: main-(?P<date>[0-9]+)-(?P<n>[0-9]+)", "main-20261105-9 main-20261105-10 main-20261104-99",
         "main-20261105-10"),
        ("regex: (?P<n>[0-9]+)-(?P<day>[0-9]+)", "2-20261105 10-20261104", "10-20261104"),
        ("regex: .*-(?P<ts>[0-9]+)", "main-abc-1606234201 main-fff-1606364286 dev-1606334092", "main-fff-1606364286"),
        ("regex: (?P<v>v.+)", "v1.9 v1.10 v1.2", "v1.10"),
        ("regex: (?P<a>[a-z]+)(?:-(?P<n>[0-9]+))?", "b a-99 b-2", "b-2"),
        ("regex: ver[0-9]+", "ver1 ver2 ver3 rel1", "ver3"),
    ],
)  # fmt: skip
def test_the_greatest_is_chosen_whatever_the_order_of_the_list(cell: str, tags: str, chosen: str) -> None:
    rule, images = read_tags(cell), bare(tags)
    for listed in (images, images[::-1], sorted(images, key=lambda image: image.tag), images * 2):
        choice = choose(rule, listed)
        assert (choice.chosen.tag if choice.chosen else "") == chosen
        assert len(choice.refused) == sum(not rule.select(image.tag).selected for image in listed)


@pytest.mark.parametrize(
    ("cell", "tags", "current", "chosen"),
    [
        ("semver", "1.4.5 1.4.3", "1.4.5", ""),
        ("semver", "1.4.6 1.4.3", "1.4.5", "1.4.6"),
        ("semver", "1.4.3", "1.4.5", ""),
        ("semver: <2", "1.9.0 2.0.0", "2.0.0", ""),
        ("semver: 1.4.x", "1.4.6 2.4.6", "1.4.5", "1.4.6"),
        ("semver", "1.4.5-xx 1.4.5", "1.4.5", ""),
        ("semver", "3050", "1.4.5", ""),
        ("semver", "v1.4.5", "1.4.5", ""),
        ("semver: ^1.0", "1.0 1.1.2 2.0.3", "latest", "1.1.2"),
        ("semver", "1.0.0", "", "1.0.0"),
        ("calver: YYYY.0M.MICRO", "2026.11.9 2026.11.10", "2026.11.9", "2026.11.10"),
        ("calver: YYYY.0M.MICRO", "2026.11.9", "2026.11.10", ""),
        ("number", "9 10", "9", "10"),
        ("number", "9", "10", ""),
        ("number", "010", "10", ""),
        ("glob: latest.*", "latest.20251321", "latest.20241321", "latest.20251321"),
        ("glob: latest.*", "latest.20241321", "latest.20251321", ""),
        ("exact: latest", "latest", "latest", ""),
        ("exact: latest", "latest", "1.4.2", "latest"),
        ("regex: b-(?P<n>.+)", "b-9", "b-10", ""),
        ("regex: b-(?P<n>.+)", "b-9", "main-1", "b-9"),
    ],
)
def test_nothing_is_chosen_that_is_no_upgrade_of_what_runs(cell: str, tags: str, current: str, chosen: str) -> None:
    rule, images = read_tags(cell), bare(tags)
    choice = choose(rule, images, running(rule, images, current) if current else None)
    assert (choice.chosen.tag if choice.chosen else "") == chosen


def image(tag: str, hours: int | None, digest: str = "") -> Pushed:
    return Pushed(tag=tag, digest=digest, pushed_at=None if hours is None else NOON + timedelta(hours=hours))


TIMED = [image("zz", 0), image("ll", 6), image("bb", 1), image("aa", None), image("yy", 2)]


def test_newest_goes_by_push_time_and_what_has_none_comes_before_all() -> None:
    rule = read_tags("newest")
    assert choose(rule, TIMED).chosen == TIMED[1]
    assert choose(rule, TIMED, running(rule, TIMED, "yy")).chosen == TIMED[1]
    assert choose(rule, TIMED, running(rule, TIMED, "ll")).chosen is None
    assert (
        choose(rule, TIMED[2:], running(rule, TIMED, "ll")).because
        == "yy would be a downgrade: ll is running and newer"
    )
    assert choose(rule, TIMED, running(rule, TIMED, "unheard-of")).chosen == TIMED[1]
    assert not choose(rule, TIMED).guessed
    assert choose(rule, bare("a b")).guessed
    assert not choose(rule, bare("a")).guessed, "there was nothing to guess"
    assert not choose(read_tags("number"), bare("1 2")).guessed


def test_a_moving_tag_is_chosen_when_it_names_another_digest_than_the_one_that_runs() -> None:
    rule, listed = read_tags("exact: latest"), [image("latest", 3, OTHER_DIGEST)]
    assert choose(rule, listed, running(rule, listed, "latest", DIGEST)).chosen == listed[0]
    assert choose(rule, listed, running(rule, listed, "latest", OTHER_DIGEST)).chosen is None
    assert choose(rule, listed, running(rule, listed, "latest")).chosen is None
    history = [image("latest", 1, DIGEST), image("latest", 3, OTHER_DIGEST)]
    assert choose(rule, history, running(rule, history, "latest", DIGEST)).chosen == history[1]
    assert choose(rule, history, running(rule, history, "latest")).chosen is None, "it is what latest names now"


def test_one_version_pushed_twice_goes_to_the_later_push_and_never_back() -> None:
    rule = read_tags("semver")
    listed = [image("1.4.2", 1, DIGEST), image("v1.4.2", 3, OTHER_DIGEST)]
    assert choose(rule, listed).chosen == listed[1]
    assert choose(rule, listed, running(rule, listed, "1.4.2")).chosen == listed[1]
    assert choose(rule, listed, running(rule, listed, "v1.4.2")).chosen is None
    at_once = [image("1.4.2", 1, DIGEST), image("v1.4.2", 1, OTHER_DIGEST)]
    assert choose(rule, at_once, at_once[0]).chosen is None, "neither is known to be the later"
    assert choose(rule, listed[:1], running(rule, listed, "v1.4.2")).because == (
        "1.4.2 is the same as v1.4.2, which is running, and not known to be later"
    )


def test_another_name_of_the_running_image_is_nothing_new() -> None:
    rule, listed = read_tags("semver"), [image("1.4.3", 3, DIGEST), image("1.4.2", 1, DIGEST)]
    assert choose(rule, listed, running(rule, listed, "1.4.2")).because == (
        "1.4.2 is running, and nothing that is selected is newer"
    )


@pytest.mark.parametrize(
    ("tags", "current", "because", "refused"),
    [
        ("", "", "there are no tags", []),
        ("1.3.0", "", "none of 1 tag is selected by semver: >=1.4", ["outside >=1.4"]),
        ("1.4 1.3.0", "", "none of 2 tags is selected by semver: >=1.4",
         ["1.4 is not a version such as 1.4.2", "outside >=1.4"]),
        ("1.4.0", "1.5.0", "1.4.0 would be a downgrade: 1.5.0 is running and newer", []),
        ("1.4.0", "", "1.4.0 is taken by semver: >=1.4", []),
    ],
)  # fmt: skip
def test_the_answer_says_because(tags: str, current: str, because: str, refused: list[str]) -> None:
    rule, images = read_tags("semver: >=1.4"), bare(tags)
    choice = choose(rule, images, running(rule, images, current) if current else None)
    assert choice.because == because
    assert [one.because for one in choice.refused] == refused


IMAGES = st.builds(
    image,
    st.sampled_from(["1.0.0", "v1.0.0", "1.0.0-rc.1", "1.10.0", "7", "07", "latest", "2026.11", "b-9", "b-10"]),
    st.one_of(st.none(), st.integers(0, 2)),
    st.sampled_from(["", DIGEST, OTHER_DIGEST]),
)
RULES = st.sampled_from(
    ["semver", "semver: >=1.0.0-0", "calver: YYYY.MM", "number", "newest", "exact: latest", "regex: b-(?P<n>.+)"]
)


@given(RULES, st.lists(IMAGES, max_size=6), st.one_of(st.none(), IMAGES), st.randoms(use_true_random=False))
def test_a_choice_is_selected_no_lesser_than_any_and_the_same_for_any_order_of_the_list(
    cell: str, images: list[Pushed], current: Pushed | None, shuffled: object
) -> None:
    rule = read_tags(cell)
    choice = choose(rule, images, current)
    again = list(images)
    shuffled.shuffle(again)  # type: ignore[attr-defined]  # hypothesis' Random
    assert choose(rule, again, current).chosen == choice.chosen
    if choice.chosen is None:
        return
    assert rule.select(choice.chosen.tag).selected
    assert all(rule.order_key(one) <= rule.order_key(choice.chosen) for one in images if rule.select(one.tag).selected)
    if current is not None:
        assert choice.chosen != current
        assert rule.is_upgrade(choice.chosen, current), "the service would say the same"
        back = choose(rule, [current], choice.chosen).chosen
        known = choice.chosen.pushed_at and current.pushed_at and choice.chosen.tag != current.tag
        assert back is None or not known or rule.key(current.tag) is None
