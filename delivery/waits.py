"""Which orders end the wait of a rollout for a person, as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.approvers import asks
from rollouts.model import Phase
from rollouts.seen import Verb

if TYPE_CHECKING:
    from rollouts.model import Rollout


def needs(rollout: Rollout) -> list[str]:
    """The verbs a person may choose from; none while it goes on by itself, or has ended."""
    match rollout.phase:
        case Phase.WAITING if _is_asked(rollout):
            return [Verb.APPROVE, Verb.ABORT]
        case Phase.DEPLOYING | Phase.BAKING if rollout.drift is not None:
            return [Verb.RESUME, Verb.PROMOTE, Verb.LEAVE]
        case Phase.DEPLOYING | Phase.BAKING if rollout.paused is not None and rollout.paused.until is None:
            return [Verb.RESUME, Verb.PROMOTE, Verb.ROLLBACK]
        case Phase.BAKING if _is_asked_at_its_step(rollout):
            return [Verb.APPROVE, Verb.ABORT]
        case _:
            return []


def _is_asked(rollout: Rollout) -> bool:
    """Whether people have been asked before the start, and have not all answered."""
    return rollout.asked_at is not None and rollout.finding is not None and asks(rollout.finding)


def _is_asked_at_its_step(rollout: Rollout) -> bool:
    step = rollout.plan.steps[rollout.step] if rollout.plan else None
    asks = step is not None and step.until_approved and rollout.approved < rollout.step
    return asks and rollout.asked_at is not None and not rollout.fast
