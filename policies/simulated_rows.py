"""The rows of a simulation by what they are about, looked up once: a table may hold ten thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from policies.model import Policy
from policies.offline import row_named, same_container
from rollouts.model import Image


class Rows:
    """Good rows."""

    def __init__(self, rows: Iterable[Policy]) -> None:
        self._of: dict[tuple[str, str], list[Policy]] = defaultdict(list)
        self._patterns: dict[str, list[Policy]] = defaultdict(list)
        self._about: dict[tuple[str, str], list[Policy]] = {}
        self._rivals: dict[tuple[str, str], tuple[Policy, ...]] = {}
        for row in rows:
            if row.key.partition("/")[0].endswith("|*"):
                self._patterns[row.registry].append(row)
            else:
                self._of[row.registry, row.repository].append(row)

    def about(self, image: Image) -> list[Policy]:
        """Those about the image's repository, in the order of the table."""
        where = (image.registry, image.repository)
        if where not in self._about:
            patterns = [row for row in self._patterns.get(image.registry, ()) if row.covers(*where)]
            self._about[where] = [*self._of.get(where, ()), *patterns]
        return self._about[where]

    def rivals(self, policy: Policy, image: Image) -> tuple[Policy, ...]:
        """The other rows for the same container of the same app."""
        where = (policy.key, image.repository)
        if where not in self._rivals:
            self._rivals[where] = same_container(policy, self.about(image), image)
        return self._rivals[where]

    def named(self, name: str, image: Image) -> Policy | None:
        """The row that this name means for the image."""
        return row_named(self.about(image), name, image)
