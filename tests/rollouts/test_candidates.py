"""Images that wait: which are news, which may start, and on what kind of app."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollouts.candidates import MOST_WAITING, admit, suffix
from rollouts.checks import Check
from rollouts.decided import Activate, Deactivate, Said, SetTraffic
from rollouts.findings import Answer, Finding
from rollouts.machine import decide
from rollouts.model import App, Done, Mode, OnNewImage, Phase, Plan
from rollouts.seen import AppSeen, CandidateSeen, Observation, Offer, TrafficEntry, Verb
from tests.fakes.azure import Trouble
from tests.rollouts.test_machine import CANARY, MINUTE, PROBE, because, finish, pushed, quarantined, until
from tests.rollouts.world import ERRORS, KEY, RESOURCE, RESTARTS, START, World, a_plan, digest, image

FIRST = "ca-web--first"


def offer(n: int, *, at: timedelta = timedelta(), policy: str = "p/production", **more: str) -> Offer:
    return Offer(image=replace(image(n), **more), policy=policy, pushed_at=START + at)


# ---- news


def test_an_image_is_admitted_once_however_often_it_is_offered() -> None:
    app = admit(App(key=KEY), (offer(1), offer(1), offer(1, at=MINUTE)), START)

    assert [(r.n, r.image.tag) for r in app.waiting] == [(1, "1.1.0")]
    assert app.counter == 1
    assert app.waiting[0].offered_at == START


def test_two_rows_may_offer_the_same_image() -> None:
    app = admit(App(key=KEY), (offer(1), offer(1, policy="p/staging")), START)

    assert [(r.n, r.policy) for r in app.waiting] == [(1, "p/production"), (2, "p/staging")]


def test_a_repeated_event_is_no_new_attempt_but_a_push_after_the_end_is() -> None:
    world = finish(pushed())
    ended = world.app.done[-1].at

    assert not admit(world.app, (offer(1),), ended + MINUTE).waiting
    assert not admit(world.app, (offer(1, at=ended - START),), ended + MINUTE).waiting
    assert [r.n for r in admit(world.app, (offer(1, at=ended + MINUTE - START),), ended + MINUTE).waiting] == [2]


def ended(phase: Phase, version: str, *, started: bool = False) -> App:
    """An app of which one image has ended like this a day before START."""
    done = Done(
        n=1,
        digest=image(1).digest,
        tag="1.1.0",
        policy="p/production",
        phase=phase,
        at=START - timedelta(days=1),
        policy_version=version,
        started=started,
    )
    return App(key=KEY, counter=1, done=(done,))


@pytest.mark.parametrize(
    ("phase", "started", "was", "now", "news"),
    [
        (Phase.REJECTED, False, "a", "b", True),
        (Phase.REJECTED, False, "a", "a", False),
        (Phase.REJECTED, False, "", "b", False),  # it ended before versions were kept
        (Phase.REJECTED, False, "a", "", False),  # offered before versions were kept
        (Phase.EXPIRED, False, "a", "b", True),
        (Phase.EXPIRED, True, "a", "b", False),  # it had its chance, and nobody approved
        (Phase.SUPERSEDED, False, "a", "b", True),
        (Phase.SUPERSEDED, True, "a", "b", True),
        (Phase.SUPERSEDED, True, "a", "a", False),
        (Phase.PROMOTED, True, "a", "b", False),
        (Phase.ROLLED_BACK, True, "a", "b", False),
        (Phase.ABORTED, False, "a", "b", False),
        (Phase.FAILED, True, "a", "b", False),
    ],
)
def test_an_edit_of_the_row_tries_again_what_only_the_row_had_ended(
    phase: Phase, *, started: bool, was: str, now: str, news: bool
) -> None:
    again = replace(offer(1, at=-timedelta(days=2)), policy_version=now)

    admitted = admit(ended(phase, was, started=started), (again,), START)

    assert [r.attempt for r in admitted.waiting] == ([2] if news else [])
    listed = replace(again, listed=True)
    assert bool(admit(ended(phase, was, started=started), (listed,), START).waiting) is news


def test_what_a_listing_tells_is_no_push() -> None:
    """A tag that was locked or moved and moved back has a newer time, and nobody asked for another attempt."""
    later = replace(offer(1, at=MINUTE), listed=True)

    assert not admit(ended(Phase.ROLLED_BACK, "a", started=True), (later,), START).waiting
    assert admit(ended(Phase.ROLLED_BACK, "a", started=True), (replace(later, listed=False),), START).waiting


def test_a_waiting_rollout_ends_under_the_version_of_its_row_that_closed_it() -> None:
    app = admit(App(key=KEY), (offer(1),), START)
    closed = Finding(gate="scan", answer=Answer.CLOSED, because="no")
    seen = Observation(operations={}, candidates=(CandidateSeen(n=1, finding=closed, policy_version="v2"),))

    [done] = decide(app, seen, START).next.done

    assert (done.phase, done.policy_version, done.started) == (Phase.REJECTED, "v2", False)


def test_another_tag_of_an_ended_digest_is_news() -> None:
    world = finish(pushed())

    assert [r.image.tag for r in admit(world.app, (offer(1, tag="1.1.1"),), START).waiting] == ["1.1.1"]


def test_a_live_image_is_no_news() -> None:
    world = until(Phase.BAKING, 0)

    assert admit(world.app, (offer(1, at=timedelta(days=1)),), START) == world.app


def test_a_suffix_is_counted_and_shows_the_digest() -> None:
    rollout = admit(App(key=KEY, counter=6), (offer(11),), START).waiting[0]

    assert suffix(rollout) == "wb7-00000b"


def test_a_number_is_never_given_twice() -> None:
    world = pushed()
    for n in (1, 2, 3):
        world.push(n)
        finish(world)

    assert [r.n for r in world.ended] == [1, 2, 3]
    assert world.app.counter == 3


# ---- who waits


def test_more_than_ten_do_not_wait() -> None:
    world = World()
    for n in range(1, 14):
        world.findings[digest(n)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
        world.push(n)
    world.tick()

    assert MOST_WAITING == 10
    assert sorted(r.n for r in world.app.waiting) == list(range(4, 14))
    assert sorted((r.n, r.phase) for r in world.ended) == [(n, Phase.SUPERSEDED) for n in (1, 2, 3)]
    assert world.ended[0].because == "10 greater images wait already"


def test_more_than_ten_do_not_wait_though_a_write_is_open() -> None:
    """Azure is silent: the raise may land for the next twenty minutes, and forty images are pushed meanwhile."""
    world = until(Phase.BAKING, 0, a_plan(on_new_image=OnNewImage.FINISH))
    world.azure.trouble = lambda _app, _write: Trouble.LOST
    while not isinstance(world.tick().write, SetTraffic):
        world.clock.advance(timedelta(seconds=15))
    for n in range(2, 42):
        world.push(n)
        world.wait(world.tick().due)
        assert world.app.writes
        assert len(world.app.waiting) <= MOST_WAITING

    assert sorted(r.n for r in world.app.waiting) == list(range(32, 42))


def test_of_more_than_ten_that_were_not_ranked_the_newest_stay() -> None:
    """While rolling back no gate is asked, so that nobody knows which image is the greatest."""
    world = until(Phase.BAKING, 0)
    app = admit(world.app, tuple(offer(n) for n in range(2, 14)), world.clock.now())
    decision = decide(app, Observation(operations={}), world.clock.now())

    assert sorted(r.n for r in decision.next.waiting) == list(range(4, 14))
    assert [r.because for r in decision.finished] == ["10 newer images wait already"] * 2


def test_the_greatest_whose_gates_are_open_starts() -> None:
    world = pushed()
    world.findings[digest(3)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
    world.push(2)
    world.push(3)
    world.tick()

    assert world.app.live is not None
    assert world.app.live.n == 2
    assert [(r.n, r.because) for r in world.ended] == [(1, "shop/web 1.2.0 started")]
    assert [r.n for r in world.app.waiting] == [3]


def test_waiting_is_said_once_and_asked_again_by_itself() -> None:
    world = pushed()
    world.findings[digest(1)] = Finding(
        gate="scan", answer=Answer.WAITING, because="not scanned yet", ask_at=START + 2 * MINUTE
    )
    due = world.tick().due
    assert due == START + 2 * MINUTE
    for _ in range(5):
        world.wait(world.tick().due)

    assert world.told() == [Said.WAITING]
    world.findings.clear()
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_the_plan_is_the_row_as_it_is_when_the_rollout_starts() -> None:
    world = pushed()
    world.findings[digest(1)] = Finding(gate="scan", answer=Answer.WAITING, because="not scanned yet")
    world.tick()
    world.plan = a_plan(50, 100)
    world.findings.clear()
    world.tick()
    world.plan = a_plan(1, 2, 100)
    finish(world)

    assert [w[CANARY] for _, w in world.live.history if CANARY in w][:2] == [50, 100]


def test_a_closed_gate_rejects_and_quarantines_nothing() -> None:
    world = pushed()
    world.findings[digest(1)] = Finding(gate="scan", answer=Answer.CLOSED, because="2 critical findings")
    finish(world)

    assert [(r.phase, r.because) for r in world.ended] == [(Phase.REJECTED, "2 critical findings")]
    assert not quarantined(world)
    assert not world.live.writes


def test_observing_says_what_it_would_have_done_and_writes_nothing() -> None:
    world = pushed(a_plan(mode=Mode.OBSERVE))
    for _ in range(10):
        world.wait(world.tick().due)

    assert world.told() == [Said.WOULD_HAVE]
    assert not world.live.writes
    assert world.app.live is None


def test_observing_says_nothing_before_the_app_was_seen() -> None:
    world = pushed(a_plan(mode=Mode.OBSERVE))
    world.azure.away = True
    for _ in range(3):
        world.wait(world.tick().due)
    assert not world.said

    world.azure.away = False
    world.tick()
    assert world.told() == [Said.WOULD_HAVE]


def test_a_candidate_without_a_plan_does_not_start() -> None:
    world = pushed()
    world.tick()
    loaded = world.ticks[0].app
    opened = Finding(gate="all", answer=Answer.OPEN, because="open")
    seen = Observation(
        app=world.azure.seen(RESOURCE), operations={}, candidates=(CandidateSeen(n=1, finding=opened, plan=None),)
    )
    assert decide(loaded, seen, START).next.live is None


# ---- on what kind of app


def test_split_traffic_is_waited_out() -> None:
    world = World()
    world.azure.revise(world.live, "other")
    world.azure.set_traffic(world.live, first=90, other=10)
    world.push(1)
    for _ in range(3):
        world.wait(world.tick().due)

    assert world.told() == [Said.WAITING]
    assert because(world, Said.WAITING) == (
        "traffic is split ca-web--first 90 / ca-web--other 10 by someone else; it starts once one revision has 100 %"
    )
    world.azure.set_traffic(world.live, first=100)
    assert [r.phase for r in finish(world).ended] == [Phase.PROMOTED]


def test_a_single_mode_app_is_refused_with_the_two_commands() -> None:
    world = World()
    world.live.multiple = False
    world.push(1)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.REJECTED]
    assert (
        "az containerapp ingress traffic set -g rg-shop -n ca-web --revision-weight ca-web--first=100"
        in world.ended[0].because
    )
    assert "az containerapp revision set-mode -g rg-shop -n ca-web --mode multiple" in world.ended[0].because
    assert not world.live.writes


@pytest.mark.parametrize(
    ("ingress", "plan", "why"),
    [
        (True, a_plan(100, replace=True), "Steps is `replace`, which is for apps without ingress"),
        (False, a_plan(), "the app has no ingress, so it cannot take a share of requests; set Steps to `replace`"),
    ],
)
def test_steps_must_fit_the_apps_ingress(ingress: bool, plan: Plan, why: str) -> None:  # noqa: FBT001
    world = World(plan=plan)
    world.live.ingress = ingress
    world.push(1)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.REJECTED]
    assert world.ended[0].because.startswith(why)


def test_an_app_with_sticky_sessions_is_refused_before_its_mode_is_spoken_of() -> None:
    world = World()
    world.live.multiple, world.live.sticky = False, True
    world.push(1)
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.REJECTED]
    assert "az containerapp ingress sticky-sessions set -g rg-shop -n ca-web --affinity none" in world.ended[0].because
    assert "set-mode" not in world.ended[0].because
    assert not world.live.writes


@pytest.mark.parametrize(
    ("checks", "phase"),
    [((ERRORS,), Phase.REJECTED), ((PROBE,), Phase.REJECTED), ((RESTARTS,), Phase.PROMOTED), ((), Phase.PROMOTED)],
)
def test_checks_of_requests_are_refused_for_a_tcp_app(checks: tuple[Check, ...], phase: Phase) -> None:
    world = World(plan=a_plan(checks=checks))
    world.live.tcp = True
    world.push(1)
    finish(world)

    assert [r.phase for r in world.ended] == [phase]
    assert (phase is Phase.PROMOTED) != ("give its row Checks: `restarts == 0`" in world.ended[0].because)


# ---- without ingress


def worker(*, push: bool = True) -> World:
    world = World(plan=a_plan(100, replace=True, checks=()))
    world.live.ingress = False
    world.live.traffic = []
    if push:
        world.push(1)
    return world


def active(world: World) -> list[str]:
    return [r.name for r in world.live.revisions.values() if r.active]


def test_without_ingress_the_canary_replaces_stable_once_it_is_ready() -> None:
    world = worker()
    world.run_until(Phase.DEPLOYING)
    while CANARY not in world.live.revisions:
        world.wait(world.tick().due)
    assert active(world) == [FIRST, CANARY]
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert active(world) == [CANARY]
    assert because(world, Said.STEPPED) == "the canary took over"
    assert not any(isinstance(w, SetTraffic) for w in world.live.writes)


def test_without_ingress_stable_is_active_again_before_the_canary_goes() -> None:
    world = worker()
    world.run_until(Phase.BAKING, 0)
    assert active(world) == [CANARY]
    world.live.revisions[CANARY].crashed = True
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.ROLLED_BACK]
    assert active(world) == [FIRST]
    assert world.live.writes[-2:] == [Activate(revision=FIRST), Deactivate(revision=CANARY)]


def test_without_ingress_a_canary_that_never_gets_ready_leaves_stable_running() -> None:
    world = worker()
    world.run_until(Phase.DEPLOYING)
    while CANARY not in world.live.revisions:
        world.wait(world.tick().due)
    world.live.revisions[CANARY].crashed = True
    finish(world)

    assert [r.phase for r in world.ended] == [Phase.FAILED]
    assert active(world) == [FIRST]
    assert not any(isinstance(w, Deactivate) and w.revision == FIRST for w in world.live.writes)


# ---- an app that was never ready


def unborn() -> World:
    world = World()
    world.live.revisions[FIRST].ready_at = None
    world.push(1)
    return world


def test_a_first_deployment_that_never_was_ready_is_replaced_in_one_step() -> None:
    world = finish(unborn())

    assert [r.phase for r in world.ended] == [Phase.PROMOTED]
    assert world.ended[0].stable is None
    assert "there is nothing to return to" in because(world, Said.STARTED)
    assert world.azure.weights(world.live) == {CANARY: 100}
    assert not any(entry.latest for entry in world.live.traffic)


def test_with_nothing_to_return_to_a_bad_canary_pauses_for_a_person_and_keeps_the_traffic() -> None:
    world = unborn()
    world.run_until(Phase.BAKING, 0)
    world.live.revisions[CANARY].crashed = True
    for _ in range(5):
        world.wait(world.tick().due)

    assert because(world, Said.PAUSED).endswith("; there is no revision to return to")
    assert Said.ROLLED_BACK not in world.told()
    assert world.azure.weights(world.live) == {CANARY: 100}
    world.order(Verb.ABORT)
    assert [r.phase for r in finish(world).ended] == [Phase.ABORTED]
    assert CANARY in active(world), "what carries the traffic is not retired"


def test_with_nothing_to_return_to_a_persons_hand_is_still_a_persons_hand() -> None:
    world = unborn()
    world.run_until(Phase.BAKING, 0)
    world.azure.revise(world.live, "fix")
    world.azure.set_traffic(world.live, fix=100)
    for _ in range(5):
        world.wait(world.tick().due)

    assert Said.DRIFTED in world.told()
    assert world.azure.weights(world.live) == {"ca-web--fix": 100}
    world.order(Verb.LEAVE)
    assert [r.phase for r in finish(world).ended] == [Phase.ABORTED]


def test_an_app_whose_traffic_names_a_dead_revision_waits() -> None:
    world = World()
    world.live.traffic = [TrafficEntry(weight=100, revision="ca-web--dead")]
    world.push(1)
    world.tick()

    assert because(world, Said.WAITING).startswith("the traffic goes to ca-web--dead, which is gone")
    assert isinstance(world.ticks[0].seen.app, AppSeen)


def test_lanes_remember_who_came_first() -> None:
    world = pushed()
    world.tick()
    loaded = world.ticks[0].app
    finding = Finding(gate="all", answer=Answer.WAITING, because="waits")
    candidate = CandidateSeen(n=1, finding=finding, container="web", order="semver")
    seen = Observation(operations={}, candidates=(candidate,))
    once = decide(loaded, seen, START).next
    twice = decide(once, seen, START).next

    assert [(lane.policy, lane.container, lane.order) for lane in once.lanes] == [("p/production", "web", "semver")]
    assert twice.lanes == once.lanes
