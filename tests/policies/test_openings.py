"""Windows and freezes against a walk of the clock, minute by minute, across every clock change of ten zones.

The oracle reads a wall clock and compares days and times one window at a time; it shares nothing with the code but the
time zone data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.freeze import FreezeRule, read_freeze
from policies.gate import Asked
from policies.window import WindowRule, never_fits, read_window
from rollouts.findings import Answer
from tests.policies.rows import IMAGE, facts, row

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
ZONES = (
    "Europe/London",
    "Europe/Dublin",  # winter is the exception there
    "America/New_York",
    "America/Nuuk",  # on a Saturday evening
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Chatham",  # 12:45 ahead of UTC
    "Antarctica/Troll",  # by two hours
    "Africa/Cairo",  # at midnight
    "Africa/Casablanca",  # for Ramadan, until it was given up
    "Asia/Gaza",  # twice a year, and around Ramadan
    "Asia/Kolkata",  # never
)
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Hours:
    """One window as the oracle reads it: days, and times of the clock; end <= start is on the next day."""

    days: frozenset[int]
    start: time
    end: time | None  # None: 24:00

    def shows(self, wall: datetime) -> bool:
        clock = wall.time()
        if self.end is None:
            return wall.weekday() in self.days and self.start <= clock
        if self.start < self.end:
            return wall.weekday() in self.days and self.start <= clock < self.end
        yesterday = (wall.weekday() + 6) % 7
        return (wall.weekday() in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)

    @property
    def text(self) -> str:
        end = "24:00" if self.end is None else f"{self.end:%H:%M}"
        return f"{', '.join(NAMES[day] for day in sorted(self.days))} {self.start:%H:%M}-{end}"


def hours(days: str, start: str, end: str) -> Hours:
    named = frozenset(number for number, name in enumerate(NAMES) if name in days or days == "daily")
    return Hours(named, time.fromisoformat(start), None if end == "24:00" else time.fromisoformat(end))


WINDOWS = [
    (hours("daily", "00:30", "01:30"),),
    (hours("daily", "01:30", "02:30"),),
    (hours("daily", "02:00", "03:00"), hours("daily", "03:30", "04:00")),
    (hours("daily", "23:30", "00:15"), hours("daily", "00:45", "02:15")),
    (hours("Sat Sun", "22:00", "03:00"),),
    (hours("Sun", "00:00", "24:00"), hours("Mon", "00:00", "09:00")),
    (hours("Mon Tue Wed Thu Fri", "09:00", "17:00"),),
]


@cache
def clock_of(zone: str) -> ZoneInfo:
    """From the package too: the data of this machine may be of another year."""
    with (files("tzdata") / "zoneinfo" / zone).open("rb") as data:
        return ZoneInfo.from_file(data)


@cache
def clock_changes(zone: str) -> list[datetime]:
    """The whole hours (UTC) by whose end the zone's clock was set; none is set twice in a day."""
    clock, found, day = clock_of(zone), [], FIRST

    def differs(at: datetime, step: timedelta) -> bool:
        return at.astimezone(clock).utcoffset() != (at + step).astimezone(clock).utcoffset()

    while day < LAST:
        if differs(day, 24 * HOUR):
            found += [at for at in (day + n * HOUR for n in range(24)) if differs(at, HOUR)]
        day += 24 * HOUR
    return found


def window(windows: tuple[Hours, ...], zone: str) -> WindowRule:
    rule = read_window(f"{', '.join(one.text for one in windows)} {zone}")
    assert rule is not None
    return rule


def walked(windows: tuple[Hours, ...], zone: str, start: datetime, minutes: int) -> list[bool]:
    """Whether each minute from the start on is open."""
    return [any(one.shows(wall) for one in windows) for wall in walls(zone, start, minutes)]


@lru_cache(100)
def walls(zone: str, start: datetime, minutes: int) -> list[datetime]:
    clock = clock_of(zone)
    return [(start + minute * MINUTE).astimezone(clock) for minute in range(minutes)]


POLICY, FACTS = row(), facts()


def asked(now: datetime, takes: timedelta = MINUTE) -> Asked:
    return Asked(policy=replace(POLICY, takes=takes), image=IMAGE, facts=FACTS, now=now)


def next_start(opened: list[bool], at: int, takes: int) -> int | None:
    """The first minute from `at` on at which all of `takes` minutes are open; None: not within the walk."""
    run = 0
    for minute in range(at, len(opened)):
        run = run + 1 if opened[minute] else 0
        if run == takes:
            return minute - takes + 1
    return None


def test_there_are_many_changes_to_test() -> None:
    assert sum(len(clock_changes(zone)) for zone in ZONES) > 180
    assert [zone for zone in ZONES if not clock_changes(zone)] == ["Asia/Kolkata"]


