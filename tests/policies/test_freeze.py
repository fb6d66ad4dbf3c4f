from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import CellError
from policies.freeze import FreezeRule, read_freeze
from policies.gate import Asked
from rollouts.findings import Answer, Finding
from tests.policies.rows import IMAGE, facts, problems, row


def rule(text: str) -> FreezeRule:
    read = read_freeze(text)
    assert read is not None
    return read


def days(*ranges: str) -> tuple[tuple[date, date], ...]:
    ends = [[date.fromisoformat(end) for end in each.split("..")] for each in ranges]
    return tuple((each[0], each[-1]) for each in ends)


GOOD = {
    "2026-12-20": days("2026-12-20"),
    "2026-12-20..2027-01-03": days("2026-12-20..2027-01-03"),
    "2026-12-20 .. 2027-01-03": days("2026-12-20..2027-01-03"),
    "2027-04-02, 2026-12-20..2027-01-03,2026-11-27": days("2026-11-27", "2026-12-20..2027-01-03", "2027-04-02"),
    "2026-12-24, 2026-12-25, 2026-12-23..2026-12-26": days("2026-12-23..2026-12-26"),
    "2026-12-25, 2026-12-24": days("2026-12-24..2026-12-25"),
    "2024-02-29": days("2024-02-29"),
    "2026-12-24 Europe/London": days("2026-12-24"),
}


@pytest.mark.parametrize(("text", "frozen"), GOOD.items())
def test_days_are_read_and_those_that_touch_are_one(text: str, frozen: tuple[tuple[date, date], ...]) -> None:
    assert rule(text).frozen == frozen
    assert read_freeze("none") is None


def test_days_are_those_of_the_zone_behind_them_or_of_utc() -> None:
    assert rule("2026-12-20").zone.key == "UTC"
    assert rule("2026-12-20 america/new_york").zone.key == "America/New_York"


EXPECTED = 'Freeze: expected days as in "2026-12-20" or "2026-12-20..2027-01-03", found '
BAD = [
    ("20/12/2026", [f'{EXPECTED}"20/12/2026"'], "2026-12-20"),
    ("12/20/2026", [f'{EXPECTED}"12/20/2026"'], "2026-12-20"),
    ("03/04/2026", [f'{EXPECTED}"03/04/2026"'], ""),
    ("03.04.2026", [f'{EXPECTED}"03.04.2026"'], "2026-04-03"),
    ("2026/12/20", [f'{EXPECTED}"2026/12/20"'], "2026-12-20"),
    ("2026-2-3", [f'{EXPECTED}"2026-2-3"'], "2026-02-03"),
    ("20261220", [f'{EXPECTED}"20261220"'], "2026-12-20"),
    ("20 Dec 2026", [f'{EXPECTED}"20 Dec 2026"'], "2026-12-20"),
    ("December 20 2026", [f'{EXPECTED}"December 20 2026"'], "2026-12-20"),
    ("2026-13-01", [f'{EXPECTED}"2026-13-01"'], "2026-01-13"),
    ("2026-02-30", [f'{EXPECTED}"2026-02-30"'], ""),
    ("1999-12-31", [f'{EXPECTED}"1999-12-31"'], ""),
    ("Christmas", [f'{EXPECTED}"Christmas"'], ""),
    (
        "2027-01-03..2026-12-20",
        ['Freeze: expected a first day that is not after the last, found "2027-01-03..2026-12-20"'],
        "2026-12-20..2027-01-03",
    ),
    ("2026-12-20-2027-01-03", [f'{EXPECTED}"2026-12-20-2027-01-03"'], "2026-12-20..2027-01-03"),
    ("2026-12-20 - 2027-01-03", [f'{EXPECTED}"2026-12-20 - 2027-01-03"'], "2026-12-20..2027-01-03"),
    ("20/12/2026 to 03/01/2027", [f'{EXPECTED}"20/12/2026 to 03/01/2027"'], ""),
    ("20/12/2026 to 31/12/2026", [f'{EXPECTED}"20/12/2026 to 31/12/2026"'], "2026-12-20..2026-12-31"),
    ("2026-12-20..2026-12-24..2027-01-03", [f'{EXPECTED}"2026-12-20..2026-12-24..2027-01-03"'], ""),
    ("2026-12-20; 2026-12-24", [f'{EXPECTED}"2026-12-20; 2026-12-24"'], "2026-12-20, 2026-12-24"),
    ("2026-12-20,", [f"{EXPECTED}nothing"], "2026-12-20"),
    ("2026-12-20T18:00..2027-01-03", [f'{EXPECTED}"2026-12-20T18:00..2027-01-03"'], ""),
    (
        "2026-12-20 CET",
        ['Freeze: expected a zone as in "Europe/London", or none for UTC, found "CET"'],
        "2026-12-20 Europe/Berlin",
    ),
    (
        "20.12.2026, 24.12.2026 nowhere",
        [
            f'{EXPECTED}"20.12.2026"',
            f'{EXPECTED}"24.12.2026"',
            'Freeze: expected a zone as in "Europe/London", or none for UTC, found "nowhere"',
        ],
        "",
    ),
    (", ".join(["2026-12-20"] * 51), ["Freeze: expected at most 50 parts, found 51"], ""),
]


