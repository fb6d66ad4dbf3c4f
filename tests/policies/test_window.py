from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import CellError
from policies.gate import Asked
from policies.week import DAY
from policies.window import WindowRule, never_fits, read_window
from rollouts.findings import Answer, Finding
from tests.policies.rows import IMAGE, facts, problems, row

MON, TUE, WED, THU, FRI, SAT, SUN = (day * DAY for day in range(7))
NINE, TEN, NOON, ONE, FIVE = (hour * 60 for hour in (9, 10, 12, 13, 17))


def rule(text: str) -> WindowRule:
    read = read_window(text)
    assert read is not None
    return read


GOOD = {
    "Mon 09:00-17:00 UTC": [(MON + NINE, MON + FIVE)],
    "mon 09:00-17:00 utc": [(MON + NINE, MON + FIVE)],
    "Mon-Tue 09:00-17:00 UTC": [(MON + NINE, MON + FIVE), (TUE + NINE, TUE + FIVE)],
    "Mon - Tue 09:00 - 17:00 UTC": [(MON + NINE, MON + FIVE), (TUE + NINE, TUE + FIVE)],
    "Mon, Wed-Thu 09:00-17:00, Sat 10:00-12:00 UTC": [
        (MON + NINE, MON + FIVE),
        (WED + NINE, WED + FIVE),
        (THU + NINE, THU + FIVE),
        (SAT + TEN, SAT + NOON),
    ],
    "Mon,Wed 09:00-12:00,13:00-17:00 UTC": [
        (MON + NINE, MON + NOON),
        (MON + ONE, MON + FIVE),
        (WED + NINE, WED + NOON),
        (WED + ONE, WED + FIVE),
    ],
    "Mon-Fri 00:00-24:00 UTC": [(MON, SAT)],
    "Sat-Mon 00:00-24:00 UTC": [(MON, TUE), (SAT, SUN + DAY)],
    "Fri 22:00-02:00 UTC": [(FRI + 22 * 60, SAT + 120)],
    "Sun 22:00-02:00 UTC": [(MON, MON + 120), (SUN + 22 * 60, SUN + DAY)],
    "Fri 22:00-00:00 UTC": [(FRI + 22 * 60, SAT)],
    "Mon 09:00-12:00, 11:00-13:00 UTC": [(MON + NINE, MON + ONE)],
    "daily 00:00-24:00 UTC": [(MON, SUN + DAY)],
    "daily 12:00-00:00, 00:00-12:00 UTC": [(MON, SUN + DAY)],
}


@pytest.mark.parametrize(("text", "parts"), GOOD.items())
def test_days_and_hours_are_the_minutes_of_a_week(text: str, parts: list[tuple[int, int]]) -> None:
    assert rule(text).week.parts == tuple(parts)


def test_none_is_any_time() -> None:
    assert read_window("none") is None
    assert read_window("None") is None


@pytest.mark.parametrize("zone", ["Europe/London", "america/argentina/BUENOS_AIRES", "US/Eastern", "UTC"])
def test_a_zone_is_an_iana_name_in_any_case(zone: str) -> None:
    assert rule(f"daily 09:00-17:00 {zone}").zone.key.lower() == zone.lower()


