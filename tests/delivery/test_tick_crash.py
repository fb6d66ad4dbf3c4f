"""A process may die between any two lines: wherever it does, the story ends as it would have."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from delivery.errors import Conflict, Retry
from tests.delivery.schedule import Call, Counting
from tests.delivery.schedule_stories import PROMOTED, STORIES, Story, ended, ids, opened
from tests.delivery.shop import Crash, Shop

DEEP = bool(os.environ.get("WEIGHBRIDGE_FUZZ"))
STRIDE = 1 if DEEP else 5  # the quick run takes every fifth disturbance, other ones in each test
pytestmark = pytest.mark.timeout(3600 if DEEP else 60)


@dataclass(kw_only=True)
class Dying(Counting):
    """The process dies at one call: before it arrives, or once it took effect. All it had begun dies with it."""

    at: int
    late: bool
    dead: bool = False
    calls: list[Call] = field(default_factory=list)

    def born(self) -> None:
        self.dead = False

    async def before(self, call: Call) -> object:
        if self.dead:
            raise Crash
        token = await super().before(call)
        self._die(token, late=False)
        return token

    async def after(self, call: Call, token: object) -> None:
        await super().after(call, token)
        if self.dead:
            raise Crash
        self._die(token, late=True)

    def _die(self, token: object, *, late: bool) -> None:
        if token == self.at and late is self.late:
            self.dead = True
            raise Crash(f"died {'after' if late else 'before'} call {self.at}: {self.calls[self.at]}")


async def told(story: Story, tap: Counting) -> Shop:
    shop = await opened(tap, story.row)
    if isinstance(tap, Dying):
        shop.born = tap.born
    await story.tell(shop)
    await ended(shop, story)
    return shop


def points(calls: list[Call]) -> list[tuple[int, bool]]:
    """After every effect, and before everything. Dying after a read, or between two effects, leaves the same world
    as one of these; the deep run tries them all the same."""
    if DEEP:
        return [(at, late) for at in range(len(calls)) for late in (False, True)]
    effects = [(at, True) for at, call in enumerate(calls) if call.effect]
    firsts = [at for at, call in enumerate(calls) if call.name == "get" and call.arguments[-1] == "app"]
    return sorted([*effects, *((at, False) for at in firsts)])


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_process_that_dies_at_any_call_changes_nothing_in_the_end(story: Story) -> None:
    calm = Counting()
    undisturbed = await told(story, calm)

    tried = points(calm.calls)[:: 1 if story is PROMOTED else STRIDE]
    for at, late in tried:
        tap = Dying(at=at, late=late)
        try:
            shop = await told(story, tap)
            assert ids(shop) == ids(undisturbed)
            assert len(shop.failures) == 1
        except Exception as error:
            raise AssertionError(f"died {'after' if late else 'before'} {at}: {calm.calls[at]}") from error
    print(f"{story.name}: {len(calm.calls)} calls, {len(tried)} deaths")  # noqa: T201 - shown with -s


@dataclass(kw_only=True)
class Losing(Counting):
    """One commit answers wrongly. works: whether it took effect."""

    at: int
    works: bool
    error: Exception
    calls: list[Call] = field(default_factory=list)

    async def before(self, call: Call) -> object:
        token = await super().before(call)
        if token == self.at and not self.works:
            raise self.error
        return token

    async def after(self, call: Call, token: object) -> None:
        await super().after(call, token)
        if token == self.at and self.works:
            raise self.error


LOST = {
    "it won, and the answer was lost": (True, Retry("no answer", lost=True)),
    "it won, and the SDK's own repeat answered 412": (True, Conflict("412")),
    "it was lost on the way": (False, Retry("no answer", lost=True)),
    "the store was busy": (False, Retry("503")),
}


def saves(calls: list[Call]) -> list[int]:
    """The commits of step 4, told by the sequence number they write."""
    found = []
    for at, call in enumerate(calls):
        if call.name == "commit" and any("seq" in getattr(change, "columns", {}) for change in call.arguments[2]):
            found.append(at)
    return found


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("how", LOST)
async def test_a_store_that_answers_wrongly_changes_nothing_in_the_end(story: Story, how: str) -> None:
    calm = Counting()
    undisturbed = await told(story, calm)

    works, error = LOST[how]
    commits = [at for at, call in enumerate(calm.calls) if call.name == "commit"]
    for at in commits[list(LOST).index(how) % STRIDE :: STRIDE]:
        try:
            shop = await told(story, Losing(at=at, works=works, error=error))
            assert ids(shop) == ids(undisturbed)
        except Exception as problem:
            raise AssertionError(f"{how}: {at}: {calm.calls[at]}") from problem


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("how", [how for how, (works, _) in LOST.items() if works])
async def test_a_tick_knows_that_its_save_won_although_the_answer_was_lost(story: Story, how: str) -> None:
    """Nothing fails, nothing is sent twice, and the story takes not a second longer."""
    calm = Counting()
    undisturbed = await told(story, calm)

    _, error = LOST[how]
    found = saves(calm.calls)
    assert found
    for at in found[::STRIDE]:
        shop = await told(story, Losing(at=at, works=True, error=error))
        assert not shop.failures
        assert shop.app.writes == undisturbed.app.writes
        assert shop.clock.now() == undisturbed.clock.now()
