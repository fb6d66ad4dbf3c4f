"""The clock of a simulation: what is due when, and what comes first in one instant."""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count

from policies.history import Entry
from policies.simulated_app import Live

Due = Entry | tuple[str, Live] | str
"""An entry of the history, the end of an app's rollout, or an app whose gates are to be asked again."""


class Clock:
    """Jumps from one due thing to the next. In one instant rollouts end first, and gates are asked last."""

    def __init__(self) -> None:
        self._due: list[tuple[datetime, int, int, Due]] = []
        self._numbers = count()

    def put(self, at: datetime, due: Due) -> None:
        """Something that is due then."""
        place = 0 if isinstance(due, tuple) else 2 if isinstance(due, str) else 1
        heapq.heappush(self._due, (at, place, next(self._numbers), due))

    def jump(self) -> datetime | None:
        """When the next thing is due; None when nothing is any more."""
        return self._due[0][0] if self._due else None

    def take(self, now: datetime) -> Due | None:
        """The next thing of this instant, None when nothing of it is left."""
        return heapq.heappop(self._due)[3] if self._due and self._due[0][0] == now else None
