"""A person's hand, in every phase: nothing is written over it until somebody answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from rollouts.decided import Said, SetTraffic
from rollouts.model import OnDrift, Phase
from rollouts.seen import TrafficEntry, Verb
from tests.fakes.azure import Trouble
from tests.rollouts.test_machine import CANARY, MINUTE, created, finish, pushed, until
from tests.rollouts.world import World, a_plan

FIRST = "ca-web--first"
Hand = Callable[[World], None]


def everything_to_the_canary(world: World) -> None:
    world.azure.set_traffic(world.live, wb1_000001=100)


def everything_to_stable(world: World) -> None:
    world.azure.set_traffic(world.live, first=100)


def a_label(world: World) -> None:
    world.azure.label(world.live, FIRST, "blue")


def single_mode(world: World) -> None:
    world.live.multiple = False


def no_ingress(world: World) -> None:
    world.live.ingress = False


def stable_off(world: World) -> None:
    world.azure.deactivate(world.live, FIRST)


def rolling_back(on_drift: OnDrift) -> World:
    """A verdict that Azure keeps refusing to let us act on."""
    world = until(Phase.BAKING, 1, a_plan(on_drift=on_drift))
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    world.live.revisions[CANARY].crashed = True
    world.tick()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    return world


PHASES: dict[str, Callable[[OnDrift], World]] = {
    "deploying": lambda on_drift: created(a_plan(on_drift=on_drift)),
    "baking": lambda on_drift: until(Phase.BAKING, 1, a_plan(on_drift=on_drift)),
    "baking at 100": lambda on_drift: until(Phase.BAKING, 2, a_plan(on_drift=on_drift)),
    "rolling back": rolling_back,
}
AT_LEVEL_ALREADY = {
    ("deploying", everything_to_stable),
    ("baking at 100", everything_to_the_canary),
    ("rolling back", everything_to_stable),
}
MOVES = [
    pytest.param(phase, hand, id=f"{hand.__name__}, {phase}")
    for phase in PHASES
    for hand in (everything_to_the_canary, everything_to_stable)
    if (phase, hand) not in AT_LEVEL_ALREADY
]
SWITCHES = [
    pytest.param(phase, hand, id=f"{hand.__name__}, {phase}") for phase in PHASES for hand in (single_mode, no_ingress)
]


def wait(world: World, span: timedelta) -> None:
    end = world.clock.now() + span
    while world.clock.now() < end:
        world.wait(world.tick().due)


def outcome(phase: str) -> tuple[Phase, str]:
    return (Phase.ROLLED_BACK, FIRST) if phase == "rolling back" else (Phase.PROMOTED, CANARY)


def drifted(phase: str, hand: Hand, on_drift: OnDrift = OnDrift.PAUSE) -> World:
    """The hand moved, and five minutes have passed."""
    world = PHASES[phase](on_drift)
    hand(world)
    world.live.writes.clear()
    wait(world, 5 * MINUTE)
    return world


@pytest.mark.parametrize(("phase", "hand"), MOVES)
def test_nothing_is_written_until_somebody_answers(phase: str, hand: Hand) -> None:
    world = drifted(phase, hand)

    assert not world.live.writes
    assert world.told().count(Said.DRIFTED) == 1
    assert world.app.live is not None
    assert world.app.live.drift is not None
    assert "nothing is written until someone says resume" in world.said[-1].because


@pytest.mark.parametrize(("phase", "hand"), MOVES)
def test_resume_brings_our_level_back(phase: str, hand: Hand) -> None:
    world = drifted(phase, hand)
    world.order(Verb.RESUME)
    finish(world)

    expected, carries = outcome(phase)
    assert [r.phase for r in world.ended] == [expected]
    assert world.azure.weights(world.live) == {carries: 100}


@pytest.mark.parametrize(("phase", "hand"), [m for m in MOVES if m.values[0] != "rolling back"])
def test_promote_goes_to_the_end(phase: str, hand: Hand) -> None:
    world = drifted(phase, hand)
    world.order(Verb.PROMOTE)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert world.azure.weights(world.live) == {CANARY: 100}


@pytest.mark.parametrize(("phase", "hand"), MOVES)
def test_leave_ends_the_rollout_and_moves_nothing(phase: str, hand: Hand) -> None:
    world = drifted(phase, hand)
    moved = world.azure.weights(world.live)
    world.order(Verb.LEAVE)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ABORTED]
    assert world.azure.weights(world.live) == moved
    assert not world.live.writes
    assert world.live.revisions[FIRST].active
    assert world.live.revisions[CANARY].active


@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.ROLLBACK])
@pytest.mark.parametrize(("phase", "hand"), MOVES)
def test_a_person_may_roll_back_over_a_persons_hand(phase: str, hand: Hand, verb: Verb) -> None:
    world = drifted(phase, hand)
    world.order(verb)
    finish(world)

    assert world.ended[0].phase in (Phase.ROLLED_BACK, Phase.ABORTED)
    assert world.azure.weights(world.live) == {FIRST: 100}


@pytest.mark.parametrize(("phase", "hand"), MOVES)
def test_restore_sets_it_back_and_says_so_once(phase: str, hand: Hand) -> None:
    world = PHASES[phase](OnDrift.RESTORE)
    hand(world)
    finish(world)

    expected, carries = outcome(phase)
    assert world.told().count(Said.DRIFTED) == 1
    assert [r.phase for r in world.ended] == [expected]
    assert world.azure.weights(world.live) == {carries: 100}


@pytest.mark.parametrize(("phase", "hand"), MOVES)
def test_adopt_leaves_it_and_ends(phase: str, hand: Hand) -> None:
    world = PHASES[phase](OnDrift.ADOPT)
    hand(world)
    moved = world.azure.weights(world.live)
    world.live.writes.clear()
    finish(world)

    assert world.told().count(Said.DRIFTED) == 1
    assert [r.phase for r in world.ended] == [Phase.ABORTED]
    assert world.azure.weights(world.live) == moved
    assert not world.live.writes


@pytest.mark.parametrize("on_drift", OnDrift)
@pytest.mark.parametrize(("phase", "hand"), SWITCHES)
def test_an_app_that_cannot_split_traffic_is_left_alone(phase: str, hand: Hand, on_drift: OnDrift) -> None:
    world = drifted(phase, hand, on_drift)

    assert not world.live.writes
    assert world.told().count(Said.DRIFTED) == 1
    assert ("Single mode" if hand is single_mode else "ingress") in world.said[-1].because


@pytest.mark.parametrize(("phase", "hand"), SWITCHES)
def test_what_was_switched_may_be_left(phase: str, hand: Hand) -> None:
    world = drifted(phase, hand)
    world.order(Verb.LEAVE)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ABORTED]
    assert not world.live.writes


@pytest.mark.parametrize(("phase", "hand"), SWITCHES)
def test_what_was_switched_back_goes_on_by_itself(phase: str, hand: Hand) -> None:
    world = drifted(phase, hand)
    world.live.multiple = world.live.ingress = True
    world.tick()
    if world.app.live and world.app.live.drift:
        world.order(Verb.RESUME)
    finish(world)

    assert [r.phase for r in world.ended] == [outcome(phase)[0]]


@pytest.mark.parametrize("phase", PHASES)
def test_a_label_is_no_drift_and_stays_where_it_was_put(phase: str) -> None:
    world = PHASES[phase](OnDrift.PAUSE)
    a_label(world)
    finish(world)

    assert Said.DRIFTED not in world.told()
    assert [r.phase for r in world.ended] == [outcome(phase)[0]]
    assert [e.revision for e in world.live.traffic if e.label == "blue"] == [FIRST]


@pytest.mark.parametrize("phase", PHASES)
def test_a_labelled_stable_is_not_retired(phase: str) -> None:
    world = PHASES[phase](OnDrift.PAUSE)
    a_label(world)
    finish(world)

    assert world.live.revisions[FIRST].active


@pytest.mark.parametrize("phase", PHASES)
def test_a_stable_that_must_carry_traffic_is_activated_before_anything_else(phase: str) -> None:
    """Invariant 1: it needs only to be active, and activating it is the write that comes first."""
    world = PHASES[phase](OnDrift.PAUSE)
    stable_off(world)
    wait(world, MINUTE / 4)
    carries = FIRST in world.azure.weights(world.live)
    finish(world)

    assert [r.phase for r in world.ended] == [outcome(phase)[0]]
    assert carries == (phase != "baking at 100")
    if phase == "rolling back":
        assert world.live.revisions[FIRST].active


def test_rolling_back_activates_a_stable_that_was_switched_off_at_100() -> None:
    world = until(Phase.BAKING, 2)
    stable_off(world)
    world.live.revisions[CANARY].crashed = True
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ROLLED_BACK]
    assert world.azure.weights(world.live) == {FIRST: 100}
    assert world.live.revisions[FIRST].active


def test_rolled_back_is_not_said_while_stable_is_inactive() -> None:
    """A person gives an inactive stable everything: Azure accepts that, and users get errors."""
    world = rolling_back(OnDrift.PAUSE)
    stable_off(world)
    everything_to_stable(world)
    world.azure.trouble = lambda _app, _write: Trouble.BUSY
    wait(world, MINUTE)

    assert Said.ROLLED_BACK not in world.told()
    world.azure.trouble = lambda _app, _write: Trouble.NONE
    assert [r.phase for r in finish(world).ended] == [Phase.ROLLED_BACK]
    assert world.live.revisions[FIRST].active


def test_a_person_who_puts_it_back_is_asked_no_more() -> None:
    world = drifted("baking", everything_to_stable)
    world.azure.set_traffic(world.live, first=75, wb1_000001=25)
    world.tick()

    assert world.app.live is not None
    assert world.app.live.drift is None
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_a_write_of_ours_that_lands_after_the_hand_does_not_undo_leave() -> None:
    """Our raise was under way when a person gave stable everything; it lands, is closed, and is set back once."""
    world = until(Phase.BAKING, 0)
    while not isinstance(world.tick().write, SetTraffic):
        world.clock.advance(timedelta(seconds=15))
    everything_to_stable(world)
    world.clock.advance(timedelta(seconds=3))
    world.tick()
    world.order(Verb.LEAVE)
    world.live.writes.clear()
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ABORTED]
    assert world.azure.weights(world.live) == {FIRST: 100}
    assert len(world.live.writes) == 1


def test_single_mode_is_said_once_though_a_write_of_ours_still_lands() -> None:
    world = until(Phase.BAKING, 0)
    while not isinstance(world.tick().write, SetTraffic):
        world.clock.advance(timedelta(seconds=15))
    single_mode(world)
    wait(world, MINUTE)

    assert world.weights() == {"first": 75, "wb1-000001": 25}
    assert world.told().count(Said.DRIFTED) == 1
    world.order(Verb.LEAVE)
    world.live.writes.clear()
    assert [r.phase for r in finish(world).ended] == [Phase.ABORTED]
    assert not world.live.writes


def test_traffic_that_goes_nowhere_is_said_so() -> None:
    world = drifted("baking", lambda world: world.azure.set_traffic(world.live))

    assert world.said[-1].because.startswith("someone moved the traffic to nowhere; ")


def test_a_hand_that_moves_again_is_said_again() -> None:
    world = drifted("baking", everything_to_stable)
    everything_to_the_canary(world)
    wait(world, MINUTE)

    assert world.told().count(Said.DRIFTED) == 2
    assert world.app.live is not None
    assert world.app.live.drift is not None
    assert world.app.live.drift.weights == {CANARY: 100}


def test_weights_that_cannot_be_set_ask_a_person() -> None:
    world = until(Phase.BAKING, 1)
    del world.live.revisions[FIRST]
    world.order(Verb.ROLLBACK)
    wait(world, MINUTE)

    assert [a.because for a in world.said if a.said is Said.DRIFTED] == [
        f"the traffic cannot be set: revision {FIRST} is gone; nothing is written until someone says resume or leave"
    ]
    world.order(Verb.LEAVE)
    assert [r.phase for r in finish(world).ended] == [Phase.ABORTED]


def test_traffic_that_follows_the_latest_again_is_pinned_again() -> None:
    """Infrastructure as code, applied during a rollout, asks for the latest revision: that is drift."""
    world = until(Phase.BAKING, 1)
    world.live.traffic = [TrafficEntry(weight=100, latest=True)]
    wait(world, MINUTE)

    assert Said.DRIFTED in world.told()


def test_a_resume_holds_when_the_latest_that_traffic_follows_is_another_by_then() -> None:
    """What a template put is a revision that starts while a person answers; the traffic that was put is the same."""
    world = until(Phase.BAKING, 1)
    world.live.traffic = [TrafficEntry(weight=100, latest=True)]
    wait(world, MINUTE)
    assert world.app.live is not None
    assert world.app.live.drift is not None
    assert world.app.live.drift.weights == {CANARY: 100}
    world.azure.revise(world.live, "template")
    world.order(Verb.RESUME)
    finish(world)

    assert world.told().count(Said.DRIFTED) == 1
    assert [r.phase for r in world.ended] == [Phase.PROMOTED]


def test_a_hand_that_moves_again_before_its_resume_is_asked_again() -> None:
    world = until(Phase.BAKING, 1)
    world.live.traffic = [TrafficEntry(weight=100, latest=True)]
    wait(world, MINUTE)
    everything_to_stable(world)
    world.order(Verb.RESUME)
    wait(world, MINUTE)

    assert world.told().count(Said.DRIFTED) == 2
    assert world.weights() == {"first": 100}


# ---- between rollouts


def test_a_stable_somebody_set_is_adopted_aloud() -> None:
    world = finish(pushed())
    world.azure.revise(world.live, "hotfix")
    world.azure.set_traffic(world.live, hotfix=100)
    world.push(2)
    finish(world)

    assert world.told().count(Said.STABLE_ADOPTED) == 1
    assert world.ended[-1].stable is not None
    assert world.ended[-1].stable.revision == "ca-web--hotfix"
    assert Said.FOREIGN_REVISION not in world.told(), "it is the stable, not a stranger"


def test_a_revision_somebody_made_is_said_once_and_left_alone() -> None:
    world = finish(pushed())
    world.azure.revise(world.live, "experiment")
    world.push(2)
    finish(world)

    assert [a.transition for a in world.said if a.said is Said.FOREIGN_REVISION] == ["foreign:ca-web--experiment"]
    assert world.live.revisions["ca-web--experiment"].active
    assert all("ca-web--experiment" not in weights for _, weights in world.live.history)


def test_many_strangers_are_said_once_each() -> None:
    world = until(Phase.BAKING, 1)
    for n in range(90):
        world.azure.revise(world.live, f"other{n}")
    finish(world)

    assert world.told().count(Said.FOREIGN_REVISION) == 90
