"""What became of an attempt, in the words of a dead letter.

https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry lists the values of `lastDeliveryOutcome`. Which
status each is for it says of some; one that it does not name counts as a destination that is busy. That the reason of a
dead letter names a 400 as `UndeliverableDueToHttpBadRequest` was seen (stackoverflow.com/questions/52173869).
"""

from __future__ import annotations

TIMED_OUT = "TimedOut"
SOCKET = "SocketError"
RESOLUTION = "ResolutionError"
_SILENT = (TIMED_OUT, SOCKET, RESOLUTION)
_BUSY = "Busy"
_STATUSES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: TIMED_OUT,
    413: "PayloadTooLarge",
}


def last_outcome(status: int | None, said: str) -> str:
    """Of a delivery that failed. said: what stood in the way where nothing was answered."""
    if status is not None:
        return _STATUSES.get(status, _BUSY)
    return said if said in _SILENT else SOCKET
