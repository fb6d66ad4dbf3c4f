"""One app of a simulation: what waits for it, what holds it, what it runs, and what it will not try again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policies.approvers import ApproversRule
from policies.model import Contender, Policy, order_key
from policies.tags import Pushed
from rollouts.candidates import MOST_WAITING
from rollouts.model import BEFORE_START, Approval, Image, Lane, Mode, OnNewImage, Phase


@dataclass(slots=True, kw_only=True)
class Candidate:
    """An image that waits. told: the last because of its waiting. asks: times it was asked by the clock alone.

    asked_at: when people were asked, and taken to agree.
    """

    policy: Policy
    image: Image
    pushed_at: datetime
    offered_at: datetime
    told: str = ""
    asks: int = 0
    next_ask: datetime | None = None
    asked_at: datetime | None = None

    @property
    def slot(self) -> str:
        """The container it is for, as far as the row says: else the one that runs the repository."""
        return slot(self.policy, self.image)

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """As many as any rule of the row needs, once people were asked."""
        if self.asked_at is None:
            return ()
        at, needs = self.asked_at, [rule.need for rule in self.policy.gates if isinstance(rule, ApproversRule)]
        groups = tuple(dict.fromkeys(need.group for need in needs))
        people = range(1, max((need.count for need in needs), default=0) + 1)
        return tuple(Approval(by=f"person {place}", at=at, step=BEFORE_START, groups=groups) for place in people)

    def outranks(self, other: Candidate) -> bool:
        """Whether it is the newer one."""
        return self._contender().outranks(other._contender())

    def _contender(self) -> Contender:
        return Contender(policy=self.policy, image=self.image, pushed_at=self.pushed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A rollout under way. whole_at: when it has 100 %, after which no newer image ends it early."""

    candidate: Candidate
    ends: datetime
    whole_at: datetime
    outcome: Phase
    because: str

    def is_of(self, policy: Policy, image: Image) -> bool:
        """Whether it is that image's, by that row."""
        return self.candidate.policy.key == policy.key and self.candidate.image.digest == image.digest


@dataclass(slots=True, kw_only=True)
class SimulatedApp:
    """Its state between two moments. held: digests in quarantine, and why."""

    waiting: list[Candidate] = field(default_factory=list)
    live: Live | None = None
    running: dict[str, Pushed] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    lanes: tuple[Lane, ...] = ()

    def has(self, policy: Policy, image: Image) -> bool:
        """Whether it waits or is under way already; what ended and is pushed again is a new attempt."""
        present = [*self.waiting, *([self.live.candidate] if self.live else [])]
        return any(one.image.digest == image.digest and one.policy.key == policy.key for one in present)

    def add(self, candidate: Candidate) -> None:
        """Let it wait; its row's claim to the container is remembered."""
        self.waiting.append(candidate)
        policy = candidate.policy
        if all(lane.policy != policy.key for lane in self.lanes):
            lane = Lane(policy=policy.key, container=policy.container, order=policy.tags.lane)
            self.lanes = (*self.lanes, lane)[-MOST_WAITING:]

    def ranked(self) -> list[Candidate]:
        """Greatest first, within rows that order alike."""
        ordered: list[Candidate] = []
        for lane in sorted({one.policy.tags.lane for one in self.waiting}):
            ordered += sorted((one for one in self.waiting if one.policy.tags.lane == lane), key=_order, reverse=True)
        return ordered

    def gives_way(self, candidate: Candidate, now: datetime) -> bool:
        """Whether the live rollout ends for a newer image of its container."""
        live = self.live
        if live is None or live.candidate.policy.plan.on_new_image is not OnNewImage.SUPERSEDE or now >= live.whole_at:
            return False
        return live.candidate.slot == candidate.slot and candidate.outranks(live.candidate)

    def lesser(self, than: Candidate) -> list[Candidate]:
        """Those waiting for the same container that it outranks; one that only rehearses ends none that does not."""
        rehearses = than.policy.mode is Mode.OBSERVE
        return [
            one
            for one in self.waiting
            if one.slot == than.slot and than.outranks(one) and (not rehearses or one.policy.mode is Mode.OBSERVE)
        ]


def slot(policy: Policy, image: Image) -> str:
    """What tells containers apart where the app cannot be looked at."""
    return policy.container or f"{image.registry}/{image.repository}"


def _order(one: Candidate) -> Any:  # noqa: ANN401 - a key of `sorted`, alike within one lane
    return order_key(one.policy, one.image, one.pushed_at)
