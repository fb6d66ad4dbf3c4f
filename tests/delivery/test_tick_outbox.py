"""Messages are delivered at least once, on the schedule of docs/webhooks.md, and a dead receiver holds nothing up."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from delivery import names, outbox
from delivery.errors import Refused, Retry
from delivery.ports import Row
from rollouts.model import Phase
from tests.delivery.schedule import Call
from tests.delivery.schedule_explore import Function, Run, explore
from tests.delivery.schedule_stories import PROMOTED, SHORT, finish, holds, ids, opened, step
from tests.delivery.shop import KEY, Shop

WEBHOOKS = Path(__file__).parents[2] / "docs" / "webhooks.md"
UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}


def promised() -> list[timedelta]:
    """The waits as receivers read them."""
    line = re.search(r"Waits between attempts: ([^.]*)\.", WEBHOOKS.read_text())
    assert line is not None
    return [timedelta(**{UNITS[unit]: int(n)}) for n, unit in re.findall(r"(\d+) (s|min|h)", line[1])]


def letters(shop: Shop) -> list[Row]:
    return [row for row in shop.rows.peek(names.ROLLOUTS) if row.key.startswith("outbox:")]


class Attempts:
    """When each event was tried."""

    def __init__(self, shop: Shop, until: timedelta, error: Exception) -> None:
        self.at: dict[str, list[datetime]] = {}
        self.shop = shop
        self.until = shop.clock.now() + until
        self.error = error
        plain = shop.channel.send

        async def send(channel: object, event: object, attempt: int) -> None:
            unique = str(event["id"])  # type: ignore[index]  # an event
            self.at.setdefault(unique, []).append(shop.clock.now())
            assert attempt == len(self.at[unique])
            if shop.clock.now() < self.until:
                raise self.error
            await plain(channel, event, attempt)  # type: ignore[arg-type]  # passed on

        shop.channel.send = send  # type: ignore[method-assign]  # only this channel


async def test_a_receiver_that_is_away_for_an_hour_gets_everything_on_the_promised_schedule() -> None:
    calm = await opened(row=SHORT)
    await PROMOTED.tell(calm)
    shop = await opened(row=SHORT)
    attempts = Attempts(shop, timedelta(hours=1), Retry("503"))

    await PROMOTED.tell(shop)

    assert ids(shop) == ids(calm)
    for at in attempts.at.values():
        waits = [later - earlier for earlier, later in pairwise(at)]
        assert waits == promised()[: len(waits)]
    assert not letters(shop)
    assert not shop.rows.peek(names.ACTIVE)


async def test_a_receiver_that_never_answers_is_given_up_after_a_day_and_the_message_is_kept_with_its_reason() -> None:
    shop = await opened(row={**SHORT, "Notify": "hook"})
    attempts = Attempts(shop, timedelta(days=30), Retry("hook.test answered 503"))

    await shop.push(1)
    await finish(shop, timedelta(days=3))

    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]
    [at] = attempts.at.values()
    assert [later - earlier for earlier, later in pairwise(at)] == promised()
    [parked] = letters(shop)
    assert parked.columns["parked"] is True
    assert "12 tries" in str(parked.columns["because"])
    assert "503" in str(parked.columns["because"])
    assert not shop.rows.peek(names.ACTIVE), "a parked message keeps no app live"
    assert not shop.queue.messages


async def test_a_receiver_that_says_no_is_not_asked_again_and_its_messages_are_kept() -> None:
    shop = await opened(row=SHORT)
    attempts = Attempts(shop, timedelta(days=30), Refused("hook.test answered 401", status=401))

    await shop.push(1)
    await finish(shop)

    assert {len(at) for at in attempts.at.values()} == {1}
    assert len(letters(shop)) == len(attempts.at)
    assert {(row.columns["parked"], row.columns["because"]) for row in letters(shop)} == {
        (True, "hook.test answered 401")
    }
    assert not shop.rows.peek(names.ACTIVE)


async def test_a_message_whose_wake_up_is_lost_is_delivered_by_the_next_ticks() -> None:
    shop = await opened(row={**SHORT, "Notify": "hook"})
    await shop.push(1)
    while await step(shop):
        shop.queue.messages = [
            m for m in shop.queue.messages if m.queue != names.OUTBOX or shop.clock.now() > late(shop)
        ]
    assert shop.channel.types() == ["RolloutPromoted"]
    assert not letters(shop)


def late(shop: Shop) -> datetime:
    """The wake-ups of the first minute after a message was written are lost."""
    written = [row.timestamp for row in letters(shop)]
    return min(written, default=shop.clock.now()) + outbox.LATE


async def test_two_deliveries_at_once_send_at_least_once_and_leave_one_row_or_none() -> None:
    """Receivers drop repeats by id; whatever the order of the two, the row says what is true in the end."""
    shop = await opened(row={**SHORT, "Notify": "hook"})
    await shop.push(1)
    while not letters(shop):
        await step(shop)
    [letter] = letters(shop)

    async def deliver(shop: Shop) -> object:
        return (await outbox.deliver(shop.ports, outbox.Letter(app=KEY, key=letter.key))).became

    answers: set[tuple[object, ...]] = set()

    async def then(run: Run) -> None:
        answers.add(tuple(sorted(str(task.result()) for task in run.tasks.values())))
        assert run.shop.channel.got
        after = run.shop.fork()
        await finish(after)
        assert len(ids(after)) == 1
        assert not letters(after)

    def alone(_actor: str, call: Call) -> bool:
        return call.port == "rows" and call.arguments[0] == names.NAMES

    functions: dict[str, Function] = {"one": deliver, "two": deliver}
    found = await explore(shop, functions, always=lambda run: holds(run.shop), finally_=then, alone=alone)
    assert answers == {("delivered", "gone"), ("delivered", "raced")}
    assert found.runs > 2


@pytest.mark.parametrize("error", [Retry("503"), Refused("404")], ids=["away", "gone"])
async def test_a_broken_receiver_holds_no_rollout_up(error: Exception) -> None:
    calm = await opened(row=SHORT)
    await PROMOTED.tell(calm)
    shop = await opened(row=SHORT)
    Attempts(shop, timedelta(days=30), error)

    await shop.push(1)
    while not (await shop.state()).done:
        await step(shop)

    assert (await shop.state()).done[0].at == (await calm.state()).done[0].at
