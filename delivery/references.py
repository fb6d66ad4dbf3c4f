"""What a policy refers to in the table `names`, looked up when its row is edited: a missing name is said then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import approvals, metric_rows, names, trust
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from delivery.ports import Rows
    from policies.model import Policy

CHANNEL = "channel"


async def missing(rows: Rows, policy: Policy) -> str:
    """What is wrong with the rows of groups, keys, channels and metrics it names, by column; "" when nothing is.

    1 read for each. The channel `default` may be missing: then nobody is told, as in a new installation.
    """
    wrong = [await metric_rows.broken(rows, policy)]
    found = [f"Checks: {text}" for text in wrong if text]
    for need in policy.plan.approvers:
        people = await approvals.members(rows, need.group)
        found += [f"Approvers: {people.because}"] if isinstance(people, Unknown) else []
    found += [f"Signed: {fault}" for fault in await trust.broken(rows, policy)]
    for name in dict.fromkeys(entry.removesuffix(" all") for entry in policy.plan.notify):
        if name != names.DEFAULT_CHANNEL and await rows.get(names.NAMES, CHANNEL, name) is None:
            found.append(f"Notify: expected a row names|{CHANNEL}|{name}, found none")
    return "; ".join(found)
