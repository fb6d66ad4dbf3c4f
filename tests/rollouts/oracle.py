"""Judges a history from outside: what the world looked like, what was written to it, what was said, how it ended.

It measures bakes, steps and levels by itself and never reads the machine's own fields of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from rollouts.decided import Announce, Consume, CreateCanary, Deactivate, Quarantine, Said, SetTraffic
from rollouts.findings import Answer
from rollouts.model import OnDrift, Phase, Plan, Rollout
from rollouts.seen import AppSeen, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollouts.seen import RevisionSeen, TrafficEntry
    from tests.rollouts.world import Ticked, World

MOST_BYTES = 16 * 1024
SEEN_AT_STABLE = (Said.ROLLED_BACK, Said.SUPERSEDED, Said.FAILED, Said.EXPIRED)
NEVER_QUARANTINED = (Phase.PROMOTED, Phase.SUPERSEDED, Phase.EXPIRED, Phase.FAILED, Phase.REJECTED)


def shares(entries: Iterable[TrafficEntry], seen: AppSeen) -> dict[str, int]:
    """Weights above 0, summed per revision, in the oracle's own words."""
    found: dict[str, int] = {}
    for entry in entries:
        name = seen.latest_ready if entry.latest else entry.revision
        if entry.weight:
            found[name] = found.get(name, 0) + entry.weight
    return found


@dataclass(kw_only=True)
class Canary:
    """What the oracle knows of the one rollout that holds the app."""

    n: int
    plan: Plan
    stable: str
    name: str = ""
    highest: int = -1  # greatest step seen live
    held_since: datetime | None = None  # first look of the unbroken series that found that step's weight
    served: int = -1  # greatest step whose bake was served in one such series
    fast: bool = False
    stopped: bool = False
    left: bool = False
    undone: bool = False  # a promotion that a person takes back: nothing of it rises any more


