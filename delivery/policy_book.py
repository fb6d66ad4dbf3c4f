"""Reading policy rows: those that may select an image, in two reads however many policies there are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery import names
from policies import lint

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
    book = parse_all([*own, *patterns])
    covering = tuple(policy for policy in book.policies if policy.covers(registry, repository))
    return Book(policies=covering, broken=book.broken)


def parse_all(rows: list[Row]) -> Book:
    """Parse rows, each with the `defaults` row of its registry and beside the others among them."""
    read = lint.check(rows, whole=False)
    good = tuple(one.policy for one in read if one.policy)
    return Book(
        policies=good, broken={one.key: one.error for one in read if one.error and one.row.key != names.DEFAULTS}
    )
