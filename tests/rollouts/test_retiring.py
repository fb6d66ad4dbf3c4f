"""Old revisions: kept as long as promised, and switched off only when nothing needs them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollouts.decided import Deactivate
from rollouts.model import Phase
from rollouts.seen import Verb
from tests.fakes.azure import FakeApp, Trouble
from tests.rollouts.test_machine import CANARY, MINUTE, errors, finish, until
from tests.rollouts.world import World, a_plan

FIRST = "ca-web--first"


def promoted(keep: timedelta = timedelta(hours=1)) -> World:
    world = until(Phase.BAKING, 2, a_plan(keep=keep))
    while not world.ended:
        world.wait(world.tick().due)
    return world


def deactivated_at(world: World, revision: str) -> timedelta:
    """How long after the end of the rollout it was written."""
    ended = world.ended[0].finished_at
    assert ended is not None
    return next(t.at - ended for t in world.ticks if t.decision.write == Deactivate(revision=revision))


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        pytest.param(timedelta(hours=1), timedelta(hours=1), id="as long as the policy keeps it"),
        pytest.param(timedelta(), 2 * MINUTE, id="at least as long as it drains"),
    ],
)
def test_the_old_stable_stays_active_for_its_keep(keep: timedelta, expected: timedelta) -> None:
    world = finish(promoted(keep))

    assert expected <= deactivated_at(world, FIRST) < expected + MINUTE
    assert not world.live.revisions[FIRST].active
    assert not world.app.retire


def test_a_canary_that_was_rolled_back_drains_first() -> None:
    world = errors()

    assert 2 * MINUTE <= deactivated_at(world, CANARY) < 3 * MINUTE
    assert world.live.revisions[FIRST].active


@pytest.mark.parametrize("needed", ["weight", "label", "inactive", "gone"])
def test_what_somebody_needs_is_theirs_and_what_is_gone_is_done(needed: str) -> None:
    world = promoted()
    match needed:
        case "weight":
            world.azure.set_traffic(world.live, first=10, wb1_000001=90)
        case "label":
            world.azure.label(world.live, FIRST, "undo")
        case "inactive":
            world.azure.deactivate(world.live, FIRST)
        case _:
            del world.live.revisions[FIRST]
    finish(world)

    assert not any(isinstance(w, Deactivate) for w in world.live.writes)
    assert not world.app.retire


def test_a_label_that_is_gone_again_when_it_is_due_protects_nothing() -> None:
    world = promoted()
    before = list(world.live.traffic)
    world.azure.label(world.live, FIRST, "undo")
    world.tick()
    world.live.traffic = before

    assert not finish(world).live.revisions[FIRST].active


def test_a_person_who_goes_back_to_the_old_one_keeps_it_and_it_is_the_next_stable() -> None:
    world = promoted()
    world.azure.set_traffic(world.live, first=100)
    world.push(2)
    finish(world)

    assert world.ended[-1].phase is Phase.PROMOTED
    assert world.ended[-1].stable is not None
    assert world.ended[-1].stable.revision == FIRST


def test_the_next_rollout_may_start_meanwhile_and_retires_nobody_it_needs() -> None:
    world = promoted(10 * MINUTE)
    world.push(2)
    world.run_until(Phase.BAKING, 0)
    world.order(Verb.PAUSE)
    for _ in range(60):
        world.wait(world.tick().due)

    assert not world.live.revisions[FIRST].active, "it was due, and nothing of the new rollout"
    assert world.live.revisions[CANARY].active, "it is the stable of the new rollout"
    world.order(Verb.ROLLBACK)
    finish(world)
    assert world.weights() == {"wb1-000001": 100}


def test_a_stable_that_is_due_to_retire_is_not_retired_while_a_rollout_stands_on_it() -> None:
    """Promoted, taken back by hand within the keep, and the next rollout returns to it."""
    world = promoted(10 * MINUTE)
    world.azure.set_traffic(world.live, first=100)
    world.push(2)
    world.run_until(Phase.BAKING, 2)
    world.order(Verb.PAUSE)
    for _ in range(60):
        world.wait(world.tick().due)

    assert world.live.revisions[FIRST].active


def test_an_entry_of_a_revision_that_became_stable_again_goes_and_the_app_is_idle() -> None:
    """Promoted, taken back by hand within the keep, and the next image fails: nobody waits for the old one to go."""
    world = promoted(10 * MINUTE)
    world.azure.set_traffic(world.live, first=100)
    world.error_rates["wb2"] = 0.5
    world.push(2)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.PROMOTED, Phase.ROLLED_BACK]
    assert world.weights() == {"first": 100}
    assert not world.app.retire
    assert world.tick().due is None


def test_what_is_kept_for_long_does_not_fill_the_row() -> None:
    """Thirty releases within the keep: the oldest go first, and the twenty last stay as promised."""
    world = World(plan=a_plan(100, checks=(), keep=timedelta(days=30)))
    for n in range(1, 31):
        world.push(n)
        while len(world.ended) < n:
            world.wait(world.tick().due)
    for _ in range(60):
        world.wait(world.tick().due)

    active = [r.name for r in world.live.revisions.values() if r.active]
    assert len(active) == 21
    assert len(world.app.retire) == 20
    assert CANARY not in active


def test_one_at_a_time_and_never_beside_another_write() -> None:
    world = promoted(keep=timedelta())
    world.push(2)
    finish(world)

    for tick in world.ticks:
        if isinstance(tick.decision.write, Deactivate):
            assert not tick.app.writes


def test_nothing_is_deactivated_while_a_write_is_open() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.ROLLBACK)
    world.azure.trouble = lambda _app, _write: Trouble.SILENT
    world.tick()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    silent_until = world.clock.now() + timedelta(minutes=20)
    finish(world)

    when = next(t.at for t in world.ticks if isinstance(t.decision.write, Deactivate))
    assert when >= silent_until


def test_a_deactivation_that_fails_is_tried_again() -> None:
    world = promoted(keep=timedelta())
    tried: list[object] = []

    def trouble(_app: FakeApp, write: object) -> Trouble:
        tried.append(write)
        return Trouble.BUSY if len(tried) < 3 else Trouble.NONE

    world.azure.trouble = trouble
    finish(world)

    assert tried == [Deactivate(revision=FIRST)] * 3
    assert not world.live.revisions[FIRST].active
