"""What `delivery.ports.Rows` promises, held against the store of the tests and against real Table Storage code."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from cloud.identity import Identity
from cloud.tables import TableRows
from delivery.errors import Conflict, Refused
from delivery.ports import Delete, Insert, Merge, Put, Replace
from delivery.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.rows import MemoryRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from delivery.ports import Change, Row, Rows

NUMBERS = itertools.count()
STALE = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""


class Colour(StrEnum):
    RED = "red"


@dataclass
class Store:
    """A table nobody else uses. later: ends once the store's clock has moved on."""

    rows: Rows
    table: str
    later: Callable[[], Awaitable[None]]

    async def get(self, key: str, partition: str = "p") -> Row:
        row = await self.rows.get(self.table, partition, key)
        assert row is not None
        return row

    async def commit(self, *changes: Change, partition: str = "p") -> tuple[str, ...]:
        return await self.rows.commit(self.table, partition, changes)

    async def keys(self, partition: str | None = "p", **options: object) -> list[str]:
        return [row.key for row in await self.rows.scan(self.table, partition, **options)]  # type: ignore[arg-type]

    async def columns(self) -> dict[str, Mapping[str, object]]:
        return {row.key: row.columns for row in await self.rows.scan(self.table)}


def memory(table: str) -> Store:
    clock = FakeClock()

    async def later() -> None:
        clock.advance(timedelta(seconds=1))

    return Store(rows=MemoryRows(clock), table=table, later=later)


def real(table: str, rows: TableRows) -> Store:
    async def stamp() -> datetime:
        await rows.commit("clock", table, [Put(key="k", columns={})])
        row = await rows.get("clock", table, "k")
        assert row is not None
        return row.timestamp

    async def later() -> None:
        now = await stamp()
        async with asyncio.timeout(10):
            while await stamp() <= now:
                pass

    return Store(rows=rows, table=table, later=later)


