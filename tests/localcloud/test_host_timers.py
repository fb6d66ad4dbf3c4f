"""Timers of the Functions host across its end: what was missed is made up for once, and two hosts are one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localcloud.host import occurrences
from localcloud.host.occurrences import NEVER, Status, begun, due, remembered
from tests.localcloud.hosts import Hosted, hosted

HOURLY = "0 0 * * * *"
NOON = datetime(2024, 5, 6, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def status(last: datetime, following: datetime, updated: datetime | None = None) -> Status:
    return Status(last=last, next=following, updated=updated or last)


@pytest.mark.parametrize(
    ("known", "now", "expected", "missed"),
    [
        (None, NOON, status(NEVER, NOON + HOUR, NOON), False),  # a new timer has missed nothing
        (status(NOON, NOON + HOUR), NOON + HOUR / 2, status(NOON, NOON + HOUR), False),
        (status(NOON, NOON + HOUR), NOON + HOUR, status(NOON, NOON + HOUR), False),  # it is due, not past due
        (status(NOON, NOON + HOUR), NOON + 5 * HOUR, status(NOON, NOON + HOUR), True),
        (status(NEVER, NOON + HOUR, NOON), NOON + 2 * HOUR, status(NEVER, NOON + HOUR, NOON), True),
        # It was daily until now: what is due of the new schedule is not past due, however long ago it is.
        (status(NOON, NOON + 24 * HOUR), NOON + HOUR / 2, status(NEVER, NOON + HOUR, NOON), False),
        (status(NOON, NOON + 24 * HOUR), NOON + 5 * HOUR, status(NEVER, NOON + 6 * HOUR, NOON + 5 * HOUR), False),
    ],
)
def test_a_time_is_missed_when_it_is_past_and_the_schedule_is_still_the_same(known, now, expected, missed):
    assert begun(known, HOURLY, now) == (expected, missed)


@pytest.mark.parametrize(
    ("schedule", "settings", "expected"),
    [
        (HOURLY, {}, True),
        (HOURLY, {"useMonitor": True}, True),
        (HOURLY, {"useMonitor": False}, False),
        ("0 * * * * *", {}, True),
        ("*/30 * * * * *", {"useMonitor": True}, False),
        ("10,20,45 * * * * *", {}, False),
        ("* */20 * * * *", {}, True),  # there are pauses of more than a minute
        ("* * 12 * * Mon", {}, True),
    ],
)
def test_a_timer_is_remembered_unless_it_runs_more_than_once_a_minute_or_says_no(schedule, settings, expected):
    assert remembered(schedule, settings, NOON + timedelta(seconds=7)) is expected


def test_a_status_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "status"
    assert occurrences.read(file) is None
    for one in (status(NEVER, NOON + HOUR, NOON), status(NOON + timedelta(microseconds=1), NOON + HOUR)):
        occurrences.write(file, one)
        assert occurrences.read(file) == one


YEARLY = "0 0 0 1 1 *"
MISSED = f"""
    @app.timer_trigger(arg_name="timer", schedule="{YEARLY}")
    async def yearly(timer: func.TimerRequest):
        tell(yearly="begins", late=timer.past_due, status=timer.schedule_status)
        if (FOLDER / "wait").exists():
            await until((FOLDER / "go").exists)
        tell(yearly="ends")

    @app.timer_trigger(arg_name="timer", schedule="{YEARLY}", use_monitor=False)
    async def forgetful(timer: func.TimerRequest):
        tell(forgetful=True)

    @app.timer_trigger(arg_name="timer", schedule="{YEARLY}", run_on_startup=True)
    async def started(timer: func.TimerRequest):
        tell(started=True, late=timer.past_due)
"""


def let_years_pass(host: Hosted, name: str) -> Status:
    """Leave what a host would have left that ran years ago."""
    then = due(YEARLY, NOON)
    old = status(then, due(YEARLY, then))
    occurrences.write(host.functions.shared / f"timer.{name}.json", old)
    return old


async def again(host: Hosted) -> None:
    """Start it once more, and wait until what it does at once has begun."""
    starts = len(host.told(started=True))
    await host.functions.kill()
    await host.functions.start()
    await host.until(lambda: len(host.told(started=True)) > starts)


async def test_years_missed_are_made_up_for_by_one_run_that_is_past_due_and_knows_what_was(tmp_path):
    async with hosted(tmp_path / "app", MISSED) as host:
        await host.until(lambda: host.told(started=True))
        let_years_pass(host, "forgetful")
        old = let_years_pass(host, "yearly")

        await again(host)
        await host.until(lambda: host.told(yearly="ends"))
        assert [(one["late"], one["status"]) for one in host.told(yearly="begins")] == [(True, old.members())]

        await again(host)
        assert len(host.told(yearly="begins")) == 1
        assert not host.told(forgetful=True)
        assert [one["late"] for one in host.told(started=True)] == [False, False, False]


async def test_a_host_killed_while_it_makes_up_for_a_time_leaves_that_to_the_next(tmp_path):
    async with hosted(tmp_path / "app", MISSED) as host:
        await host.until(lambda: host.told(started=True))
        let_years_pass(host, "yearly")
        (host.folder / "wait").touch()

        await again(host)
        await host.until(lambda: host.told(yearly="begins"))
        (host.folder / "wait").unlink()
        await again(host)
        await host.until(lambda: host.told(yearly="ends"))
        assert [one["late"] for one in host.told(yearly="begins")] == [True, True]


EVERY_SECOND = """
    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    async def clock(timer: func.TimerRequest):
        tell(second=True)
"""


@pytest.mark.parametrize("act", ["kill", "stop"])
async def test_of_two_hosts_one_runs_a_timer_and_the_other_when_that_one_has_gone(tmp_path, act):
    shared = tmp_path / "shared"
    async with (
        hosted(tmp_path / "one", EVERY_SECOND, shared=shared) as one,
        hosted(tmp_path / "other", EVERY_SECOND, shared=shared) as other,
    ):
        await one.until(lambda: len(one.told()) >= 3)
        assert not other.told()
        await getattr(one.functions, act)()
        runs = len(one.told())
        await other.until(lambda: len(other.told()) >= 2)
        assert len(one.told()) == runs
