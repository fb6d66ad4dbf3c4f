"""How long a message waits between its attempts, and when it is parked. Pure; docs/webhooks.md repeats the table."""

from __future__ import annotations

from datetime import timedelta

WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=8),
)


def wait_after(attempt: int, asked: timedelta | None = None) -> timedelta | None:
    """The wait after this many failed attempts (from 1); None: no more, the message is parked.

    asked: what the receiver's Retry-After said; it lengthens a wait and never shortens one.
    """
    if attempt > len(WAITS):
        return None
    return max(WAITS[attempt - 1], asked or timedelta())
