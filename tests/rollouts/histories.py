"""Histories: a quiet world into which a few troubles fall, played to its end under an oracle's eyes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from rollouts.checks import OnNoData
from rollouts.findings import Answer, Finding
from rollouts.model import OnDrift, OnFailure, OnNewImage, Phase, Step
from rollouts.seen import Verb
from tests.fakes.azure import FakeApp, Fate, Trouble
from tests.rollouts.oracle import Oracle
from tests.rollouts.world import Shell, World, a_plan, digest

T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]
ARM_GIVES_UP = timedelta(minutes=15)  # no operation is older (aca-platform B)


class Happening(StrEnum):
    """What may fall into a history."""

    PUSH = "push"
    GATE = "a push whose gates open later"
    CLOSED = "a push whose gate is closed"
    CRASH = "the canary crashes"
    ERRORS = "the canary answers with errors"
    MUTE = "the canary's own address stops answering"
    AWAY = "ARM is away for two minutes"
    BLIND = "no metrics for two minutes"
    PAUSE_TICKS = "no ticks for ten minutes"
    LOSES = "a tick that loses its save"
    DIES_SAVED = "a tick that dies after its save"
    DIES_SENT = "a tick that dies after its send"
    SLOW = "a tick that sends after the next"
    BUSY = "409"
    BROKEN = "500"
    LOST = "lost"
    SILENT = "silent"
    HELD = "held"
    LAND = "what was held lands"
    HAND_STABLE = "a person gives stable everything"
    HAND_CANARY = "a person gives the canary everything"
    HAND_SPLIT = "a person splits the traffic"
    LABEL = "a person labels stable"
    SINGLE = "a person switches to Single mode, and back after a minute"
    STABLE_OFF = "a person deactivates stable"
    PAUSE = "order pause"
    RESUME = "order resume"
    APPROVE = "order approve"
    ABORT = "order abort"
    PROMOTE = "order promote"
    ROLLBACK = "order rollback"
    LEAVE = "order leave"
    HOLD = "order hold"
    RELEASE = "order release"
    RETRY = "order retry"
    UNDO = "order undo"
    SHUT = "a gate of the live rollout closes for two minutes"


HANDS = (
    Happening.HAND_STABLE,
    Happening.HAND_CANARY,
    Happening.HAND_SPLIT,
    Happening.LABEL,
    Happening.SINGLE,
    Happening.STABLE_OFF,
)
ORDERS = {Happening[verb.name]: verb for verb in Verb if verb.name in Happening.__members__}
GATES = {Happening.GATE: Answer.WAITING, Happening.CLOSED: Answer.CLOSED}
SENDS = {Happening[name]: Trouble[name] for name in ("BUSY", "BROKEN", "LOST", "SILENT", "HELD")}
SHELLS = {Happening[name]: Shell[name] for name in ("LOSES", "DIES_SAVED", "DIES_SENT", "SLOW")}


@dataclass(frozen=True, kw_only=True)
class Script:
    """What falls in at which tick, and the plan."""

    happenings: tuple[tuple[int, Happening], ...]
    approval: bool
    on_new_image: OnNewImage
    on_drift: OnDrift
    on_failure: OnFailure
    on_no_data: OnNoData
    settle: int
    fate: Fate  # of the first image


def write(choose: Choose) -> Script:  # type: ignore[type-arg]  # chooses among any kind of things
    """A script of a few happenings; quiet ones are as likely as wild ones."""
    sends = (*SENDS, *SHELLS, Happening.LAND)
    menus = (tuple(Happening), tuple(h for h in Happening if h not in HANDS), sends, (*sends, *GATES, Happening.PUSH))
    menu = choose(menus)
    falls = [(choose(range(45)), choose(menu)) for _ in range(choose((0, 1, 1, 2, 3, 4, 6, 8)))]
    return Script(
        happenings=tuple(sorted(falls)),
        approval=choose((False, False, False, True)),
        on_new_image=choose(tuple(OnNewImage)),
        on_drift=choose(tuple(OnDrift)),
        on_failure=choose((OnFailure.ROLLBACK, OnFailure.ROLLBACK, OnFailure.PAUSE)),
        on_no_data=choose(tuple(OnNoData)),
        settle=choose((0, 0, 45)),
        fate=choose((Fate.GOOD,) * 8 + (Fate.NEVER_READY, Fate.NO_IMAGE)),
    )


@dataclass(kw_only=True)
class History:
    """Plays one script."""

    script: Script
    world: World = field(init=False)
    oracle: Oracle = field(default_factory=Oracle)
    pushed: int = 0
    open_at: dict[str, datetime] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    shell: Shell = Shell.WHOLE
    until: dict[str, datetime] = field(default_factory=dict)
    held_at: datetime | None = None

    def __post_init__(self) -> None:
        script = self.script
        within = timedelta(minutes=2)
        steps = tuple(
            Step(
                weight=w, bake=timedelta(seconds=30), until_approved=script.approval and w == 25, approve_within=within
            )
            for w in (5, 25, 100)
        )
        plan = a_plan(
            on_new_image=script.on_new_image,
            on_drift=script.on_drift,
            on_failure=script.on_failure,
            on_no_data=script.on_no_data,
            keep=timedelta(minutes=5),
            deadline=timedelta(minutes=10),
        )
        self.world = World(plan=replace(plan, steps=steps), settle=timedelta(seconds=script.settle))
        self.world.azure.trouble = self._trouble
        self.world.azure.fates[digest(1)] = script.fate

    def _trouble(self, _app: FakeApp, _write: object) -> Trouble:
        trouble = self.troubles.pop(0) if self.troubles else Trouble.NONE
        if trouble is Trouble.HELD:
            self.held_at = self.held_at or self.world.clock.now()
        return trouble

    def play(self) -> list[Phase]:
        """Play the script, then let people and Azure come to rest; answer how the rollouts ended."""
        self._push()
        for index in range(45):
            for at, happening in self.script.happenings:
                if at == index:
                    self._happen(happening)
            self._tick()
        self._settle()
        return [rollout.phase for rollout in self.world.ended]

    def _settle(self) -> None:
        """People answer what waits for them until the app is idle."""
        world = self.world
        world.slowest = timedelta(seconds=20)
        for _ in range(600):
            if self._tick() is None and world.app.live is None and not world.app.waiting and not world.app.hold:
                break
            live = world.app.live
            if world.app.hold:
                world.order(Verb.RELEASE)
            elif (live and (live.paused or live.drift or live.asked_at)) or (not live and world.app.waiting):
                world.order(Verb.ABORT)
        else:
            raise AssertionError(f"it never came to rest: {world.app}")
        self._rest()

    def _rest(self) -> None:
        world = self.world
        assert not world.app.writes
        assert not world.app.retire
        if self.oracle.hand:
            return
        promoted = [r.canary for r in world.ended if r.phase is Phase.PROMOTED]
        stable = self.oracle.stable or (promoted[-1] if promoted else "ca-web--first")
        assert world.azure.weights(world.live) == {stable: 100}
        assert [r.name for r in world.live.revisions.values() if r.active] == [stable]

    def _tick(self) -> datetime | None:
        world, now = self.world, self.world.clock.now()
        self._end_troubles(now)
        shell, self.shell = self.shell, Shell.WHOLE
        opened = frozenset(d for d, f in world.findings.items() if f.answer is Answer.OPEN) | {"ungated"}
        before = len(world.ticks)
        owed = self._owed()
        decision = world.tick(shell)
        if len(world.ticks) > before:
            self.oracle.judge(world, world.ticks[-1], opened, owed)
        world.wait(decision.due)
        return decision.due

    def _owed(self) -> int:
        """Writes Azure has or may still get, of those sent before this tick."""
        azure, app = self.world.azure, self.world.live
        azure.settle()
        running = [o for _, o in azure.operations.values() if not o.applied]
        return len(running) + len(app.held)

    def _end_troubles(self, now: datetime) -> None:
        azure, world = self.world.azure, self.world
        azure.away = now < self.until.get("away", now)
        world.metrics_away = now < self.until.get("blind", now)
        if now >= self.until.get("shut", now):
            world.shut = None
        if now >= self.until.get("single", now):
            world.live.multiple = True
        if self.held_at is not None and now - self.held_at > ARM_GIVES_UP:
            self._land()
        for known, at in list(self.open_at.items()):
            if now >= at:
                world.findings.pop(known, None)

    def _land(self) -> None:
        self.held_at = None
        self.world.azure.release(self.world.live)

    def _push(self) -> None:
        self.pushed += 1
        self.world.push(self.pushed)

    def _gated(self, answer: Answer) -> None:
        self._push()
        self.world.findings[digest(self.pushed)] = Finding(gate="scan", answer=answer, because="the scan says so")
        if answer is Answer.WAITING:
            self.open_at[digest(self.pushed)] = self.world.clock.now() + timedelta(minutes=3)

    def _happen(self, what: Happening) -> None:
        if what in ORDERS:
            self.world.order(ORDERS[what])
        elif what in SENDS:
            self.troubles.append(SENDS[what])
        elif what in SHELLS:
            self.shell = SHELLS[what]
        elif what in HANDS:
            self._hand(what)
        elif what is Happening.PUSH:
            self._push()
        elif what in GATES:
            self._gated(GATES[what])
        else:
            self._break(what)

    def _break(self, what: Happening) -> None:
        world, now = self.world, self.world.clock.now()
        match what:
            case Happening.CRASH:
                self._canary_crashes()
            case Happening.ERRORS:
                world.error_rates[digest(self.pushed)[7:13]] = 0.5
            case Happening.MUTE:
                self._canary_mutes()
            case Happening.AWAY:
                self.until["away"] = now + timedelta(minutes=2)
            case Happening.BLIND:
                self.until["blind"] = now + timedelta(minutes=2)
            case Happening.PAUSE_TICKS:
                world.clock.advance(timedelta(minutes=10))
            case Happening.LAND:
                self._land()
            case Happening.SHUT:
                world.shut = Finding(gate="freeze", answer=Answer.WAITING, because="freeze: frozen until tomorrow")
                self.until["shut"] = now + timedelta(minutes=2)
            case _:
                pass

    def _canary_crashes(self) -> None:
        live = self.world.app.live
        revision = self.world.live.revisions.get(live.canary) if live else None
        if revision is not None:
            revision.crashed = True
        else:
            self.world.azure.fates[digest(self.pushed)] = Fate.NEVER_READY

    def _canary_mutes(self) -> None:
        live = self.world.app.live
        if live and live.canary in self.world.live.revisions:
            self.world.live.revisions[live.canary].answers = False

    def _hand(self, what: Happening) -> None:
        world, azure, app = self.world, self.world.azure, self.world.live
        self.oracle.hand = True
        live = world.app.live
        stable = live.stable.revision if live and live.stable else next(iter(azure.weights(app)), "ca-web--first")
        canary = live.canary if live and live.canary in app.revisions else stable
        short = {name: name.partition("--")[2].replace("-", "_") for name in (stable, canary)}
        match what:
            case Happening.HAND_STABLE:
                azure.set_traffic(app, **{short[stable]: 100})
            case Happening.HAND_CANARY:
                azure.set_traffic(app, **{short[canary]: 100})
            case Happening.HAND_SPLIT if canary != stable:
                azure.set_traffic(app, **{short[stable]: 40, short[canary]: 60})
            case Happening.LABEL:
                azure.label(app, stable, f"blue{len(world.ticks)}")
            case Happening.SINGLE:
                app.multiple, self.oracle.switched = False, True
                self.until["single"] = world.clock.now() + timedelta(minutes=1)
            case Happening.STABLE_OFF:
                azure.deactivate(app, stable)
            case _:
                pass
        self.oracle.moved.append(azure.weights(app))
