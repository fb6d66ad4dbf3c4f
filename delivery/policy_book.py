"""Reading policy rows: those that may select an image, in two reads however many policies there are.

What grows is a registry's pattern rows: every event of the registry reads them all (1 call of the store a thousand) and
parses those whose pattern matches. `bench/policies.py` has the figures; a registry may well have a thousand of them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery import names
from policies import lint
from policies.cells import normalise
from policies.keys import read_pattern
from policies.patterns import glob_matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Row, Rows
    from policies.errors import PolicyError
    from policies.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The rows about one repository. policies: those that parse. broken: the errors of those that do not, by key."""

    policies: tuple[Policy, ...]
    broken: Mapping[str, PolicyError]

    def policy(self, key: str) -> Policy | PolicyError | None:
        """The row of this key as it is now; None: it is gone."""
        found = next((policy for policy in self.policies if policy.key == key), None)
        return found or self.broken.get(key)


def partition(registry: str, repository: str) -> str:
    """The PartitionKey of a repository's rows."""
    return f"{registry.lower()}|{repository.replace('/', '|')}"


async def read(rows: Rows, registry: str, repository: str) -> Book:
    """Every row that may be about this repository: its own partition and the registry's patterns."""
    own, patterns = await asyncio.gather(
        rows.scan(names.POLICIES, partition(registry, repository)),
        rows.scan(names.POLICIES, f"{registry.lower()}|*"),
    )
    # Most pattern rows are about others: to parse them only to leave them out would be most of an event's time.
    book = parse_all([*own, *(row for row in patterns if _may_cover(row, repository))])
    covering = tuple(policy for policy in book.policies if policy.covers(registry, repository))
    return Book(policies=covering, broken=book.broken)


def _may_cover(row: Row, repository: str) -> bool:
    """Whether a pattern row may be about this repository; where its cell is no pattern, parsing tells."""
    cells = [value for name, value in row.columns.items() if name.strip().lower() == "repository"]
    if row.key == names.DEFAULTS or len(cells) != 1 or not isinstance(cells[0], str):
        return True
    pattern = normalise(cells[0])
    return not pattern or read_pattern(pattern, "") is not None or glob_matches(pattern, repository)


def parse_all(rows: list[Row]) -> Book:
    """Parse rows, each with the `defaults` row of its registry and beside the others among them."""
    read = lint.check(rows, whole=False)
    good = tuple(one.policy for one in read if one.policy)
    return Book(
        policies=good, broken={one.key: one.error for one in read if one.error and one.row.key != names.DEFAULTS}
    )
