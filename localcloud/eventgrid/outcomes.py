"""What became of an attempt, in the words of a dead letter.

https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry lists the values of `lastDeliveryOutcome`. Which
status each is for it says of some; one that it does not name counts as a destination that is busy. That the reason of a
dead letter names a 400 as `UndeliverableDueToHttpBadRequest` was seen (stackoverflow.com/questions/52173869).
"""

from __future__ import annotations

TIMED_OUT = "TimedOut"
SOCKET = "SocketError"
RESOLUTION = "ResolutionError"
BUSY = "Busy"
NOT_FOUND = "NotFound"
UNAUTHORIZED = "Unauthorized"
FORBIDDEN = "Forbidden"
PROBATION = "Probation"  # not tried, for the endpoint is left alone
_SILENT = (TIMED_OUT, SOCKET, RESOLUTION)
_STATUSES = {
    400: "BadRequest",
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    408: TIMED_OUT,
    413: "PayloadTooLarge",
}


def last_outcome(status: int | None, said: str) -> str:
    """Of a delivery that failed. said: what stood in the way where nothing was answered."""
    if status is not None:
        return _STATUSES.get(status, BUSY)
    return said if said in _SILENT else SOCKET
