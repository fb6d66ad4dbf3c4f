"""Two ticks of one app, interleaved at every port call: one save wins, the loser does nothing, the end is the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from delivery import codec, names, orders, sweep
from delivery.tick import Ticked, Wake, read, tick
from rollouts.decided import CreateCanary, Deactivate, Decision, SetTraffic
from rollouts.model import Actor, ActorKind, App, Phase
from rollouts.seen import Verb
from tests.delivery.schedule import Call
from tests.delivery.schedule_explore import Explored, Function, Run, explore, passing
from tests.delivery.schedule_stories import (
    PROMOTED,
    ROLLED_BACK,
    SUPERSEDED,
    Story,
    ended,
    finish,
    holds,
    opened,
    step,
    until_weight,
)
from tests.delivery.shop import KEY, Shop, digest

DEEP = bool(os.environ.get("WEIGHBRIDGE_FUZZ"))
pytestmark = pytest.mark.timeout(3600 if DEEP else 60)
APART = timedelta(seconds=30)  # of two orders, how much later one may end; the sweep would need a minute
SAMPLE = 0 if DEEP else 40  # of the scenarios whose orders are too many for the quick run; 0: all
READ_ONLY = (names.POLICIES, names.NAMES, names.EVIDENCE)


def wrote(kind: type, weight: int | None = None) -> Callable[[Decision], bool]:
    """A decision that writes this to ARM."""

    def test(decision: Decision) -> bool:
        write = decision.write
        if weight is None or not isinstance(write, SetTraffic):
            return isinstance(write, kind)
        return any("--wb" in entry.revision and entry.weight == weight for entry in write.traffic)

    return test


def ends(decision: Decision) -> bool:
    return bool(decision.finished)


def idle(decision: Decision) -> bool:
    return decision.due is None


def returns(decision: Decision) -> bool:
    live = decision.next.live
    return live is not None and live.phase is Phase.ROLLING_BACK and isinstance(decision.write, SetTraffic)


STATES: Mapping[str, tuple[Story, Callable[[Decision], bool]]] = {
    "about to pin stable": (PROMOTED, wrote(SetTraffic)),
    "about to create": (PROMOTED, wrote(CreateCanary)),
    "about to step": (PROMOTED, wrote(SetTraffic, 50)),
    "about to give it all": (PROMOTED, wrote(SetTraffic, 100)),
    "about to promote": (PROMOTED, ends),
    "about to retire": (PROMOTED, wrote(Deactivate)),
    "about to go idle": (PROMOTED, idle),
    "about to roll back": (ROLLED_BACK, returns),
    "about to end the rollback": (ROLLED_BACK, ends),
    "about to give way": (SUPERSEDED, returns),
}
_FOUND: dict[str, tuple[Shop, Wake]] = {}


async def before(state: str) -> tuple[Shop, Wake]:
    """The world just before the tick that decides so, and the wake-up of that tick."""
    if state not in _FOUND:
        story, wanted = STATES[state]
        shop = await opened(row=story.row)
        if story is ROLLED_BACK:
            shop.metrics.error_rates["wb1"] = 0.9
        await shop.push(1)
        if story is SUPERSEDED:
            await until_weight(shop)
            await shop.push(2)
        _FOUND[state] = await _until(shop, wanted)
    shop, wake = _FOUND[state]
    return shop.fork(), wake


async def _until(shop: Shop, wanted: Callable[[Decision], bool]) -> tuple[Shop, Wake]:
    for _ in range(500):
        due = shop.queue.due()
        if due and due[0].queue == names.TICKS:
            trial = shop.fork()
            await trial.step()
            decision = trial.ticked[-1].decision
            if decision is not None and trial.ticked[-1].won and wanted(decision):
                return shop, read(due[0].body)
        assert await step(shop)
    raise AssertionError("the story never came there")


def ticking(wake: Wake) -> Function:
    async def run(shop: Shop) -> object:
        return await tick(shop.ports, wake)

    return run


def alone(_actor: str, call: Call) -> bool:
    """Tables that no function of the scenario writes, and a queue nobody takes from."""
    if call.port == "rows":
        return call.name != "commit" and call.arguments[0] in READ_ONLY
    return call.port == "queue"


def always(run: Run) -> None:
    """After every call: the app is listed if it is live, and nobody writes to ARM without having won."""
    holds(run.shop)
    for actor, call in run.made[-1:]:
        if call.port == "apps" and call.name == "send":
            assert any(a == actor and is_save(c) for a, c in run.made), f"{actor} acts, and never saved"
            # Time that passes after this check and before the send is the limit the design states.
            fresh = [write for write in app_of(run).writes if write.give_up_at > run.asked_at]
            assert fresh, f"{actor} acts on an observation older than it may be"
        if call.name == "commit":
            assert call.arguments[0] not in READ_ONLY, "a table thought to be read only is written"


def is_save(call: Call) -> bool:
    return call.name == "commit" and any("seq" in getattr(change, "columns", {}) for change in call.arguments[2])


def judged(run: Run, *ticks: str) -> None:
    """Of the ticks that saved under one number one won; a loser neither acts nor schedules."""
    won: list[int] = []
    for name in ticks:
        ticked = run.tasks[name].result()
        assert isinstance(ticked, Ticked)
        calls = [call for actor, call in run.made if actor == name]
        if ticked.won and ticked.decision:
            won.append(ticked.decision.next.seq)
            mine = [write for write in app_of(run).writes if write.id == won[-1]]
            assert all(write.answer for write in mine), f"{name} sent a write whose answer nobody kept"
            continue
        saved = next((at for at, call in enumerate(calls) if is_save(call)), len(calls))
        after = [call for call in calls[saved + 1 :] if call.effect]
        resent = [call for call in after if call.port == "queue" and call.arguments[1].get("seq") is None]
        assert after == resent, f"{name} lost and went on: {[str(call) for call in after]}"
    assert len(set(won)) == len(won), f"two saves won under one number: {won}"
    assert not won or app_of(run).seq >= max(won)


def app_of(run: Run) -> App:
    return codec.decode(next(row for row in run.shop.rows.peek(names.ROLLOUTS) if row.key == "app"))


class Ends:
    """The story's end from here, played once for each world that differs."""

    def __init__(self, story: Story, *ticks: str) -> None:
        self.story = story
        self.ticks = ticks
        self.known: set[str] = set()
        self.took: list[timedelta] = []

    async def __call__(self, run: Run) -> None:
        judged(run, *self.ticks)
        world = fingerprint(run.shop)
        if world in self.known:
            return
        self.known.add(world)
        shop = run.shop.fork()
        await finish(shop)
        self.took.append(shop.clock.now() - run.shop.clock.now())
        await ended(shop, self.story)