@pytest.fixture(params=["memory", "azurite"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    table = f"contract{next(NUMBERS)}"
    if request.param == "memory":
        yield memory(table)
        return
    storage = request.getfixturevalue("azurite").connection_string
    rows = TableRows(Settings(storage=storage, registries={}), Identity())
    yield real(table, rows)
    await rows.close()


async def test_what_was_written_is_read_with_the_etag_the_write_answered(store: Store) -> None:
    (etag,) = await store.commit(Insert(key="app", columns={"state": "waiting", "tick": 1}))
    row = await store.get("app")
    assert (row.partition, row.key, row.etag) == ("p", "app", etag)
    assert row.columns == {"state": "waiting", "tick": 1}
    assert row.timestamp.tzinfo is UTC


async def test_a_row_and_a_table_that_are_not_there_are_no_rows(store: Store) -> None:
    assert await store.rows.get(store.table, "p", "none") is None
    assert await store.keys(None) == []
    await store.commit(Insert(key="some", columns={}))
    assert await store.rows.get(store.table, "p", "none") is None
    assert await store.rows.get(store.table, "other", "some") is None


async def test_a_table_is_one_whatever_the_case_of_its_name(store: Store) -> None:
    await store.commit(Insert(key="k", columns={}))
    assert await store.rows.get(store.table.upper(), "p", "k") is not None


async def test_every_write_answers_another_etag(store: Store) -> None:
    etags = [*await store.commit(Insert(key="k", columns={})), *await store.commit(Put(key="k", columns={}))]
    etags += await store.commit(Replace(key="k", columns={}, etag=etags[-1]))
    etags += await store.commit(Merge(key="k", columns={}, etag=etags[-1]))
    etags += await store.commit(Merge(key="k", columns={}), Insert(key="other", columns={}))
    assert len(set(etags)) == len(etags) == 6


BROKEN_CONDITIONS = [
    pytest.param(Insert(key="there", columns={}), id="insert what is there"),
    pytest.param(Replace(key="there", columns={}, etag=STALE), id="replace after someone else"),
    pytest.param(Merge(key="there", columns={}, etag=STALE), id="merge after someone else"),
    pytest.param(Delete(key="there", etag=STALE), id="delete after someone else"),
    pytest.param(Replace(key="none", columns={}, etag=STALE), id="replace what is not there"),
    pytest.param(Merge(key="none", columns={}, etag=STALE), id="merge into what is not there"),
    pytest.param(Merge(key="none", columns={}), id="merge into what is not there, whatever its ETag"),
    pytest.param(Delete(key="none", etag=STALE), id="delete what someone else deleted"),
]


@pytest.mark.parametrize("company", [[], [Put(key="company", columns={})]], ids=["alone", "in company"])
@pytest.mark.parametrize("change", BROKEN_CONDITIONS)
async def test_a_condition_that_does_not_hold_is_a_conflict_and_nothing_is_written(
    store: Store, change: Change, company: list[Change]
) -> None:
    await store.commit(Insert(key="there", columns={"n": 1}))
    with pytest.raises(Conflict, match=f"table {store.table}: partition p"):
        await store.commit(*company, change)
    assert await store.columns() == {"there": {"n": 1}}


async def test_a_condition_fails_as_a_conflict_before_the_table_was_ever_written(store: Store) -> None:
    with pytest.raises(Conflict):
        await store.commit(Merge(key="none", columns={}))


async def test_a_deletion_without_etag_may_find_nothing_and_the_other_changes_hold(store: Store) -> None:
    await store.commit(Delete(key="never"))
    await store.commit(Insert(key="there", columns={}), Insert(key="kept", columns={"n": 1}))
    etags = await store.commit(
        Delete(key="gone"), Merge(key="kept", columns={"m": 2}), Delete(key="there"), Delete(key="gone too")
    )
    assert await store.columns() == {"kept": {"n": 1, "m": 2}}
    assert etags == ("", (await store.get("kept")).etag, "", "")


async def test_a_missing_row_beside_a_missing_deletion_is_still_a_conflict(store: Store) -> None:
    await store.commit(Insert(key="there", columns={}))
    with pytest.raises(Conflict):
        await store.commit(Delete(key="gone"), Put(key="new", columns={}), Merge(key="none", columns={}))
    assert await store.keys() == ["there"]


async def test_a_deletion_with_the_etag_that_was_read_removes_the_row(store: Store) -> None:
    await store.commit(Insert(key="k", columns={}))
    assert await store.commit(Delete(key="k", etag=(await store.get("k")).etag)) == ("",)
    assert await store.keys() == []


async def test_merge_keeps_the_other_columns_and_replace_and_put_do_not(store: Store) -> None:
    await store.commit(Insert(key="k", columns={"a": 1, "b": 2}))
    await store.commit(Merge(key="k", columns={"b": 3, "c": 4}))
    assert (await store.get("k")).columns == {"a": 1, "b": 3, "c": 4}
    await store.commit(Replace(key="k", columns={"d": 5}, etag=(await store.get("k")).etag))
    assert (await store.get("k")).columns == {"d": 5}
    await store.commit(Put(key="k", columns={"e": 6}))
    assert (await store.get("k")).columns == {"e": 6}


async def test_a_column_that_is_none_is_not_written(store: Store) -> None:
    await store.commit(Insert(key="k", columns={"a": 1, "b": None}))
    assert (await store.get("k")).columns == {"a": 1}
    await store.commit(Merge(key="k", columns={"a": None, "c": 2}))
    assert (await store.get("k")).columns == {"a": 1, "c": 2}


VALUES = [
    "", "text", "5", "True", "naïve 😀 'quoted' \"twice\" \n\t\\", "x" * 32 * 1024, "😀" * 16 * 1024,
    True, False, 0, -5, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1, 2**63 - 1, -(2**63), 5.0, -0.25, 1e300,
    b"", b"\x00\xff", b"x" * 64 * 1024,
    datetime(2026, 11, 25, 1, 2, 3, 456789, tzinfo=UTC), datetime(1601, 1, 1, tzinfo=UTC),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__} {str(value)[:12]!r}")
async def test_a_value_comes_back_with_its_type(store: Store, value: object) -> None:
    await store.commit(Insert(key="k", columns={"alone": value}))
    await store.commit(Put(key="a", columns={"batched": value}), Put(key="b", columns={}))
    for found in ((await store.get("k")).columns["alone"], (await store.get("a")).columns["batched"]):
        assert found == value
        assert type(found) is type(value)


async def test_an_enum_comes_back_as_text_and_a_local_time_as_utc(store: Store) -> None:
    noon = datetime(2026, 11, 25, 12, tzinfo=timezone(timedelta(hours=2)))
    await store.commit(Insert(key="k", columns={"colour": Colour.RED, "at": noon}))
    found = (await store.get("k")).columns
    assert type(found["colour"]) is str
    assert found == {"colour": "red", "at": noon}
    assert str(found["at"]) == "2026-11-25 10:00:00+00:00"


KEYS = [
    "contoso.azurecr.io|shop|web", "sha256:" + "a" * 64, "it's", "''", "a b", " ", "a%2Fb", "100%", "a+b&c=d",
    "a;b,c@d", "é", "😀", "..", "(x)", "[x]", "{x}", '"', "~", "*", "k" * 512, "😀" * 256,
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_is_found_as_it_was_written(store: Store, key: str) -> None:
    await store.commit(Put(key=key, columns={"alone": 1}), partition=key)
    await store.commit(Merge(key=key, columns={"batched": 2}), Put(key="z", columns={}), partition=key)
    assert (await store.get(key, key)).columns == {"alone": 1, "batched": 2}
    assert key in await store.keys(key, first=key)
    assert key not in await store.keys(key, last=key)
    await store.commit(Delete(key=key, etag=(await store.get(key, key)).etag), partition=key)
    assert await store.keys(None) == ["z"]


BAD_KEYS = [
    "a/b",
    "a\\b",
    "a#b",
    "a?b",
    "a\tb",
    "a\nb",
    "a\x00b",
    "a\x7fb",
    "a\x9fb",
    "",
    "k" * 513,
    "😀" * 257,
    "\ud800",
]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_a_key_the_service_would_refuse_never_leaves(store: Store, key: str) -> None:
    for refused in (
        store.commit(Put(key=key, columns={})),
        store.commit(Put(key="k", columns={}), partition=key),
        store.rows.get(store.table, "p", key),
        store.rows.get(store.table, key, "k"),
        store.keys(key),
    ):
        with pytest.raises(Refused, match="expected") as error:
            await refused
        assert error.value.status == 400


BAD_COLUMNS = [
    pytest.param({"a": "x" * (32 * 1024 + 1)}, 413, "column a: expected at most 32768 UTF-16 units", id="long text"),
    pytest.param(
        {"a": "😀" * (16 * 1024) + "x"}, 413, "column a: expected at most 32768 UTF-16 units", id="long emoji"
    ),
    pytest.param({"a": b"x" * (64 * 1024 + 1)}, 413, "column a: expected at most 65536 bytes", id="long binary"),
    pytest.param({"a": 2**63}, 400, "column a: expected an integer of at most 64 bits", id="long integer"),
    pytest.param({"a": datetime(2026, 1, 1)}, 400, "column a: expected a time with its zone", id="naive time"),  # noqa: DTZ001 - the point
    pytest.param({"a": datetime(1600, 1, 1, tzinfo=UTC)}, 400, "column a: expected a time since 1601", id="old time"),
    pytest.param({"a": "\ud800"}, 400, "column a: expected text", id="half a character"),
    pytest.param({"a": ["list"]}, 400, "column a: expected str, bool", id="list"),
    pytest.param({"a-b": 1}, 400, "column a-b: expected a name", id="dash in a name"),
    pytest.param({"1a": 1}, 400, "column 1a: expected a name", id="digit first"),
    pytest.param({"n" * 256: 1}, 400, "expected a name", id="long name"),
    pytest.param({"Timestamp": 1}, 400, "column Timestamp: expected a name", id="system column"),
    pytest.param({f"c{n}": n for n in range(253)}, 400, "expected at most 252 columns", id="wide"),
    pytest.param({f"c{n}": "x" * 32 * 1024 for n in range(16)}, 413, "expected a row of at most 1048576", id="big"),
]


@pytest.mark.parametrize(("columns", "status", "text"), BAD_COLUMNS)
async def test_columns_the_service_would_refuse_never_leave(
    store: Store, columns: dict[str, object], status: int, text: str
) -> None:
    for changes in ([Put(key="k", columns=columns)], [Put(key="j", columns={}), Insert(key="k", columns=columns)]):
        with pytest.raises(Refused, match=f"table {store.table}: partition p: row k.*{text}") as error:
            await store.commit(*changes)
        assert error.value.status == status
    assert await store.keys() == []


async def test_the_largest_rows_are_taken(store: Store) -> None:
    wide = {f"c{n}": n for n in range(252)}
    big = {f"c{n}": "x" * 32 * 1024 for n in range(15)} | {"rest": "x" * 32_000}
    await store.commit(Insert(key="wide", columns=wide), Insert(key="big", columns=big))
    await store.commit(Put(key="alone", columns=big))
    assert await store.columns() == {"wide": wide, "big": big, "alone": big}


async def test_a_hundred_changes_are_taken_and_one_more_is_refused(store: Store) -> None:
    etags = await store.commit(*(Insert(key=f"{n:03}", columns={"n": n}) for n in range(100)))
    assert etags == tuple(row.etag for row in await store.rows.scan(store.table, "p"))
    with pytest.raises(Refused, match="expected at most 100 changes at once, found 101"):
        await store.commit(*(Delete(key=f"{n:03}") for n in range(101)))


async def test_changes_of_over_four_mebibytes_together_are_refused(store: Store) -> None:
    big = {f"c{n}": "x" * 32 * 1024 for n in range(15)}
    with pytest.raises(Refused, match="expected changes of at most 4194304 bytes together") as error:
        await store.commit(*(Insert(key=f"{n}", columns=big) for n in range(9)))
    assert error.value.status == 413
    assert await store.keys() == []


async def test_a_row_is_changed_once_in_a_commit(store: Store) -> None:
    with pytest.raises(Refused, match="row k: expected each row once in a commit"):
        await store.commit(Put(key="k", columns={}), Merge(key="k", columns={}))


@pytest.mark.parametrize("table", ["ab", "a" * 64, "1abc", "with-dash", ""])
async def test_a_table_name_the_service_would_refuse_never_leaves(store: Store, table: str) -> None:
    for refused in (
        store.rows.get(table, "p", "k"),
        store.rows.scan(table),
        store.rows.commit(table, "p", [Put(key="k", columns={})]),
    ):
        with pytest.raises(Refused, match="expected a name of 3 to 63 letters and digits"):
            await refused


async def test_no_changes_are_no_request(store: Store) -> None:
    assert await store.commit() == ()


async def test_rows_come_in_ordinal_order_and_ranges_are_half_open(store: Store) -> None:
    keys = ["app", "rollout:1", "rollout:10", "rollout:2", "rollout;", "Z", "a", "é", "\uffee", "😀"]
    await store.commit(*(Insert(key=key, columns={}) for key in keys))
    assert await store.keys() == [
        "Z",
        "a",
        "app",
        "rollout:1",
        "rollout:10",
        "rollout:2",
        "rollout;",
        "é",
        "😀",
        "\uffee",
    ]
    assert await store.keys(first="rollout:", last="rollout;") == ["rollout:1", "rollout:10", "rollout:2"]
    assert await store.keys(first="rollout:10") == ["rollout:10", "rollout:2", "rollout;", "é", "😀", "\uffee"]
    assert await store.keys(last="app") == ["Z", "a"]
    assert await store.keys(first="a", most=2) == ["a", "app"]


async def test_a_scan_without_partition_reads_the_whole_table_in_order(store: Store) -> None:
    for partition in ("b", "B", "a|1", "a'"):
        await store.commit(Insert(key="2", columns={}), Insert(key="1", columns={}), partition=partition)
    found = [(row.partition, row.key) for row in await store.rows.scan(store.table)]
    assert found == [(partition, key) for partition in ("B", "a'", "a|1", "b") for key in ("1", "2")]
    assert await store.keys("a'") == ["1", "2"]
    assert await store.keys(None, first="2") == ["2", "2", "2", "2"]
    assert await store.keys(None, most=3) == ["1", "2", "1"]


async def test_a_scan_goes_on_after_a_partition(store: Store) -> None:
    for partition in ("b", "B", "a|1", "a'", "é"):
        await store.commit(Insert(key="2", columns={}), Insert(key="1", columns={}), partition=partition)
    found = [(row.partition, row.key) for row in await store.rows.scan(store.table, after="a'", most=3)]
    assert found == [("a|1", "1"), ("a|1", "2"), ("b", "1")]
    assert await store.keys(None, after="b", first="2") == ["2"]
    assert await store.keys(None, after="é") == []


async def test_a_scan_goes_on_past_the_service_s_page(store: Store) -> None:
    keys = [f"{n:04}" for n in range(1100)]
    for hundred in range(0, 1100, 100):
        await store.commit(*(Insert(key=key, columns={}) for key in keys[hundred : hundred + 100]))
    assert await store.keys() == keys
    assert await store.keys(most=1050) == keys[:1050]


async def test_changed_since_takes_rows_written_at_or_after_that_time(store: Store) -> None:
    await store.commit(Insert(key="old", columns={}), Insert(key="touched", columns={}))
    await store.later()
    await store.commit(Merge(key="touched", columns={"n": 1}))
    since = (await store.get("touched")).timestamp
    await store.later()
    await store.commit(Insert(key="new", columns={}), partition="q")
    assert await store.keys(None, changed_since=since) == ["touched", "new"]
    assert await store.keys("p", first="o", last="t", changed_since=since) == []
    with pytest.raises(Refused, match="expected a time with its zone"):
        await store.keys(changed_since=datetime(2026, 1, 1))  # noqa: DTZ001 - the point


async def test_of_two_writers_with_one_etag_one_wins(store: Store) -> None:
    (etag,) = await store.commit(Insert(key="app", columns={"by": "nobody"}))
    writers = [
        store.commit(Replace(key="app", columns={"by": name}, etag=etag), Insert(key=f"event:{name}", columns={}))
        for name in ("first", "second")
    ]
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    (lost,) = (outcome for outcome in outcomes if not isinstance(outcome, tuple))
    assert isinstance(lost, Conflict)
    winner = (await store.get("app")).columns["by"]
    assert await store.keys(first="event:") == [f"event:{winner}"]


async def test_the_caller_s_mappings_and_the_store_s_are_not_one(store: Store) -> None:
    mine: dict[str, object] = {"n": 1}
    await store.commit(Insert(key="k", columns=mine))
    mine["n"] = 2
    read = await store.get("k")
    assert isinstance(read.columns, dict)
    read.columns["n"] = 3
    assert (await store.get("k")).columns == {"n": 1}
