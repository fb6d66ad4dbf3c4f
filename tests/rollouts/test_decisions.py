"""What a decision carries to those who read it: weights before and after, numbers, reasons, how urgent a write is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.decided import Announce, Quarantine, Said, SetTraffic
from rollouts.model import ActorKind, OnFailure, Phase, Released, Stable, Step
from rollouts.seen import Verb
from tests.fakes.azure import Trouble
from tests.rollouts.test_candidates import FIRST
from tests.rollouts.test_machine import CANARY, MINUTE, asked, finish, pushed, rolling_back, until
from tests.rollouts.world import World, a_plan, digest


def said(world: World, what: Said) -> list[Announce]:
    return [a for a in world.said if a.said is what]


def phase_after_tick(world: World) -> Phase | None:
    live = world.tick().next.live
    return live.phase if live else None


def test_a_step_tells_the_weights_before_and_after_it() -> None:
    world = finish(pushed())

    steps = said(world, Said.STEPPED)
    assert [a.because for a in steps] == ["5 % seen", "25 % seen", "100 % seen"]
    assert [a.after for a in steps] == [{FIRST: 95, CANARY: 5}, {FIRST: 75, CANARY: 25}, {CANARY: 100}]
    assert [a.before for a in steps] == [{FIRST: 100}, {FIRST: 95, CANARY: 5}, {FIRST: 75, CANARY: 25}]
    assert said(world, Said.PROMOTED)[0].after == {CANARY: 100}


def test_a_roll_back_tells_the_weights_before_and_after_it() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.ROLLBACK)
    finish(world)

    told = said(world, Said.ROLLED_BACK)[0]
    assert told.before == {FIRST: 75, CANARY: 25}
    assert told.after == {FIRST: 100}


def test_an_ended_rollout_is_remembered_with_everything_that_tells_a_repeat_from_a_new_attempt() -> None:
    world = finish(pushed())
    world.clock.advance(MINUTE)
    world.error_rates["wb2"] = 0.5
    world.push(2)
    finish(world)
    world.clock.advance(MINUTE)
    world.error_rates["wb3"] = 0.5
    world.push(2)
    finish(world)

    assert {done.started for done in world.app.done} == {True}
    assert [(d.n, d.digest, d.tag, d.policy, d.phase, d.attempt) for d in world.app.done] == [
        (1, digest(1), "1.1.0", "p/production", Phase.PROMOTED, 1),
        (2, digest(2), "1.2.0", "p/production", Phase.ROLLED_BACK, 1),
        (3, digest(2), "1.2.0", "p/production", Phase.ROLLED_BACK, 2),
    ]


def test_a_failed_verdict_quarantines_the_digest_with_its_reason() -> None:
    world = pushed()
    world.error_rates["wb1"] = 0.5
    finish(world)

    found = [e for t in world.ticks for e in t.decision.effects if isinstance(e, Quarantine)]
    assert [(q.digest, q.n) for q in found] == [(digest(1), 1)]
    assert found[0].because == world.ended[0].because


def test_a_pause_of_the_policy_names_the_policy_and_when() -> None:
    world = until(Phase.BAKING, 0, a_plan(on_failure=OnFailure.PAUSE))
    world.live.revisions[CANARY].crashed = True
    while not (world.app.live and world.app.live.paused):
        world.wait(world.tick().due)

    assert world.app.live.paused.by.kind is ActorKind.POLICY
    assert world.app.live.paused.since == world.app.ticked_at
    world.order(Verb.RESUME)
    world.tick()
    for _ in range(5):
        world.wait(world.tick().due)
    assert len(said(world, Said.PAUSED)) == 1, "who resumes is not paused again for the same"


def test_a_second_container_keeps_its_own_record_when_another_is_promoted() -> None:
    other = Released(container="side", digest=digest(9), tag="9.0.0")
    world = World()
    world.app = replace(world.app, stable=Stable(revision=FIRST, released=(other,)))
    world.push(1)
    finish(world)
    world.clock.advance(MINUTE)
    world.push(2)
    finish(world)

    assert world.app.stable is not None
    assert [(r.container, r.tag) for r in world.app.stable.released] == [("side", "9.0.0"), ("web", "1.2.0")]


def test_a_roll_back_asks_again_while_another_operation_runs_and_a_raise_does_not() -> None:
    world = rolling_back()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.live.operation = "https://arm.test/operations/someone-elses"
    for _ in range(3):
        world.wait(world.clock.now() + timedelta(seconds=3))
        assert isinstance(world.tick().write, SetTraffic)

    world = until(Phase.BAKING, 0)
    world.live.operation = "https://arm.test/operations/someone-elses"
    live = world.app.live
    assert live is not None
    assert live.verified_at is not None
    world.clock.advance(live.verified_at + MINUTE - world.clock.now())
    assert world.tick().write is None


@pytest.mark.parametrize(("phase", "again"), [(Phase.ROLLING_BACK, 10), (Phase.BAKING, 30)])
def test_a_silent_write_is_repeated_after_ten_seconds_when_rolling_back_and_thirty_otherwise(
    phase: Phase, again: int
) -> None:
    world = until(Phase.BAKING, 0)
    world.azure.trouble = lambda _app, _write: Trouble.LOST
    if phase is Phase.ROLLING_BACK:
        world.order(Verb.ROLLBACK)
    else:
        world.clock.advance(2 * MINUTE)
    assert world.tick().write is not None
    world.app = replace(world.app, writes=tuple(replace(w, answer=None) for w in world.app.writes))

    world.clock.advance(timedelta(seconds=again - 1))
    silent = world.app
    assert world.tick().write is None
    world.app = silent
    world.clock.advance(timedelta(seconds=1))
    assert world.tick().write is not None


def test_exposure_is_counted_from_the_first_weight_and_not_from_a_step_at_zero() -> None:
    steps = (Step(weight=0, bake=MINUTE), Step(weight=100, bake=MINUTE))
    world = until(Phase.BAKING, 0, replace(a_plan(), steps=steps))
    assert world.app.live is not None
    assert world.app.live.weighted_at is None
    live = world.run_until(Phase.BAKING, 1)
    assert live.weighted_at == live.verified_at
    world.clock.advance(timedelta(seconds=20))
    world.tick()
    assert world.app.live is not None
    assert world.app.live.weighted_at == live.weighted_at


def test_an_approval_is_asked_of_the_rollout_and_expires_at_its_end_and_not_before() -> None:
    world = asked(within=10 * MINUTE)
    live = world.app.live
    assert live is not None
    assert live.asked_at is not None
    assert live.because == "waiting for approval by a person"
    assert [(a.n, a.because) for a in said(world, Said.APPROVAL_ASKED)] == [
        (1, "approval is needed at 25 % by a person")
    ]

    world.clock.advance(live.asked_at + 10 * MINUTE - timedelta(seconds=1) - world.clock.now())
    assert phase_after_tick(world) is Phase.BAKING
    world.clock.advance(timedelta(seconds=1))
    assert phase_after_tick(world) is Phase.ROLLING_BACK


def test_an_approval_that_was_given_does_not_expire() -> None:
    world = asked(within=10 * MINUTE)
    world.order(Verb.HOLD)
    world.order(Verb.APPROVE)
    world.tick()
    world.clock.advance(20 * MINUTE)
    world.tick()
    assert world.app.live is not None
    assert world.app.live.phase is Phase.BAKING


def test_an_order_to_promote_waives_an_approval_that_was_asked_for() -> None:
    world = asked(within=10 * MINUTE)
    world.order(Verb.PROMOTE)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    world.tick()
    world.clock.advance(20 * MINUTE)
    world.tick()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_a_hold_at_the_last_step_keeps_nothing_from_being_promoted() -> None:
    world = until(Phase.BAKING, 2)
    world.order(Verb.HOLD)
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_what_a_person_left_follows_the_person_and_is_set_back_only_over_our_own_late_write() -> None:
    world = until(Phase.BAKING, 0)
    world.azure.trouble = lambda _app, _write: Trouble.HELD
    world.clock.advance(2 * MINUTE)
    world.tick()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.azure.set_traffic(world.live, first=60, wb1_000001=40)
    world.wait(world.tick().due)
    world.order(Verb.LEAVE)
    world.wait(world.tick().due)
    world.azure.release(world.live)
    for _ in range(4):
        world.wait(world.tick().due)
    assert world.weights() == {"first": 60, "wb1-000001": 40}
    world.azure.set_traffic(world.live, first=30, wb1_000001=70)
    finish(world)
    assert world.weights() == {"first": 30, "wb1-000001": 70}
    assert world.ended[0].phase is Phase.ABORTED
    assert world.ended[0].because == "left as a person set it"