def fingerprint(shop: Shop) -> str:
    """Everything the future depends on, without what only tells runs apart."""
    rows = [
        (table, row.partition, row.key, sorted((k, str(v)) for k, v in row.columns.items() if k != "tick"))
        for table in names.TABLES
        for row in shop.rows.peek(table)
    ]
    messages = sorted(f"{m.queue} {sorted(m.body.items())} {m.visible_at}" for m in shop.queue.messages)
    arm = [shop.app.traffic, shop.app.revisions, shop.app.operation, shop.app.held, shop.azure.operations]
    return repr((shop.clock.now(), rows, messages, arm, len(shop.channel.got)))


def reported(state: str, found: Explored, ends: Ends) -> None:
    """Say what was tried; and however the functions were interleaved, the story's end comes about as soon."""
    assert max(ends.took) - min(ends.took) <= APART, f"{state}: from {min(ends.took)} to {max(ends.took)}"
    print(f"{state}: {found.runs} orders, {found.cut} cut, {found.steps} calls, {len(ends.known)} ends")  # noqa: T201 - shown with -s


def story_of(state: str) -> Story:
    return STATES[state][0]


@pytest.mark.parametrize("state", STATES)
async def test_a_repeated_wake_up_does_nothing_twice(state: str) -> None:
    shop, wake = await before(state)
    finally_ = Ends(story_of(state), "one", "two")

    found = await explore(
        shop, {"one": ticking(wake), "two": ticking(wake)}, always=always, finally_=finally_, alone=alone
    )
    reported(state, found, finally_)


@pytest.mark.parametrize("state", STATES)
async def test_a_tick_of_the_sweep_beside_the_one_that_was_due_does_nothing_twice(state: str) -> None:
    shop, wake = await before(state)
    shop.queue.pop_due()
    finally_ = Ends(story_of(state), "due", "swept")

    found = await explore(
        shop, {"due": ticking(wake), "swept": ticking(Wake(app=KEY))}, always=always, finally_=finally_, alone=alone
    )
    reported(state, found, finally_)


