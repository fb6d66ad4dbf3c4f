"""Defender is asked about images that wait for its word, less and less often, and no rows is never a clean scan."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from delivery import defender, intake, names
from delivery.errors import Refused, Retry
from delivery.ports import Put
from delivery.settings import MDVM_KEY, Defender
from policies.evidence import evidence_partition
from rollouts.model import Phase
from tests.delivery.schedule import Counting, tapped
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, RESOURCE, ROW, Shop, digest
from tests.fakes.clock import START
from tests.policies.scans.reports import DEFENDER_ROW

MINUTE = timedelta(minutes=1)
SCAN = {**ROW, "Scan": "critical 0, high 0, by defender"}
CHILD = digest(77)


@pytest.fixture
async def shop() -> Shop:
    return await opened()


async def opened(**cells: object) -> Shop:
    shop = await Shop(row={**SCAN, **cells}).open()
    shop.ports = replace(shop.ports, settings=replace(shop.ports.settings, defender=Defender(keys=(MDVM_KEY,))))
    return shop


def row(n: int, at: datetime, status: str = "Unhealthy", severity: str = "Low", of: str = "") -> dict[str, Any]:
    """A sub-assessment of image n, as reports.py has it from the documentation."""
    found = deepcopy(DEFENDER_ROW)
    details = found["properties"]["additionalData"]
    details["artifactDetails"] |= {"digest": of or digest(n), "repositoryName": REPOSITORY, "registryHost": REGISTRY}
    details["vulnerabilityDetails"]["severity"] = severity
    found["properties"] |= {"timeGenerated": at.isoformat(), "status": {"code": status, "severity": severity}}
    return found


async def waiting(shop: Shop, n: int = 1) -> None:
    """An image that waits for its scan."""
    await shop.push(n)
    await shop.run(timedelta(seconds=10))
    assert [rollout.n for rollout in (await shop.state()).waiting]


async def minutes_asked(shop: Shop, minutes: int) -> list[int]:
    asked = []
    for minute in range(minutes):
        if (await defender.poll(shop.ports)).asked:
            asked.append(minute)
        shop.clock.advance(MINUTE)
    return asked


async def test_switched_off_it_reads_nothing_and_asks_nothing():
    shop = await Shop(row=SCAN).open()
    await waiting(shop)
    tap = Counting()
    assert await defender.poll(tapped(shop.ports, tap)) == defender.Polled()
    assert tap.calls == []


async def test_an_image_without_rows_goes_on_waiting_and_is_asked_about_less_and_less_often(shop):
    await waiting(shop)
    assert await minutes_asked(shop, 160) == [0, 1, 3, 8, 18, 38, 78, 118, 158]
    assert shop.assessments.asked == [digest(1)] * 9
    await shop.run(MINUTE)
    [rollout] = (await shop.state()).waiting
    assert "no scan has come" in rollout.because
    assert [r.key for r in shop.rows.peek(names.EVIDENCE) if r.key.startswith("scan:")] == []


async def test_an_image_that_defender_found_clean_ships(shop):
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [row(1, shop.clock.now(), "Healthy")]
    shop.clock.advance(5 * MINUTE)
    assert await defender.poll(shop.ports) == defender.Polled(asked=1, found=1)
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


async def test_an_image_with_findings_is_refused_in_their_words(shop):
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [row(1, shop.clock.now(), severity="High")]
    shop.clock.advance(5 * MINUTE)
    await defender.poll(shop.ports)
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.REJECTED]
    assert any("1 high, allowed 0" in str(event["data"]) for event in shop.channel.got)


async def test_rows_that_are_still_being_written_are_no_result_yet(shop):
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [row(1, shop.clock.now(), "Healthy")]
    assert await defender.poll(shop.ports) == defender.Polled(asked=1, found=0)
    shop.clock.advance(2 * MINUTE)
    assert await defender.poll(shop.ports) == defender.Polled(asked=1, found=1)


async def test_of_an_index_the_manifest_that_runs_is_asked_about(shop):
    shop.registry.push(REPOSITORY, "1.1.0", digest(1), media_type="application/vnd.oci.image.index.v1+json", config="")
    shop.registry.manifests[digest(1)] = replace(
        shop.registry.manifests[digest(1)], children={"linux/amd64": CHILD, "linux/arm64": digest(78)}
    )
    await intake.image_pushed(shop.ports, shop.event(1))
    await shop.run(timedelta(seconds=10))
    shop.assessments.rows[CHILD] = [row(1, shop.clock.now(), "Healthy", of=CHILD)]
    shop.clock.advance(5 * MINUTE)
    await defender.poll(shop.ports)
    assert shop.assessments.asked == [CHILD]
    [scan] = await shop.rows.scan(names.EVIDENCE, evidence_partition(REGISTRY, CHILD))
    assert (scan.columns["index_digest"], scan.columns["platform"]) == (digest(1), "linux/amd64")
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


@pytest.mark.parametrize("cell", ["critical 0, by trivy", "none"])
async def test_a_row_that_does_not_take_defenders_word_asks_for_none(cell):
    shop = await opened(Scan=cell, MinAge="10h")
    await waiting(shop)
    assert await defender.poll(shop.ports) == defender.Polled()


@pytest.mark.parametrize("cell", ["critical 0", "critical 0, by trivy and defender"])
async def test_a_row_that_takes_anybodys_word_asks_for_defenders(cell):
    shop = await opened(Scan=cell)
    await waiting(shop)
    assert (await defender.poll(shop.ports)).asked == 1


async def test_an_image_that_is_scanned_and_waits_for_something_else_is_not_asked_about_again():
    shop = await opened(MinAge="10h")
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [row(1, shop.clock.now(), "Healthy")]
    shop.clock.advance(5 * MINUTE)
    assert (await defender.poll(shop.ports)).found == 1
    assert await minutes_asked(shop, 120) == []


async def test_a_word_that_has_become_too_old_is_asked_for_again():
    shop = await opened(Scan="critical 0, by defender, not older than 1h", MinAge="10h")
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [row(1, shop.clock.now(), "Healthy")]
    shop.clock.advance(5 * MINUTE)
    assert (await defender.poll(shop.ports)).found == 1
    assert await minutes_asked(shop, 70) == [55, 57, 62]


async def test_rows_that_are_all_exempted_are_kept_as_no_result_and_asked_for_again(shop):
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [row(1, shop.clock.now(), "NotApplicable")]
    shop.clock.advance(5 * MINUTE)
    assert await minutes_asked(shop, 9) == [0, 1, 3, 8]
    await shop.run(MINUTE)
    [rollout] = (await shop.state()).waiting
    assert "Defender has only exempted rows for this digest" in rollout.because


async def test_a_new_attempt_begins_anew(shop):
    await waiting(shop)
    await minutes_asked(shop, 50)
    partition, key = defender._place((await shop.state()).waiting[0].image)
    known = await shop.rows.get(names.EVIDENCE, partition, key)
    assert known is not None
    earlier = {**known.columns, "since": shop.clock.now() - timedelta(days=1)}
    await shop.rows.commit(names.EVIDENCE, partition, [Put(key=key, columns=earlier)])
    assert await minutes_asked(shop, 9) == [0, 1, 3, 8]


@pytest.mark.parametrize("columns", [{}, {"since": "x", "tries": 1, "next_at": 5}, {"since": START, "tries": 1}])
async def test_a_memory_that_cannot_be_read_is_forgotten(shop, columns):
    await waiting(shop)
    partition, key = defender._place((await shop.state()).waiting[0].image)
    await shop.rows.commit(names.EVIDENCE, partition, [Put(key=key, columns=columns)])
    assert (await defender.poll(shop.ports)).asked == 1


@pytest.mark.parametrize(
    ("trouble", "problem"),
    [
        (Retry("Azure Resource Graph: 429"), "shop/web 1.1.0: Azure Resource Graph: 429"),
        (Refused("Azure Resource Graph: 403", status=403), "shop/web 1.1.0: Azure Resource Graph: 403"),
    ],
)
async def test_trouble_is_told_and_asked_again_later(shop, trouble, problem):
    await waiting(shop)
    shop.assessments.trouble = trouble
    assert await defender.poll(shop.ports) == defender.Polled(asked=1, problems=(problem,))
    assert await defender.poll(shop.ports) == defender.Polled()
    shop.clock.advance(MINUTE)
    assert (await defender.poll(shop.ports)).asked == 1


async def test_rows_that_cannot_be_read_are_told_and_no_result(shop):
    await waiting(shop)
    shop.assessments.rows[digest(1)] = [{"id": "x"}]
    polled = await defender.poll(shop.ports)
    assert polled.found == 0
    assert "expected the resource id of a sub-assessment" in polled.problems[0]


async def test_a_run_asks_about_ten_images_at_most_and_about_the_rest_the_next_time(shop):
    for n in range(20, 32):
        partition, repository = PARTITION.replace("web", f"w{n}"), f"shop/w{n}"
        cells = {**SCAN, "App": f"rg-shop/ca-w{n}"}
        await shop.rows.commit(names.POLICIES, partition, [Put(key="production", columns=cells)])
        shop.azure.create(RESOURCE.replace("ca-web", f"ca-w{n}"), f"{REGISTRY}/{repository}:1.0.0")
        event = replace(shop.event(n), repository=repository)
        shop.registry.push(repository, event.tag, digest(n))
        await intake.image_pushed(shop.ports, event)
    await shop.run(timedelta(seconds=10))
    assert [(await defender.poll(shop.ports)).asked for _ in range(3)] == [10, 2, 0]
    assert sorted(shop.assessments.asked) == [digest(n) for n in range(20, 32)]
