"""What the store of the tests does beyond the contract: it can be interrupted, and knows a limit Azurite lacks."""

from __future__ import annotations

import pytest

from delivery.errors import Refused, Retry
from delivery.ports import Insert, Merge
from tests.fakes.clock import FakeClock
from tests.fakes.rows import MemoryRows

TABLE = "rollouts"


async def refuse(name: str, _arguments: tuple[object, ...]) -> None:
    raise Retry(f"{name} was interrupted", lost=True)


async def test_what_is_raised_before_a_call_leaves_no_effect() -> None:
    rows = MemoryRows(FakeClock(), before=refuse)
    for call in (rows.get(TABLE, "p", "k"), rows.scan(TABLE), rows.commit(TABLE, "p", [Insert(key="k", columns={})])):
        with pytest.raises(Retry, match="was interrupted"):
            await call
    assert rows.peek(TABLE) == []


async def test_what_is_raised_after_a_call_is_a_lost_answer() -> None:
    rows = MemoryRows(FakeClock(), after=refuse)
    with pytest.raises(Retry, match="commit was interrupted"):
        await rows.commit(TABLE, "p", [Insert(key="k", columns={})])
    assert [row.key for row in rows.peek(TABLE)] == ["k"]


async def test_a_hook_sees_every_call_with_its_arguments() -> None:
    seen: list[tuple[str, tuple[object, ...]]] = []

    async def note(name: str, arguments: tuple[object, ...]) -> None:
        seen.append((name, arguments))

    rows = MemoryRows(FakeClock(), before=note)
    change = Insert(key="k", columns={})
    await rows.commit(TABLE, "p", [change])
    await rows.get(TABLE, "p", "k")
    await rows.scan(TABLE, "p", first="a", most=3)
    assert seen == [
        ("commit", (TABLE, "p", (change,))),
        ("get", (TABLE, "p", "k")),
        ("scan", (TABLE, "p", "a", "", None, "", 3)),
    ]


async def test_a_merge_that_makes_the_row_too_wide_is_refused_whole() -> None:
    """As Azure does (TooManyProperties); Azurite 3.35 takes it."""
    rows = MemoryRows(FakeClock())
    await rows.commit(TABLE, "p", [Insert(key="k", columns={f"c{n}": n for n in range(200)})])
    with pytest.raises(Refused, match="expected at most 252 columns, found 300"):
        await rows.commit(
            TABLE, "p", [Insert(key="j", columns={}), Merge(key="k", columns={f"d{n}": n for n in range(100)})]
        )
    assert [(row.key, len(row.columns)) for row in rows.peek(TABLE)] == [("k", 200)]
