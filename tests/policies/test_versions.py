"""Ranges are read as Masterminds/semver v3 reads them; its README is the reference."""

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
    ],
)
def test_a_range_holds_these_versions_and_not_those(text: str, inside: str, outside: str) -> None:
    allowed = read_range(text)
    assert allowed is not None
    answers = {word: allowed.refuses(_version(word)) for word in (inside + " " + outside).split()}
    assert {word for word, refused in answers.items() if not refused} == set(inside.split())


@pytest.mark.parametrize(
    "text", ["foo", ">= bar", "12.3.4.5", "1.2.3~ 1.2", ">=1<2", "||", ">=1 ||", ">*", ",>=1", "01.2"]
)
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


@given(st.text(alphabet="0123456789.xX*~^<>=!|, -v+abc", max_size=24))
def test_any_text_is_a_range_or_none(text: str) -> None:
    allowed = read_range(text)
    assert allowed is None or isinstance(allowed.refuses(_version("1.2.3")), str)


def _version(text: str) -> Version:
    version = read_version(text)
    assert version is not None, text
    return version
