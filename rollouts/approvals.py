"""People's approvals: by digest and step, N of a group, each person once."""

from __future__ import annotations

from collections.abc import Iterable

from rollouts.model import Approval, Approvers, Rollout


def missing(needs: Iterable[Approvers], approvals: Iterable[Approval], step: int) -> str:
    """Whose yes is missing at this step, in words; "" when nobody's. Without a need anybody's one yes will do."""
    given = [approval for approval in approvals if approval.step == step]
    wanted = list(needs)
    if not wanted:
        return "" if given else "a person"
    return " and ".join(
        f"{need.count - have} of {need.group}" for need in wanted if (have := people(need, given)) < need.count
    )


def people(need: Approvers, approvals: Iterable[Approval]) -> int:
    """How many different people's approvals count for this need."""
    return len({approval.by for approval in approvals if need.group in approval.groups})


def at_step(rollout: Rollout) -> str:
    """Whose yes the rollout's present step still needs, "" when nobody's."""
    needs = rollout.plan.approvers if rollout.plan else ()
    return missing(needs, rollout.approvals, rollout.step)
