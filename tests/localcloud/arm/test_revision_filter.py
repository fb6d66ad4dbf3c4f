"""`$filter` of the list of revisions: what is judged, and what is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from localcloud.arm.knobs import Knobs
from tests.localcloud.arm.cloud import APP, Cloud, cloud, image, to, traffic
from tests.localcloud.arm.test_sdk import sdk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.arm.cloud import Answer

OLD = "properties/createdTime lt 2020-01-01T00:00:00Z"


async def three(it: Cloud) -> None:
    """web--one is inactive, web--two has 30 of the weight and web--three 70."""
    await it.create(revisionSuffix="one")
    for name in ("two", "three"):
        await it.patch({"template": image(name, revisionSuffix=name)})
    await it.patch({"configuration": traffic(to("web--two", 30), to("web--three", 70))})
    await it.ask("POST", f"{APP}/revisions/web--one/deactivate")
    await it.until(f"{APP}/revisions/web--one", active=False)


async def listed(it: Cloud, condition: str) -> Answer:
    return await it.ask("GET", f"{APP}/revisions?$filter={quote(condition)}")


def names(answer: Answer) -> str:
    assert answer.status == 200, answer
    return " ".join(one["name"].removeprefix("web--") for one in answer.body["value"])


@pytest.mark.fidelity(39)
async def test_a_filter_compares_members_and_joins_conditions_as_odata_does() -> None:
    async with cloud() as it:
        await three(it)
        (app,) = it.arm.store.apps()
        app.revisions[1].shown = {"provisioningError": "it's"}
        for condition, found in (
            ("properties/active eq true", "two three"),
            ("properties/active ne true", "one"),
            ("properties/trafficWeight gt 30", "three"),
            ("properties/trafficWeight ge 30", "two three"),
            ("properties/trafficWeight lt 30.5", "one two"),
            ("properties/replicas le 0", "one"),
            ("name eq 'web--one' or name eq 'web--two' and properties/active eq false", "one"),
            ("(name eq 'web--one' or name eq 'web--two') and properties/active eq true", "two"),
            ("NOT (name eq 'web--two')", "one three"),
            ("properties/runningState eq 'Stopped'", "one"),
            ("properties/provisioningError eq null", "one three"),
            ("properties/lastActiveTime ne null", "one"),
            ("properties/lastActiveTime gt 2020-01-01T00:00:00Z", "one"),
            (OLD, ""),
            (f"not ({OLD})", "one two three"),
            ("properties/provisioningError eq 'it''s'", "two"),
        ):
            assert (condition, names(await listed(it, condition))) == (condition, found)


@pytest.mark.parametrize(
    ("condition", "status", "named"),
    [
        ("active eq true", 400, "'active'"),
        ("properties/template eq 'x'", 400, "'properties/template'"),
        ("properties/active eq 'true'", 400, "expected a bool, found 'true'"),
        ("properties/replicas eq true", 400, "expected a float, found True"),
        ("properties/createdTime gt '2020-01-01'", 400, "expected a datetime"),
        ("contains(name, 'web')", 501, "contains(name, 'web')"),
        ("properties/replicas add 1 eq 2", 501, "add 1"),
        ("name in ('web--one')", 501, "in ("),
        ("properties/active", 501, "properties/active"),
        ("name eq 'web--one' and", 501, "and"),
    ],
)
async def test_what_is_not_judged_is_refused_and_named(condition: str, status: int, named: str) -> None:
    async with cloud() as it:
        await it.create()
        answer = await listed(it, condition)
        assert (answer.status, named in answer.body["error"]["message"]) == (status, True)


async def test_pages_of_a_filtered_list_stay_filtered() -> None:
    async with cloud(knobs=Knobs(page="1")) as it:
        await three(it)
        first = await listed(it, "properties/active eq true")
        second = await it.ask("GET", first.body["nextLink"])
        assert [names(first), names(second), "nextLink" in second.body] == ["two", "three", False]


@pytest.mark.fidelity(39)
async def test_a_filter_is_ignored_or_refused_where_that_is_asked_for() -> None:
    for value, status in (("ignored", 200), ("refused", 501)):
        async with cloud(knobs=Knobs(filter=value)) as it:
            await it.create(revisionSuffix="one")
            answer = await listed(it, OLD)
            assert answer.status == status
            assert status == 501 or names(answer) == "one"


async def test_the_sdk_filters_revisions(tmp_path: Path) -> None:
    async with sdk("http", tmp_path) as (it, client):
        await three(it)
        revisions = client.container_apps_revisions.list_revisions(
            "rg-local", "web", filter="properties/active eq true"
        )
        assert [one.name async for one in revisions] == ["web--two", "web--three"]