@dataclass(kw_only=True)
class Oracle:
    """Feed it every saved tick, in order."""

    canary: Canary | None = None
    said: set[tuple[int | None, str]] = field(default_factory=set)
    quarantined: set[int] = field(default_factory=set)
    aborted: set[int] = field(default_factory=set)
    hand: bool = False  # a person has moved weights or revisions in this history
    moved: list[dict[str, int]] = field(default_factory=list)  # what a person set the traffic to
    switched: bool = False  # a person has switched the app to Single mode, at whatever weights it had
    held: bool = False
    shut: bool = False  # a gate of the live rollout was closed when this tick asked
    stable: str = ""  # what users are left with after the last promotion or its undo
    promoted: tuple[str, str] = ("", "")  # the last promoted canary, and the stable before it

    def judge(self, world: World, tick: Ticked, opened: frozenset[str], owed: int) -> None:
        """owed: writes of ours that were taken and may still land."""
        seen = tick.seen.app if isinstance(tick.seen.app, AppSeen) else None
        self.shut = world.shut is not None and tick.app.live is not None
        self._note_orders(world, tick)
        self._started(world, tick, seen, opened)
        if seen is not None and self.canary is not None:
            self._look(tick.at, seen, self.canary)
        self._written(tick, seen, owed)
        self._said(tick, seen)
        for rollout in tick.decision.finished:
            self._ended(rollout, seen, owed)
        assert len(msgspec.json.encode(tick.decision.next)) < MOST_BYTES

    def _note_orders(self, world: World, tick: Ticked) -> None:
        for consumed in (e for e in tick.decision.effects if isinstance(e, Consume) and e.answer == "done"):
            order = consumed.order
            canary = self.canary if self.canary is not None and order.n == self.canary.n else None
            match order.verb:
                case Verb.HOLD:
                    self.held = True
                case Verb.RELEASE:
                    self.held = False
                case Verb.PAUSE if canary:
                    canary.stopped = True
                case Verb.RESUME if canary:
                    canary.stopped = False
                case Verb.PROMOTE if canary:
                    canary.stopped, canary.fast = False, True
                case Verb.LEAVE if canary:
                    canary.left = True
                case Verb.UNDO:
                    assert self.canary is None, "two hold the app"
                    live = tick.decision.next.live
                    assert live is not None
                    name, stable = self.promoted
                    self.canary = Canary(n=live.n, plan=world.plan, stable=stable, name=name, undone=True)
                    self.aborted.add(live.n)
                case Verb.ABORT | Verb.ROLLBACK if (
                    order.n is not None and (order.n, Said.ROLLING_BACK) not in self.said
                ):
                    self.aborted.add(order.n)
                case _:
                    pass

    def _started(self, world: World, tick: Ticked, seen: AppSeen | None, opened: frozenset[str]) -> None:
        for said in (e for e in tick.decision.effects if isinstance(e, Announce) and e.said is Said.STARTED):
            assert self.canary is None or any(r.n == self.canary.n for r in tick.decision.finished), "two hold the app"
            assert seen is not None
            assert not self.held
            assert said.n is not None
            live = shares(seen.traffic, seen)
            assert list(live.values()) == [100], f"it started on split traffic {live}"
            candidate = next(c for c in tick.seen.candidates if c.n == said.n)
            assert candidate.finding.answer is Answer.OPEN
            assert opened, "no gate was open"
            self.canary = Canary(n=said.n, plan=world.plan, stable=next(iter(live)))

    def _look(self, at: datetime, seen: AppSeen, canary: Canary) -> None:
        live = shares(seen.traffic, seen)
        step = next((i for i, s in enumerate(canary.plan.steps) if live == self._level(canary, s.weight)), None)
        if not canary.name or step is None or seen.revision(canary.name) is None:
            canary.held_since = None
        elif step > canary.highest:
            assert step == canary.highest + 1 or canary.fast or self.hand, "a step was skipped"
            canary.highest, canary.held_since = step, at
        elif step == canary.highest:
            canary.held_since = canary.held_since or at
        else:
            canary.held_since = None
        held = at - canary.held_since if canary.held_since is not None else timedelta(-1)
        if canary.highest >= 0 and held >= canary.plan.steps[canary.highest].bake:
            canary.served = canary.highest

    @staticmethod
    def _level(canary: Canary, weight: int) -> dict[str, int]:
        parts = {canary.stable: 100 - weight, canary.name: weight}
        return {name: share for name, share in parts.items() if share}

    def _written(self, tick: Ticked, seen: AppSeen | None, owed: int) -> None:
        write = tick.decision.write
        if write is None:
            return
        assert seen is not None, "written blindly"
        match write:
            case SetTraffic(traffic=entries):
                self._array(entries, seen)
                self._raise(shares(entries, seen), seen)
            case CreateCanary(traffic=entries):
                self._array(entries, seen)
                assert self.canary is not None
                self.canary.name = f"ca-web--{write.suffix}"
                live = shares(seen.traffic, seen)
                assert all("--wb" not in name or name == self.canary.stable for name in live), "created beside a canary"
                assert not any(entry.latest for entry in seen.traffic), "created while traffic follows the latest"
                assert shares(entries, seen) == {self.canary.stable: 100}
                assert not self.held
                assert not self.canary.stopped
                assert not self.shut, "created behind a closed gate"
            case Deactivate(revision=name):
                assert not shares(seen.traffic, seen).get(name), "deactivated with weight"
                assert not any(e.label for e in seen.traffic if e.revision == name), "deactivated with a label"
                assert not owed, "deactivated while a write may land"
            case _:
                pass

    def _array(self, entries: tuple[TrafficEntry, ...], seen: AppSeen) -> None:
        assert sum(entry.weight for entry in entries) == 100
        assert not any(entry.latest for entry in entries)
        for entry in entries:
            revision = seen.revision(entry.revision)
            assert revision is not None, f"{entry.revision} does not exist"
            assert revision.active or not entry.weight, f"{entry.revision} is inactive"
        names = {r.name for r in seen.revisions}
        before = {(e.label, seen.latest_ready if e.latest else e.revision) for e in seen.traffic if e.label}
        assert {(e.label, e.revision) for e in entries if e.label} == {b for b in before if b[1] in names}

    def _raise(self, weights: dict[str, int], seen: AppSeen) -> None:
        canary = self.canary
        assert canary is not None, "traffic was set although no rollout holds the app"
        weight = weights.get(canary.name, 0) if canary.name else 0
        left = canary.left or canary.plan.on_drift is OnDrift.ADOPT
        if not weight or (left and weights in self.moved):
            return
        assert not canary.undone, "an undo gave its canary weight"
        assert weights == self._level(canary, weight)
        assert _is_ready(seen.revision(canary.name)), "weight for a canary that is not ready"
        step = next(i for i, s in enumerate(canary.plan.steps) if s.weight == weight)
        live = shares(seen.traffic, seen).get(canary.name, 0)
        if step <= canary.highest:
            return
        assert not canary.stopped, "raised while paused"
        assert not self.held or live >= weight, "raised while held"
        assert not self.shut or live >= weight, "raised behind a closed gate"
        if canary.fast:
            return
        assert step == canary.highest + 1, "a step is skipped"
        if canary.highest >= 0:
            assert canary.served == canary.highest, "raised before the bake was served"

    def _said(self, tick: Ticked, seen: AppSeen | None) -> None:
        for effect in tick.decision.effects:
            if isinstance(effect, Quarantine):
                self.quarantined.add(effect.n)
            if not isinstance(effect, Announce):
                continue
            edge = (effect.n, effect.transition)
            assert edge not in self.said, f"{edge} was said twice"
            self.said.add(edge)
            waits = self.canary is None or effect.n != self.canary.n
            if effect.said is Said.STEPPED:
                assert seen is not None
                assert shares(seen.traffic, seen) == effect.after
            if effect.said in SEEN_AT_STABLE and not waits and self.canary is not None:
                assert seen is not None
                assert shares(seen.traffic, seen) == {self.canary.stable: 100}

    def _ended(self, rollout: Rollout, seen: AppSeen | None, owed: int) -> None:
        if self.canary is None or rollout.n != self.canary.n:
            assert rollout.phase in (Phase.REJECTED, Phase.SUPERSEDED, Phase.ABORTED)
            return
        canary, self.canary = self.canary, None
        assert owed == 0, "it ended while a write may land"
        assert seen is not None
        live = shares(seen.traffic, seen)
        left = rollout.phase is Phase.ABORTED and (canary.left or canary.plan.on_drift is OnDrift.ADOPT)
        if rollout.phase is not Phase.PROMOTED:
            assert live == {canary.stable: 100} or (left and (live in self.moved or self.switched))
        if rollout.phase is Phase.PROMOTED:
            assert live == {canary.name: 100}
            assert canary.held_since is not None
            assert canary.fast or canary.served == len(canary.plan.steps) - 1, "promoted before the bake was served"
            self.stable, self.promoted = canary.name, (canary.name, canary.stable)
        if canary.undone:
            self.stable = canary.stable
        if rollout.phase in NEVER_QUARANTINED:
            assert rollout.n not in self.quarantined
        if rollout.phase is Phase.ROLLED_BACK or rollout.n in self.aborted:
            assert rollout.n in self.quarantined


def _is_ready(revision: RevisionSeen | None) -> bool:
    return (
        revision is not None
        and revision.active
        and revision.health == "Healthy"
        and revision.replicas >= max(1, revision.floor)
    )