@pytest.mark.parametrize("windows", WINDOWS, ids=[", ".join(one.text for one in each) for each in WINDOWS])
@pytest.mark.parametrize("zone", ZONES)
def test_a_window_opens_and_closes_as_a_walk_of_the_clock_does_around_every_change(
    zone: str, windows: tuple[Hours, ...]
) -> None:
    rule = window(windows, zone)
    for change in clock_changes(zone) or [FIRST]:
        start, minutes = change - 12 * HOUR, 42 * 60
        opened = walked(windows, zone, start, minutes)
        edges = [minute for minute, (before, after) in enumerate(pairwise(opened), 1) if before != after]
        near = {minute + more for minute in (0, *edges, 12 * 60) for more in (-1, 0, 1)}
        for minute in sorted(near & set(range(minutes))):
            said = rule.ask(asked(start + minute * MINUTE))
            assert (said.answer is Answer.OPEN) == opened[minute]
            opens = next_start(opened, minute, 1)
            if said.answer is Answer.WAITING and opens is not None:
                assert said.ask_at == start + opens * MINUTE


@pytest.mark.parametrize(
    ("text", "now", "opens"),
    [
        ("Sat 23:30-23:45", datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC), datetime(2010, 11, 7, 3, 0, tzinfo=UTC)),
        ("Sun 00:00-00:01", datetime(2010, 10, 31, 2, 45, tzinfo=UTC), datetime(2010, 11, 7, 2, 30, tzinfo=UTC)),
    ],
)
def test_a_clock_that_is_set_back_over_midnight_shows_both_days_twice(
    text: str, now: datetime, opens: datetime
) -> None:
    """St. John's, 2010: a minute into Sunday it was Saturday 23:01 again."""
    rule = read_window(f"{text} America/St_Johns")
    assert rule is not None
    assert rule.ask(asked(now)).ask_at == opens


SPANS = st.builds(
    Hours,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0)),
).filter(lambda one: one.start != one.end and (one.start, one.end) != (time(), time()))


@given(
    st.sampled_from([zone for zone in ZONES if clock_changes(zone)]),
    st.integers(0, 39),
    st.lists(SPANS, min_size=1, max_size=3).map(tuple),
    st.integers(1, 600),
    st.integers(-1500, 1500),
)
def test_a_start_that_is_let_through_ends_inside_and_the_next_one_is_named(
    zone: str, number: int, windows: tuple[Hours, ...], takes: int, offset: int
) -> None:
    rule = window(windows, zone)
    changes = clock_changes(zone)
    now = changes[number % len(changes)] + offset * MINUTE
    opened = walked(windows, zone, now, 8 * 24 * 60 + takes)
    expected = next_start(opened, 0, takes)
    said = rule.ask(asked(now, takes * MINUTE))

    assert (said.answer is Answer.OPEN) == (expected == 0)
    if expected:
        assert said.ask_at == now + expected * MINUTE
    elif expected is None:
        assert said.ask_at is None or said.ask_at > now + 8 * DAY
        assert said.ask_at is not None or never_fits(rule, takes * MINUTE)


@settings(max_examples=30)
@given(st.lists(SPANS, min_size=1, max_size=4).map(tuple))
def test_the_longest_stretch_of_an_ordinary_week(windows: tuple[Hours, ...]) -> None:
    rule = window(windows, "UTC")
    week = walked(windows, "UTC", FIRST, 7 * 24 * 60)
    runs = "".join("x" if minute else " " for minute in week * 2).split(" ")
    longest = max(len(run) for run in runs)
    assert never_fits(rule, longest * MINUTE) == ""
    assert bool(never_fits(rule, (longest + 1) * MINUTE)) == (not all(week))


@pytest.mark.parametrize("zone", ZONES)
def test_a_freeze_ends_as_a_walk_of_the_calendar_does(zone: str) -> None:
    """Days before, at and after a change; the walk takes minutes, the rule names the instant."""
    clock = clock_of(zone)
    for change in clock_changes(zone) or [FIRST]:
        day = change.astimezone(clock).date()
        for first, last in ((day, day), (day - DAY, day), (day, day + DAY)):
            rule = read_freeze(f"{first}..{last} {zone}")
            assert rule is not None
            for now in (change - DAY, change - MINUTE, change, change + HOUR, change + 30 * HOUR):
                said = rule.ask(asked(now))
                assert (said.answer is Answer.WAITING) == (first <= now.astimezone(clock).date() <= last)
                if said.answer is Answer.WAITING:
                    assert said.ask_at == thaw(now, last, clock)


def thaw(now: datetime, last: date, clock: ZoneInfo) -> datetime:
    while now.astimezone(clock).date() <= last:
        now += MINUTE
    return now


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("Pacific/Apia", date(2011, 12, 29), datetime(2011, 12, 30, 10, tzinfo=UTC)),  # the 30th never was
        ("America/Sao_Paulo", date(2018, 11, 3), datetime(2018, 11, 4, 3, tzinfo=UTC)),  # the 4th began at 01:00
        ("America/Havana", date(2026, 10, 31), datetime(2026, 11, 1, 4, tzinfo=UTC)),  # 00:00 came twice on the 1st
    ],
)
def test_a_freeze_ends_with_the_day_however_the_next_one_begins(zone: str, day: date, ends: datetime) -> None:
    clock = clock_of(zone)
    rule = FreezeRule(text="", frozen=((day, day),), zone=clock)
    assert rule.ask(asked(ends - MINUTE)).ask_at == ends
    assert rule.ask(asked(ends)).answer is Answer.OPEN