HOURS = 'Window: expected hours as in "09:00-17:00", found '
DAYS = 'Window: expected days as in "Mon-Fri" or "daily", found '
BEHIND = 'Window: expected hours behind the days as in "Mon-Fri 09:00-17:00", found '
ZONE = 'Window: expected a zone as in "Europe/London" or "UTC", found '
NO_ZONE = 'Window: expected a zone as in "Mon-Fri 09:00-17:00 Europe/London", found none'
BAD = [
    ("Mon-Fri 09:00-17:00", [NO_ZONE], ""),
    ("Mon-Fri 9-17", [f'{HOURS}"9-17"', NO_ZONE], ""),
    (
        "Mon-Fri",
        [f'{BEHIND}"Mon-Fri"', 'Window: expected a zone as in "Mon-Fri 00:00-24:00 Europe/London", found none'],
        "",
    ),
    ("Mon-Fri 9-17 UTC", [f'{HOURS}"9-17"'], "Mon-Fri 09:00-17:00 UTC"),
    ("Mon-Fri 9am-5pm UTC", [f'{HOURS}"9am-5pm"'], "Mon-Fri 09:00-17:00 UTC"),
    ("Mon-Fri 12am-12pm UTC", [f'{HOURS}"12am-12pm"'], "Mon-Fri 00:00-12:00 UTC"),
    ("Mon-Fri 0900-1730 UTC", [f'{HOURS}"0900-1730"'], "Mon-Fri 09:00-17:30 UTC"),
    ("Mon-Fri 9:00 to 17.30 UTC", [f'{HOURS}"9:00 to 17.30"'], "Mon-Fri 09:00-17:30 UTC"),
    ("Mon-Fri 9-5 UTC", [f'{HOURS}"9-5"'], ""),
    ("Mon-Fri 24:00-02:00 UTC", [f'{HOURS}"24:00-02:00"'], ""),
    ("Mon-Fri 09:60-17:00 UTC", [f'{HOURS}"09:60-17:00"'], ""),
    ("Mon-Fri 20:00-24:30 UTC", ['Window: expected an end by "24:00", found "20:00-24:30"'], ""),
    (
        "daily 00:00-00:00 UTC",
        [
            (
                'Window: expected an end that is not the beginning, or "00:00-24:00" for the whole day, '
                'found "00:00-00:00"'
            )
        ],
        "daily 00:00-24:00 UTC",
    ),
    (
        "09:00-17:00 UTC",
        ['Window: expected days before the hours as in "daily 09:00-17:00", found "09:00-17:00"'],
        "daily 09:00-17:00 UTC",
    ),
    ("weekdays 09:00-17:00 UTC", [f'{DAYS}"weekdays"'], "Mon-Fri 09:00-17:00 UTC"),
    ("Monday to Friday 09:00-17:00 UTC", [f'{DAYS}"Monday to Friday"'], "Mon-Fri 09:00-17:00 UTC"),
    ("Tues and Thurs 09:00-17:00 UTC", [f'{DAYS}"Tues and Thurs"'], "Tue, Thu 09:00-17:00 UTC"),
    ("Montag 09:00-17:00 UTC", [f'{DAYS}"Montag"'], ""),
    ("Mon-Wed-Fri 09:00-17:00 UTC", [f'{DAYS}"Mon-Wed-Fri"'], ""),
    ("Sat-Sun UTC", [f'{BEHIND}"Sat-Sun"'], "Sat-Sun 00:00-24:00 UTC"),
    ("Mon 09:00-12:00, Tue UTC", [f'{BEHIND}"Tue"'], "Mon 09:00-12:00, Tue 00:00-24:00 UTC"),
    (
        "Mon 09:00-12:00; Tue 09:00-12:00 UTC",
        [f'{HOURS}"09:00-12:00; Tue 09:00-12:00"'],
        "Mon 09:00-12:00, Tue 09:00-12:00 UTC",
    ),
    (
        "Mon,, Tue 09:00-12:00 UTC",
        ["Window: expected days or hours between two commas, found nothing"],
        "Mon, Tue 09:00-12:00 UTC",
    ),
    ("Europe/London", ['Window: expected days and hours as in "Mon-Fri 09:00-17:00", found none'], ""),
    ("always", ['Window: expected hours as in "Mon-Fri 09:00-17:00 UTC", found "always"'], "none"),
    ("Mon 09:00-17:00 Europe/Lodnon", [f'{ZONE}"Europe/Lodnon"'], "Mon 09:00-17:00 Europe/London"),
    ("Mon 09:00-17:00 London", [f'{ZONE}"London"'], "Mon 09:00-17:00 Europe/London"),
    ("Mon 09:00-17:00 America/New York", [f'{ZONE}"America/New York"'], "Mon 09:00-17:00 America/New_York"),
    ("Mon 09:00-17:00 Buenos Aires", [f'{ZONE}"Buenos Aires"'], "Mon 09:00-17:00 America/Buenos_Aires"),
    ("Mon 09:00-17:00 EST", [f'{ZONE}"EST"'], "Mon 09:00-17:00 America/New_York"),
    ("Mon 09:00-17:00 CET", [f'{ZONE}"CET"'], "Mon 09:00-17:00 Europe/Berlin"),
    ("Mon 09:00-17:00 GMT", [f'{ZONE}"GMT"'], "Mon 09:00-17:00 UTC"),
    ("Mon 09:00-17:00 Etc/GMT+1", [f'{ZONE}"Etc/GMT+1"'], ""),
    ("Mon 09:00-17:00 UTC+1", [f'{ZONE}"UTC+1"'], ""),
    ("Mon 09:00-17:00 IST", [f'{ZONE}"IST"'], ""),
    ("Mon 09:00-17:00 ../../etc/passwd", [f'{ZONE}"../../etc/passwd"'], ""),
    (
        "weekdays 9-17 London",
        [f'{DAYS}"weekdays"', f'{HOURS}"9-17"', f'{ZONE}"London"'],
        "Mon-Fri 09:00-17:00 Europe/London",
    ),
    (", ".join(["Mon 09:00-12:00"] * 21) + " UTC", ["Window: expected at most 20 parts, found 21"], ""),
]


