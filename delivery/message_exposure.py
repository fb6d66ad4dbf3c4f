"""What a canary's users met: how many requests, how many failed, how long, and at how much weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from delivery.message_scene import Scene
    from rollouts.checks import Counts
    from rollouts.model import Rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """counts: None when no check counts requests. peak: percent. complete: nothing can be added to the counts."""

    counts: Counts | None
    seconds: int
    peak: int
    complete: bool


def exposure(scene: Scene, rollout: Rollout) -> Exposure:
    """Of a rollout that may have been exposed. Counted until it ended, or until now."""
    end = rollout.finished_at or scene.now
    read = rollout.final or rollout.read
    return Exposure(
        counts=_counts(rollout),
        seconds=int((end - rollout.weighted_at).total_seconds()) if rollout.weighted_at else 0,
        peak=_peak(scene, rollout),
        complete=read is not None and read.at >= end,
    )


def _counts(rollout: Rollout) -> Counts | None:
    if rollout.final is not None:
        return rollout.final.canary
    if rollout.read is None:
        return None
    return max((tally.canary for tally in rollout.tallies), key=lambda counts: counts.requests, default=None)


def _peak(scene: Scene, rollout: Rollout) -> int:
    """The highest weight the canary was seen at; a step that was seen is announced once, as `step:<index>`."""
    steps = enumerate(rollout.plan.steps if rollout.plan else ())
    seen = [step.weight for index, step in steps if index < rollout.step or f"step:{index}" in rollout.announced]
    looks = (scene.said.before, scene.said.after, rollout.seen, scene.live)
    return max([0, *seen, *(look.get(rollout.canary, 0) for look in looks if look)])
