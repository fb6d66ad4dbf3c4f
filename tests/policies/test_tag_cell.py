"""The grammar of the Tags cell: what it reads, what it says of a mistake, and the cell it offers instead."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.cells import LONGEST_CELL
from policies.errors import CellError
from policies.tag_cell import read_tags
from policies.tag_kinds import Order


@pytest.mark.parametrize(
    ("cell", "order", "spelled"),
    [
        ("semver", Order.SEMVER, "semver"),
        ("Semver: >= 1.4 , < 2", Order.SEMVER, "semver: >=1.4 <2"),
        ("semver: 1.2 - 1.4 || =>3.0.0-rc.1", Order.SEMVER, "semver: >=1.2 <=1.4 || >=3.0.0-rc.1"),
        ("semver: ~> 1.2.x from hotfix-{} except *-debug , *-rc*", Order.SEMVER,
         "semver: ~1.2 from hotfix-{} except *-debug, *-rc*"),
        ("calver: YYYY.0M.MICRO", Order.CALVER, "calver: YYYY.0M.MICRO"),
        ("calver: YYYY.0M.MICRO FROM v{}", Order.CALVER, "calver: YYYY.0M.MICRO from v{}"),
        ("number", Order.NUMBER, "number"),
        ("NUMBER from build-{}", Order.NUMBER, "number from build-{}"),
        ("newest", Order.NEWEST, "newest"),
        ("newest from main-* except *-dev, *-dev", Order.NEWEST, "newest from main-* except *-dev"),
        ("glob: main-*", Order.NEWEST, "newest from main-*"),
        ("glob: main-* except main-x", Order.NEWEST, "newest from main-* except main-x"),
        ("exact: latest, stable,latest", Order.EXACT, "exact: latest, stable"),
        ("regex: main-[0-9]+", Order.NEWEST, "regex: main-[0-9]+"),
        ("regex: (?P<n>[0-9]+)-(?:a|b)", Order.REGEX, "regex: (?P<n>[0-9]+)-(?:a|b)"),
        ("regex: (?<day>[0-9]+)-(?P<n>[0-9]+) from b-{}", Order.REGEX, "regex: (?<day>[0-9]+)-(?P<n>[0-9]+) from b-{}"),
    ],
)  # fmt: skip
def test_a_cell_is_read_and_said_again_in_one_spelling(cell: str, order: Order, spelled: str) -> None:
    rule = read_tags(cell)
    assert (rule.text, rule.order, str(rule)) == (cell, order, spelled)
    again = read_tags(spelled)
    assert str(again) == spelled
    assert [again.select(tag).selected for tag in PROBES] == [rule.select(tag).selected for tag in PROBES]


PROBES = ("1.4.0", "1.2.9", "hotfix-1.2.3", "2026.11.2", "v2026.11", "build-7", "7", "main-7", "latest", "7-a", "b-1-2")
KINDS = '"semver: RANGE", "calver: FORMAT", "number", "newest", "exact: TAG", "regex: R" or "glob: P", then perhaps "from PATTERN" and "except GLOB"'  # noqa: E501 - one sentence
TOKENS = "the tokens YYYY, YY, 0Y, MAJOR, MINOR, MICRO, MODIFIER, MM, 0M, WW, 0W, DD and 0D, and letters or . _ - between them"  # noqa: E501 - one sentence
REGEX = "a regular expression of RE2"
LINEAR = "which RE2 leaves out to stay linear"

# Cell; what was expected; what was found; the corrected cell, "" for none.
MISTAKES = [
    ("", KINDS, "nothing", ""),
    ("none", KINDS, '"none"', ""),
    ("latest", KINDS, '"latest"', "exact: latest"),
    ("1.4.2", KINDS, '"1.4.2"', "exact: 1.4.2"),
    ("main-*", KINDS, '"main-*"', "newest from main-*"),
    (">=1.4", KINDS, '">=1.4"', "semver: >=1.4"),
    (">=1.4 <2", KINDS, '">=1.4 <2"', "semver: >=1.4 <2"),
    ("^1.2", KINDS, '"^1.2"', "semver: ^1.2"),
    ("1.4.x", KINDS, '"1.4.x"', "semver: 1.4.x"),
    ("from v{}", KINDS, '"from v{}"', "semver from v{}"),
    ("YYYY.0M.0D", KINDS, '"YYYY.0M.0D"', "calver: YYYY.0M.0D"),
    ("exact", KINDS, '"exact"', ""),
    ("regexp: main-.*", KINDS, '"regexp: main-.*"', "regex: main-.*"),
    ("numerical", KINDS, '"numerical"', "number"),
    ("digest: latest", KINDS, '"digest: latest"', "exact: latest"),
    ("semver >=1", KINDS, '"semver >=1"', "semver: >=1"),
    ("semver>=1.4 from v{}", KINDS, '"semver>=1.4 from v{}"', "semver: >=1.4 from v{}"),
    ("semver = 1.4", KINDS, '"semver = 1.4"', "semver: 1.4"),
    ("glob main-*", KINDS, '"glob main-*"', "glob: main-*"),
    ("calver YYYY.MM", KINDS, '"calver YYYY.MM"', "calver: YYYY.MM"),
    ("number build-*", KINDS, '"number build-*"', "number from build-{}"),
    ("newest main-*", KINDS, '"newest main-*"', "newest from main-*"),
    ("semver: >=1<2", 'a range as in "semver: >=1.4 <2"', '">=1<2"', "semver: >=1 <2"),
    ("semver: >=1<2 from v{}", 'a range as in "semver: >=1.4 <2"', '">=1<2"', "semver: >=1 <2 from v{}"),
    ("semver: ==1.4", 'a range as in "semver: >=1.4 <2"', '"==1.4"', "semver: =1.4"),
    ("semver: >=1,", 'a range as in "semver: >=1.4 <2"', '">=1,"', "semver: >=1"),
    ("semver: >=latest", 'a range as in "semver: >=1.4 <2"', '">=latest"', ""),
    ("semver: 01.2", 'a range as in "semver: >=1.4 <2"', '"01.2"', ""),
    ("semver from v*", 'a "{}" where the version stands', '"v*"', "semver from v{}"),
    ("calver", KINDS, '"calver"', ""),
    ("calver:", 'a format of at most 128 characters as in "calver: YYYY.0M.MICRO"', "nothing", ""),
    ("calver: YYYY.MM.", "a format that begins and ends with more than a separator", '"YYYY.MM."', "calver: YYYY.MM"),
    ("calver: yyyy.mm.dd", "a format with a year: YYYY, YY or 0Y", '"yyyy.mm.dd"', "calver: YYYY.MM.DD"),
    ("calver: MAJOR.MINOR", "a format with a year: YYYY, YY or 0Y", '"MAJOR.MINOR"', ""),
    ("calver: %Y.%m.%d", TOKENS, '"%Y.%m.%d"', "calver: YYYY.0M.0D"),
    ("calver: YYYY.M.D from v{}", TOKENS, '"YYYY.M.D"', "calver: YYYY.MM.DD from v{}"),
    ("calver: 2026.11.2", TOKENS, '"2026.11.2"', ""),
    ("calver: YYYY.0M.0D.1", TOKENS, '"YYYY.0M.0D.1"', ""),
    ("calver: YYYY/0M", TOKENS, '"YYYY/0M"', ""),
    ("calver: YYYYMMDD", "something between MM and DD, or nobody could say where MM ends",
     '"YYYYMMDD"', "calver: YYYY0M0D"),
    ("calver: YYYY.YY", "one year", '"YYYY.YY"', ""),
    ("calver: YYYY-0W-0M", "either a week, or a month and a day", '"YYYY-0W-0M"', ""),
    ("calver: YYYY-0D", "a month beside the day", '"YYYY-0D"', ""),
    ("calver: YYYY.MINOR.0M", "year, month and day next to each other, or nobody could say what is compared first",
     '"YYYY.MINOR.0M"', ""),
    ("calver: YYYY.MICRO.MINOR", "MAJOR before MINOR before MICRO", '"YYYY.MICRO.MINOR"', ""),
    ("calver: YYYY-MODIFIER-x", "MODIFIER at the end, for it takes whatever stands there", '"YYYY-MODIFIER-x"', ""),
    ("calver: MODIFIER-YYYY", "MODIFIER at the end, for it takes whatever stands there", '"MODIFIER-YYYY"', ""),
    ("calver: YYYY.0M from v*", 'a "{}" where the date stands', '"v*"', "calver: YYYY.0M from v{}"),
    ("number: 5", '"number" alone, or with a pattern as in "number from build-{}"', '"5"', "number"),
    ("number: build-*", '"number" alone, or with a pattern as in "number from build-{}"',
     '"build-*"', "number from build-{}"),
    ("number from build-*", 'a "{}" where the number stands', '"build-*"', "number from build-{}"),
    ("number from build", 'a "{}" where the number stands', '"build"', ""),
    ("newest: main-*", '"newest" alone, or with a pattern as in "newest from main-*"',
     '"main-*"', "newest from main-*"),
    ("exact:", '1 to 50 tags as in "exact: latest"', "nothing", ""),
    ("exact: main-*", '1 to 50 tags as in "exact: latest"', '"main-*"', "newest from main-*"),
    ("exact: a, b c", '1 to 50 tags as in "exact: latest"', '"a, b c"', ""),
    ("exact: latest from v{}", '"exact" alone: it names whole tags', '"from" or "except"', "exact: latest"),
    ("exact: latest except x", '"exact" alone: it names whole tags', '"from" or "except"', "exact: latest"),
    ("regex:", REGEX, "nothing", ""),
    ("regex: a(", REGEX, "missing ): a(", ""),
    ("regex: [a", REGEX, "missing ]: [a", ""),
    ("regex: a{1001}", REGEX, "invalid repetition size: {1001}", ""),
    ("regex: (?=x)y", REGEX, f"look-ahead (?=…), {LINEAR}", ""),
    ("regex: (?!x)y", REGEX, f"look-ahead (?!…), {LINEAR}", ""),
    ("regex: (?<=x)y", REGEX, f"look-behind (?<=…), {LINEAR}", ""),
    ("regex: (?<!x)y", REGEX, f"look-behind (?<!…), {LINEAR}", ""),
    ("regex: (a)\\1", REGEX, f"a back-reference, {LINEAR}", ""),
    ("regex: (?P<n>a)(?P=n)", REGEX, f"a back-reference, {LINEAR}", ""),
    ("regex: (?P<n>a)-(?P<n>b)", REGEX, "two groups named n", ""),
    (f"regex: (?P<n>{'(a)' * 20})", REGEX, "21 groups, more than 20", ""),
    ("regex: é", REGEX, "a character no tag can hold", ""),
    ("glob:", 'one pattern as in "glob: main-*"', "nothing", ""),
    ("glob: a* from b*", 'one pattern as in "glob: main-*"', '"from" behind it', ""),
    ("newest from", 'a pattern after "from", as in "from main-*" or "from v{}"', "nothing", "newest"),
    ("newest from a b", 'a pattern after "from", as in "from main-*" or "from v{}"', '"a b"', ""),
    ("newest from a{}b{}", 'a pattern after "from", as in "from main-*" or "from v{}"', '"a{}b{}"', ""),
    ("newest from a{}b*", 'either "{}" or "*" after "from": with both, the compared part is anybody\'s guess',
     '"a{}b*"', ""),
    ("newest from x from y", 'one "from", then one "except"', '"newest from x from y"', ""),
    ("newest except x from y", 'one "from", then one "except"', '"newest except x from y"', ""),
    ("newest except a/b, c", '1 to 50 globs after "except", as in "except *-debug, *-rc*"', '"a/b"', ""),
    ("newest except v{}", '1 to 50 globs after "except", as in "except *-debug, *-rc*"', '"v{}"', ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "expected", "found", "hint"), MISTAKES, ids=[ascii(cell).replace("\\", "~") for cell, *_ in MISTAKES]
)
def test_a_mistake_is_named_with_what_was_expected_and_the_corrected_cell(
    cell: str, expected: str, found: str, hint: str
) -> None:
    with pytest.raises(CellError) as caught:
        read_tags(cell)
    offer = f'; did you mean "{hint}"?' if hint else ""
    assert str(caught.value) == f"Tags: expected {expected}, found {found}{offer}"
    if hint:
        assert read_tags(hint).text == hint


def test_every_problem_of_a_cell_is_told_at_once() -> None:
    with pytest.raises(CellError) as caught:
        read_tags("semver: >=y from a{}b{} except a/b")
    assert len(caught.value.problems) == 3
    assert not any(problem.hint for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (f"exact: {', '.join(f't{n}' for n in range(51))}", "51 tags"),
        (f"newest except {', '.join(f't{n}' for n in range(51))}", "51 globs"),
        (f"calver: YYYY{'a' * 125}", f'"YYYY{"a" * 76}…"'),
        ("x" * (LONGEST_CELL + 1), "4097 characters"),
    ],
)
def test_what_is_too_much_is_counted(cell: str, found: str) -> None:
    with pytest.raises(CellError) as caught:
        read_tags(cell)
    assert str(caught.value).endswith(f"found {found}")


@pytest.mark.parametrize(
    "cell",
    [
        f"exact: {', '.join(f't{n}' for n in range(50))}",
        f"newest except {', '.join(f't{n}' for n in range(50))}",
        f"calver: YYYY{'a' * 124}",
        f"regex: (?P<n>{'(a)' * 19})",
        f"regex: {'(a)' * 200}",
        f"regex: {'a' * (LONGEST_CELL - 7)}",
    ],
)
def test_what_is_just_not_too_much_is_read(cell: str) -> None:
    assert read_tags(cell).text == cell


NUMBERS = st.sampled_from(["0", "1", "4", "10", "x", "*"])
VERSIONS = st.tuples(
    st.sampled_from(["", "v"]),
    st.lists(NUMBERS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", "", "-rc.1", "-0"]),
).map("".join)
COMPARISONS = st.one_of(
    st.tuples(st.sampled_from(["", "=", "!=", ">", ">=", "=>", "<", "<=", "~", "~>", "^", ">= "]), VERSIONS)
    .map("".join),
    st.tuples(VERSIONS, VERSIONS).map(" - ".join),
)  # fmt: skip
RANGES = st.lists(
    st.lists(COMPARISONS, min_size=1, max_size=3).map(", ".join), min_size=1, max_size=3
).map(" || ".join)  # fmt: skip
FORMATS = st.sampled_from(["YYYY.0M.MICRO", "0Y0M0D", "MAJOR.YYYY-0W", "DD-MM-YY", "YY.MINOR.MICROMODIFIER"])
HEADS = st.one_of(
    st.just("semver"),
    RANGES.map("semver: {}".format),
    FORMATS.map("calver: {}".format),
    st.just("number"),
    st.just("newest"),
    st.sampled_from(["a+", "(?P<a>.)-(?P<b>.)?", "(?i)x|y"]).map("regex: {}".format),
)
CELLS = st.one_of(
    st.lists(st.sampled_from(["latest", "stable", "1.4"]), min_size=1).map(", ".join).map("exact: {}".format),
    st.sampled_from(["main-*", "v?", "x{}"]).map("glob: {}".format),
    st.tuples(
        HEADS, st.sampled_from(["", " from v{}", " from {}-x"]), st.sampled_from(["", " except *-rc*", " except a,b"])
    ).map("".join),
)


@given(CELLS, st.lists(st.sampled_from(PROBES), min_size=1, max_size=3))
def test_read_said_and_read_again_is_the_same_rule(cell: str, tags: list[str]) -> None:
    rule = read_tags(cell)
    again = read_tags(str(rule))
    assert str(again) == str(rule)
    assert (again.order, again.lane, again.source, again.excluded) == (
        rule.order,
        rule.lane,
        rule.source,
        rule.excluded,
    )
    for tag in tags:
        assert again.select(tag).selected == rule.select(tag).selected
        assert again.key(tag) == rule.key(tag)


WORDS = ["semver", "calver", "number", "newest", "exact", "regex", "glob", "from", "except", ":", " ", ",", "{}", "*",
         "YYYY", "MM", "0M", "MODIFIER", "1.4", ">=", "||", "-", "(?P<n>", ")", "[", "\\", "v",
         "latest", "é"]  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=12).map("".join)))
@example("regex: " + "(" * 2000)
@example("regex: " + "(?:" * 1000 + ")" * 1000)
@example("semver: " + "9" * 4000)
@example("semver: 1.0.0-" + "0" * 4000)
@example("calver: " + "YYYY" * 30)
def test_any_text_is_a_rule_or_a_problem_whose_offer_is_a_rule(text: str) -> None:
    try:
        rule = read_tags(text)
    except CellError as error:
        for problem in error.problems:
            assert not problem.hint or read_tags(problem.hint).text == problem.hint
    else:
        assert isinstance(rule.select("1.4.2").because, str)
