"""Why did this not ship? The true answer, also for an image that was never offered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery import explain, names
from delivery.errors import Malformed
from delivery.ports import Put
from rollouts.model import Phase
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest

IMAGE = f"{REGISTRY}/{REPOSITORY}"
KEY = f"{PARTITION}/production"


async def why(shop: Shop, image: str) -> dict[str, Any]:
    found: dict[str, Any] = await explain.why(shop.ports, image)
    return found


async def row(shop: Shop, image: str) -> dict[str, Any]:
    (only,) = (await why(shop, image))["policies"]
    assert only["policy"] == KEY
    return dict(only)


async def test_an_image_no_row_selects_says_which_gate_refused_it() -> None:
    shop = await Shop(row={**ROW, "Tags": "semver: <1"}).open()
    await shop.push(1)
    answer = await row(shop, f"{IMAGE}:1.1.0")

    assert answer["conclusion"] == "does not ship: tag: 1.1.0 is not selected by semver: <1: outside <1"
    assert answer["before"] == []


async def test_an_image_that_waits_says_for_what_and_until_when() -> None:
    shop = await Shop(row={**ROW, "Scan": "critical 0, within 1h else reject"}).open()
    await shop.push(1)
    await shop.run(timedelta(minutes=10))
    answer = await row(shop, f"{IMAGE}@{digest(1)}")

    assert answer["conclusion"].startswith("waits: scan: no scan has come; waits until ")
    assert answer["before"] == [f"rollout 1 is waiting: {answer['finding']['because']}"]


async def test_an_image_that_ended_says_how_and_what_holds_it_now() -> None:
    shop = await Shop().open()
    shop.metrics.error_rates["wb1"] = 0.5
    await shop.push(1)
    await shop.run()
    answer = await row(shop, f"{IMAGE}:1.1.0")

    assert answer["before"][0].startswith("rollout 1 rolled back at ")
    assert "errors" in answer["before"][0]
    assert answer["conclusion"].startswith("does not ship: quarantine: in quarantine: ")


async def test_what_runs_is_said_to_run() -> None:
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()

    answer = await row(shop, f"{IMAGE}:1.1.0")
    assert answer["before"][0].startswith("rollout 1 promoted at ")
    assert answer["conclusion"].endswith("is already stable")


async def test_a_live_rollout_is_told_of() -> None:
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)

    assert (await row(shop, f"{IMAGE}:1.1.0"))["before"] == ["rollout 1 is baking: baking at 25 %"]


async def test_a_broken_row_and_one_of_an_app_that_is_not_there_say_so() -> None:
    shop = await Shop().open()
    await shop.push(1)
    bad = {**ROW, "Steps": "5,25"}
    nowhere = {**ROW, "App": "rg-shop/ca-none"}
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="bad", columns=bad), Put(key="gone", columns=nowhere)])
    answers = {one["policy"]: one["conclusion"] for one in (await why(shop, f"{IMAGE}:1.1.0"))["policies"]}

    broken = "does not ship: policy: the row is broken, so nothing ships from it: Steps: expected"
    assert answers[f"{PARTITION}/bad"].startswith(broken)
    assert "ca-none: correct App in the policy row" in answers[f"{PARTITION}/gone"]


async def test_a_tag_that_is_not_there_and_a_registry_that_is_away_are_noted() -> None:
    shop = await Shop().open()
    assert (await why(shop, f"{IMAGE}:9.9.9"))["notes"] == ["the registry has no tag 9.9.9"]
    shop.registry.away = True
    found = await why(shop, f"{IMAGE}:9.9.9")
    assert found["notes"] == [f"cannot tell what 9.9.9 names: {REGISTRY} 503"]
    assert found["policies"][0]["conclusion"].startswith("waits: manifest: cannot tell: ")


async def test_a_repository_without_a_row_is_noted() -> None:
    shop = await Shop().open()
    found = await why(shop, f"{REGISTRY}/hr/portal@{digest(1)}")
    assert (found["notes"], found["policies"]) == (["no row is about hr/portal"], [])


@pytest.mark.parametrize(
    "reference", ["", "web", f"{IMAGE}", f"{IMAGE}:", f"{IMAGE}@sha256:12", f"{IMAGE}:a b", "x/../y:1"]
)
async def test_what_names_no_image_is_refused(reference: str) -> None:
    shop = await Shop().open()
    with pytest.raises(Malformed, match=r"image: expected an image as in contoso\.azurecr\.io/shop/web:1\.4\.3"):
        await explain.why(shop.ports, reference)
