"""A message is tried for a day, ever more rarely, and then parked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from delivery.retries import WAITS, wait_after

DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"


def words(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "min"), (1, "s")) if seconds % size == 0)
    return f"{seconds // size} {unit}"


def test_waits_grow_and_end_after_a_day() -> None:
    assert list(WAITS) == sorted(WAITS)
    assert timedelta(hours=23) < sum(WAITS, timedelta()) < timedelta(hours=25)
    assert wait_after(len(WAITS)) == WAITS[-1]
    assert wait_after(len(WAITS) + 1) is None


def test_a_receiver_may_ask_for_a_longer_wait_and_never_for_a_shorter_one() -> None:
    assert wait_after(1, timedelta(minutes=1)) == timedelta(minutes=1)
    assert wait_after(4, timedelta(seconds=1)) == timedelta(minutes=5)


def test_a_receiver_that_is_down_for_an_hour_misses_nothing() -> None:
    assert sum(WAITS[:6], timedelta()) < timedelta(hours=1) < sum(WAITS[:7], timedelta())


def test_the_reference_repeats_the_table() -> None:
    assert f"Waits between attempts: {', '.join(words(wait) for wait in WAITS)}." in DOCS.read_text(encoding="utf-8")