@pytest.mark.parametrize(("text", "said", "hint"), BAD, ids=[text[:50] for text, _, _ in BAD])
def test_a_mistake_is_said_and_the_corrected_cell_is_offered(text: str, said: list[str], hint: str) -> None:
    offer = f'; did you mean "{hint}"?' if hint else ""
    assert problems({"Window": text}) == [line + offer for line in said]
    assert not hint or problems({"Window": hint}) == []


@given(st.text(alphabet="MonTueFridaily 0123456789:-,;.Euop/LndUTC", max_size=60) | st.text(max_size=60))
def test_any_text_is_a_rule_or_problems_whose_hints_are_good(text: str) -> None:
    assert all(hint == "none" or read_window(hint) for hint in hints(text))


def hints(text: str) -> set[str]:
    """The corrected cells that are offered; only `CellError` is an answer to a bad cell."""
    try:
        read_window(text)
    except CellError as error:
        return {problem.hint for problem in error.problems} - {""}
    return set()


DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SPANS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, DAY - 1), st.integers(1, DAY)).filter(lambda span: span[1] != span[2]),
    min_size=1,
    max_size=6,
)


@given(SPANS, st.sampled_from([", ", ","]))
def test_what_is_written_is_what_is_read(spans: list[tuple[int, int, int]], gap: str) -> None:
    """Printed one day at a time, and judged minute by minute."""
    texts = [
        f"{DAY_NAMES[day]} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}" for day, start, end in spans
    ]
    week = rule(f"{gap.join(texts)} UTC").week
    minutes = set()
    for day, start, end in spans:
        length = end - start if end > start else end + DAY - start
        minutes |= {(day * DAY + start + minute) % (7 * DAY) for minute in range(length)}
    assert {minute for start, end in week.parts for minute in range(start, end)} == minutes
    assert all(before[1] < after[0] for before, after in zip(week.parts, week.parts[1:], strict=False))


# ---- the answer


def ask(text: str, now: str, takes: timedelta = timedelta(minutes=40)) -> Finding:
    policy = row({"Steps": f"100% for {int(takes.total_seconds())}s"})
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    return rule(text).ask(Asked(policy=policy, image=IMAGE, facts=facts(), now=at))


