"""How many replicas a revision should have: Container Apps' HTTP rule, its cool-down, and back from zero.

From Container Apps' page on scaling (learn.microsoft.com/azure/container-apps/scale-app): every 15 seconds the requests
of the last 15 are divided by 15 and by what a replica takes; up by steps of 1, 4, 8, 16, 32, down to what was wanted
at most within 300 seconds, and to none after a cool-down without a request.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.dataplane.model import Scale

EVERY = 15.0
"""Seconds between two decisions."""

_STEADY = timedelta(seconds=300)


class Scaler:
    """Decides for one revision. It does not start anything."""

    def __init__(self, scale: Scale, now: datetime) -> None:
        self._scale = scale
        self._decided = self._busy = now
        self._total: int | None = None
        self._requests = 0
        self._asked: deque[tuple[datetime, int]] = deque()

    def saw(self, total: int, active: int, now: datetime) -> None:
        """A reading: requests answered since the beginning, and those in flight."""
        more = 0 if self._total is None else max(0, total - self._total)
        self._total = total
        self._requests += more
        if more or active:
            self._busy = now

    def began(self, now: datetime) -> None:
        """It takes requests from now on: what it waited for was not idleness."""
        self._busy = now

    def due(self, now: datetime) -> bool:
        """Whether it is time to decide again."""
        return (now - self._decided).total_seconds() >= EVERY

    def decide(self, replicas: int, now: datetime) -> int:
        """Replicas from now on. replicas: those there are, at least one."""
        scale = self._scale
        seconds = max(EVERY, (now - self._decided).total_seconds())
        asked = math.ceil(self._requests / seconds / scale.concurrency) if scale.concurrency else replicas
        self._decided, self._requests = now, 0
        self._asked.append((now, asked))
        while now - self._asked[0][0] > _STEADY:
            self._asked.popleft()
        if asked > replicas:
            return min(asked, scale.most, max(4, 2 * replicas))
        idle = (now - self._busy).total_seconds() >= scale.cooldown
        if idle and not scale.least and scale.concurrency:
            return 0
        lately = max(count for _, count in self._asked)
        return max(1, scale.least, min(replicas, lately))
