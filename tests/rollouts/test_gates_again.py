"""A gate that closes after the start moves no weight, is announced, and never holds a rollback."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.decided import CreateCanary, Said
from rollouts.findings import Answer, Finding
from rollouts.model import Approvers, Phase, Step
from rollouts.seen import ApprovalSeen, Verb
from tests.rollouts.test_machine import MINUTE, finish, pushed, until, waiting
from tests.rollouts.world import PERSON, World, a_plan

FROZEN = Finding(gate="gates", answer=Answer.WAITING, because="freeze: frozen until 2027-01-04")
ADA, BOB = ApprovalSeen(groups=("leads",)), ApprovalSeen(groups=("leads", "platform"))


def pass_by(world: World, ticks: int = 40) -> None:
    for _ in range(ticks):
        world.wait(world.tick().due)


def test_nothing_rises_behind_a_gate_that_closed_and_it_is_said_once_a_step() -> None:
    world = until(Phase.BAKING, 0)
    world.shut = FROZEN
    pass_by(world)

    assert world.weights() == {"first": 95, "wb1-000001": 5}
    told = [a.because for a in world.said if a.said is Said.GATE_CLOSED]
    assert told == ["freeze: frozen until 2027-01-04; nothing rises until it opens"]
    assert world.app.live is not None
    assert world.app.live.because == "freeze: frozen until 2027-01-04"
    world.shut = None
    assert finish(world).ended[-1].phase is Phase.PROMOTED


def test_no_canary_is_created_behind_a_gate_that_closed() -> None:
    world = pushed()
    world.tick()
    world.shut = FROZEN
    pass_by(world)

    assert not any(isinstance(t.decision.write, CreateCanary) for t in world.ticks[1:])


def test_a_rollback_waits_for_no_gate() -> None:
    world = until(Phase.BAKING, 1)
    world.shut = FROZEN
    world.error_rates["wb1"] = 0.5

    assert finish(world).ended[-1].phase is Phase.ROLLED_BACK


def test_time_behind_a_closed_gate_is_not_counted_against_the_deadline() -> None:
    world = until(Phase.BAKING, 0, a_plan(deadline=timedelta(minutes=10)))
    world.shut = FROZEN
    world.clock.advance(timedelta(minutes=5))
    pass_by(world, 60)

    assert Said.PAUSED not in world.told()


def test_a_tick_that_did_not_ask_keeps_the_last_answer() -> None:
    world = until(Phase.BAKING, 0)
    world.shut = FROZEN
    world.tick()
    live = world.app.live
    assert live is not None
    world.azure.away = True  # then nothing at all is asked
    world.wait(world.clock.now() + timedelta(seconds=15))
    world.tick()

    assert world.app.live is not None
    assert world.app.live.shut == live.shut


# ---- approvals


def at_25(*needs: Approvers, within: timedelta | None = None) -> World:
    steps = (Step(weight=25, bake=MINUTE, until_approved=True, approve_within=within), Step(weight=100, bake=MINUTE))
    world = until(Phase.BAKING, 0, replace(a_plan(), steps=steps, approvers=needs))
    while Said.APPROVAL_ASKED not in world.told():
        world.wait(world.tick().due)
    return world


def approve(world: World, who: str, worth: ApprovalSeen) -> None:
    live = world.app.live or world.app.waiting[0]
    actor = replace(PERSON, name=who, id=who)
    world.worth = worth
    world.order(Verb.APPROVE, actor=actor, n=live.n, digest=live.image.digest)
    world.tick()


def test_two_of_a_group_are_two_people() -> None:
    world = at_25(Approvers(count=2, group="leads"))
    assert world.app.live is not None
    assert world.app.live.because == "waiting for approval by 2 of leads"
    for who in ("ada", "ada"):
        approve(world, who, ADA)
    pass_by(world, 5)
    assert world.weights() == {"first": 75, "wb1-000001": 25}

    approve(world, "bob", ADA)
    assert finish(world).ended[-1].phase is Phase.PROMOTED


def test_every_need_must_be_met_and_one_person_may_meet_two() -> None:
    world = at_25(Approvers(count=1, group="leads"), Approvers(count=1, group="platform"))
    approve(world, "ada", ADA)
    pass_by(world, 5)
    assert world.app.live is not None
    assert world.app.live.because == "waiting for approval by 1 of platform"

    approve(world, "bob", BOB)
    assert finish(world).ended[-1].phase is Phase.PROMOTED


def test_a_yes_that_does_not_count_is_refused_and_says_why() -> None:
    world = at_25(Approvers(count=1, group="leads"))
    approve(world, "eve", ApprovalSeen(refused="eve is not in leads"))

    refused = [a.because for a in world.said if a.said is Said.ORDER_REFUSED]
    assert refused == ["approve by eve was refused: eve is not in leads"]
    assert world.app.live is not None
    assert world.app.live.approvals == ()


def test_people_are_asked_before_the_start_once_only_they_are_missing() -> None:
    world = waiting()
    assert Said.APPROVAL_ASKED not in world.told()
    world.asks = True
    world.tick()
    world.tick()

    assert world.told().count(Said.APPROVAL_ASKED) == 1
    approve(world, "ada", ADA)
    rollout = world.app.waiting[0]
    assert [(a.by, a.step, a.groups) for a in rollout.approvals] == [("ada", -1, ("leads",))]
    assert world.ticks[-1].decision.due is not None
    assert world.ticks[-1].decision.due - world.clock.now() <= timedelta(seconds=1)


def test_an_approval_before_the_start_is_none_of_a_step() -> None:
    world = pushed()
    steps = (Step(weight=25, bake=MINUTE, until_approved=True), Step(weight=100, bake=MINUTE))
    world.plan = replace(a_plan(), steps=steps, approvers=(Approvers(count=1, group="leads"),))
    world.shut = FROZEN
    world.tick()
    world.shut = None
    while Said.APPROVAL_ASKED not in world.told():
        world.wait(world.tick().due)

    assert world.app.live is not None
    assert world.app.live.approved == -1


@pytest.mark.parametrize("late", [True, False])
def test_an_approval_in_time_is_in_time(late: bool) -> None:  # noqa: FBT001 - the table
    world = at_25(Approvers(count=1, group="leads"), within=5 * MINUTE)
    world.clock.advance(timedelta(minutes=6 if late else 4))
    if late:
        world.tick()
    else:
        approve(world, "ada", ADA)

    ended = finish(world).ended[-1].phase
    assert ended is (Phase.EXPIRED if late else Phase.PROMOTED)
