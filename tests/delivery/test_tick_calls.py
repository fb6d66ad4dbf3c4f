"""What a tick costs: its calls to the outside, by kind of tick, against the budget of the design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from delivery import names
from delivery.tick import Wake, tick
from rollouts.decided import CreateCanary, Deactivate, Decision
from rollouts.model import Phase
from tests.delivery.schedule import Call, Counting
from tests.delivery.schedule_stories import SHORT, opened, step
from tests.delivery.shop import KEY
from tests.fakes.clock import START

BAKE = {**SHORT, "Steps": "50% for 5m, 100% for 10s"}


def kind(call: Call) -> str:
    """A name for the budget's units."""
    if call.port == "rows":
        table, partition = call.arguments[:2]
        where = "app" if (table, partition) == (names.ROLLOUTS, KEY) else table
        if call.name == "commit":
            saves = any("seq" in getattr(change, "columns", {}) for change in call.arguments[2])
            return f"save {where}" if saves else f"commit {where}"
        if call.name == "scan" and where == "app":
            return "read orders" if call.arguments[2].startswith("order:") else "read outbox"
        return f"read {where}"
    return f"{call.port}.{call.name}"


async def costs(row: Mapping[str, object]) -> list[tuple[Decision, Counter[str]]]:
    """Every tick of a promoted rollout: what it decided and what it called."""
    tap = Counting()
    shop = await opened(tap, row)
    found: list[tuple[Decision, Counter[str]]] = []
    await shop.push(1)
    while True:
        first, ticks = len(tap.calls), len(shop.ticked)
        if not await step(shop):
            return found
        if len(shop.ticked) > ticks and shop.ticked[-1].decision is not None:
            found.append((shop.ticked[-1].decision, Counter(map(kind, tap.calls[first:]))))


def baking(decision: Decision) -> bool:
    live = decision.next.live
    return live is not None and live.phase is Phase.BAKING and not decision.effects and decision.write is None


async def test_a_quiet_bake_costs_one_read_one_save_one_message_and_a_probe() -> None:
    """Between two looks at Azure, orders are the second read; the index is left alone."""
    quiet = [calls for decision, calls in await costs(BAKE) if baking(decision) and not calls["apps.look"]]

    assert len(quiet) > 10
    for calls in quiet:
        # The outbox is read while a message may be on its way; the index is written when it lags.
        calls.pop("read outbox", None)
        calls.pop("commit active", None)
        assert calls == {"read app": 1, "read orders": 1, "prober.probe": 1, "save app": 1, "queue.put": 1}


async def test_a_quiet_bake_writes_the_index_at_most_every_third_tick() -> None:
    quiet = [calls for decision, calls in await costs(BAKE) if baking(decision)]
    assert sum(calls["commit active"] for calls in quiet) <= len(quiet) / 3 + 1


async def test_a_tick_that_looks_costs_three_questions_to_azure() -> None:
    """The app with its revisions (2 GETs), its restarts and its counts, once a minute while nothing is wrong."""
    looks = [calls for decision, calls in await costs(BAKE) if baking(decision) and calls["apps.look"]]

    assert looks
    for calls in looks:
        azure = {name: n for name, n in calls.items() if name.startswith(("apps", "metrics"))}
        azure.pop("apps.operation", None)
        assert azure == {"apps.look": 1, "apps.restarts": 1, "metrics.totals": 1}


async def test_a_tick_that_writes_costs_one_send_and_one_merge_more() -> None:
    writing = [(decision, calls) for decision, calls in await costs(BAKE) if decision.write is not None]

    assert [type(decision.write).__name__ for decision, _ in writing] == [
        "SetTraffic",
        "CreateCanary",
        "SetTraffic",
        "SetTraffic",
        "Deactivate",
    ], "one to pin, one to create, one a step, one to retire"
    for decision, calls in writing:
        assert calls["apps.send"] == 1
        assert calls["save app"] == 1
        assert calls["commit app"] == 1, "the answer is merged once"
        assert calls["apps.look"] == (
            1 if isinstance(decision.write, CreateCanary | Deactivate) else calls["apps.look"]
        )


async def test_an_event_costs_one_write_two_reads_and_one_message_a_match() -> None:
    tap = Counting()
    shop = await opened(tap, SHORT)
    await shop.push(1)

    assert Counter(map(kind, tap.calls)) == {"commit evidence": 1, "read policies": 2, "queue.put": 1}


async def test_an_idle_app_costs_nothing() -> None:
    """Once a rollout is over nothing is listed and nothing is sent, so nothing runs."""
    tap = Counting()
    shop = await opened(tap, SHORT)
    await shop.push(1)
    while await step(shop):
        pass

    assert not shop.queue.messages
    assert not shop.rows.peek(names.ACTIVE)


async def test_the_sweep_finds_nothing_late_while_all_goes_well() -> None:
    """Its minutes come and go in a long bake, and it wakes nobody: the index is ahead of every tick."""
    shop = await opened(row={**SHORT, "Steps": "50% for 30m, 100% for 10s"})
    await shop.push(1)
    woken = 0
    while await step(shop):
        woken += sum(message.body.get("seq", 0) is None for message in shop.queue.due())

    assert shop.swept_at - START > timedelta(minutes=30)
    assert not woken, "but for the push itself nothing wakes without a number"


async def test_a_stale_wake_up_costs_one_read() -> None:
    tap = Counting()
    shop = await opened(tap, SHORT)
    await shop.push(1)
    while (await shop.state()).seq < 3:
        await step(shop)
    first = len(tap.calls)

    ticked = await tick(shop.ports, Wake(app=KEY, seq=1))

    assert ticked.stale
    assert Counter(map(kind, tap.calls[first:])) == {"read app": 1}


async def report(row: Mapping[str, object]) -> None:
    """Print every tick's calls: `python -m tests.delivery.test_tick_calls`."""
    for decision, calls in await costs(row):
        live = decision.next.live
        what = type(decision.write).__name__ if decision.write else ""
        print(live.phase if live else "-", what, dict(calls))  # noqa: T201 - a report
