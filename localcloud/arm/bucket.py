"""The limit of writes: a bucket of tokens that fills by the clock.

learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling: for a principal in a
subscription and region, 200 writes at once and 10 a second.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from localcloud.arm.errors import throttled

if TYPE_CHECKING:
    from localcloud.clock import Clock

_MOST = 200.0
_A_SECOND = 10.0


class Bucket:
    """All clients here are one principal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left, self._at = _MOST, clock.now()

    def take(self) -> None:
        """One write; raises ArmError 429 with the seconds until there is another."""
        now = self._clock.now()
        self._left = min(_MOST, self._left + _A_SECOND * (now - self._at).total_seconds())
        self._at = now
        if self._left < 1:
            raise throttled(math.ceil((1 - self._left) / _A_SECOND))
        self._left -= 1