@pytest.mark.parametrize("state", STATES)
async def test_a_tick_frozen_for_longer_than_its_observation_lasts_does_nothing_twice(state: str) -> None:
    """A third function lets 11 s pass at any moment: the write then rests on too old an observation."""
    shop, wake = await before(state)
    finally_ = Ends(story_of(state), "one", "two")

    functions = {"one": ticking(wake), "two": ticking(wake), "clock": lambda shop: passing(shop, timedelta(seconds=11))}
    found = await explore(shop, functions, always=always, finally_=finally_, alone=alone, sample=SAMPLE)
    reported(state, found, finally_)


async def second_push(shop: Shop) -> Wake:
    """The wake-up of a push of 1.2.0 that was taken from the queue and not handled yet."""
    await shop.push(2)
    message = shop.queue.messages.pop()
    wake = read(message.body)
    assert wake.offers
    return wake


@pytest.mark.parametrize(
    "state", ["about to promote", "about to retire", "about to go idle", "about to end the rollback"]
)
async def test_an_image_offered_while_the_last_rollout_ends_is_rolled_out_and_the_app_stays_listed(state: str) -> None:
    """The starter puts the app on the list, the finisher takes it off: `always` asks after every call."""
    shop, wake = await before(state)
    offered = await second_push(shop)
    first = story_of(state).ends[1]
    story = Story(name=state, tell=finish, ends={1: first, 2: Phase.PROMOTED}, image=2, row=shop.row)
    finally_ = Ends(story, "ending", "starting")

    functions = {"ending": ticking(wake), "starting": ticking(offered)}
    found = await explore(shop, functions, always=always, finally_=finally_, alone=alone)
    reported(state, found, finally_)


@pytest.mark.parametrize("state", STATES)
async def test_the_sweep_beside_a_tick_changes_nothing_in_the_end(state: str) -> None:
    shop, wake = await before(state)
    shop.clock.advance(timedelta(minutes=3))
    finally_ = Ends(story_of(state), "late")
    shard = names.shard(KEY)

    def elsewhere(actor: str, call: Call) -> bool:
        other_shard = call.name == "scan" and call.arguments[0] == names.ACTIVE and call.arguments[1] != shard
        return other_shard or alone(actor, call)

    async def swept(shop: Shop) -> object:
        woken = await sweep.sweep(shop.ports)
        return [await tick(shop.ports, Wake(app=KEY)) for _ in range(woken)]

    functions: dict[str, Function] = {"late": ticking(wake), "sweep": swept}
    found = await explore(shop, functions, always=always, finally_=finally_, alone=elsewhere)
    reported(state, found, finally_)


PERSON = Actor(kind=ActorKind.PERSON, id="ann", name="Ann")


@pytest.mark.parametrize("state", ["about to create", "about to step", "about to give it all", "about to promote"])
@pytest.mark.parametrize("verb", [Verb.ABORT, Verb.ROLLBACK])
async def test_an_order_beside_a_tick_is_obeyed_or_refused_once_and_says_which(state: str, verb: Verb) -> None:
    shop, wake = await before(state)
    obeyed = Phase.ABORTED if verb is Verb.ABORT else Phase.ROLLED_BACK
    answers: set[str] = set()
    known: set[str] = set()

    async def ordered(shop: Shop) -> object:
        given = await orders.give(shop.ports, KEY, orders.Asked(verb=verb, n=1, digest=digest(1)), PERSON)
        return given.answer

    async def taken(run: Run) -> None:
        judged(run, "tick")
        answer = str(run.tasks["person"].result())
        answers.add(answer)
        world = fingerprint(run.shop) + answer
        if world in known:
            return
        known.add(world)
        shop = run.shop.fork()
        await finish(shop)
        image = 1
        end = Phase.PROMOTED
        if answer.startswith("done"):
            image, end = 0, obeyed
        story = Story(name=state, tell=finish, ends={1: end}, image=image, row=shop.row)
        await ended(shop, story)

    functions: dict[str, Function] = {"tick": ticking(wake), "person": ordered}
    found = await explore(shop, functions, always=always, finally_=taken, alone=alone, sample=SAMPLE)
    print(f"{state}, {verb}: {found.runs} orders, {found.cut} cut, {found.steps} calls, answers {answers}")  # noqa: T201 - shown with -s
