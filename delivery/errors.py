"""Errors, named by who must act.

    DeliveryError
      Retry       nobody: the outside was busy or away; it is tried again by itself
      Conflict    nobody: another tick saved first; this one's work is dropped
      Refused     an operator: the outside said no, and will say no again
      Malformed   the sender: an event, message or order that cannot be read; it is parked
    policies.errors.PolicyError   the policy's author (raised below this layer)

An error never carries a response body or a secret; `str(error)` is fit for a log and a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


class DeliveryError(Exception):
    """Base of everything the shell raises on purpose."""


class Retry(DeliveryError):
    """The outside is busy (409, 429), broken (5xx) or silent.

    lost: True when the request may have taken effect (no answer, or a 5xx). after: what it asked us to wait.
    """

    def __init__(self, text: str, *, lost: bool = False, after: timedelta | None = None) -> None:
        super().__init__(text)
        self.lost = lost
        self.after = after


class Conflict(DeliveryError):
    """A condition on a row did not hold: its ETag moved on, or it exists already."""


class Refused(DeliveryError):
    """A definite no: missing rights, a missing resource, a request that is not valid. status: HTTP, 0 if none."""

    def __init__(self, text: str, *, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Malformed(DeliveryError):
    """`source: path: expected X, found Y`."""
