"""When an app is looked at again: soon while something moves, never later than five minutes, and not when idle."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rollouts.findings import Answer, Finding
from rollouts.model import Phase
from rollouts.seen import Verb
from tests.fakes.azure import Trouble
from tests.rollouts.test_machine import CANARY, MINUTE, created, finish, pushed, until
from tests.rollouts.world import ERRORS, RESTARTS, World, a_plan, digest

SECOND = timedelta(seconds=1)


def next_look(world: World) -> timedelta:
    """How long after this tick the next is due."""
    due = world.tick().due
    assert due is not None
    return due - world.clock.now()


def test_an_idle_app_is_not_looked_at() -> None:
    world = finish(pushed())

    assert world.tick().due is None


def test_a_write_is_looked_after_in_two_seconds_and_its_operation_every_three() -> None:
    world = pushed()
    assert next_look(world) == 2 * SECOND
    world.clock.advance(2 * SECOND)
    assert next_look(world) == 3 * SECOND


def test_a_canary_is_looked_at_every_three_seconds_until_it_is_ready() -> None:
    world = created()
    world.wait(world.tick().due)

    assert next_look(world) == 3 * SECOND


def test_a_bake_is_looked_at_every_fifteen_seconds_and_at_its_end() -> None:
    world = until(Phase.BAKING, 0)
    live = world.app.live
    assert live is not None
    assert live.verified_at is not None
    world.clock.advance(live.verified_at + timedelta(seconds=20) - world.clock.now())
    assert next_look(world) == 15 * SECOND
    world.clock.advance(30 * SECOND)
    assert next_look(world) == 10 * SECOND


def test_an_open_write_is_looked_at_every_fifteen_seconds() -> None:
    world = pushed()
    world.azure.trouble = lambda _app, _write: Trouble.HELD
    world.findings[digest(2)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
    world.tick()
    world.order(Verb.HOLD)
    world.wait(world.tick().due)

    assert next_look(world) <= 15 * SECOND


def test_rolling_back_is_looked_at_every_five_seconds() -> None:
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.LOST
    world.live.revisions[CANARY].crashed = True
    world.tick()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.wait(world.tick().due)
    world.clock.advance(timedelta(seconds=10))

    assert next_look(world) <= 5 * SECOND


@pytest.mark.parametrize("ask_in", [None, 3 * MINUTE, 60 * MINUTE])
def test_an_image_that_waits_is_asked_about_when_its_gate_says_so_and_every_five_minutes(
    ask_in: timedelta | None,
) -> None:
    world = pushed()
    ask_at: datetime | None = world.clock.now() + ask_in if ask_in else None
    world.findings[digest(1)] = Finding(gate="scan", answer=Answer.WAITING, because="not yet", ask_at=ask_at)

    assert next_look(world) == min(ask_in or 5 * MINUTE, 5 * MINUTE)


def test_a_revision_to_retire_is_looked_at_when_it_is_due() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.ROLLBACK)
    while world.app.live:
        world.wait(world.tick().due)

    assert next_look(world) <= 2 * MINUTE


def test_no_wait_is_longer_than_five_minutes() -> None:
    world = finish(pushed())

    assert all(t.decision.due is None or t.decision.due - t.at <= 5 * MINUTE for t in world.ticks)
    assert all(t.decision.due is None or t.decision.due - t.at >= SECOND for t in world.ticks)


def test_a_message_that_is_not_delivered_keeps_the_app_awake() -> None:
    world = finish(pushed())
    world.app = replace(world.app, undelivered=True)

    assert next_look(world) == 5 * MINUTE


def test_a_tick_at_which_a_rollout_ended_looks_at_who_waits_at_once() -> None:
    world = until(Phase.BAKING, 2)
    world.push(2)
    while world.app.live and world.app.live.n == 1:
        world.wait(world.tick().due)

    assert world.ticks[-1].decision.finished
    assert world.ticks[-1].decision.due == world.ticks[-1].at + SECOND


def test_a_check_that_only_warns_does_not_hold_the_bake_while_its_counts_are_away() -> None:
    warning = replace(ERRORS, warn=True)
    world = pushed(a_plan(5, 100, checks=(RESTARTS, warning)))
    world.metrics_away = True
    world.run()

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]


def test_time_in_which_the_app_could_not_be_looked_at_is_not_counted_against_the_deadline() -> None:
    world = until(Phase.BAKING, 0)
    world.azure.away = True
    for _ in range(120):
        world.wait(world.tick().due)

    assert world.app.live is not None
    assert world.app.live.spent < timedelta(minutes=5)
