"""Reading policy rows: those that may select an image, in two reads however many policies there are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery import names
from policies.errors import PolicyError
from policies.parse import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Row, Rows
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
    """Parse rows, each with the `defaults` row of its registry among them."""
    defaults = {row.partition: row.columns for row in rows if row.key == names.DEFAULTS}
    good: list[Policy] = []
    broken: dict[str, PolicyError] = {}
    for row in rows:
        if row.key == names.DEFAULTS:
            continue
        shared = defaults.get(f"{row.partition.partition('|')[0]}|*")
        try:
            good.append(parse(row.partition, row.key, row.columns, shared))
        except PolicyError as error:
            broken[f"{row.partition}/{row.key}"] = error
    return Book(policies=tuple(good), broken=broken)
