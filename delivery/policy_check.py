"""A policy row as it is now: the policy it makes or every problem it has, and what persons typed that counts for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from delivery import names
from policies import lint
from policies.cells import NEVER_INHERITED
from policies.errors import PolicyError
from policies.keys import DEFAULTS
from policies.parse import check_defaults, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from delivery.ports import Row, Rows
    from policies.model import Policy

STATUS = "Status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One row. policy: None for a broken one, and for `defaults`, which makes none.

    cells: the row's own, and those of the registry's `defaults` row with ` (defaults row)` after the column's name.
    """

    row: Row
    policy: Policy | None
    error: PolicyError | None
    cells: Mapping[str, str]

    @property
    def key(self) -> str:
        """`<partition>/<row>`."""
        return f"{self.row.partition}/{self.row.key}"


def check(row: Row, defaults: Mapping[str, object] | None) -> Checked:
    """Parse one row; a `defaults` row is checked for itself."""
    if row.key == DEFAULTS:
        defaults = None
    cells = _typed(row.columns, {STATUS}, "") | _typed(defaults or {}, NEVER_INHERITED, " (defaults row)")
    policy, problems = None, None
    try:
        if row.key == DEFAULTS:
            check_defaults(row.partition, row.columns)
        else:
            policy = parse(row.partition, row.key, row.columns, defaults)
    except PolicyError as error:
        problems = error
    return Checked(row=row, policy=policy, error=problems, cells=cells)


async def beside(rows: Rows, group: list[Checked]) -> list[Checked]:
    """Rows of one partition with what is wrong with them only beside others: 2 reads where one names others."""
    if not any(lint.needs_others(one.policy) for one in group):
        return group
    partition = group[0].row.partition
    read = [await rows.scan(names.POLICIES, key) for key in {partition, f"{registry(group[0].row)}|*"}]
    broken = {one.key: one.error for one in lint.check(chain(*read), whole=False) if one.error}
    return [
        replace(one, policy=None, error=broken[one.key]) if one.policy and one.key in broken else one for one in group
    ]


def is_shared(row: Row) -> bool:
    """Whether it is what a registry's other rows inherit from."""
    return row.key == DEFAULTS and row.partition.endswith("|*")


def registry(row: Row) -> str:
    """The login server in its PartitionKey."""
    return row.partition.partition("|")[0]


def _typed(columns: Mapping[str, object], but: Collection[str], where: str) -> dict[str, str]:
    left_out = {name.lower() for name in but}
    return {f"{name}{where}": str(value) for name, value in columns.items() if name.lower() not in left_out}
