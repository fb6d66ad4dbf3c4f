"""What an edit would have changed of the service's own record: its evidence, and the rollouts it keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from delivery import names, replay
from delivery.errors import Malformed
from delivery.ports import Put
from policies.evidence import ScanEvidence, Severities
from policies.pushes import push_to_columns
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest

KEY = f"{PARTITION}/production"


def entity(partition: str = PARTITION, key: str = "production", **cells: str) -> dict[str, str]:
    return {"PartitionKey": partition, "RowKey": key, **cells}


async def edit(shop: Shop, *rows: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = await replay.edit(shop.ports, replay.read(json.dumps({"rows": rows})))
    return found


def told(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change["image"]["tag"], change["what"]) for change in found["changes"]]


async def pushed(shop: Shop, *numbers: int) -> None:
    for n in numbers:
        await shop.push(n)
        await shop.run()
        shop.clock.advance(timedelta(hours=1))


async def test_an_edit_is_told_image_by_image_and_nothing_is_written() -> None:
    shop = await Shop().open()
    await pushed(shop, 1, 2)
    tables = [shop.rows.peek(table) for table in names.TABLES]
    found = await edit(shop, entity(**{**ROW, "Tags": "semver: <1.2"}))
    assert told(found) == [("1.2.0", "no longer ships")]
    assert found["changes"][0]["after"]["last"]["because"] == "outside <1.2"
    assert found["record"] == {"repositories": [f"{REGISTRY}/{REPOSITORY}"], "evidence": 2, "ends": 2}
    assert [shop.rows.peek(table) for table in names.TABLES] == tables


async def test_the_same_row_changes_nothing() -> None:
    shop = await Shop().open()
    await pushed(shop, 1, 2)
    assert told(await edit(shop, entity(**ROW))) == []


async def test_an_image_that_no_row_ever_took_would_ship_by_a_wider_one() -> None:
    shop = await Shop(row={**ROW, "Tags": "semver: <1"}).open()
    await pushed(shop, 1)
    assert told(await edit(shop, entity(**{**ROW, "Tags": "semver"}))) == [("1.1.0", "ships now")]


async def test_a_scan_that_came_is_part_of_the_record() -> None:
    shop = await Shop().open()
    await pushed(shop, 1)
    counts = Severities(critical=1, high=0, medium=0, low=0, negligible=0, unknown=0)
    scan = ScanEvidence(
        registry=REGISTRY,
        repository=REPOSITORY,
        digest=digest(1),
        scanner="trivy",
        status="completed",
        completed_at=shop.clock.now(),
        counts=counts,
    )
    await shop.scanned(scan)
    (change,) = (await edit(shop, entity(**{**ROW, "Scan": "critical 0"})))["changes"]
    assert change["what"] == "no longer ships"
    assert "1 critical, allowed 0" in change["after"]["text"]


async def test_what_was_rolled_back_is_rolled_back_again() -> None:
    shop = await Shop().open()
    shop.metrics.error_rates["wb1"] = 0.5
    await pushed(shop, 1)
    (change,) = (await edit(shop, entity(**{**ROW, "MinAge": "1h"})))["changes"]
    assert change["what"] == "ships 1 h later"
    assert change["after"]["last"]["what"] == "rolled back"
    assert change["after"]["last"]["because"].startswith("as recorded: ")


async def test_an_edit_of_what_all_rows_share_is_about_all_of_the_registry() -> None:
    shop = await Shop().open()
    await pushed(shop, 1)
    found = await edit(shop, entity(f"{REGISTRY}|*", "defaults", MinAge="1h"))
    assert [(change["policy"], change["what"]) for change in found["changes"]] == [(KEY, "ships 1 h later")]


async def test_what_the_registrys_rows_share_counts_before_and_after() -> None:
    shop = await Shop().open()
    await shop.rows.commit(names.POLICIES, f"{REGISTRY}|*", [Put(key="defaults", columns={"MinAge": "1h"})])
    await pushed(shop, 1)
    assert told(await edit(shop, entity(**{**ROW, "MinAge": "1h"}))) == []
    assert told(await edit(shop, entity(**{**ROW, "MinAge": "none"}))) == [("1.1.0", "ships 1 h earlier")]


async def test_a_row_beside_the_edited_one_stays_as_it_is() -> None:
    shop = await Shop().open()
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="staging", columns={**ROW, "App": "rg-stg/ca-web"})])
    await pushed(shop, 1)
    found = await edit(shop, entity(**{**ROW, "After": "staging for 1h"}))
    assert [(change["policy"], change["what"]) for change in found["changes"]] == [(KEY, "ships 1 h 3 m later")]


async def test_a_broken_edit_says_why_and_ships_nothing() -> None:
    shop = await Shop().open()
    await pushed(shop, 1)
    found = await edit(shop, entity(**{**ROW, "Steps": "5,25"}))
    assert found["broken"][0].startswith(f'{KEY}: Steps: expected "N% for D"')
    assert told(found) == [("1.1.0", "no longer ships")]


async def test_of_a_repository_nobody_pushed_to_there_is_no_record() -> None:
    shop = await Shop().open()
    found = await edit(shop, entity(f"{REGISTRY}|shop|api", App="rg/ca-api"))
    assert (found["changes"], found["record"]["evidence"]) == ([], 0)


async def test_rows_that_cannot_be_read_of_the_record_are_no_evidence() -> None:
    shop = await Shop().open()
    await pushed(shop, 1)
    await shop.rows.commit(names.EVIDENCE, f"{REGISTRY}|{digest(1)}", [Put(key="scan:odd", columns={"v": 9})])
    assert told(await edit(shop, entity(**ROW))) == []


async def test_a_push_dated_at_the_end_of_time_is_left_out() -> None:
    shop = await Shop().open()
    await pushed(shop, 1)
    late = replace(shop.event(2), pushed_at=datetime.max.replace(tzinfo=UTC))
    changes = [Put(key=late.key, columns=push_to_columns(late))]
    await shop.rows.commit(names.EVIDENCE, late.partition, changes)
    found = await edit(shop, entity(**ROW))
    assert (found["changes"], found["record"]["evidence"]) == ([], 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "simulate: expected JSON, found something else"),
        ("[1]", "simulate: body: expected one object, found 'list'"),
        ("{}", "simulate: rows: expected a list of rows, found NoneType"),
        ('{"rows": []}', "simulate: rows: expected 1 to 200 rows, found 0"),
        ('{"rows": [{"App": "a"}]}', 'simulate: rows: entity 1: expected a PartitionKey, found "App"'),
        (json.dumps({"rows": [entity()] * 201}), "simulate: rows: expected 1 to 200 rows, found 201"),
        (json.dumps({"rows": "x" * replay.MOST_BYTES}), "simulate: size: expected at most 1024 KiB"),
    ],
)
def test_a_request_that_cannot_be_read_says_why(text: str, said: str) -> None:
    with pytest.raises(Malformed) as raised:
        replay.read(text)
    assert str(raised.value).startswith(said)
