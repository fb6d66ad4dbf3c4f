"""How much an event, a tick's gates and a minute of the watch cost with ten policies and with ten thousand.

Counted, not timed: calls of the store and the queue, and rows that come back. `bench/policies.py` times the same.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from delivery import intake, names, policy_book, policy_walk, policy_watch, reevaluate
from delivery.ports import Put
from policies.evidence import ScanEvidence, Severities
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest

FEW, SOME, MANY = 10, 1_000, 10_000
MINUTE = timedelta(minutes=1)
PATTERNS = f"{REGISTRY}|*"


async def shop_of(policies: int, *, patterns: int = 0) -> Shop:
    """A registry with so many rows of other repositories, and one of ours; all as a watch left them."""
    shop = await Shop(row={**ROW, "Scan": "critical 0, within 1h else hold"}).open()
    for n in range(policies - 1):
        row = Put(key="production", columns={"App": f"rg-shop/ca-{n}"})
        await shop.rows.commit(names.POLICIES, f"{REGISTRY}|team|app-{n:05}", [row])
    cells = {"App": "rg-{name}/ca-{name}"}
    rows = [Put(key=f"p{n}", columns={**cells, "Repository": f"other-{n}/*"}) for n in range(patterns)]
    for first in range(0, patterns, 100):
        await shop.rows.commit(names.POLICIES, PATTERNS, rows[first : first + 100])
    shop.clock.advance(timedelta(minutes=10))  # so that no row is one that has just changed
    await shop.push(9)
    shop.queue.messages.clear()
    return shop


class Counted:
    """Calls of a shop's store and queue, by name and table, and the rows its scans answered."""

    def __init__(self, shop: Shop) -> None:
        self.calls: Counter[str] = Counter()
        self.rows = 0
        shop.rows.before = shop.queue.before = self._call
        inner = shop.rows.scan

        async def scan(*arguments: object, **options: object) -> list[object]:
            found = await inner(*arguments, **options)  # type: ignore[arg-type]  # the same arguments
            self.rows += len(found)
            return list(found)

        shop.rows.scan = scan  # type: ignore[method-assign,assignment]  # counts and hands on

    async def _call(self, name: str, arguments: tuple[object, ...]) -> None:
        self.calls[f"{name} {arguments[0]}"] += 1


def scan(shop: Shop) -> ScanEvidence:
    return ScanEvidence(
        registry=REGISTRY,
        repository=REPOSITORY,
        digest=digest(1),
        scanner="trivy",
        status="completed",
        completed_at=shop.clock.now(),
        counts=Severities(critical=0, high=0, medium=0, low=0, negligible=0, unknown=0),
    )


async def events(shop: Shop) -> tuple[Counter[str], int]:
    """What a push, a scan, and the first tick that they lead to cost."""
    counted = Counted(shop)
    await shop.push(1)
    await intake.scan_completed(shop.ports, scan(shop))
    await shop.step()
    return counted.calls, counted.rows


async def test_an_event_and_its_tick_cost_the_same_with_ten_policies_and_with_ten_thousand():
    few, many = await events(await shop_of(FEW)), await events(await shop_of(MANY))
    assert few == many
    assert few[0]["scan policies"] == 6  # two each: of the push, of the scan, of the tick


@pytest.mark.parametrize("patterns", [0, 100])
async def test_what_grows_is_the_pattern_rows_of_the_registry_and_only_they(patterns):
    """Every event of a registry reads all its pattern rows: one read a thousand of them, and each is parsed."""
    calls, rows = await events(await shop_of(FEW, patterns=patterns))
    none, without = await events(await shop_of(FEW))
    assert calls == none
    assert rows == without + 3 * patterns


async def test_a_pattern_row_about_others_is_not_even_parsed_and_one_that_may_be_about_ours_is():
    shop = await shop_of(FEW)
    cells: list[dict[str, object]] = [
        {"Repository": "team/*"},
        {"repository": "shop/*"},
        {"Repository": "SHOP/*"},
        {"Repository": 5},
        {},
    ]
    rows = [Put(key=f"p{n}", columns={"Steps": "bad", **more}) for n, more in enumerate(cells)]
    await shop.rows.commit(names.POLICIES, PATTERNS, rows)
    book = await policy_book.read(shop.rows, REGISTRY, REPOSITORY)
    assert [key.rpartition("/")[2] for key in book.broken] == ["p1", "p2", "p3", "p4"]


async def minute(shop: Shop) -> tuple[Counter[str], int]:
    shop.clock.advance(MINUTE)
    counted = Counted(shop)
    await policy_watch.watch(shop.ports)
    return counted.calls, counted.rows


