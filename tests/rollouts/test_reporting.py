"""The final counts of a rollout that ended: told once, when Azure's metrics have all arrived, and then forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from rollouts import reporting, schedule
from rollouts.decided import Announce, Said
from rollouts.model import Phase, Report, Rollout
from rollouts.turn import Turn
from tests.fakes.azure import Fate
from tests.rollouts.test_machine import CANARY
from tests.rollouts.world import START, Ticked, World, digest

SETTLE = timedelta(seconds=180)


def ended(settle: timedelta = SETTLE, rate: float = 0.5) -> World:
    """A rollout that has just ended: rolled back when its canary fails at `rate`, else promoted."""
    world = World(settle=settle, error_rates={CANARY: rate})
    world.push(1)
    for _ in range(2000):
        if world.ended:
            return world
        world.wait(world.tick().due)
    raise AssertionError("it never ended")


def told(world: World) -> list[tuple[Ticked, Announce]]:
    said = ((tick, effect) for tick in world.ticks for effect in tick.decision.effects)
    return [(tick, one) for tick, one in said if isinstance(one, Announce) and one.said is Said.REPORTED]


def end_of(world: World) -> Rollout:
    assert world.ended[0].finished_at is not None
    return world.ended[0]


@pytest.mark.parametrize(("rate", "phase"), [(0.5, Phase.ROLLED_BACK), (0.0, Phase.PROMOTED)])
def test_it_is_told_once_when_the_last_minute_has_settled(rate: float, phase: Phase) -> None:
    world = ended(rate=rate)
    rollout = end_of(world)
    assert rollout.phase is phase
    assert [(r.n, r.canary, r.until) for r in world.app.reports] == [(1, CANARY, rollout.finished_at)]

    world.run()

    [(tick, said)] = told(world)
    assert (said.n, said.transition) == (1, "reported")
    assert rollout.finished_at is not None
    assert tick.at - rollout.finished_at >= SETTLE + timedelta(minutes=1)
    [reported] = tick.decision.reported
    assert reported.final is not None
    assert reported.final.at == rollout.finished_at
    assert reported.final.canary.requests > 0
    assert reported.announced[-1] == "reported"
    assert replace(reported, final=None, announced=rollout.announced) == rollout
    assert not world.app.reports


def test_where_counts_come_at_once_there_is_nothing_to_report() -> None:
    world = ended(settle=timedelta())
    assert not world.app.reports
    world.run()
    assert not told(world)


def test_a_canary_that_never_had_weight_is_not_reported() -> None:
    world = World(settle=SETTLE)
    world.azure.fates[digest(1)] = Fate.NEVER_READY
    world.push(1)
    world.run()
    assert world.ended[0].phase is Phase.FAILED
    assert not told(world)


def test_after_three_answers_that_never_came_it_is_told_without_them() -> None:
    world = ended()
    world.metrics_away = True
    world.run()

    [(tick, said)] = told(world)
    assert said.because == "its last minutes could not be counted: metrics 503"
    assert [r.final for r in tick.decision.reported] == [None]
    asked = [t for t in world.ticks if t.seen.report is not None]
    assert len(asked) == reporting.TRIES
    assert all(later.at - one.at >= reporting.AGAIN for one, later in pairwise(asked))
    assert not world.app.reports


def test_an_app_with_a_report_is_not_idle() -> None:
    world = ended()
    turn = Turn(loaded=world.app, app=replace(world.app, retire=()), seen=world.observe(world.app), now=START)
    assert schedule.due(turn) is not None
    assert schedule.due(replace(turn, app=replace(turn.app, reports=()))) is None


def test_more_reports_than_a_row_holds_push_the_oldest_out() -> None:
    world = ended()
    rollout = end_of(world)
    turn = Turn(loaded=world.app, app=world.app, seen=world.observe(world.app), now=world.clock.now())
    for n in range(2, 9):
        reporting.later(turn, replace(rollout, n=n))
    assert [r.n for r in turn.app.reports] == [4, 5, 6, 7, 8]


def test_it_waits_while_the_app_rolls_back() -> None:
    world = ended()
    late = Report(n=1, canary=CANARY, stable="", since=START, until=START, due=START)
    app = replace(world.app, reports=(late,))
    assert reporting.due(app, START) == late
    assert reporting.due(replace(app, live=replace(end_of(world), phase=Phase.ROLLING_BACK)), START) is None
    assert reporting.due(replace(app, live=replace(end_of(world), phase=Phase.BAKING)), START) == late


def test_a_rollout_that_history_has_forgotten_is_dropped_in_silence() -> None:
    world = ended()
    world.clock.advance(timedelta(minutes=10))
    seen = world.observe(world.app)
    assert seen.report is not None
    turn = Turn(
        loaded=world.app, app=world.app, seen=replace(seen, report=replace(seen.report, rollout=None)), now=START
    )
    reporting.report(turn)
    assert not turn.app.reports
    assert not turn.effects
