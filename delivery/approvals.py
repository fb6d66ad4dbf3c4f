"""What an order to approve is worth, asked in the tick that takes it: who is in the group now, and who pushed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from delivery import names, policy_book
from delivery.errors import Refused, Retry
from policies.approvers import admitted
from policies.errors import PolicyError
from rollouts.seen import ApprovalSeen, Order, Unknown, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from delivery.ports import Ports, Rows
    from rollouts.model import App, Approvers, Rollout

GROUP, MEMBERS = "group", "Members"


async def asked(ports: Ports, app: App, orders: Iterable[Order]) -> Mapping[str, ApprovalSeen]:
    """For every order to approve a rollout of this app, by the order's id."""
    found: dict[str, ApprovalSeen] = {}
    for order in orders:
        rollout = _meant(app, order)
        if order.verb is not Verb.APPROVE or rollout is None:
            continue
        needs = await _needs(ports, rollout)
        if isinstance(needs, str):
            found[order.id] = ApprovalSeen(refused=needs)
            continue
        known = {need.group: await members(ports.rows, need.group) for need in needs}
        found[order.id] = admitted(order.actor, needs, known, rollout.pushed_by)
    return found


def _meant(app: App, order: Order) -> Rollout | None:
    present = (*app.waiting, *((app.live,) if app.live else ()))
    return next((rollout for rollout in present if rollout.n == order.n), None)


async def _needs(ports: Ports, rollout: Rollout) -> tuple[Approvers, ...] | str:
    """Who must approve: by the frozen plan, or by the row as it is while the image waits; else why nobody is asked."""
    if rollout.plan is not None:
        return rollout.plan.approvers
    book = await policy_book.read(ports.rows, rollout.image.registry, rollout.image.repository)
    policy = book.policy(rollout.policy)
    if policy is None or isinstance(policy, PolicyError):
        return "its policy row cannot be read now"
    if not policy.plan.approvers or any(step.until_approved for step in policy.plan.steps):
        return "its row asks nobody before the start"
    return policy.plan.approvers


async def members(rows: Rows, group: str) -> frozenset[str] | Unknown:
    """Who is in `names | group | <group>`: sign-in names and object ids, separated by commas, semicolons or lines."""
    source = f"names/{GROUP}/{group}"
    try:
        row = await rows.get(names.NAMES, GROUP, group)
    except (Retry, Refused) as error:
        return Unknown(because=str(error))
    if row is None:
        return Unknown(because=f"{source}: expected a row with a column {MEMBERS}, found none")
    cell = next((value for name, value in row.columns.items() if name.lower() == MEMBERS.lower()), "")
    people = frozenset(part.strip().lower() for part in re.split(r"[,;\r\n]+", str(cell)) if part.strip())
    return people or Unknown(because=f"{source}: {MEMBERS}: expected people separated by commas, found nobody")
