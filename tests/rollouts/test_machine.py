"""The moves of a rollout: every one that is legal is reached, and none other is possible."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from delivery.errors import Refused
from rollouts import machine
from rollouts.checks import Check, CheckKind, OnNoData, ProbeSpec
from rollouts.decided import Announce, CreateCanary, Quarantine, Said, SetTraffic
from rollouts.findings import Answer, Finding
from rollouts.machine import TRANSITIONS, IllegalMoveError
from rollouts.model import App, Cause, OnFailure, OnNewImage, Phase, Released, Rollout, Stable, Step
from rollouts.seen import AppSeen, Observation, Verb
from rollouts.turn import Turn
from tests.fakes.azure import FakeAzure, Fate, Trouble
from tests.rollouts.world import ERRORS, KEY, RESOURCE, RESTARTS, START, World, a_plan, digest, image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from delivery.ports import Sent
    from rollouts.decided import ArmWrite
    from rollouts.model import Plan

MINUTE = timedelta(minutes=1)
PROBE = Check(kind=CheckKind.PROBE, text="probe /healthz", probe=ProbeSpec(path="/healthz"), strikes=2)
CANARY = "ca-web--wb1-000001"


def pushed(plan: Plan | None = None) -> World:
    world = World(plan=plan or a_plan())
    world.push(1)
    return world


def until(phase: Phase, step: int | None = None, plan: Plan | None = None) -> World:
    world = pushed(plan)
    world.run_until(phase, step)
    return world


def asked(*, within: timedelta | None = None) -> World:
    """Baking at 25 % until a person approves."""
    steps = (Step(weight=25, bake=MINUTE, until_approved=True, approve_within=within), Step(weight=100, bake=MINUTE))
    world = until(Phase.BAKING, 0, replace(a_plan(), steps=steps))
    while Said.APPROVAL_ASKED not in world.told():
        world.wait(world.tick().due)
    return world


def created(plan: Plan | None = None) -> World:
    """The canary exists, and is not ready yet."""
    world = until(Phase.DEPLOYING, plan=plan)
    while CANARY not in world.live.revisions:
        world.wait(world.tick().due)
    return world


def finish(world: World) -> World:
    world.run()
    return world


def quarantined(world: World) -> list[int]:
    return [e.n for t in world.ticks for e in t.decision.effects if isinstance(e, Quarantine)]


def because(world: World, said: Said) -> str:
    return next(a.because for a in world.said if a.said is said)


# ---- scenarios, one for each legal move


def closed() -> World:
    world = pushed()
    world.findings[digest(1)] = Finding(gate="scan", answer=Answer.CLOSED, because="2 critical findings")
    return finish(world)


def asked_in_vain() -> World:
    world = pushed()
    world.findings[digest(1)] = Finding(gate="approvers", answer=Answer.CLOSED, because="0 of 1 approved within 1 h")
    world.expired = True
    return finish(world)


def waiting() -> World:
    world = pushed()
    world.findings[digest(1)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
    world.tick()
    return world


def two_pushed() -> World:
    world = pushed()
    world.push(2)
    return finish(world)


def ordered(world: World, verb: Verb) -> World:
    world.order(verb)
    return finish(world)


def newer(world: World) -> World:
    world.push(2)
    return finish(world)


def never_ready() -> World:
    world = pushed()
    world.azure.fates[digest(1)] = Fate.NEVER_READY
    return finish(world)


def errors() -> World:
    world = pushed()
    world.error_rates["wb1"] = 0.5
    return finish(world)


def split(world: World) -> World:
    """A person gives both revisions half, and asks to leave it so."""
    world.azure.set_traffic(world.live, first=50, wb1_000001=50)
    world.tick()
    return ordered(world, Verb.LEAVE)


def rolling_back() -> World:
    """Azure refuses the write that would end it."""
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    world.order(Verb.ROLLBACK)
    world.tick()
    return world


def deleted(world: World) -> World:
    world.azure.apps.clear()
    return finish(world)


def split_while_rolling_back() -> World:
    return split(rolling_back())


ARROWS: dict[tuple[Phase, Cause], Callable[[], World]] = {
    (Phase.WAITING, Cause.GATES_OPEN): lambda: finish(pushed()),
    (Phase.WAITING, Cause.GATE_CLOSED): closed,
    (Phase.WAITING, Cause.NEWER_IMAGE): two_pushed,
    (Phase.WAITING, Cause.LIMIT_PASSED): asked_in_vain,
    (Phase.WAITING, Cause.ABORT_ORDERED): lambda: ordered(waiting(), Verb.ABORT),
    (Phase.DEPLOYING, Cause.CANARY_READY): lambda: finish(pushed()),
    (Phase.DEPLOYING, Cause.CANARY_NEVER_READY): never_ready,
    (Phase.DEPLOYING, Cause.NEWER_IMAGE): lambda: newer(until(Phase.DEPLOYING)),
    (Phase.DEPLOYING, Cause.ABORT_ORDERED): lambda: ordered(until(Phase.DEPLOYING), Verb.ABORT),
    (Phase.DEPLOYING, Cause.ROLLBACK_ORDERED): lambda: ordered(until(Phase.DEPLOYING), Verb.ROLLBACK),
    (Phase.DEPLOYING, Cause.LEFT_AS_IS): lambda: split(created()),
    (Phase.BAKING, Cause.BAKES_SERVED): lambda: finish(pushed()),
    (Phase.BAKING, Cause.CHECK_FAILED): errors,
    (Phase.BAKING, Cause.LIMIT_PASSED): lambda: finish(asked(within=MINUTE)),
    (Phase.BAKING, Cause.NEWER_IMAGE): lambda: newer(until(Phase.BAKING, 1)),
    (Phase.BAKING, Cause.ABORT_ORDERED): lambda: ordered(until(Phase.BAKING, 1), Verb.ABORT),
    (Phase.BAKING, Cause.ROLLBACK_ORDERED): lambda: ordered(until(Phase.BAKING, 1), Verb.ROLLBACK),
    (Phase.BAKING, Cause.LEFT_AS_IS): lambda: split(until(Phase.BAKING, 1)),
    (Phase.ROLLING_BACK, Cause.CHECK_FAILED): errors,
    (Phase.ROLLING_BACK, Cause.ROLLBACK_ORDERED): lambda: ordered(until(Phase.BAKING, 1), Verb.ROLLBACK),
    (Phase.ROLLING_BACK, Cause.CANARY_NEVER_READY): never_ready,
    (Phase.ROLLING_BACK, Cause.NEWER_IMAGE): lambda: newer(until(Phase.BAKING, 1)),
    (Phase.ROLLING_BACK, Cause.ABORT_ORDERED): lambda: ordered(until(Phase.BAKING, 1), Verb.ABORT),
    (Phase.ROLLING_BACK, Cause.LIMIT_PASSED): lambda: finish(asked(within=MINUTE)),
    (Phase.ROLLING_BACK, Cause.LEFT_AS_IS): split_while_rolling_back,
    (Phase.DEPLOYING, Cause.APP_GONE): lambda: deleted(created()),
    (Phase.BAKING, Cause.APP_GONE): lambda: deleted(until(Phase.BAKING, 1)),
    (Phase.ROLLING_BACK, Cause.APP_GONE): lambda: deleted(rolling_back()),
}


def moves(world: World) -> Iterator[tuple[Phase, Cause | None, Phase]]:
    """Every change of phase, with its cause, in order."""
    for tick in world.ticks:
        held = (tick.app.live,) if tick.app.live else ()
        before = {r.n: r.phase for r in (*held, *tick.app.waiting)}
        after = tick.decision.next
        for r in (*((after.live,) if after.live else ()), *after.waiting, *tick.decision.finished):
            if r.n in before and before[r.n] is not r.phase:
                yield before[r.n], r.cause, r.phase


@pytest.mark.parametrize("arrow", TRANSITIONS, ids=lambda arrow: f"{arrow[0]}, {arrow[1]}")
def test_every_legal_move_is_reached(arrow: tuple[Phase, Cause]) -> None:
    assert (*arrow, TRANSITIONS[arrow]) in list(moves(ARROWS[arrow]()))


def bare(phase: Phase) -> Turn:
    rollout = Rollout(n=1, image=image(1), policy="p", offered_at=START, pushed_at=START, phase=phase, plan=a_plan())
    app = App(key=KEY, waiting=(rollout,)) if phase is Phase.WAITING else App(key=KEY, live=rollout)
    return Turn(loaded=app, app=app, seen=Observation(operations={}), now=START)


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("phase", Phase)
def test_every_other_move_raises_and_changes_nothing(phase: Phase, cause: Cause) -> None:
    if (phase, cause) in TRANSITIONS:
        return
    turn = bare(phase)

    with pytest.raises(IllegalMoveError, match=f"rollout 1 is {phase}; it cannot move because of {cause}"):
        machine._move(turn, 1, cause, "x")

    assert turn.app == turn.loaded
    assert not turn.effects


def test_a_rollout_that_is_not_here_cannot_move() -> None:
    with pytest.raises(IllegalMoveError, match="rollout 2 is not here"):
        machine._move(bare(Phase.BAKING), 2, Cause.CHECK_FAILED, "x")


# ---- promoted


def test_a_good_image_is_promoted_step_by_step() -> None:
    world = finish(pushed())

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert world.told() == [Said.STARTED, Said.STEPPED, Said.STEPPED, Said.STEPPED, Said.PROMOTED]
    assert [weights.get(CANARY, 0) for _, weights in world.live.history] == [0, 0, 5, 25, 100, 100]
    assert world.app.stable == Stable(
        revision=CANARY,
        digest=digest(1),
        tag="1.1.0",
        policy="p/production",
        released=(Released(container="web", digest=digest(1), tag="1.1.0", pushed_at=START),),
        since=next(tick.at for tick in world.ticks if tick.decision.finished),
    )
    rollout = world.ended[0]
    assert rollout.ready_at == next(t.at for t in world.ticks if t.decision.next.live and t.decision.next.live.ready_at)
    assert rollout.started_at == START
    assert not quarantined(world)


def test_traffic_that_follows_the_latest_is_pinned_and_seen_pinned_before_anything_is_created() -> None:
    world = until(Phase.BAKING)
    pin, create = world.live.writes[:2]
    when = next(t for t in world.ticks if t.decision.write is create)

    assert when.decision.next.live is not None
    assert when.decision.next.live.because == "the canary is being created at 0 %"
    assert isinstance(pin, SetTraffic)
    assert [(e.revision, e.weight) for e in pin.traffic] == [("ca-web--first", 100)]
    assert isinstance(when.seen.app, AppSeen)
    assert not any(entry.latest for entry in when.seen.app.traffic)


def test_stable_has_everything_while_the_canary_is_made() -> None:
    world = until(Phase.BAKING)

    assert all(weights == {"ca-web--first": 100} for _, weights in world.live.history)


def test_each_bake_is_served_at_its_weight() -> None:
    world = finish(pushed())
    raised = [at for at, weights in world.live.history if weights.get(CANARY)][:3]

    assert all(later - earlier >= MINUTE for earlier, later in pairwise(raised))
    finished = world.ended[0].finished_at
    assert finished is not None
    assert finished - raised[-1] >= MINUTE


def test_a_bake_begins_again_when_the_weight_was_away() -> None:
    world = until(Phase.BAKING, 0)
    world.clock.advance(timedelta(seconds=50))
    world.azure.set_traffic(world.live, first=100)
    world.tick()
    world.order(Verb.RESUME)
    while not world.weights().get("wb1-000001"):
        world.wait(world.tick().due)
    back = world.clock.now()
    world.run_until(Phase.BAKING, 1)

    assert world.clock.now() - back >= MINUTE


def test_blue_green_is_a_step_at_no_weight_that_is_judged_by_its_probe() -> None:
    world = finish(pushed(a_plan(0, 100)))

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert [weights.get(CANARY, 0) for _, weights in world.live.history] == [0, 0, 100, 100]


def test_two_steps_at_one_weight_are_two_bakes() -> None:
    world = until(Phase.BAKING, 0, a_plan(25, 25, 100))
    at = world.clock.now()
    world.run_until(Phase.BAKING, 2)

    assert world.clock.now() - at >= 2 * MINUTE


def test_a_bake_ends_no_earlier_than_its_counts_have_settled() -> None:
    world = World(plan=a_plan(50, 100), settle=timedelta(minutes=3))
    world.push(1)
    seen_at = world.run_until(Phase.BAKING, 0).verified_at
    world.run_until(Phase.BAKING, 1)

    assert seen_at is not None
    assert world.clock.now() - seen_at >= MINUTE + timedelta(minutes=3)


# ---- rolled back


@pytest.mark.parametrize("bad", ["errors", "crash", "probe"])
def test_a_bad_canary_is_rolled_back_in_one_write_and_quarantined(bad: str) -> None:
    world = until(Phase.BAKING, 1, a_plan(5, 25, 100, checks=(RESTARTS, ERRORS, PROBE)))
    world.error_rates["wb1"] = 0.5 if bad == "errors" else 0.0
    world.live.revisions[CANARY].crashed = bad == "crash"
    world.live.revisions[CANARY].answers = bad != "probe"
    before = len(world.live.writes)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ROLLED_BACK]
    assert world.weights() == {"first": 100}
    assert quarantined(world) == [1]
    assert isinstance(world.live.writes[before], SetTraffic)
    assert len(world.live.writes) == before + 2  # back to stable, and the canary retired
    assert world.told()[-2:] == [Said.ROLLING_BACK, Said.ROLLED_BACK]
    verdict = next(t for t in world.ticks if any(isinstance(e, Quarantine) for e in t.decision.effects))
    assert verdict.decision.write == world.live.writes[before], "the write comes with the verdict"


def test_rolled_back_is_said_only_when_stable_was_seen_with_everything() -> None:
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    world.live.revisions[CANARY].crashed = True
    for _ in range(5):
        world.wait(world.tick().due)

    assert Said.ROLLING_BACK in world.told()
    assert Said.ROLLED_BACK not in world.told()


def test_rolling_back_is_tried_again_every_few_seconds() -> None:
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    world.live.revisions[CANARY].crashed = True
    tries = []
    for _ in range(5):
        tries.append(world.tick())
        world.wait(tries[-1].due)

    assert sum(decision.write is not None for decision in tries) >= 4
    assert all(d.due and d.due - t.at <= timedelta(seconds=5) for d, t in zip(tries, world.ticks[-5:], strict=True))


def test_a_lost_rollback_is_sent_again_without_waiting_for_its_end() -> None:
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.LOST
    world.live.revisions[CANARY].crashed = True
    world.wait(world.tick().due)
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    again = world.tick()

    assert isinstance(again.write, SetTraffic)
    assert len(again.next.writes) == 1, "sends of one aim are folded"


def test_a_failed_check_pauses_when_the_policy_says_so() -> None:
    world = until(Phase.BAKING, 1, a_plan(on_failure=OnFailure.PAUSE))
    world.live.revisions[CANARY].crashed = True
    world.wait(world.tick().due)

    live = world.app.live
    assert live is not None
    assert live.phase is Phase.BAKING
    assert live.paused is not None
    assert live.paused.because.startswith("a check failed: ")
    assert not quarantined(world)
    assert [r.phase for r in ordered(world, Verb.ROLLBACK).ended] == [Phase.ROLLED_BACK]


# ---- failed: never a ready canary


@pytest.mark.parametrize(
    ("fate", "why"),
    [
        pytest.param(Fate.NEVER_READY, "not ready within 15 minutes: the revision is not up yet", id="never ready"),
        pytest.param(Fate.CRASHES, "the revision failed", id="crash loop"),
        pytest.param(Fate.NO_IMAGE, "Azure refused the revision: ContainerAppOperationError", id="image gone"),
    ],
)
def test_a_canary_that_never_gets_ready_costs_stable_nothing(fate: Fate, why: str) -> None:
    world = pushed()
    world.azure.fates[digest(1)] = fate
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.FAILED]
    assert world.ended[0].because.startswith(why)
    assert all(weights == {"ca-web--first": 100} for _, weights in world.live.history)
    assert not quarantined(world), "the image was never judged"
    assert not any(r.active for r in world.live.revisions.values() if r.name == CANARY)


@pytest.mark.parametrize("phase", ["deploying", "baking"])
@pytest.mark.parametrize(("looks", "outcome"), [(1, Phase.PROMOTED), (2, None)])
def test_unhealthy_passes_by_once_and_not_twice(phase: str, looks: int, outcome: Phase | None) -> None:
    world = created() if phase == "deploying" else until(Phase.BAKING, 1)
    for _ in range(2):  # it comes back: only looks in a row count
        world.azure.unhealthy.add(CANARY)
        for _ in range(looks):
            world.wait(world.tick().due)
        world.azure.unhealthy.clear()
        world.wait(world.tick().due)
    finish(world)

    bad = Phase.FAILED if phase == "deploying" else Phase.ROLLED_BACK
    assert [r.phase for r in world.ended] == [outcome or bad]


def test_a_canary_that_does_not_answer_gets_no_weight() -> None:
    world = created()
    world.live.revisions[CANARY].answers = False
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.FAILED]
    assert "its own address has not answered yet" in world.ended[0].because


def test_a_revision_that_is_not_listed_yet_is_waited_for() -> None:
    """ "Succeeded" does not mean listed."""
    world = pushed()
    world.azure.hidden.add(CANARY)
    while CANARY not in world.live.revisions:
        world.wait(world.tick().due)
    for _ in range(3):
        world.wait(world.tick().due)
    world.azure.hidden.clear()

    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_a_revision_of_our_name_with_another_image_is_not_ours() -> None:
    world = until(Phase.DEPLOYING)
    world.azure.revise(world.live, "wb1-000001")
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.FAILED]
    assert "exists with another image" in world.ended[0].because


class Unanswered(FakeAzure):
    """The first creation lands without an answer and is not listed; later ones are refused, for its name is taken."""

    sent = 0

    def take(self, resource: str, write: ArmWrite) -> Sent:
        if not isinstance(write, CreateCanary):
            return super().take(resource, write)
        self.sent += 1
        if self.sent > 1:
            raise Refused("400 RevisionSuffixInUse", status=400)
        self.hidden.add(CANARY)
        self.trouble = lambda _app, _write: Trouble.SILENT
        try:
            return super().take(resource, write)
        finally:
            self.trouble = lambda _app, _write: Trouble.NONE


def test_a_refused_second_creation_is_not_the_end_while_the_first_may_have_landed() -> None:
    world = World()
    world.azure = azure = Unanswered(world.clock)
    world.live = azure.create(RESOURCE, image(0).reference)
    world.push(1)
    while azure.sent < 3:
        world.wait(world.tick().due)
    azure.hidden.clear()
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]


def test_no_revision_within_15_minutes_is_a_failure() -> None:
    world = until(Phase.DEPLOYING)
    world.azure.trouble = lambda _app, write: Trouble.NONE if isinstance(write, SetTraffic) else Trouble.LOST
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.FAILED]
    assert world.ended[0].because == "no revision appeared within 15 minutes"


# ---- too little to know


def idle(on_no_data: OnNoData, **changes: object) -> World:
    world = World(plan=a_plan(25, 100, checks=(ERRORS,), on_no_data=on_no_data, **changes), rps=0.0)
    world.push(1)
    return world


def test_an_idle_app_is_promoted_on_its_probes() -> None:
    assert [r.phase for r in finish(idle(OnNoData.PROBE)).ended] == [Phase.PROMOTED]


def test_an_idle_app_whose_canary_stops_answering_is_not() -> None:
    world = idle(OnNoData.PROBE)
    world.run_until(Phase.BAKING, 0)
    world.live.revisions[CANARY].answers = False
    world.clock.advance(2 * MINUTE)
    for _ in range(20):
        world.wait(world.tick().due)

    assert world.app.live is not None
    assert world.app.live.step == 0


def test_a_canary_with_strikes_against_it_does_not_only_lack_data() -> None:
    """Each look finds it worse, and the policy wants nine such looks: it stays at 5 % until the ninth."""
    nine = replace(ERRORS, text="errors <= stable x 2 strikes 9", strikes=9)
    world = World(plan=a_plan(5, 50, 100, checks=(nine,)), rps=200.0)
    world.error_rates["wb1"] = 0.5
    world.push(1)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ROLLED_BACK]
    assert max(weights.get(CANARY, 0) for _, weights in world.live.history) == 5


def test_a_canary_that_is_not_healthy_now_does_not_only_lack_data() -> None:
    world = idle(OnNoData.PROBE)
    world.run_until(Phase.BAKING, 0)
    world.clock.advance(MINUTE)
    world.azure.unhealthy.add(CANARY)
    assert world.tick().write is None
    assert world.app.live is not None
    assert world.app.live.step == 0

    world.azure.unhealthy.clear()
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_waiting_for_data_pauses_at_the_deadline_and_says_so() -> None:
    world = idle(OnNoData.WAIT, deadline=timedelta(minutes=10))
    while Said.PAUSED not in world.told():
        world.wait(world.tick().due)

    assert because(world, Said.PAUSED).startswith("the deadline passed: no requests to judge yet")
    assert timedelta(minutes=10) <= world.clock.now() - START < timedelta(minutes=12)


def test_no_data_pauses_once_and_who_resumes_lets_it_pass() -> None:
    world = idle(OnNoData.PAUSE)
    for _ in range(2):
        told = world.told().count(Said.PAUSED)
        while world.told().count(Said.PAUSED) == told:
            world.wait(world.tick().due)
        world.order(Verb.RESUME)

    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]
    assert world.told().count(Said.PAUSED) == 2, "once a step"


def test_no_data_fails_when_the_policy_says_so() -> None:
    world = finish(idle(OnNoData.FAIL))

    assert [r.phase for r in world.ended] == [Phase.ROLLED_BACK]
    assert quarantined(world) == [1]


def test_cannot_ask_is_neither_good_nor_bad() -> None:
    world = until(Phase.BAKING, 1)
    world.metrics_away = True
    for _ in range(20):
        world.wait(world.tick().due)
    live = world.app.live
    assert live is not None
    assert (live.step, live.because) == (1, "metrics 503")

    world.metrics_away = False
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_what_cannot_be_asked_is_not_written_over() -> None:
    world = until(Phase.BAKING, 1)
    world.azure.away = True
    world.order(Verb.ROLLBACK)
    decisions = [world.tick() for _ in range(3)]

    assert not any(decision.write for decision in decisions)
    world.azure.away = False
    assert isinstance(world.tick().write, SetTraffic)


# ---- an approval that does not come


@pytest.mark.parametrize("also", ["the app is held", "the rollout is paused", "metrics are away"])
def test_an_approval_that_is_not_given_in_time_rolls_back_whatever_else_stops_it(also: str) -> None:
    world = asked(within=10 * MINUTE)
    match also:
        case "the app is held":
            world.order(Verb.HOLD)
        case "the rollout is paused":
            world.order(Verb.PAUSE)
        case _:
            world.metrics_away = True
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.EXPIRED]
    assert world.weights() == {"first": 100}
    assert 10 * MINUTE <= world.clock.now() - START < 20 * MINUTE


# ---- an app that cannot be looked at


@pytest.mark.parametrize("open_write", [False, True])
def test_an_app_that_cannot_be_looked_at_is_said_once_and_asked_once_a_minute(open_write: bool) -> None:  # noqa: FBT001 - a case
    world = until(Phase.BAKING, 0, a_plan(deadline=timedelta(days=1)))
    if open_write:
        world.azure.trouble = lambda _app, _write: Trouble.LOST
        while not isinstance(world.tick().write, SetTraffic):
            world.clock.advance(timedelta(seconds=15))
        world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.azure.away = True
    for _ in range(200):
        world.wait(world.tick().due)
    last = [t.at for t in world.ticks[-50:]]

    assert bool(world.app.writes) is open_write
    assert all(later - earlier == MINUTE for earlier, later in pairwise(last))
    said = [a.because for a in world.said if "could not be looked at for 10 minutes" in a.because]
    assert said == ["the app could not be looked at for 10 minutes: ARM 503; it goes on by itself once it can"]

    world.azure.away = False
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_each_time_an_app_is_out_of_sight_is_said() -> None:
    world = until(Phase.BAKING, 0, a_plan(5, 100, deadline=timedelta(days=1)))
    world.order(Verb.HOLD)
    for away in (True, False, True):
        world.azure.away = away
        for _ in range(100):
            world.wait(world.tick().due)

    assert sum("could not be looked at" in a.because for a in world.said) == 2


# ---- newer images


def test_a_newer_image_starts_when_the_older_is_back_at_nothing() -> None:
    world = newer(until(Phase.BAKING, 1))
    both = [w for _, w in world.live.history if w.get(CANARY) and w.get("ca-web--wb2-000002")]

    assert [r.phase for r in world.ended] == [Phase.SUPERSEDED, Phase.PROMOTED]
    assert not both
    assert not quarantined(world)


def test_the_policy_may_let_a_rollout_finish_first() -> None:
    world = newer(until(Phase.BAKING, 0, a_plan(on_new_image=OnNewImage.FINISH)))

    assert [(r.n, r.phase) for r in world.ended] == [(1, Phase.PROMOTED), (2, Phase.PROMOTED)]


def test_a_canary_with_all_the_traffic_finishes_first() -> None:
    world = newer(until(Phase.BAKING, 2))

    assert [(r.n, r.phase) for r in world.ended] == [(1, Phase.PROMOTED), (2, Phase.PROMOTED)]


def test_a_candidate_that_waits_for_its_gates_disturbs_nothing() -> None:
    world = until(Phase.BAKING, 0)
    world.findings[digest(2)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
    world.push(2)
    world.run_until(Phase.BAKING, 2)

    assert Said.ROLLING_BACK not in world.told()


def test_a_failed_canary_is_not_superseded_but_rolled_back() -> None:
    world = until(Phase.BAKING, 1)
    world.live.revisions[CANARY].crashed = True
    finish(newer(world))

    assert [(r.n, r.phase) for r in world.ended] == [(1, Phase.ROLLED_BACK), (2, Phase.PROMOTED)]
    assert quarantined(world) == [1]


# ---- the row


def test_what_is_said_is_said_once() -> None:
    for arrow in ARROWS.values():
        edges = [(a.n, a.transition) for a in arrow().said]
        assert len(edges) == len(set(edges))


def test_every_save_has_the_next_number_and_its_write_bears_it() -> None:
    world = finish(pushed())

    assert [d.next.seq for d in world.decisions] == list(range(1, len(world.decisions) + 1))
    for decision in world.decisions:
        assert (decision.write is None) == all(w.id != decision.next.seq for w in decision.next.writes)


def test_a_decision_says_why_it_moved() -> None:
    world = errors()
    told = next(d for d in world.decisions if any(isinstance(e, Announce) for e in d.effects) and d.write)

    assert told.because
