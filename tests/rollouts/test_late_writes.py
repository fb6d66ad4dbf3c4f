"""ARM has no If-Match: each write of a story is held back, and lands after every later tick (DESIGN 3a)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from rollouts import writes
from rollouts.decided import ArmWrite, CreateCanary
from rollouts.model import Phase, Step
from tests.fakes.azure import FakeApp, Trouble
from tests.rollouts.world import World, a_plan

FIRST, CANARY = "ca-web--first", "ca-web--wb1-000001"
EVERY, THEN_EVERY = 16, 6  # after each of the first ticks, then, while only the open write is waited for, after some


@dataclass(kw_only=True)
class Story:
    """A rollout of two steps whose `holds`-th write is held back until `lands` ticks after it was sent."""

    goes_wrong: bool
    holds: int
    lands: int
    world: World = field(init=False)
    sends: int = 0
    held_at: datetime | None = None
    landed_at: datetime | None = None
    ticks_since: int = 0

    def __post_init__(self) -> None:
        steps = tuple(Step(weight=weight, bake=timedelta(seconds=15)) for weight in (25, 100))
        plan = a_plan(checks=(), keep=timedelta(minutes=2))
        self.world = World(plan=replace(plan, steps=steps))
        self.world.azure.trouble = self._trouble
        self.world.push(1)

    def _trouble(self, _app: FakeApp, _write: ArmWrite) -> Trouble:
        self.sends += 1
        if self.sends - 1 != self.holds:
            return Trouble.NONE
        self.held_at = self.world.clock.now()
        return Trouble.HELD

    def play(self) -> World:
        world = self.world
        for _ in range(400):
            decision = world.tick()
            if self.held_at is not None and self.landed_at is None:
                if self.ticks_since == self.lands:
                    self._land()
                self.ticks_since += world.clock.now() < self.held_at + writes.OPEN
            if self.goes_wrong and world.weights().get("wb1-000001"):
                world.live.revisions[CANARY].crashed = True
            self._check()
            if decision.due is None:
                return world
            if self.landed_at is not None or self.ticks_since > EVERY:
                world.slowest = timedelta(seconds=60)
            world.wait(decision.due)
        raise AssertionError("it never ended")

    def _land(self) -> None:
        self.landed_at = self.world.clock.now()
        self.world.azure.release(self.world.live)

    def _check(self) -> None:
        """No rollout ends while a write that was sent for it may land."""
        for rollout in self.world.ended:
            if rollout.finished_at == self.world.clock.now() and self.held_at is not None:
                closed = self.held_at + writes.OPEN
                assert self.world.clock.now() >= closed, "it ended while a write was open"


def landings(*, goes_wrong: bool, holds: int) -> list[int]:
    """After how many ticks it may land: until its 20 minutes are over."""
    story = Story(goes_wrong=goes_wrong, holds=holds, lands=-1)
    story.play()
    return [n for n in range(story.ticks_since) if n < EVERY or n % THEN_EVERY == 0]


def the_writes(*, goes_wrong: bool) -> int:
    story = Story(goes_wrong=goes_wrong, holds=-1, lands=-1)
    story.play()
    return story.sends


@pytest.mark.parametrize(
    ("goes_wrong", "expected"), [pytest.param(False, 5, id="promoted"), pytest.param(True, 5, id="rolled back")]
)
def test_the_stories_write_as_often_as_the_design_says(goes_wrong: bool, expected: int) -> None:  # noqa: FBT001
    """One to pin, one to create, one a step or back to stable, one to retire: n + 2, and 1 the first time."""
    assert the_writes(goes_wrong=goes_wrong) == expected


@pytest.mark.parametrize("holds", range(5))
@pytest.mark.parametrize("goes_wrong", [pytest.param(False, id="promoted"), pytest.param(True, id="rolled back")])
def test_a_write_that_lands_late_changes_nothing_in_the_end(goes_wrong: bool, holds: int) -> None:  # noqa: FBT001
    outcome, stable = (Phase.ROLLED_BACK, FIRST) if goes_wrong else (Phase.PROMOTED, CANARY)
    when = landings(goes_wrong=goes_wrong, holds=holds)
    assert len(when) > EVERY

    for lands in when:
        story = Story(goes_wrong=goes_wrong, holds=holds, lands=lands)
        world = story.play()

        assert story.landed_at is not None
        assert [rollout.phase for rollout in world.ended] == [outcome], lands
        assert world.azure.weights(world.live) == {stable: 100}, lands
        assert [r.name for r in world.live.revisions.values() if r.active] == [stable], lands
        assert len([w for w in world.live.writes if isinstance(w, CreateCanary)]) <= 2
