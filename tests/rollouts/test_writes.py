"""Open writes: when one ends, what it explains, and when it may be sent again (DESIGN 3a)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from delivery import codec
from rollouts import writes
from rollouts.decided import Activate, SetTraffic
from rollouts.findings import Answer, Finding
from rollouts.model import App, Phase, Write, WriteAnswer, WriteKind
from rollouts.seen import AppSeen, Observation, OperationSeen, OperationState, TrafficEntry, Unknown, Verb
from rollouts.turn import Turn
from tests.fakes.azure import Trouble
from tests.rollouts.test_machine import CANARY, finish, pushed, until
from tests.rollouts.test_traffic import app
from tests.rollouts.world import KEY, START, Shell, a_plan, digest

SECOND = timedelta(seconds=1)
SENT = Write(id=1, kind=WriteKind.TRAFFIC, give_up_at=START, weights={"a": 100})
DONE, FAILED = OperationSeen(state=OperationState.SUCCEEDED), OperationSeen(state=OperationState.FAILED)
RUNNING, GONE = OperationSeen(state=OperationState.RUNNING), OperationSeen(state=OperationState.UNKNOWN)


def turn(
    *open_writes: Write, after: timedelta = timedelta(), busy: bool = False, away: bool = False, **seen: object
) -> Turn:
    arm = replace(app(TrafficEntry(weight=100, revision="a")), provisioning="InProgress" if busy else "Succeeded")
    row = App(key=KEY, seq=7, writes=open_writes)
    looked: AppSeen | Unknown = Unknown(because="ARM 503") if away else arm
    operations = seen.pop("operations", {})
    observed = Observation(app=looked, operations=operations)  # type: ignore[arg-type]  # by write id
    return Turn(loaded=row, app=row, seen=observed, now=START + after)


def answered(answer: WriteAnswer | None, **more: object) -> Write:
    return replace(SENT, answer=answer, answered_at=START, **more)  # type: ignore[arg-type]  # fields of Write


LONG = timedelta(minutes=20)


@pytest.mark.parametrize(
    ("write", "after", "operation", "expected"),
    [
        pytest.param(answered(WriteAnswer.BUSY, error="409"), SECOND, None, "409", id="busy: it did not take effect"),
        pytest.param(answered(WriteAnswer.BUSY), SECOND, None, "busy", id="busy, without a word"),
        pytest.param(answered(WriteAnswer.REFUSED, error="bad"), SECOND, None, "bad", id="refused"),
        pytest.param(answered(WriteAnswer.UNSENT), SECOND, None, "unsent", id="never sent"),
        pytest.param(answered(WriteAnswer.ACCEPTED), SECOND, None, "", id="done at once"),
        pytest.param(answered(WriteAnswer.ACCEPTED, location="x"), SECOND, DONE, "", id="its operation succeeded"),
        pytest.param(
            answered(WriteAnswer.ACCEPTED, location="x"),
            SECOND,
            replace(FAILED, error="no image"),
            "no image",
            id="failed",
        ),
        pytest.param(
            answered(WriteAnswer.ACCEPTED, location="x"), SECOND, FAILED, "the operation failed", id="failed, no word"
        ),
        pytest.param(answered(WriteAnswer.ACCEPTED, location="x"), LONG - SECOND, RUNNING, None, id="runs"),
        pytest.param(answered(WriteAnswer.ACCEPTED, location="x"), LONG, RUNNING, "", id="runs for ever"),
        pytest.param(answered(WriteAnswer.ACCEPTED, location="x"), LONG - SECOND, None, None, id="was not polled"),
        pytest.param(answered(WriteAnswer.ACCEPTED, location="x"), 59 * SECOND, GONE, None, id="may not be polled"),
        pytest.param(answered(WriteAnswer.ACCEPTED, location="x"), 60 * SECOND, GONE, "", id="nor a minute later"),
        pytest.param(answered(WriteAnswer.LOST), LONG - SECOND, None, None, id="lost: it may land"),
        pytest.param(answered(WriteAnswer.LOST), LONG, None, "no answer", id="lost: it cannot land any more"),
        pytest.param(answered(None), LONG - SECOND, None, None, id="unrecorded: it may land"),
        pytest.param(answered(None), LONG, None, "no answer", id="unrecorded: it cannot land any more"),
    ],
)
def test_a_write_is_open_until_its_end_is_known(
    write: Write, after: timedelta, operation: OperationSeen | None, expected: str | None
) -> None:
    working = turn(write, after=after, operations={1: operation} if operation else {})
    ended = writes.settle(working)

    assert ended == ([] if expected is None else [(write, expected)])
    assert working.app.writes == ((write,) if expected is None else ())
    assert working.loaded.writes == (write,), "what was loaded stays what was loaded"


@pytest.mark.parametrize("why", ["busy", "away"])
def test_a_write_outlives_its_time_while_azure_works_or_cannot_be_asked(why: str) -> None:
    working = turn(answered(WriteAnswer.LOST), after=LONG * 3, busy=why == "busy", away=why == "away")

    assert not writes.settle(working)


def test_an_end_leaves_the_doubt_about_an_earlier_send_open() -> None:
    doubt = START - timedelta(minutes=5)
    working = turn(answered(WriteAnswer.ACCEPTED, doubt=doubt), after=SECOND)
    ended = writes.settle(working)

    assert [error for _, error in ended] == [""]
    assert [(w.answer, w.give_up_at, w.doubt) for w in working.app.writes] == [(WriteAnswer.LOST, doubt, None)]


def test_a_doubt_that_is_over_is_over() -> None:
    working = turn(answered(WriteAnswer.ACCEPTED, doubt=START - LONG), after=SECOND)
    writes.settle(working)

    assert not working.app.writes


@pytest.mark.parametrize(
    ("answer", "after", "urgent", "expected"),
    [
        pytest.param(WriteAnswer.ACCEPTED, SECOND, True, False, id="on its way"),
        pytest.param(WriteAnswer.LOST, SECOND, False, True, id="lost"),
        pytest.param(WriteAnswer.BUSY, SECOND, False, True, id="busy"),
        pytest.param(None, 20 * SECOND - SECOND, False, False, id="silent, and its sender may still be at it"),
        pytest.param(None, 20 * SECOND, False, True, id="silent, and its sender has given up"),
        pytest.param(None, -SECOND, True, False, id="a rollback gives a send 10 s"),
        pytest.param(None, timedelta(), True, True, id="and no more"),
    ],
)
def test_one_aim_is_not_sent_twice_at_once(
    answer: WriteAnswer | None,
    after: timedelta,
    urgent: bool,  # noqa: FBT001 - a column of the table
    expected: bool,  # noqa: FBT001 - same
) -> None:
    working = turn(answered(answer), after=after)

    assert writes.may_send(working, WriteKind.TRAFFIC, weights={"a": 100}, urgent=urgent) is expected


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(SENT, kind=WriteKind.CREATE), id="another kind"),
        pytest.param(replace(SENT, weights={"a": 90, "b": 10}), id="other weights"),
        pytest.param(replace(SENT, weights=None), id="no weights"),
        pytest.param(replace(SENT, revision="b"), id="another revision"),
    ],
)
def test_another_aim_stands_in_nobodys_way(other: Write) -> None:
    working = turn(replace(other, answer=WriteAnswer.ACCEPTED))

    assert writes.may_send(working, WriteKind.TRAFFIC, weights={"a": 100}, urgent=False)


def test_only_a_rollback_writes_while_another_operation_runs() -> None:
    assert not writes.may_send(turn(busy=True), WriteKind.TRAFFIC, urgent=False)
    assert writes.may_send(turn(busy=True), WriteKind.TRAFFIC, urgent=True)


def test_an_intent_is_named_after_its_save_and_given_up_10_s_after_the_look() -> None:
    working = turn()
    writes.intend(working, Activate(revision="a"))

    assert working.app.writes == (
        Write(id=8, kind=WriteKind.ACTIVATE, revision="a", give_up_at=START + timedelta(seconds=10)),
    )


def test_unanswered_sends_of_one_aim_are_folded_and_the_latest_doubt_is_kept() -> None:
    other = replace(SENT, id=2, weights={"b": 100})
    older = answered(WriteAnswer.LOST, doubt=START - SECOND)
    working = turn(older, other, replace(SENT, id=3, give_up_at=START + SECOND), after=LONG / 2)
    writes.intend(working, SetTraffic(traffic=()), weights={"a": 100})

    assert [(w.id, w.doubt) for w in working.app.writes] == [(2, None), (8, START + SECOND)]


def test_a_tick_writes_once_and_only_on_what_it_has_seen() -> None:
    working = turn()
    writes.intend(working, Activate(revision="a"))
    with pytest.raises(ValueError, match="a tick writes once"):
        writes.intend(working, Activate(revision="a"))
    with pytest.raises(ValueError, match="only on what it has seen"):
        writes.intend(turn(away=True), Activate(revision="a"))


def test_an_open_write_explains_exactly_its_weights() -> None:
    assert writes.explains([SENT], {"a": 100})
    assert not writes.explains([SENT], {"a": 99, "b": 1})
    assert not writes.explains([replace(SENT, weights=None)], {})


# ---- in a world


@pytest.mark.parametrize("shell", [s for s in Shell if s is not Shell.WHOLE])
@pytest.mark.parametrize("wounded", range(14))
def test_a_tick_may_die_or_lose_anywhere(shell: Shell, wounded: int) -> None:
    """Each tick of a promotion in turn; the rollout ends as if nothing had been."""
    world = pushed(a_plan(25, 100, checks=()))
    for index in range(200):
        due = world.tick(shell if index == wounded else Shell.WHOLE).due
        if due is None:
            break
        world.wait(due)

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert world.azure.weights(world.live) == {CANARY: 100}


def test_a_write_whose_observation_has_grown_old_is_not_sent() -> None:
    world = pushed()
    intended = world.tick(Shell.SLOW)
    world.clock.advance(timedelta(seconds=10))
    world.tick()

    assert intended.write not in world.live.writes
    assert [w.answer for w in world.app.writes] == [WriteAnswer.UNSENT]
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_while_azure_is_silent_the_row_stays_small() -> None:
    world = until(Phase.BAKING, 1)
    world.azure.trouble = lambda _app, _write: Trouble.HELD
    world.order(Verb.ROLLBACK)
    for _ in range(100):
        world.wait(world.tick().due)
        assert len(world.app.writes) <= 2


def test_the_state_is_bounded() -> None:
    """Ten wait, drift came and went sixty times, and a hundred strangers are known."""
    world = until(Phase.BAKING, 1, a_plan(1, 5, 25, 50, 100))
    long = Finding(gate="g" * 40, answer=Answer.WAITING, because="x" * 300)
    for n in range(2, 12):
        world.push(n)
        world.findings[digest(n)] = long
    for n in range(100):
        world.azure.revise(world.live, f"somebody-made-this-one-{n}")
    for n in range(60):
        world.azure.set_traffic(world.live, first=n, wb1_000001=100 - n)
        world.tick()
        world.order(Verb.RESUME)
        world.tick()

    assert len(str(codec.encode(world.app, "tick")["state"])) < 16 * 1024
