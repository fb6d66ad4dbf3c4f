"""Running totals out of counters that begin again when what they count is taken away and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Tally:
    """totals: revision -> status code -> answers since the beginning; never falls."""

    def __init__(self) -> None:
        self.totals: dict[str, dict[str, int]] = {}
        self._last: Mapping[tuple[str, str], int] = {}

    def read(self, counters: Mapping[tuple[str, str], int]) -> None:
        """Take a reading of all counters there are, (revision, status code) -> value."""
        for (revision, kind), value in counters.items():
            last = self._last.get((revision, kind), 0)
            grown = value - last if value >= last else value
            totals = self.totals.setdefault(revision, {})
            totals[kind] = totals.get(kind, 0) + grown
        self._last = dict(counters)
