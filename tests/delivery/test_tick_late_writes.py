"""ARM has no If-Match: a write we gave up on may land after any later one; the weights still end at the level."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from rollouts.decided import ArmWrite, Deactivate
from rollouts.model import App
from rollouts.writes import FRESH, OPEN
from tests.delivery.schedule_stories import STORIES, Story, ended, ids, opened
from tests.delivery.shop import Shop
from tests.fakes.azure import FakeApp, Trouble

DEEP = bool(os.environ.get("WEIGHBRIDGE_FUZZ"))
pytestmark = pytest.mark.timeout(3600 if DEEP else 60)

NEVER = 10_000
SOON = (0, 13)  # steps of the host after the send
EVER = (*range(100), *range(100, NEVER, 9))  # by then all that still happens is a look every few seconds


class HeldBack:
    """One write answers `trouble` and, when it is held, lands `later` steps of the host after it was sent.

    What must hold meanwhile is asked after every step.
    """

    def __init__(self, nth: int, later: int, trouble: Trouble = Trouble.HELD) -> None:
        self.nth = nth
        self.later = later
        self.trouble = trouble
        self.sent = 0
        self.steps = -1
        self.at: datetime | None = None
        self.landed_after_all = False

    def __call__(self, _app: FakeApp, _write: ArmWrite) -> Trouble:
        self.sent += 1
        return self.trouble if self.sent - 1 == self.nth else Trouble.NONE

    def attend(self, shop: Shop, before: App, after: App) -> None:
        """After one step of the host: nothing is over while the write may land, and it lands when its time comes."""
        if not shop.app.held:
            return
        if self.at is not None and before.live is not None:
            assert after.live is not None, "it ended while a write of its own could land"
        self.at = self.at or shop.clock.now()
        self.steps += 1
        open_until = self.at + FRESH + OPEN
        if self.steps >= self.later or shop.clock.now() >= open_until - timedelta(seconds=20):
            self.landed_after_all = self.steps < self.later
            shop.azure.release(shop.app)


async def told(story: Story, held: HeldBack) -> Shop:
    shop = await opened(row=story.row)
    shop.azure.trouble = held
    watch(shop, held)
    await story.tell(shop)
    await ended(shop, story)
    return shop


def watch(shop: Shop, held: HeldBack) -> None:
    """Look at the row and at Azure around every step of the host."""
    plain: Callable[[], Awaitable[bool]] = shop.step

    async def step() -> bool:
        before, gone = await shop.state(), deactivated(shop)
        held_before = list(shop.app.held)
        again = await plain()
        after = await shop.state()
        if held_before and before.writes:
            assert deactivated(shop) == gone, f"deactivated while a write was open: {shop.app.writes}"
        held.attend(shop, before, after)
        return again

    shop.step = step  # type: ignore[method-assign]  # only this shop is watched


def last_words(shop: Shop) -> set[tuple[str, str]]:
    """What was said, but for the steps: a weight that lands late may be seen together with the verdict on it."""
    return {(kind, unique) for kind, unique in ids(shop) if not kind.endswith("Stepped")}


def deactivated(shop: Shop) -> int:
    return sum(isinstance(write, Deactivate) for write in shop.app.writes)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_write_that_lands_after_any_later_step_changes_nothing_in_the_end(story: Story) -> None:
    calm = HeldBack(nth=-1, later=0)
    undisturbed = await told(story, calm)

    runs = 0
    for nth in range(calm.sent):
        quick = (*SOON, NEVER) if nth % 3 == 0 else SOON
        for later in EVER if DEEP else quick:
            held = HeldBack(nth=nth, later=later)
            try:
                shop = await told(story, held)
                assert held.at is not None
                assert last_words(shop) == last_words(undisturbed)
            except Exception as error:
                raise AssertionError(f"write {nth} ({undisturbed.app.writes[nth]}) held for {later} steps") from error
            runs += 1
            if held.landed_after_all:
                break  # the longest it can be held: its time to land has passed
    print(f"{story.name}: {calm.sent} writes, {runs} times")  # noqa: T201 - shown with -s


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("trouble", [Trouble.BUSY, Trouble.BROKEN, Trouble.LOST, Trouble.SILENT])
async def test_a_write_that_fails_or_is_not_answered_changes_nothing_in_the_end(story: Story, trouble: Trouble) -> None:
    calm = HeldBack(nth=-1, later=0)
    undisturbed = await told(story, calm)

    for nth in range(0, calm.sent, 1 if DEEP else 2):
        shop = await told(story, HeldBack(nth=nth, later=0, trouble=trouble))
        assert last_words(shop) == last_words(undisturbed)