@pytest.mark.parametrize(("text", "said", "hint"), BAD, ids=[text[:40] for text, _, _ in BAD])
def test_a_mistake_is_said_and_the_corrected_cell_is_offered(text: str, said: list[str], hint: str) -> None:
    offer = f'; did you mean "{hint}"?' if hint else ""
    assert problems({"Freeze": text}) == [line + offer for line in said]
    assert not hint or problems({"Freeze": hint}) == []


@given(st.text(alphabet="0123456789-./, TtoDecUC", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_rule_or_problems_whose_hints_are_good(text: str) -> None:
    assert all(read_freeze(hint) for hint in hints(text))


def hints(text: str) -> set[str]:
    """The corrected cells that are offered; only `CellError` is an answer to a bad cell."""
    try:
        read_freeze(text)
    except CellError as error:
        return {problem.hint for problem in error.problems} - {""}
    return set()


RANGES = st.lists(st.tuples(st.dates(date(2020, 1, 1), date(2020, 12, 31)), st.integers(0, 40)), min_size=1, max_size=6)


@given(RANGES)
def test_what_is_written_is_what_is_read(ranges: list[tuple[date, int]]) -> None:
    texts = [f"{first}..{first + timedelta(days=more)}" if more else f"{first}" for first, more in ranges]
    written = {first + timedelta(days=day) for first, more in ranges for day in range(more + 1)}
    frozen = rule(", ".join(texts)).frozen
    assert {first + timedelta(days=day) for first, last in frozen for day in range((last - first).days + 1)} == written
    assert rule(", ".join(f"{first}..{last}" for first, last in frozen)).frozen == frozen


# ---- the answer


def ask(text: str, now: str) -> Finding:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    return rule(text).ask(Asked(policy=row(), image=IMAGE, facts=facts(), now=at))


HOLIDAYS = "2026-11-27, 2026-12-20..2027-01-03"
SAID = [
    (HOLIDAYS, "2026-11-26 23:59", "", "not frozen before 2026-11-27"),
    (HOLIDAYS, "2026-11-27 00:00", "2026-11-28 00:00", "frozen until 2026-11-28 00:00 UTC (2026-11-27)"),
    (HOLIDAYS, "2026-11-28 00:00", "", "not frozen before 2026-12-20"),
    (HOLIDAYS, "2026-12-20 00:00", "2027-01-04 00:00", "frozen until 2027-01-04 00:00 UTC (2026-12-20..2027-01-03)"),
    (HOLIDAYS, "2027-01-03 23:59", "2027-01-04 00:00", "frozen until 2027-01-04 00:00 UTC (2026-12-20..2027-01-03)"),
    (HOLIDAYS, "2027-01-04 00:00", "", "not frozen any more"),
    ("2026-12-24 Asia/Tokyo", "2026-12-23 14:59", "", "not frozen before 2026-12-24"),
    (
        "2026-12-24 Asia/Tokyo",
        "2026-12-23 15:00",
        "2026-12-24 15:00",
        "frozen until 2026-12-25 00:00 Asia/Tokyo (2026-12-24)",
    ),
]


@pytest.mark.parametrize(("text", "now", "ask_at", "because"), SAID)
def test_the_answer_says_why_and_when(text: str, now: str, ask_at: str, because: str) -> None:
    said = ask(text, now)
    assert (said.gate, said.because) == ("freeze", because)
    assert said.answer is (Answer.WAITING if ask_at else Answer.OPEN)
    assert said.ask_at == (datetime.fromisoformat(ask_at).replace(tzinfo=UTC) if ask_at else None)


def test_a_freeze_is_asked_again_while_the_rollout_is_live() -> None:
    assert FreezeRule.lasting