async def test_a_minute_in_which_nothing_changed_costs_the_same_with_ten_policies_and_with_ten_thousand():
    found = []
    for policies in (FEW, MANY):
        shop = await shop_of(policies)
        shop.clock.advance(timedelta(minutes=10))
        now = shop.clock.now()
        await policy_walk.save(shop.rows, policy_walk.Walk(read_at=now, began=now, shared={}))
        found.append(await minute(shop))
    assert found == [(Counter({"get active": 1, "scan policies": 1, "commit active": 1}), 0)] * 2


async def test_the_hourly_walk_reads_a_range_a_minute_and_lists_each_repository_once():
    shop = await shop_of(SOME)
    walked, minutes = set[str](), 0
    while len(walked) < SOME:
        shop.registry.listed.clear()
        calls, rows = await minute(shop)
        assert rows <= 7 * policy_walk.MOST  # the stretch, and what six minutes gave a first Status
        assert calls.total() <= 17 * policy_walk.MOST  # 7 a new row, and 2 each of five minutes before
        assert len(shop.registry.listed) == len(set(shop.registry.listed)) <= policy_walk.MOST
        assert not walked & set(shop.registry.listed)
        walked |= set(shop.registry.listed)
        minutes += 1
    assert minutes == SOME / policy_walk.MOST


async def test_a_walk_stops_when_the_registries_were_asked_enough_and_goes_on_from_there(monkeypatch):
    shop = await shop_of(FEW)
    for n in range(150):
        shop.registry.push(REPOSITORY, f"1.0.{n}", digest(n))
        shop.registry.push("team/app-00003", f"1.0.{n}", digest(n))
    for _ in range(8):
        await minute(shop)
    shop.clock.advance(timedelta(hours=1))
    monkeypatch.setattr(reevaluate, "MOST_CALLS", 5)
    listed = []
    for _ in range(4):
        shop.registry.listed.clear()
        await minute(shop)
        listed.append(len(shop.registry.listed))
    # A listing of 150 tags is two calls; what was not reached in a minute is first in the next.
    assert listed == [4, 4, 2, 0]


async def test_a_walk_that_takes_long_stops_after_forty_seconds_and_goes_on_from_there():
    shop = await shop_of(FEW)

    async def slow(name: str, _arguments: tuple[object, ...]) -> None:
        if name == "commit":
            shop.clock.advance(timedelta(seconds=10))

    listed = []
    for _ in range(10):
        shop.registry.listed.clear()
        shop.rows.before = slow
        await policy_watch.watch(shop.ports)
        listed.append(len(shop.registry.listed))
    assert max(listed) <= 3
    assert sum(listed) == FEW


async def test_rows_written_at_once_in_thousands_are_left_to_the_walk_and_all_answered(monkeypatch):
    monkeypatch.setattr(policy_watch, "MOST_CHANGED", SOME // 2)
    monkeypatch.setattr(policy_walk, "MOST", 20)  # so that six minutes of its own Status cells are fewer
    shop = await shop_of(FEW)
    await policy_watch.watch(shop.ports)
    shop.clock.advance(MINUTE)
    for n in range(SOME):
        row = Put(key="new", columns={"App": f"rg-shop/ca-{n}"})
        await shop.rows.commit(names.POLICIES, f"{REGISTRY}|team|app-{n:05}", [row])
    answered, minutes = 0, 0
    while answered < SOME:
        found = await policy_watch.watch(shop.ports)
        assert found <= 2 * policy_walk.MOST
        answered, minutes = answered + found, minutes + 1
        shop.clock.advance(MINUTE)
        assert minutes <= SOME / policy_walk.MOST + 2
    status = [row.columns.get("Status") for row in shop.rows.peek(names.POLICIES)]
    assert all(str(text).startswith("ok: ") for text in status)


async def test_a_change_of_the_defaults_reaches_every_row_by_a_walk():
    shop = await shop_of(1000)
    for _ in range(20):
        shop.clock.advance(MINUTE)
        await policy_watch.watch(shop.ports)
    shop.clock.advance(MINUTE)
    await shop.rows.commit(names.POLICIES, PATTERNS, [Put(key="defaults", columns={"Steps": "quick"})])
    changed = []
    for _ in range(6):
        changed.append(await policy_watch.watch(shop.ports))
        shop.clock.advance(MINUTE)
    assert sum(changed) == 1001
    assert max(changed) <= policy_walk.MOST
    row = await shop.rows.get(names.POLICIES, PARTITION, "production")
    assert row
    assert str(row.columns["Status"]).startswith("ok: takes 3 m")
