"""Named queries in a whole product: where they are asked, what a broken row means, and what people read."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from delivery import codec, metric_rows, names, policy_watch
from delivery.errors import Refused, Retry
from delivery.observe import observe
from delivery.ports import Delete, MetricRow, Put, Row
from rollouts.checks import Gauge, Reading
from rollouts.model import POLICY, Phase
from rollouts.seen import Order, Verb
from tests.delivery.shop import KEY, PARTITION, REGISTRY, RESOURCE, ROW, Shop
from tests.fakes.clock import START

if TYPE_CHECKING:
    from collections.abc import Mapping

GUID = "01234567-89ab-cdef-0123-456789abcdef"
COMPONENT = f"/subscriptions/{GUID}/resourceGroups/rg-ops/providers/microsoft.insights/components/ai-shop"
WORKSPACE = f"/subscriptions/{GUID}/resourceGroups/rg-ops/providers/Microsoft.OperationalInsights/workspaces/logs"
QUERY = "Mail_CL | where Revision_s == '{revision}' | summarize value = max(Backlog_d), samples = count()"
LOGS = {"kind": "loganalytics", "workspace": GUID, "query": QUERY}
INSIGHTS = {"kind": "appinsights", "app": COMPONENT}
BACKLOG, BESIDE = Gauge(name="backlog", number=500.0), Gauge(name="backlog", times=1.1)
P95 = Gauge(name="appinsights", percentile=95, times=1.2)


def row(columns: Mapping[str, object], key: str = "backlog") -> Row:
    return Row(partition="metric", key=key, columns=columns, etag="", timestamp=START)


@pytest.mark.parametrize(
    ("gauge", "columns", "place", "query"),
    [
        (BACKLOG, LOGS, GUID, QUERY),
        (BESIDE, {**LOGS, "workspace": f" {WORKSPACE} "}, WORKSPACE, QUERY),
        (BACKLOG, {"Kind": "LogAnalytics", "Workspace": GUID, "Query": "x", "note": 5}, GUID, "x"),
        (BACKLOG, {**INSIGHTS, "query": QUERY}, COMPONENT, QUERY),
        (P95, INSIGHTS, COMPONENT, ""),
        (P95, {"kind": "loganalytics", "workspace": GUID}, GUID, ""),
    ],
)
def test_a_row_says_where_and_what_is_asked(
    gauge: Gauge, columns: Mapping[str, object], place: str, query: str
) -> None:
    kind = str(columns.get("kind") or "loganalytics")
    assert metric_rows.read(gauge, row(columns)) == MetricRow(name=gauge.name, kind=kind, place=place, query=query)


AN_ID = "workspace: expected the id of a Log Analytics workspace, found"
NO_QUERY = "query: expected KQL that answers one row with a column value, found nothing"


@pytest.mark.parametrize(
    ("gauge", "columns", "said"),
    [
        (BACKLOG, None, "expected a row names|metric|backlog, found none"),
        (
            BACKLOG,
            {},
            f"names|metric|backlog: kind: expected loganalytics or appinsights, found nothing; {NO_QUERY}",
        ),
        (
            BACKLOG,
            {**LOGS, "kind": "promql"},
            "names|metric|backlog: kind: expected loganalytics or appinsights, found another word",
        ),
        (BACKLOG, {"kind": "loganalytics"}, f"names|metric|backlog: {AN_ID} nothing; {NO_QUERY}"),
        (BACKLOG, {**LOGS, "workspace": "logs"}, f"names|metric|backlog: {AN_ID} another text"),
        (BACKLOG, {**LOGS, "workspace": f"{WORKSPACE}/../x"}, f"names|metric|backlog: {AN_ID} another text"),
        (BACKLOG, {**LOGS, "workspace": f"{GUID}@evil.test"}, f"names|metric|backlog: {AN_ID} another text"),
        (BACKLOG, {**LOGS, "workspace": COMPONENT}, f"names|metric|backlog: {AN_ID} another text"),
        (
            P95,
            {"kind": "appinsights", "app": GUID},
            (
                "names|metric|appinsights: app: expected the resource id of an Application Insights component, "
                "found another text"
            ),
        ),
        (
            BESIDE,
            {**LOGS, "query": "T | summarize value = count()"},
            "names|metric|backlog: query: expected {revision} in it, for the limit is beside stable, found none",
        ),
    ],
)
def test_all_that_is_wrong_with_a_row_is_named_by_its_columns(
    gauge: Gauge, columns: Mapping[str, object] | None, said: str
) -> None:
    with pytest.raises(Refused) as caught:
        metric_rows.read(gauge, None if columns is None else row(columns, gauge.name))
    assert str(caught.value) == said


async def open_shop(checks: str, **rows: Mapping[str, object]) -> Shop:
    shop = await Shop(row={**ROW, "Checks": checks}).open()
    for name, columns in rows.items():
        await shop.rows.commit(names.NAMES, "metric", [Put(key=name, columns=columns)])
    return shop


def ended(shop: Shop) -> list[str]:
    return [kind for kind in shop.channel.types() if kind in ("RolloutPromoted", "RolloutRolledBack", "RolloutPaused")]


async def test_a_slow_canary_is_rolled_back_and_the_message_carries_the_numbers_and_their_time() -> None:
    shop = await open_shop("p95 <= stable x 1.2 min 10", appinsights=INSIGHTS)
    shop.queries.readings = {"wb1": Reading(value=300.0, samples=50), "first": Reading(value=200.0, samples=950)}
    await shop.push(1)
    await shop.run()

    assert ended(shop) == ["RolloutRolledBack"]
    metric, app, _, percentile, since, until = shop.queries.asked[0]
    assert (metric.place, app, percentile) == (COMPONENT, RESOURCE.lower(), 95)
    assert since < until
    assert {revision for _, _, revision, *_ in shop.queries.asked} == {"ca-web--wb1-000001", "ca-web--first"}
    data = next(event["data"] for event in shop.channel.got if str(event["type"]).endswith("RolledBack"))
    assert isinstance(data, dict)
    told = data["measurements"][1]
    assert told["because"] == "p95 300 ms (stable 200 ms), limit stable x 1.2, strike 2 of 2"
    assert (told["value"], told["limit"], told["stable"], told["samples"]) == (300.0, 240.0, 200.0, 50)
    assert told["from"]
    assert told["to"] > told["from"]


async def test_a_good_canary_is_promoted_on_its_queries() -> None:
    shop = await open_shop("metric backlog <= 500 over 10m", backlog=LOGS)
    shop.queries.readings = {"wb1": Reading(value=12.0)}
    await shop.push(1)
    await shop.run()
    assert ended(shop) == ["RolloutPromoted"]
    assert {revision for _, _, revision, *_ in shop.queries.asked} == {"ca-web--wb1-000001"}


@pytest.mark.parametrize(
    ("rows", "because"),
    [
        ({}, "backlog: expected a row names|metric|backlog, found none"),
        ({"backlog": {**LOGS, "workspace": "?"}}, f"backlog: names|metric|backlog: {AN_ID} another text"),
    ],
)
async def test_a_missing_or_broken_row_holds_the_canary_at_its_step_and_says_what_to_mend(
    rows: Mapping[str, Mapping[str, object]], because: str
) -> None:
    shop = await open_shop("metric backlog <= 500", **rows)
    await shop.push(1)
    await shop.run(timedelta(minutes=20))
    live = (await shop.state()).live
    assert live
    assert (live.phase, live.step, live.measurements[1].because) == (Phase.BAKING, 0, because)
    await shop.rows.commit(names.NAMES, "metric", [Put(key="backlog", columns=LOGS)])
    shop.queries.readings = {"wb1": Reading(value=12.0)}
    await shop.run(timedelta(hours=1))
    assert "RolloutPromoted" in shop.channel.types()


async def test_a_service_that_does_not_answer_is_asked_once_a_minute_and_no_more() -> None:
    shop = await open_shop("metric backlog <= 500", backlog=LOGS)
    shop.queries.trouble = Retry("logs: backlog: expected success, found 503")
    await shop.push(1)
    await shop.run(timedelta(minutes=20))
    times = [until for *_, until in shop.queries.asked]
    assert len(times) > 5
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= timedelta(minutes=1)
    assert (await shop.state()).live


async def test_nothing_is_asked_in_a_tick_that_already_knows_of_something_bad() -> None:
    shop = await open_shop("metric backlog <= 500; probe / strikes 9", backlog=LOGS)
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    shop.app.revisions["ca-web--wb1-000001"].answers = False
    before = len(shop.queries.asked)
    await shop.run(timedelta(seconds=100))
    assert len(shop.queries.asked) == before


async def test_a_page_that_no_check_asks_for_keeps_no_query_from_being_asked() -> None:
    """Without a probe check nothing judges the probe of `/`, so one that fails would starve the queries for ever."""
    shop = await open_shop("metric backlog <= 500", backlog=LOGS)
    shop.queries.readings = {"wb1": Reading(value=900.0)}
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    shop.app.revisions["ca-web--wb1-000001"].answers = False
    await shop.run(timedelta(minutes=10))
    assert ended(shop) == ["RolloutRolledBack"]


@pytest.mark.parametrize("known", ["nothing", "a person's order", "a revision that failed"])
async def test_a_person_and_a_known_failure_wait_for_no_query(known: str) -> None:
    shop = await open_shop("metric backlog <= 500", backlog=LOGS)
    await shop.push(1)
    app = await shop.run_until(Phase.BAKING, 0)
    assert app.live
    shop.clock.advance(timedelta(minutes=2))
    match known:
        case "a person's order":
            order = Order(id="order:1", verb=Verb.PAUSE, actor=POLICY, at=shop.clock.now())
            await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key="order:1", columns={"order": codec.text(order)})])
        case "a revision that failed":
            shop.azure.unhealthy.add(app.live.canary)
            app = replace(app, live=replace(app.live, unhealthy=1))
        case _:
            pass
    seen = await observe(shop.ports, app)
    assert bool(seen.metrics) is (known == "nothing")


async def status(shop: Shop) -> str:
    await policy_watch.watch(shop.ports)
    found = await shop.rows.get(names.POLICIES, PARTITION, "production")
    assert found is not None
    return str(found.columns.get("Status"))


async def test_a_policy_whose_metric_has_no_row_says_so_until_the_hour_after_it_has() -> None:
    shop = await open_shop("metric backlog <= 500; p95 <= 1s")
    assert await status(shop) == (
        "broken: Checks: metric backlog: expected a row names|metric|backlog, found none; "
        "p95: expected a row names|metric|appinsights, found none"
    )
    for name, columns in {"backlog": LOGS, "appinsights": INSIGHTS}.items():
        await shop.rows.commit(names.NAMES, "metric", [Put(key=name, columns=columns)])
    shop.clock.advance(timedelta(hours=1))
    assert await status(shop) == f"ok: takes 3 m; no event ever came from {REGISTRY}"


async def test_a_metric_row_that_is_gone_is_noticed_within_the_hour() -> None:
    shop = await open_shop("metric backlog <= 500", backlog=LOGS)
    assert (await status(shop)).startswith("ok: ")
    await shop.rows.commit(names.NAMES, "metric", [Delete(key="backlog")])
    shop.clock.advance(timedelta(hours=1))
    assert (await status(shop)).startswith("broken: Checks: metric backlog: ")
