"""People put an image on its way once more: undo, retry, pin."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rollouts.decided import Consume, CreateCanary, Deactivate, Quarantine, Release, Said, SetTraffic
from rollouts.findings import Answer, Finding
from rollouts.model import Phase
from rollouts.seen import Verb
from tests.fakes.azure import Fate, Trouble
from tests.rollouts.test_machine import CANARY, errors, finish, pushed, until
from tests.rollouts.world import PERSON, World, a_plan, digest, image


def promoted() -> World:
    """Just promoted; the old revision is kept for an hour."""
    world = pushed(a_plan(keep=timedelta(hours=1)))
    while Said.PROMOTED not in world.told():
        world.wait(world.tick().due)
    return world


def answer(world: World) -> str:
    return next(e.answer for e in world.ticks[-1].decision.effects if isinstance(e, Consume))


def ordered(world: World, verb: Verb, **more: object) -> str:
    world.order(verb, **more)
    world.tick()
    return answer(world)


# ---- undo


def test_an_undo_is_one_write_and_the_undone_digest_is_quarantined() -> None:
    world = promoted()
    before = len(world.ticks)
    assert ordered(world, Verb.UNDO) == "done"
    assert isinstance(world.ticks[-1].decision.write, SetTraffic), "it waits for another tick"
    finish(world)

    assert world.weights() == {"first": 100}
    writes = [t.decision.write for t in world.ticks[before:] if t.decision.write is not None]
    assert [type(write) for write in writes] == [SetTraffic, Deactivate]
    assert [(r.n, r.phase) for r in world.ended] == [(1, Phase.PROMOTED), (2, Phase.ROLLED_BACK)]
    assert [e.digest for t in world.ticks for e in t.decision.effects if isinstance(e, Quarantine)] == [digest(1)]
    assert world.told()[-2:] == [Said.ROLLING_BACK, Said.ROLLED_BACK]
    assert world.app.stable is not None
    assert world.app.stable.revision == "ca-web--first"
    assert [r.name for r in world.live.revisions.values() if r.active] == ["ca-web--first"]


def test_an_undo_is_written_again_until_it_is_seen() -> None:
    world = promoted()
    busy = [Trouble.BUSY, Trouble.LOST, Trouble.BUSY]
    world.azure.trouble = lambda _app, _write: busy.pop(0) if busy else Trouble.NONE
    ordered(world, Verb.UNDO)
    finish(world)

    assert world.weights() == {"first": 100}
    assert world.ended[-1].phase is Phase.ROLLED_BACK


def test_what_was_undone_is_not_undone_twice_and_the_next_image_ships() -> None:
    world = promoted()
    ordered(world, Verb.UNDO)
    finish(world)

    assert ordered(world, Verb.UNDO, digest=digest(1)) == "refused: there is no promotion to undo"
    world.push(2)
    finish(world)
    assert world.ended[-1].phase is Phase.PROMOTED


def test_an_undo_names_what_is_stable_now() -> None:
    world = promoted()
    refused = ordered(world, Verb.UNDO, digest=digest(7))

    assert refused == f"refused: {digest(1)[:19]} is stable now, not {digest(7)[:19]}"
    assert ordered(world, Verb.UNDO, digest="") == "refused: it must name a digest"
    assert world.weights() == {"wb1-000001": 100}


def test_nothing_is_undone_under_a_live_rollout_or_once_the_old_revision_is_gone() -> None:
    world = promoted()
    world.push(2)
    world.run_until(Phase.BAKING, 0)
    assert ordered(world, Verb.UNDO, n=None, digest=digest(1)) == "refused: rollout 2 holds the app; abort it first"

    late = promoted()
    finish(late)
    refused = "refused: ca-web--first is no longer kept; push or retry the image it ran"
    assert ordered(late, Verb.UNDO) == refused


def test_after_someone_elses_revision_became_stable_there_is_nothing_to_undo() -> None:
    world = promoted()
    world.azure.set_traffic(world.live, first=100)
    world.push(2)
    world.run_until(Phase.BAKING, 0)
    ordered(world, Verb.ABORT)
    finish(world)

    assert ordered(world, Verb.UNDO, digest=digest(1)) == "refused: there is no promotion to undo"


# ---- retry


def test_a_retry_is_a_new_attempt_out_of_quarantine_without_a_push() -> None:
    world = errors()
    world.error_rates.clear()
    assert ordered(world, Verb.RETRY) == "done"
    finish(world)

    assert [(r.n, r.attempt, r.phase) for r in world.ended] == [(1, 1, Phase.ROLLED_BACK), (2, 2, Phase.PROMOTED)]
    assert [e.digest for t in world.ticks for e in t.decision.effects if isinstance(e, Release)] == [digest(1)]
    assert "ca-web--wb2-000001" in world.live.revisions
    assert [a.n for a in world.said if a.said is Said.RETRIED] == [2]


def test_a_retry_twice_is_one_attempt() -> None:
    world = errors()
    world.error_rates.clear()
    world.order(Verb.RETRY)
    world.order(Verb.RETRY)
    world.tick()
    answers = [e.answer for e in world.ticks[-1].decision.effects if isinstance(e, Consume)]

    assert answers == ["done", "refused: it is on its way already"]
    assert [r.n for r in finish(world).ended] == [1, 2]


def test_what_runs_or_was_never_here_is_not_retried() -> None:
    assert ordered(promoted(), Verb.RETRY) == "refused: it is what runs now"
    unknown = "refused: the app remembers no ended rollout of it; push the image again"
    assert ordered(promoted(), Verb.RETRY, digest=digest(9)) == unknown


# ---- pin


def test_a_pinned_app_raises_nothing_else_and_goes_on_when_released() -> None:
    world = until(Phase.BAKING, 0)
    world.app = replace(world.app, pin=None)
    assert (
        ordered(world, Verb.PIN, digest=digest(9)) == "refused: rollout 1 holds the app; abort it or let it end first"
    )

    assert ordered(world, Verb.PIN, n=None, digest=digest(1)) == "done"
    finish(world)
    assert world.ended[-1].phase is Phase.PROMOTED
    assert world.app.pin is not None
    assert ordered(world, Verb.RELEASE) == "done"
    assert world.app.pin is None


def test_an_image_that_ended_is_pinned_by_a_new_attempt() -> None:
    world = pushed()
    world.azure.fates[digest(1)] = Fate.NEVER_READY
    finish(world)
    world.azure.fates.clear()
    assert ordered(world, Verb.PIN) == "done"
    finish(world)

    assert [(r.n, r.phase) for r in world.ended] == [(1, Phase.FAILED), (2, Phase.PROMOTED)]
    assert [a.said for a in world.said].count(Said.PINNED) == 1


def test_a_live_canary_of_another_digest_does_not_rise_while_pinned() -> None:
    world = until(Phase.BAKING, 0)
    live = world.app.live
    assert live is not None
    ordered(world, Verb.PIN, n=None, digest=digest(1))
    pin = world.app.pin
    assert pin is not None
    world.app = replace(world.app, pin=replace(pin, digest=digest(2)))
    for _ in range(30):
        world.wait(world.tick().due)

    assert world.weights() == {"first": 95, "wb1-000001": 5}
    assert not any(isinstance(t.decision.write, CreateCanary) for t in world.ticks[-30:])
    assert CANARY in world.live.revisions


def test_an_image_that_runs_is_pinned_without_a_rollout() -> None:
    world = promoted()
    finish(world)
    assert ordered(world, Verb.PIN) == "done"

    pin = world.app.pin
    assert pin is not None
    assert (pin.digest, pin.tag, pin.by, pin.since) == (digest(1), image(1).tag, PERSON, world.ticks[-1].at)
    assert (world.app.waiting, world.app.counter) == ((), 1)


def test_an_image_that_waits_is_pinned_as_it_waits() -> None:
    world = pushed()
    world.findings[digest(1)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
    world.tick()
    assert [r.image.digest for r in world.app.waiting] == [digest(1)]
    assert ordered(world, Verb.PIN, n=None, digest=digest(1)) == "done"

    pin = world.app.pin
    assert pin is not None
    assert (pin.digest, pin.tag) == (digest(1), image(1).tag)
    assert ([r.n for r in world.app.waiting], world.app.counter) == ([1], 1)


def test_what_the_app_never_had_is_not_pinned() -> None:
    world = promoted()
    finish(world)
    unknown = "refused: the app remembers no rollout of it; give its row a Tags of `exact:` and the tag"

    assert ordered(world, Verb.PIN, digest=digest(9)) == unknown
    assert world.app.pin is None


def test_a_retry_that_waits_is_pinned_without_another_attempt() -> None:
    world = errors()
    world.findings[digest(1)] = Finding(gate="window", answer=Answer.WAITING, because="closed until Monday")
    assert ordered(world, Verb.RETRY) == "done"
    assert ordered(world, Verb.PIN, n=None, digest=digest(1)) == "done"

    assert [r.n for r in world.app.waiting] == [2]
