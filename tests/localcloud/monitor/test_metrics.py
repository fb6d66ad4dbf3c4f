"""Azure Monitor's answers: whole minutes, filled with zeros, late when told to be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.localcloud.arm.cloud import APP, Answer, Cloud, cloud, image

GRAINS = "00:01:00,00:05:00,00:15:00,00:30:00,01:00:00,06:00:00,12:00:00,1.00:00:00"
BOTH = "revisionName eq '*' and statusCodeCategory eq '*'"


async def ask(it: Cloud, chosen: str = BOTH, minutes: int = 10, names: str = "Requests") -> Answer:
    now = it.clock.now()
    span = f"{now - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}/{now + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    query = f"metricnames={names}&aggregation=Total&interval=PT1M&timespan={span}&top=1000&$filter={quote(chosen)}"
    return await it.ask("GET", f"{APP}/providers/Microsoft.Insights/metrics?{query}", version="2018-01-01")


def sums(answer: Answer) -> dict[tuple[str, ...], float]:
    return {
        tuple(d["value"] for d in series["metadatavalues"]): sum(p["total"] for p in series["data"])
        for series in answer.body["value"][0]["timeseries"]
    }


@pytest.mark.fidelity(51)
async def test_requests_are_split_by_revision_and_kind_of_status() -> None:
    async with cloud() as it:
        first = await it.create()
        await it.patch({"template": image("2", revisionSuffix="two")})
        it.plane.totals = {first: {"200": 90, "503": 1}, "web--two": {"200": 10}, "other--app": {"200": 7}}
        answer = await ask(it)

        assert sums(answer) == {(first, "2xx"): 90, (first, "5xx"): 1, ("web--two", "2xx"): 10}
        metric = answer.body["value"][0]
        assert metric["errorCode"] == "Success"
        names = [d["name"]["value"] for d in metric["timeseries"][0]["metadatavalues"]]
        assert names == ["revisionname", "statuscodecategory"]
        data = metric["timeseries"][0]["data"]
        assert len(data) >= 11
        assert all(p["timeStamp"].endswith(":00Z") for p in data)
        assert sorted({p["total"] for p in data}) == [0.0, 90.0]


async def test_running_totals_become_counts_of_their_own_minute() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"200": 5}}
        await it.arm.sampler.sample()
        it.clock.advance(timedelta(minutes=2))
        it.plane.totals = {name: {"200": 12}}
        answer = await ask(it)

        data = answer.body["value"][0]["timeseries"][0]["data"]
        assert [p["total"] for p in data if p["total"]] == [5, 7]


@pytest.mark.fidelity(51)
async def test_a_delay_hides_what_came_since() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.control("POST", "/metrics", {"delay": 180})
        it.plane.totals = {name: {"200": 5}}
        assert sums(await ask(it)) == {}
        it.clock.advance(timedelta(seconds=181))

        assert sums(await ask(it)) == {(name, "2xx"): 5}


async def test_a_filter_chooses_and_none_sums_everything() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"200": 5, "503": 2}}

        assert sums(await ask(it, "statusCodeCategory eq '5xx'")) == {("5xx",): 2}
        assert sums(await ask(it, f"revisionName eq '{name.upper()}'")) == {(name,): 7}
        assert sums(await ask(it, f"revisionName eq '{name}' or revisionName eq 'x'")) == {(name,): 7}
        assert sums(await ask(it, "")) == {(): 7}


async def test_requests_are_split_by_status_code_and_summed_by_its_category() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"200": 5, "201": 2, "503": 1}}

        assert sums(await ask(it, "statusCode eq '*'")) == {("200",): 5, ("201",): 2, ("503",): 1}
        assert sums(await ask(it, "statusCodeCategory eq '*'")) == {("2xx",): 7, ("5xx",): 1}
        assert sums(await ask(it, "statusCode eq '201' and statusCodeCategory eq '2xx'")) == {("201", "2xx"): 2}


@pytest.mark.fidelity(51)
async def test_replica_name_is_no_dimension() -> None:
    async with cloud() as it:
        await it.create()
        answer = await ask(it, "replicaName eq '*'")

        assert (answer.status, answer.body["code"]) == (400, "BadRequest")
        assert answer.body["message"].startswith(
            "Metric: Requests does not support requested dimension combination: replicaname, "
            "supported ones are: revisionName,podName,statusCodeCategory,statusCode, TraceId: {"
        )


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("revisionName ne 'x'", "only conditions of the form '<name> eq <value>' are allowed: revisionName ne 'x'"),
        ("revisionName eq x", "only conditions of the form '<name> eq <value>' are allowed: revisionName eq x"),
        ("revisionName eq 'x' and", "only conditions of the form '<name> eq <value>' are allowed"),
        ("revisionName eq 'x' revisionName eq 'y'", "only conditions of the form '<name> eq <value>' are allowed"),
        ("and", "only conditions of the form '<name> eq <value>' are allowed: and"),
        (
            "revisionName eq 'x' or statusCodeCategory eq '5xx'",
            "the logical or operator cannot separate two different metadata names",
        ),
        ("city eq 'x' and revisionName eq '*'", "requested dimension combination: city,revisionname, supported ones"),
    ],
)
async def test_a_filter_azure_does_not_take_is_refused_with_its_reason(chosen: str, said: str) -> None:
    async with cloud() as it:
        await it.create()
        answer = await ask(it, chosen)

        assert (answer.status, answer.body["code"]) == (400, "BadRequest")
        assert said in answer.body["message"]


@pytest.mark.parametrize(
    "chosen",
    [
        "revisionName eq '{0}' or revisionName eq 'x' and statusCodeCategory eq '2xx'",
        "(revisionName eq 'x' or revisionName eq '{0}') and statusCodeCategory eq '2XX'",
        "statusCodeCategory eq '2xx' and REVISIONNAME eq '{0}'",
        "statusCodeCategory eq '2xx' and revisionName eq '{0}' and revisionName eq '*'",
    ],
)
async def test_or_chooses_values_of_one_dimension_and_joins_two(chosen: str) -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"200": 5, "503": 2}}

        assert {frozenset(k): v for k, v in sums(await ask(it, chosen.format(name))).items()} == {
            frozenset({name, "2xx"}): 5
        }


async def metric(it: Cloud, **query: str) -> Answer:
    asked = "&".join(f"{name.replace('_', '$')}={quote(value)}" for name, value in query.items())
    return await it.ask("GET", f"{APP}/providers/Microsoft.Insights/metrics?{asked}", version="2023-10-01")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            {"interval": "PT10M"},
            f"Invalid time grain duration: PT10M, supported ones are: {GRAINS}",
        ),
        ({"metricnames": "Nope"}, "Failed to find metric configuration for provider: Microsoft.App, resource Type:"),
        ({"metricnames": ",".join(["Requests"] * 21)}, "Requested metrics count: 21 bigger than allowed max: 20"),
        ({"metricnamespace": "Microsoft.Web/sites"}, "provider: Microsoft.Web, resource Type: sites"),
        ({"aggregation": "Sum"}, "Invalid aggregation type: sum"),
        ({"timespan": "yesterday"}, "Time interval 'yesterday' could not be parsed."),
        ({"timespan": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"}, "Start time cannot be greater"),
        ({"top": "none"}, "Invalid top value: none"),
        ({"orderby": "name asc"}, "Invalid orderby value: name asc"),
        ({"metricnames": "ResponseTime", "_filter": "revisionName eq '*'"}, "supported ones are: statusCodeCategory"),
    ],
)
async def test_a_query_azure_does_not_take_is_refused_with_its_reason(query: dict[str, str], said: str) -> None:
    async with cloud() as it:
        await it.create()
        answer = await metric(it, **query)

        assert (answer.status, answer.body["code"]) == (400, "BadRequest")
        assert said in answer.body["message"]


async def test_longer_buckets_begin_with_the_time_asked_for_and_hold_every_aggregation() -> None:
    async with cloud() as it:
        name = await it.create()
        began = it.clock.now().replace(second=0, microsecond=0)
        for total in (4, 10):
            it.plane.totals = {name: {"200": total}}
            await it.arm.sampler.sample()
            it.clock.advance(timedelta(minutes=1))
        span = f"{began:%Y-%m-%dT%H:%M:%SZ}/PT10M"
        answer = await metric(it, timespan=span, interval="PT5M", aggregation="Total,Average,Maximum,Minimum,Count")

        first, second = answer.body["value"][0]["timeseries"][0]["data"]
        assert first == {
            "timeStamp": f"{began:%Y-%m-%dT%H:%M:%SZ}",
            "total": 10.0,
            "average": 5.0,
            "maximum": 6.0,
            "minimum": 4.0,
            "count": 2.0,
        }
        assert second["total"] == second["count"] == 0.0
        assert second["timeStamp"] == f"{began + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
        assert answer.body["interval"] == "PT5M"
        assert [p["total"] for p in await points(it, timespan=span, interval="FULL", aggregation="Total")] == [10.0]


async def points(it: Cloud, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await metric(it, **query)).body["value"][0]["timeseries"][0]["data"]
    return found


async def test_top_orderby_rollupby_and_metadata_shape_the_series() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"200": 5, "404": 1, "503": 3}}
        await it.arm.sampler.sample()
        asked = {"_filter": "statusCodeCategory eq '*' and revisionName eq '*'", "timespan": "PT10M"}

        ordered = await metric(it, **asked, orderby="total desc", top="2")
        assert [s["metadatavalues"][0]["value"] for s in ordered.body["value"][0]["timeseries"]] == ["2xx", "5xx"]
        rolled = await metric(it, **asked, rollupby="statusCodeCategory")
        assert list(sums(rolled).items()) == [((name,), 9.0)]
        described = await metric(it, **asked, resultType="metadata")
        assert all("data" not in series for series in described.body["value"][0]["timeseries"])
        assert len(described.body["value"][0]["timeseries"]) == 3


async def test_dimensions_that_are_not_validated_are_left_out_and_a_grain_may_be_adjusted() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"200": 5}}
        await it.arm.sampler.sample()

        loose = await metric(it, _filter="city eq 'x' and revisionName eq '*'", ValidateDimensions="false")
        assert sums(loose) == {(name,): 5}
        assert (await metric(it, interval="PT10M", AutoAdjustTimegrain="true")).body["interval"] == "PT15M"


async def test_definitions_tell_every_metric_its_unit_and_its_dimensions() -> None:
    async with cloud() as it:
        await it.create()
        found = (await it.ask("GET", f"{APP}/providers/microsoft.insights/metricDefinitions")).body["value"]

        told = {one["name"]["value"]: one for one in found}
        assert (told["ResponseTime"]["unit"], told["ResponseTime"]["primaryAggregationType"]) == (
            "MilliSeconds",
            "Average",
        )
        assert [d["value"] for d in told["ResponseTime"]["dimensions"]] == ["statusCodeCategory", "statusCode"]
        assert told["Requests"]["metricAvailabilities"][0] == {"timeGrain": "PT1M", "retention": "P93D"}
        spaces = await it.ask("GET", f"{APP}/providers/microsoft.insights/metricNamespaces")
        assert [one["name"] for one in spaces.body["value"]] == ["Microsoft.App/containerapps"]


async def test_what_azure_has_and_this_machine_lacks_is_refused_with_501() -> None:
    async with cloud() as it:
        await it.create()

        assert (await ask(it, "podName eq '*'")).status == 501
        assert (await ask(it, "", names="UsageNanoCores")).status == 501


async def test_replicas_and_restarts_are_the_highest_of_each_minute() -> None:
    async with cloud() as it:
        name = await it.create(scale={"minReplicas": 2})
        it.plane.put(name, ready=True, restarts=3)
        await it.until(f"{APP}/revisions/{name}", runningState="Running")
        await it.arm.lifecycle.step()
        answer = await ask(it, "revisionName eq '*'", minutes=1, names="Replicas,RestartCount")

        highest = {
            m["name"]["value"]: max(p["total"] for p in m["timeseries"][0]["data"]) for m in answer.body["value"]
        }
        assert highest == {"Replicas": 2, "RestartCount": 6}
