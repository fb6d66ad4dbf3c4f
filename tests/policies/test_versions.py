"""Ranges are read as Masterminds/semver v3 reads them; its README and constraints.go are the reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.versions import Version, read_range, read_version


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("", "0.0.1 1.0.0 99.1.2", "1.0.0-rc.1"),
        ("*", "0.0.1 99.1.2", "1.0.0-rc.1"),
        ("*-0", "1.0.0-rc.1 2.0.0", ""),
        ("1.4.2", "1.4.2", "1.4.3 1.4.2-rc.1 1.4.1"),
        ("=1.4", "1.4.0 1.4.9", "1.5.0 1.3.9"),
        ("v1.4", "1.4.0 1.4.9", "1.5.0"),
        ("1.x", "1.0.0 1.99.0", "0.9.0 2.0.0"),
        ("1.4.*", "1.4.0 1.4.9", "1.5.0"),
        ("!=1.4.2", "1.4.1 1.4.3 9.0.0", "1.4.2 1.4.1-rc.1"),
        ("!=1.4", "1.3.0 1.5.0", "1.4.0 1.4.9"),
        (">1.4.2", "1.4.3 2.0.0", "1.4.2 1.4.1"),
        (">1.4", "1.5.0 2.0.0", "1.4.0 1.4.9"),
        (">11", "12.0.0", "11.0.0 11.9.9"),
        (">=1.4", "1.4.0 2.0.0", "1.3.9 1.5.0-beta"),
        ("=>1.4", "1.4.0", "1.3.9"),
        ("<2", "1.9.9 0.0.1", "2.0.0 2.0.0-rc.1"),
        ("<1.4.x", "1.3.9", "1.4.0"),
        ("<=1.4", "1.4.0 1.4.9 0.1.0", "1.5.0"),
        ("<=1.4.2", "1.4.2", "1.4.3"),
        ("<=2.x", "2.9.9", "3.0.0"),
        (">=1.4 <2", "1.4.0 1.9.9", "2.0.0 1.3.9"),
        (">=1.4, <2", "1.4.0 1.9.9", "2.0.0 1.3.9"),
        (">= 1.4 , < 2", "1.4.0 1.9.9", "2.0.0 1.3.9"),
        (">=1.4 <2 !=1.5.3", "1.5.2", "1.5.3"),
        (">=1.4 <2 || >=3", "1.5.0 3.0.0", "2.5.0"),
        ("1.2 - 1.4", "1.2.0 1.4.9", "1.5.0 1.1.9"),
        ("1.2 - 1.4.5", "1.4.5", "1.4.6"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~1.2", "1.2.0 1.2.9", "1.3.0"),
        ("~>1", "1.0.0 1.9.0", "2.0.0"),
        ("~*", "0.0.1 9.9.9", "1.0.0-a"),
        ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^1.2", "1.2.0 1.9.0", "2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.3.0 1.0.0"),
        ("^0.2", "0.2.0 0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.0", "1.0.0"),
        (">=1.4.0-0 <2", "1.4.0-alpha 1.5.0-rc.1 1.5.0", "1.3.0 2.0.0"),
        ("^1.2.0-beta.2", "1.2.0-beta.2 1.2.0-beta.10 1.9.0-alpha", "1.2.0-beta.1 2.0.0-alpha"),
        ("~1.2.3-beta.2", "1.2.3-beta.4 1.2.4-beta.2", "1.3.4-beta.2"),
        ("^1 || >=2.0.0-0", "2.0.0-rc.1 1.5.0", "1.5.0-rc.1"),
        (">0-0", "1.0.0", "0.0.1-alpha"),
        (">0.0.0-0", "0.0.0-alpha 1.0.0", ""),
        ("!=4.1-alpha", "4.1.0", "4.1.0-alpha 4.1.1-alpha"),
        ("!=4-alpha", "5.0.0-alpha", "4.1.0 4.1.0-alpha"),
        ("!=4.1 >=4.0.0-0", "4.1.0-alpha 4.2.0", "4.1.0 4.1.9"),
        ("=<1.4", "1.4.9", "1.5.0"),
        ("> 1.2.3", "1.2.4", "1.2.3"),
        (">  1.4,<2||  ~> 3.1", "1.5.0 3.1.9", "1.4.9 2.0.0 3.2.0"),
        ("1.x || >=2.5.0", "1.9.0 2.5.0 3.0.0", "2.4.9 0.9.0"),
        ("1.0.0 - 2.0.0, <=1.9", "1.0.0 1.9.9", "2.0.0 0.9.0"),
        ("1 - 2 !=1.5.0 || v4 - v5", "1.0.0 2.9.9 4.0.0 5.9.9", "1.5.0 3.0.0 6.0.0"),
        ("1.2.3-alpha - 1.3", "1.2.3-beta 1.3.0-rc.1 1.3.9", "1.2.2 1.4.0"),
        (">1.0.0-beta.1 <2", "1.0.0-beta.2 1.5.0-rc.1", "2.0.0 1.0.0-alpha"),
        (">1.0.0-beta.1 <2 || >3", "1.0.0-rc.1 4.0.0", "4.0.0-rc.1 3.9.0"),
        (">=1.2.3-BETA", "1.2.3-alpha 1.2.3", "1.2.3-ALPHA"),
        ("^1.2.x", "1.2.0 1.9.0", "2.0.0 1.1.9"),
        ("^*", "0.0.1 9.0.0", "1.0.0-a"),
        ("~0.0.0", "0.0.0 9.1.2", "0.0.1-a"),
        ("~0", "0.0.0 0.9.9", "1.0.0"),
        ("^0.0.0", "0.0.0", "0.0.1 0.1.0"),
        ("x", "0.0.1 9.0.0", "1.0.0-a"),
        ("1.X.3", "1.0.0 1.9.9", "2.0.0"),
        (">*", "0.0.1 9.0.0", "0.0.0"),
        ("<*", "", "0.0.0 0.0.1"),
        ("<=*", "0.0.0 0.0.9", "0.1.0 1.0.0"),
        ("!=*", "0.0.1 1.0.0", "0.0.0"),
        ("=1.2.3+build.7", "1.2.3 1.2.3+other", "1.2.4"),
        (">=99999999999999999999.0", "99999999999999999999.0.0", "99999999999999999998.9.9"),
    ],
)
def test_a_range_holds_these_versions_and_not_those(text: str, inside: str, outside: str) -> None:
    allowed = read_range(text)
    assert allowed is not None
    answers = {word: allowed.refuses(_version(word)) for word in (inside + " " + outside).split()}
    assert {word for word, refused in answers.items() if not refused} == set(inside.split())


@pytest.mark.parametrize(
    "text",
    [
        "foo", ">= bar", "BAR >= 1.2.3", "12.3.4.5", "1.2.3~ 1.2", ">=1<2", "||", ">=1 ||", ",>=1", ">=1,", ">=1,,<2",
        "==1.2", "< = 1", "01.2", "1.2.3-01", "1.2.3-", "1.2.", "1x", "x1", "-1", "1.0.0p", "V1.2", ">=1.2 - 1.4",
        "1 - 2 - 3", "1 -2", "1.2.3 -", ">", "1|2", "1.2.3-a..b", "١.2",
    ],
)  # fmt: skip
def test_what_is_no_range_is_none(text: str) -> None:
    assert read_range(text) is None


@pytest.mark.parametrize(
    "text", ["1", "1.4", "latest", "1.4.2.1", "01.2.3", "1.2.3-01", "V1.2.3", "1.2.3-", "", "١.2.3"]
)
def test_a_tag_that_is_not_a_whole_version_is_none(text: str) -> None:
    assert read_version(text) is None


def test_versions_sort_as_semver_says() -> None:
    """The chain of SemVer 2.0.0 §11."""
    chain = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    keys = [_version(f"1.0.0-{word}").key for word in chain] + [_version("1.0.0").key]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_the_refusal_says_which_rule_it_was() -> None:
    allowed = read_range(">=1.4 <2")
    assert allowed is not None
    assert allowed.refuses(_version("2.0.0")) == "outside >=1.4 <2"
    assert allowed.refuses(_version("1.5.0-rc.1")) == "a pre-release, and the range names none"


# ---- an oracle for releases: every comparison is a stretch of versions, from one and up to another ----

WRITTEN = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)
TOP = (9, 9, 9)


def stretch(op: str, written: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first version of it and the first one behind it, as the README says in words."""
    low = written + (0,) * (3 - len(written))
    after = low if len(written) < 3 else (*low[:2], low[2] + 1)
    past = [(*written[:kept], *(0,) * (3 - kept)) for kept in range(len(written) + 1)]
    upper = {kept: tuple(n + (place == kept - 1) for place, n in enumerate(past[kept])) for kept in range(1, len(past))}
    match op:
        case ">":
            return (after if len(written) == 3 else upper[len(written)]), TOP
        case ">=":
            return low, TOP
        case "<":
            return (0, 0, 0), low
        case "<=":
            return (0, 0, 0), upper[len(written)]
        case "~":
            return low, upper[min(2, len(written))]
        case "^":
            place = next((place for place, n in enumerate(written, 1) if n), len(written))
            return low, upper[place]
        case _:
            return low, upper[len(written)]


@given(
    st.lists(st.tuples(st.sampled_from(["=", "!=", ">", ">=", "<", "<=", "~", "^"]), WRITTEN), min_size=1, max_size=3),
    st.tuples(*[st.integers(0, 4)] * 3),
)
def test_a_release_is_in_a_range_when_it_is_in_every_stretch(
    parts: list[tuple[str, tuple[int, ...]]], version: tuple[int, int, int]
) -> None:
    allowed = read_range(" ".join(op + ".".join(map(str, written)) for op, written in parts))
    assert allowed is not None
    wanted = True
    for op, written in parts:
        start, end = stretch(op, written)
        inside = start <= version < end
        if (op, written) == ("~", (0, 0, 0)):
            inside = True
        wanted = wanted and (inside is not (op == "!="))
    assert (not allowed.refuses(_version(".".join(map(str, version))))) is wanted


@given(st.text(alphabet="0123456789.xX*~^<>=!|, -v+abc", max_size=24))
def test_any_text_is_a_range_or_none(text: str) -> None:
    allowed = read_range(text)
    assert allowed is None or isinstance(allowed.refuses(_version("1.2.3")), str)


def _version(text: str) -> Version:
    version = read_version(text)
    assert version is not None, text
    return version
