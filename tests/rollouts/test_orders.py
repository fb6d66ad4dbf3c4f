"""What people order: it takes effect in that tick, once, and is refused when the rollout has moved on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.decided import Consume, Quarantine, Release, Said, SetTraffic
from rollouts.model import OnDrift, Phase, Step
from rollouts.seen import Order, Verb
from tests.fakes.azure import Trouble
from tests.rollouts.test_machine import CANARY, MINUTE, asked, because, finish, pushed, quarantined, until, waiting
from tests.rollouts.world import PERSON, START, World, a_plan, digest


def wait(world: World, ticks: int = 30) -> None:
    for _ in range(ticks):
        world.wait(world.tick().due)


def answers(world: World) -> list[str]:
    return [e.answer for t in world.ticks for e in t.decision.effects if isinstance(e, Consume)]


def refused(world: World) -> str:
    """The answer to the one order of a tick that changed nothing else."""
    told = len(world.said)
    decision = world.tick()
    assert [a.said for a in world.said[told:]] == [Said.ORDER_REFUSED]
    assert decision.write is None
    return answers(world)[-1]


# ---- pause and hold


@pytest.mark.parametrize("stop", [Verb.PAUSE, Verb.HOLD])
def test_nothing_rises_while_it_is_stopped(stop: Verb) -> None:
    world = until(Phase.BAKING, 1)
    world.order(stop)
    wait(world)

    assert world.app.live is not None
    assert world.app.live.step == 1
    assert world.weights() == {"first": 75, "wb1-000001": 25}
    world.order(Verb.RESUME if stop is Verb.PAUSE else Verb.RELEASE)
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


@pytest.mark.parametrize("stop", [Verb.PAUSE, Verb.HOLD])
def test_a_raise_that_azure_refused_is_not_sent_again_while_it_is_stopped(stop: Verb) -> None:
    """The step was decided, its write met a 409, and a person who still sees 5 % says stop."""
    world = until(Phase.BAKING, 0)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    while not isinstance(world.tick().write, SetTraffic):
        world.clock.advance(timedelta(seconds=15))
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.order(stop)
    wait(world)

    assert world.weights() == {"first": 95, "wb1-000001": 5}
    assert world.app.live is not None
    assert world.app.live.because == f"paused: {stop} by Ada"
    world.order(Verb.RESUME if stop is Verb.PAUSE else Verb.RELEASE)
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


@pytest.mark.parametrize("stop", [Verb.PAUSE, Verb.HOLD])
def test_what_is_stopped_still_rolls_back(stop: Verb) -> None:
    world = until(Phase.BAKING, 1)
    world.order(stop)
    wait(world)
    world.live.revisions[CANARY].crashed = True

    assert isinstance(world.tick().write, SetTraffic)
    finish(world)
    assert [r.phase for r in world.ended] == [Phase.ROLLED_BACK]


@pytest.mark.parametrize("stop", [Verb.PAUSE, Verb.HOLD])
def test_a_stopped_canary_is_not_created_and_gets_no_first_weight(stop: Verb) -> None:
    world = until(Phase.DEPLOYING)
    world.order(stop)
    wait(world)

    assert len(world.live.writes) == 1, "traffic was pinned, and nothing created"
    world.order(Verb.RESUME if stop is Verb.PAUSE else Verb.RELEASE)
    while CANARY not in world.live.revisions:
        world.wait(world.tick().due)
    world.order(stop)
    wait(world)
    assert world.weights() == {"first": 100}
    assert world.app.live is not None
    assert world.app.live.because.startswith("paused: ")


@pytest.mark.parametrize(
    ("stop", "over", "said"),
    [
        (Verb.PAUSE, "the pause ended: pause by Ada", Said.RESUMED),
        (Verb.HOLD, "the hold ended: hold by Ada", Said.RELEASED),
    ],
)
def test_a_stop_with_an_end_is_over_at_that_end(stop: Verb, over: str, said: Said) -> None:
    world = until(Phase.BAKING, 1)
    end = world.clock.now() + 20 * MINUTE
    world.order(stop, until=end)
    while said not in world.told():
        assert world.weights() == {"first": 75, "wb1-000001": 25}
        world.wait(world.tick().due)

    assert world.ticks[-1].at == end
    assert because(world, said) == over
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_a_held_app_starts_nothing_until_the_hold_ends() -> None:
    world = pushed()
    world.order(Verb.HOLD, until=world.clock.now() + 12 * MINUTE, n=None, digest="")
    while Said.RELEASED not in world.told():
        assert world.app.live is None
        world.wait(world.tick().due)

    assert world.app.live is not None
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_a_held_app_supersedes_nothing() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.HOLD)
    world.push(2)
    wait(world)

    assert Said.ROLLING_BACK not in world.told()


def test_time_that_waits_for_a_person_is_not_counted_against_the_deadline() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.PAUSE)
    for _ in range(30):
        world.tick()
        world.clock.advance(5 * MINUTE)
    world.order(Verb.RESUME)

    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]
    assert world.told().count(Said.PAUSED) == 1


def test_paused_at_100_is_not_promoted() -> None:
    world = until(Phase.BAKING, 2)
    world.order(Verb.PAUSE)
    wait(world)

    assert not world.ended


# ---- approve


def test_a_step_until_approved_waits_for_a_person_and_asks_once() -> None:
    world = asked()
    wait(world)

    assert world.told().count(Said.APPROVAL_ASKED) == 1
    assert world.weights() == {"first": 75, "wb1-000001": 25}
    world.order(Verb.APPROVE)
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_each_step_until_approved_asks_and_waits_for_itself() -> None:
    steps = tuple(Step(weight=w, bake=MINUTE, until_approved=True, approve_within=9 * MINUTE) for w in (5, 25, 100))
    world = pushed(replace(a_plan(), steps=steps))
    for asks in (1, 2, 3):
        while world.told().count(Said.APPROVAL_ASKED) < asks:
            world.wait(world.tick().due)
        world.clock.advance(8 * MINUTE)
        world.order(Verb.APPROVE)

    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_an_approval_ahead_of_the_question_counts() -> None:
    world = until(Phase.BAKING, 0)
    world.order(Verb.APPROVE)
    finish(world)

    assert Said.APPROVED in world.told()


def test_nobody_approving_in_time_expires_and_quarantines_nothing() -> None:
    world = finish(asked(within=5 * MINUTE))

    assert [r.phase for r in world.ended] == [Phase.EXPIRED]
    assert world.ended[0].because == "nobody approved within the time given at 25 %"
    assert world.weights() == {"first": 100}
    assert not quarantined(world)


def test_a_step_until_approved_still_rolls_back() -> None:
    world = asked()
    world.live.revisions[CANARY].crashed = True

    assert [r.phase for r in finish(world).ended] == [Phase.ROLLED_BACK]


# ---- abort, roll back, promote


@pytest.mark.parametrize(("verb", "outcome"), [(Verb.ABORT, Phase.ABORTED), (Verb.ROLLBACK, Phase.ROLLED_BACK)])
def test_a_person_ends_a_rollout_in_that_tick(verb: Verb, outcome: Phase) -> None:
    world = until(Phase.BAKING, 1)
    world.order(verb, comment="pager")
    decision = world.tick()

    assert isinstance(decision.write, SetTraffic)
    finish(world)
    assert [(r.phase, r.because) for r in world.ended] == [(outcome, f"{verb} by Ada: pager")]
    assert quarantined(world) == [1]
    assert world.weights() == {"first": 100}
    [told] = [one for one in world.said if one.said is Said.ROLLING_BACK]
    assert (told.actor, told.comment) == (PERSON, "pager")


@pytest.mark.parametrize(
    ("verb", "said"), [(Verb.PAUSE, Said.PAUSED), (Verb.HOLD, Said.HELD), (Verb.PROMOTE, Said.RESUMED)]
)
def test_what_a_person_said_is_told_with_their_order(verb: Verb, said: Said) -> None:
    world = until(Phase.BAKING, 0)
    world.order(verb, comment="pager")
    world.tick()

    assert [(one.actor, one.comment) for one in world.said if one.said is said] == [(PERSON, "pager")]


def test_an_image_that_waits_may_be_aborted() -> None:
    world = waiting()
    world.order(Verb.ROLLBACK)
    assert refused(world) == "refused: it has not started; abort it instead"
    world.order(Verb.ABORT)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ABORTED]
    assert quarantined(world) == [1]
    assert not world.live.writes


def test_promote_waives_what_is_left_of_the_bakes() -> None:
    world = until(Phase.BAKING, 0)
    ordered_at = world.clock.now()
    world.order(Verb.PROMOTE)
    finish(world)
    finished = world.ended[0].finished_at

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert finished is not None
    assert finished - ordered_at < MINUTE
    assert [w.get(CANARY) for _, w in world.live.history if w.get(CANARY)][:2] == [5, 100]


def test_promote_before_the_canary_is_ready_waits_for_that() -> None:
    world = until(Phase.DEPLOYING)
    world.order(Verb.PROMOTE)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert next(w[CANARY] for _, w in world.live.history if CANARY in w) == 100


def test_promote_waives_no_verdict() -> None:
    world = until(Phase.BAKING, 0)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    world.order(Verb.PROMOTE)
    world.tick()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.live.revisions[CANARY].crashed = True

    assert [r.phase for r in finish(world).ended] == [Phase.ROLLED_BACK]


def test_promote_does_not_raise_a_held_app() -> None:
    world = until(Phase.BAKING, 0)
    world.order(Verb.HOLD)
    world.tick()
    world.order(Verb.PROMOTE)
    wait(world)

    assert world.weights() == {"first": 95, "wb1-000001": 5}


def test_promote_ends_a_pause() -> None:
    world = until(Phase.BAKING, 0)
    world.order(Verb.PAUSE)
    wait(world)
    world.order(Verb.PROMOTE)

    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def split_while_a_write_is_open(world: World) -> World:
    """A person gives 70 % to the canary while a write of ours that went unanswered may still land."""
    world.azure.trouble = lambda _app, _write: Trouble.LOST
    while not isinstance(world.tick().write, SetTraffic):
        world.clock.advance(timedelta(seconds=15))
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    world.azure.set_traffic(world.live, first=30, wb1_000001=70)
    world.tick()
    return world


@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.ROLLBACK])
def test_who_left_it_may_still_return_to_stable(verb: Verb) -> None:
    world = split_while_a_write_is_open(until(Phase.BAKING, 0))
    world.order(Verb.LEAVE)
    world.tick()
    assert world.app.live is not None
    assert world.app.live.left is not None
    world.order(verb)
    finish(world)

    assert world.ended[0].phase in (Phase.ABORTED, Phase.ROLLED_BACK)
    assert world.weights() == {"first": 100}


def test_what_the_policy_adopted_while_rolling_back_may_still_be_aborted() -> None:
    world = until(Phase.BAKING, 1, a_plan(on_drift=OnDrift.ADOPT))
    world.live.revisions[CANARY].crashed = True
    split_while_a_write_is_open(world)
    assert world.app.live is not None
    assert (world.app.live.phase, world.app.live.drift) == (Phase.ROLLING_BACK, None)
    assert world.app.live.left is not None
    world.order(Verb.ABORT)
    finish(world)

    assert answers(world) == ["done"]
    assert world.weights() == {"first": 100}


# ---- refused


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.PROMOTE, Verb.RESUME])
def test_a_click_on_an_old_message_raises_nothing(verb: Verb) -> None:
    world = until(Phase.BAKING, 1)
    world.order(verb, step=0)

    assert refused(world) == "refused: rollout 1 has moved on to step 2"


@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.ROLLBACK])
def test_a_click_on_an_old_message_may_lower(verb: Verb) -> None:
    world = until(Phase.BAKING, 1)
    world.order(verb, step=0)

    assert isinstance(world.tick().write, SetTraffic)


@pytest.mark.parametrize(
    ("verb", "more", "answer"),
    [
        (Verb.ABORT, {"n": 7}, "refused: rollout 7 has ended or never was"),
        (Verb.ABORT, {"digest": "sha256:other"}, "refused: rollout 1 is of sha256:000001000000, not sha256:other"),
        (Verb.ABORT, {"n": None}, "refused: it must name a rollout"),
        (Verb.HOLD, {"n": 1, "digest": digest(1)}, "refused: it is an order to the app, not to a rollout"),
        (Verb.RELEASE, {}, "refused: the app is not held"),
        (Verb.RESUME, {}, "refused: it is not paused"),
        (Verb.LEAVE, {}, "refused: nobody moved the traffic, so there is nothing to leave as it is"),
    ],
)
def test_an_order_that_fits_nothing_is_refused_aloud(verb: Verb, more: dict[str, object], answer: str) -> None:
    world = until(Phase.BAKING, 1)
    world.order(verb, **more)

    assert refused(world) == answer


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.APPROVE, Verb.PROMOTE, Verb.ABORT, Verb.ROLLBACK])
def test_a_rollout_that_rolls_back_takes_no_more_orders(verb: Verb) -> None:
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.LOST
    world.order(Verb.ROLLBACK)
    world.tick()
    world.order(verb)
    world.tick()

    assert answers(world)[-1].startswith("refused: ")
    assert "rolling back" in answers(world)[-1]


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.APPROVE, Verb.PROMOTE])
def test_an_image_that_waits_cannot_be_steered(verb: Verb) -> None:
    world = waiting()
    world.order(verb)

    expected = "refused: the rollout is waiting"
    assert refused(world) == expected + (", and not for an approval" if verb is Verb.APPROVE else "")


def test_approve_before_there_is_anything_to_approve_is_refused() -> None:
    world = until(Phase.DEPLOYING)
    world.order(Verb.APPROVE)

    assert refused(world) == "refused: the rollout is deploying"


def test_twice_is_once() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.ABORT)
    world.order(Verb.ABORT)
    finish(world)

    assert answers(world) == ["done", "refused: an earlier order of this tick ended the rollout"]
    assert len([e for t in world.ticks for e in t.decision.effects if isinstance(e, Quarantine)]) == 1
    assert [r.phase for r in world.ended] == [Phase.ABORTED]


def test_orders_are_obeyed_oldest_first() -> None:
    world = until(Phase.BAKING, 1)
    world.order(Verb.PAUSE, id="order:1")
    world.order(Verb.RESUME, id="order:2")
    world.orders.reverse()
    world.tick()

    assert answers(world) == ["done", "done"]
    assert world.app.live is not None
    assert world.app.live.paused is None


def test_every_order_is_consumed() -> None:
    world = until(Phase.BAKING, 1)
    for verb in Verb:
        world.order(verb)
    given: list[Order] = list(world.orders)
    world.tick()

    assert [e.order for e in world.ticks[-1].decision.effects if isinstance(e, Consume)] == given


def test_a_quarantine_is_released_by_its_digest() -> None:
    world = finish(pushed())
    world.order(Verb.RELEASE, digest=digest(7))
    world.tick()

    assert [e.digest for e in world.ticks[-1].decision.effects if isinstance(e, Release)] == [digest(7)]
    assert answers(world) == ["done"]
    assert Said.RELEASED in world.told()


def test_a_deadline_begins_again_for_who_resumes() -> None:
    world = until(Phase.BAKING, 1)
    world.metrics_away = True
    while Said.PAUSED not in world.told():
        world.wait(world.tick().due)
    assert world.clock.now() - START >= timedelta(hours=1)
    world.metrics_away = False
    world.order(Verb.RESUME)

    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]
