"""What was done to the local cloud on order, and what came of it, in the order it happened."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.clock import Clock

_MOST = 50_000


class Journal:
    """entries: `at`, `source` and `what`, and whatever else the source tells; the oldest go first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.entries: deque[dict[str, Any]] = deque(maxlen=_MOST)

    def note(self, source: str, what: str, **more: object) -> None:
        """One thing that happened."""
        self.entries.append({"at": self._clock.now().isoformat(), "source": source, "what": what, **more})