LONDON = "Mon-Fri 09:00-17:00 Europe/London"
SAID = [  # 2026-11-24 is a Tuesday
    (LONDON, "2026-11-24 12:00", "", f"inside {LONDON}"),
    (LONDON, "2026-11-24 16:20", "", f"inside {LONDON}"),
    (LONDON, "2026-11-24 16:21", "2026-11-25 09:00", "the bakes (40 m) no longer fit before 17:00; opens Wed 09:00"),
    (LONDON, "2026-11-24 17:00", "2026-11-25 09:00", f"outside {LONDON}; opens Wed 09:00"),
    (LONDON, "2026-11-24 08:59", "2026-11-24 09:00", f"outside {LONDON}; opens 09:00"),
    (LONDON, "2026-11-27 17:00", "2026-11-30 09:00", f"outside {LONDON}; opens Mon 09:00"),
    (LONDON, "2026-07-07 08:00", "", f"inside {LONDON}"),
    (
        "Tue 09:00-10:00 UTC",
        "2026-11-24 10:00",
        "2026-12-01 09:00",
        "outside Tue 09:00-10:00 UTC; opens Tue 2026-12-01 09:00",
    ),
    (
        "Mon-Fri 00:00-24:00 Asia/Tokyo",
        "2026-11-27 14:30",
        "2026-11-29 15:00",
        "the bakes (40 m) no longer fit before Sat 00:00; opens Mon 00:00",
    ),
    (
        "Mon 09:00-09:30, Fri 09:00-10:00 UTC",
        "2026-11-28 09:00",
        "2026-12-04 09:00",
        "outside Mon 09:00-09:30, Fri 09:00-10:00 UTC; opens Fri 09:00",
    ),
]


@pytest.mark.parametrize(("text", "now", "ask_at", "because"), SAID)
def test_the_answer_says_why_and_when(text: str, now: str, ask_at: str, because: str) -> None:
    said = ask(text, now)
    zone = f" {text.rsplit(maxsplit=1)[-1]}" if "bakes" in because else ""
    assert (said.gate, said.because) == ("window", because + zone)
    assert said.answer is (Answer.WAITING if ask_at else Answer.OPEN)
    assert said.ask_at == (datetime.fromisoformat(ask_at).replace(tzinfo=UTC) if ask_at else None)
    assert not WindowRule.lasting


def test_a_window_that_never_opens_long_enough_has_no_next_time() -> None:
    said = ask("Mon 09:00-09:30 UTC", "2026-11-24 12:00")
    assert (said.answer, said.ask_at) == (Answer.WAITING, None)
    assert said.because == "outside Mon 09:00-09:30 UTC; within a year it never opens for 40 m"


def test_a_window_that_never_closes_takes_any_bakes() -> None:
    assert ask("daily 00:00-24:00 Europe/London", "2026-11-24 12:00", timedelta(days=30)).answer is Answer.OPEN


def test_a_long_cell_is_cut_in_the_because() -> None:
    said = ask(f"{'Mon 09:00-09:30, ' * 10}Tue 09:00-10:00 UTC", "2026-11-24 12:00")
    assert len(said.because) < 150


# ---- the row


def test_a_window_into_which_the_bakes_never_fit_is_a_problem_of_the_row() -> None:
    said = "Window: expected one stretch as long as the bakes of Steps, found at most 30m for bakes of 40m"
    assert problems({"Window": "Mon-Fri 09:00-09:30 UTC"}) == [said]
    assert problems({"Window": "Mon-Fri 09:00-09:30 UTC", "Steps": "100% for 30m"}) == []
    assert problems({"Window": "Mon-Fri 09:00-09:30, 09:30-09:40 UTC"}) == []
    assert problems({}, defaults={"Window": "Mon 09:00-09:30 UTC"}) == [said.replace("Window", "Window (defaults row)")]
    locked = {"Window": "Mon 09:00-09:30 UTC", "Lock": "Window"}
    assert problems({"Window": LONDON}, defaults=locked) == [said.replace("Window", "Window (defaults row)")]


def test_bakes_that_cannot_be_read_fit_into_any_window() -> None:
    assert [said.partition(":")[0] for said in problems({"Window": "Mon 09:00-09:30 UTC", "Steps": "5,25"})] == [
        "Steps"
    ]


@pytest.mark.parametrize(
    ("text", "longest"),
    [(LONDON, 8), ("Mon-Fri 00:00-24:00 UTC", 120), ("Fri-Mon 00:00-24:00 UTC", 96), ("daily 22:00-02:00 UTC", 4)],
)
def test_the_longest_stretch_joins_windows_that_touch(text: str, longest: int) -> None:
    assert never_fits(rule(text), timedelta(hours=longest)) == ""
    assert (
        never_fits(rule(text), timedelta(hours=longest, minutes=1)) == f"at most {longest}h for bakes of {longest}h1m"
    )
