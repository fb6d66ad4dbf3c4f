"""Azure Monitor's answers: whole minutes, filled with zeros, late when told to be."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.localcloud.arm.cloud import APP, Answer, Cloud, cloud, image

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
        it.plane.totals = {first: {"2xx": 90, "5xx": 1}, "web--two": {"2xx": 10}, "other--app": {"2xx": 7}}
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
        it.plane.totals = {name: {"2xx": 5}}
        await it.arm.sampler.sample()
        it.clock.advance(timedelta(minutes=2))
        it.plane.totals = {name: {"2xx": 12}}
        answer = await ask(it)

        data = answer.body["value"][0]["timeseries"][0]["data"]
        assert [p["total"] for p in data if p["total"]] == [5, 7]


@pytest.mark.fidelity(51)
async def test_a_delay_hides_what_came_since() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.control("POST", "/metrics", {"delay": 180})
        it.plane.totals = {name: {"2xx": 5}}
        assert sums(await ask(it)) == {}
        it.clock.advance(timedelta(seconds=181))

        assert sums(await ask(it)) == {(name, "2xx"): 5}


async def test_a_filter_chooses_and_none_sums_everything() -> None:
    async with cloud() as it:
        name = await it.create()
        it.plane.totals = {name: {"2xx": 5, "5xx": 2}}

        assert sums(await ask(it, "statusCodeCategory eq '5xx'")) == {("5xx",): 2}
        assert sums(await ask(it, f"revisionName eq '{name.upper()}'")) == {(name,): 7}
        assert sums(await ask(it, f"revisionName eq '{name}' or revisionName eq 'x'")) == {(name,): 7}
        assert sums(await ask(it, "")) == {(): 7}


@pytest.mark.fidelity(51)
async def test_replica_name_is_no_dimension() -> None:
    async with cloud() as it:
        await it.create()
        answer = await ask(it, "replicaName eq '*'")

        assert (answer.status, answer.body["error"]["code"]) == (400, "BadRequest")


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
