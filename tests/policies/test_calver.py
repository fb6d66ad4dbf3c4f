"""Calendar versions; what each token means is calver.org's, "Scheme"."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.calver import Format, read_format
from policies.errors import CellError


def form(text: str) -> Format:
    return read_format(text, "Tags")


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("YYYY.0M.0D", "2026.11.05 v2026.11.05", "2026.11.5 2026-11-05 2026.11.05-1 x2026.11.05 26.11.05 2026.11"),
        ("vYYYY.0M", "v2026.11", "2026.11 vv2026.11"),
        ("YYYY.MM.DD", "2026.1.5 2026.01.05 2026.12.31", "2026.001.5 2026.1 02026.1.5"),
        ("YYYY0M0D", "20261105 v20261105", "2026115 2026.11.05 202611051"),
        ("0Y0M0D", "261105", "2611051 61105"),
        ("YY.MM", "26.1 6.1 106.1 06.1", "2026.1 1066.1"),
        ("0Y.0M", "26.01 06.01 106.01", "6.01 26.1"),
        ("YYYY.0M.MICRO", "2026.11.2 2026.11.99999999999999999999999 2026.11", "2026.11. 2026.11.x 2026.11.2.1"),
        ("YY.MINOR.MICRO", "26.4.11 26.4 26", "26. 26.4. 26..4"),
        ("YYYY.MAJOR", "2026.1", "2026"),
        ("MAJOR.YY.0M", "2.26.01", "26.01"),
        ("YY.0M.0D-MODIFIER", "26.11.05 26.11.05-rc1 26.11.05-alpha.2 26.11.05-1", "26.11.05- 26.11.05rc1 26.11.05-.a"),
        ("YYYY.0M.MICRO-MODIFIER", "2026.11 2026.11.3 2026.11.3-beta", "2026.11-beta 2026.11.-beta"),
        ("YY.MINOR.MICROMODIFIER", "26.1.0 26.1.0b1 26.1.0rc2", "26.1.0-b1 26.1b1"),
        ("YYYY.0M.0DMICRO", "2026.11.051", "2026.11.05"),
        ("release-YYYY_0M", "release-2026_11", "2026_11 vrelease-2026_11"),
        ("YYYY-0M-0D-alpine", "2026-11-05-alpine", "2026-11-05 2026-11-05-slim"),
        ("YYYY.0M.MICRO-x", "2026.11.1-x", "2026.11-x 2026.11.1"),
        ("YYYY-0W", "2026-01 2026-53 2020-53", "2026-00 2026-54 2025-53 2026-1"),
        ("YYYY-WW", "2026-1 2026-53", "2026-0 2025-53"),
        ("YYYY0M0D", "20280229 20000229", "20260229 21000229 20261301 20260001 20260431 20260100 20260132"),
        ("DD-MM-YYYY", "29-2-2028 31-12-2026", "29-2-2026 31-11-2026 32-1-2026"),
        ("YYYY", "2026 0001 9999", "0000"),
    ],
)  # fmt: skip
def test_a_format_fits_these_and_not_those(text: str, good: str, bad: str) -> None:
    wanted = form(text)
    assert [part for part in (good + " " + bad).split() if not wanted.refuses(part)] == good.split()
    assert [part for part in (good + " " + bad).split() if wanted.key(part) is not None] == good.split()


def test_the_refusal_says_whether_it_is_the_form_or_the_date() -> None:
    assert form("YYYY.0M.0D").refuses("2026.2.3") == "2026.2.3 does not fit YYYY.0M.0D"
    assert form("YYYY.0M.0D").refuses("2026.02.30") == "2026.02.30 names a date that does not exist"


@pytest.mark.parametrize(
    ("text", "ascending"),
    [
        ("YYYY.MM.DD", "2025.12.31 2026.1.30 2026.09.01 2026.10.3"),
        ("DD-MM-YY", "03-10-26 31-12-26 01-01-27 01-01-106"),
        ("YYYY.0M.MICRO", "2026.10.9 2026.11 2026.11.1 2026.11.2 2026.11.10 2026.12"),
        ("YY.0M.MICRO", "16.04 16.04.1 16.10 20.04 20.10"),
        ("MAJOR.YY.0M", "1.26.03 1.26.11 2.25.01"),
        ("YY.0M.MAJOR", "25.01.2 26.03.1 26.11.1"),
        ("YYYY-0W", "2026-02 2026-10 2026-53 2027-01"),
        ("YYYY.0M.0D-MODIFIER", "2026.11.05-alpha 2026.11.05-rc2 2026.11.05-rc10 2026.11.05 2026.11.06-alpha"),
        ("YY.MINOR.MICROMODIFIER", "26.1.0b1 26.1.0rc1 26.1.0 26.1.1a0"),
    ],
)
def test_versions_sort_by_time_and_not_by_spelling(text: str, ascending: str) -> None:
    keys = [form(text).key(part) for part in ascending.split()]
    assert all(one is not None and two is not None and one < two for one, two in pairwise(keys))


def test_one_date_in_two_spellings_is_one_version() -> None:
    assert form("YYYY.MM").key("2026.1") == form("YYYY.MM").key("2026.01")
    assert form("YYYY.0M.MICRO").key("2026.11") == form("YYYY.0M.MICRO").key("2026.11.0")
    assert form("DD.MM.YY").key("05.11.26") == form("YYYY-0M-0D").key("2026-11-05")


@given(st.dates(), st.dates())
def test_every_day_there_is_fits_and_sorts_as_days_do(one: date, two: date) -> None:
    wanted = form("0D-0M-YYYY")
    keys = [wanted.key(f"{day:%d-%m-}{day.year:04}") for day in (one, two)]
    assert keys[0] is not None
    assert keys[1] is not None
    assert (keys[0] < keys[1]) is (one < two)


@given(st.integers(1, 9999), st.integers(0, 60))
def test_the_weeks_of_a_year_are_those_that_hold_one_of_its_thursdays(year: int, week: int) -> None:
    first = date(year, 1, 1)
    thursday = first + timedelta(days=(3 - first.weekday()) % 7)
    count = (date(year, 12, 31) - thursday).days // 7 + 1
    assert (form("YYYY-0W").key(f"{year:04}-{week:02}") is not None) is (1 <= week <= count)


@given(st.text(alphabet="YM0DWmdyROAJINCFE.-_v1%", max_size=20))
def test_any_text_is_a_format_or_a_problem(text: str) -> None:
    try:
        wanted = form(text)
    except CellError:
        return
    assert isinstance(wanted.refuses("2026.11.05"), str)
