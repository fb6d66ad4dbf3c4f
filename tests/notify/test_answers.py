"""How long a receiver asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from notify.answers import LONGEST_WAIT, wait

NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", timedelta()),
        (" 120 ", timedelta(minutes=2)),
        ("99999999999999999999", LONGEST_WAIT),
        ("Tue, 24 Nov 2026 09:00:30 GMT", timedelta(seconds=30)),
        ("Tue, 24 Nov 2026 09:00:30 -0000", timedelta(seconds=30)),
        ("Tue, 24 Nov 2026 08:00:00 GMT", timedelta()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Tue, 24 Nov 2026 09:99:30 GMT", None),
    ],
)
def test_a_wait_is_read_from_seconds_or_a_date_and_never_longer_than_an_hour(
    header: str | None, expected: timedelta | None
) -> None:
    assert wait(header, NOW) == expected
