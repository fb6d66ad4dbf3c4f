"""What an HTTP answer to a message means: delivered, try again, or never again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry

if TYPE_CHECKING:
    from http import HTTPStatus

TRY_AGAIN = frozenset({408, 409, 425, 429})
GONE = 410
LONGEST_WAIT = timedelta(hours=1)


def judge(status: int | HTTPStatus, retry_after: str | None, *, place: str, now: datetime) -> None:
    """Return for 2xx. Raise Retry for 408, 409, 425, 429 and 5xx, Refused for every other answer."""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of HTTP successes
        return
    if status in TRY_AGAIN or status >= 500:  # noqa: PLR2004 - the class of server errors
        raise Retry(
            f"{place}: expected 2xx, found {int(status)}; it is tried again",
            lost=status >= 500,  # noqa: PLR2004 - same
            after=wait(retry_after, now),
        )
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        hint = "redirects are not followed, so give the channel its final address"
    elif status == GONE:
        hint = "the receiver wants no more messages; remove the channel"
    else:
        hint = "this message is not sent again; mend the channel's address or secret"
    raise Refused(f"{place}: expected 2xx, found {int(status)}; {hint}", status=int(status))


def wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """A Retry-After header, in seconds or as a date (RFC 9110 10.2.3), at most an hour; None when it says nothing."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        asked = timedelta(seconds=min(int(text[:9]), LONGEST_WAIT.total_seconds()))
    else:
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return None
        asked = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return min(max(asked, timedelta()), LONGEST_WAIT)
