"""The Prometheus query endpoint: real counters, PromQL's own arithmetic, and refusals that name what they refuse."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.monitor import promql_math as calc
from localcloud.monitor.prometheus_store import BOUNDS
from tests.localcloud.arm.cloud import Answer
from tests.localcloud.monitor.monitors import LOGS, PROMETHEUS, Served, monitor

if TYPE_CHECKING:
    from pathlib import Path

XX = "envoy_cluster_upstream_rq_xx"


async def ask(it: Served, path: str = "query", audience: str = PROMETHEUS, **asked: str) -> Answer:
    from yarl import URL  # noqa: PLC0415 - only here

    url = URL(f"{it.prometheus}/api/v1/{path}").with_query(asked)
    return await it.ask("GET", str(url), audience=audience)


async def vector(it: Served, query: str) -> dict[tuple[str, ...], float]:
    """Values of an instant query by the values of their labels, in the order of the labels' names."""
    answer = await ask(it, query=query)
    assert answer.status == 200, answer.body
    assert answer.body["data"]["resultType"] == "vector"
    return {
        tuple(v for _, v in sorted(r["metric"].items())): float(r["value"][1]) for r in answer.body["data"]["result"]
    }


async def counted(it: Served) -> str:
    """A revision that has answered 10 requests a scrape well and 2 badly, seven scrapes long, ten seconds apart."""
    name = await it.cloud.create()
    for n in range(7):
        it.cloud.plane.totals = {name: {"200": 10 * n, "503": 2 * n}}
        await it.monitor.prometheus_store.scrape()
        if n < 6:
            it.cloud.clock.advance(timedelta(seconds=10))
    return name


async def test_a_selector_takes_the_newest_sample_of_the_series_that_match(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        name = await counted(it)
        both = {(XX, "web", name, "2"): 60, (XX, "web", name, "5"): 12}
        assert await vector(it, XX) == both
        assert await vector(it, f'{XX}{{envoy_cluster_name=~"web.*",envoy_response_code_class!~"2|3"}}') == {
            (XX, "web", name, "5"): 12
        }
        assert await vector(it, f'{{__name__="{XX}", envoy_response_code_class!="5"}}') == {(XX, "web", name, "2"): 60}
        assert await vector(it, f'{XX}{{containerapp="other"}}') == {}
        assert list((await vector(it, f"{XX} offset 20s")).values()) == [40, 8]
        it.cloud.clock.advance(timedelta(minutes=6))
        assert await vector(it, XX) == {}  # stale


async def test_rates_shares_and_groups_are_those_of_the_counters(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        name = await counted(it)
        rates = await vector(it, f"sum by (envoy_response_code_class) (rate({XX}[1m]))")
        assert rates == {("2",): pytest.approx(1, rel=0.1), ("5",): pytest.approx(0.2, rel=0.1)}
        bad = f'sum(rate({XX}{{envoy_response_code_class="5"}}[1m]))'
        share = await vector(it, f"{bad} / sum(rate({XX}[1m])) * 100")
        assert share == {(): pytest.approx(100 * 2 / 12)}
        assert await vector(it, f"count without (envoy_response_code_class) ({XX})") == {("web", name): 2}
        assert list((await vector(it, f"increase({XX}[1m]) > 30")).values()) == [pytest.approx(60, rel=0.1)]
        assert sorted((await vector(it, f"{XX} >= bool 60")).values()) == [0, 1]
        assert await vector(it, f"max_over_time({XX}[30s])") == {("web", name, "2"): 60, ("web", name, "5"): 12}
        assert await vector(it, f"sum({XX}) - on() sum({XX} offset 10s)") == {(): 12}
        assert await vector(it, f"-max({XX}) + 2 * 3 % 4") == {(): -58}


async def test_durations_that_apps_report_are_a_histogram(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        row = {"AppRoleName": "web", "AppRoleInstance": "web--v1-a-b", "ResultCode": "200", "ItemCount": 1}
        it.monitor.take([{**row, "TimeGenerated": it.cloud.clock.now(), "DurationMs": ms} for ms in (3, 30, 30, 600)])
        await it.monitor.prometheus_store.scrape()
        metric = "http_server_request_duration_seconds"
        assert len(await vector(it, f"{metric}_bucket")) == len(BOUNDS) + 1
        assert await vector(it, f"sum({metric}_sum) / sum({metric}_count)") == {(): pytest.approx(0.16575)}
        assert await vector(it, f"histogram_quantile(0.5, sum by (le) ({metric}_bucket))") == {
            (): pytest.approx(0.0375)
        }
        assert list((await vector(it, f"histogram_quantile(0.99, {metric}_bucket)")).values()) == [pytest.approx(0.74)]


async def test_a_range_query_answers_every_step(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        await counted(it)
        now = it.cloud.clock.now().timestamp()
        asked = {"query": f"sum({XX})", "start": str(now - 30), "end": str(now), "step": "10s"}
        answer = await ask(it, "query_range", **asked)
        [series] = answer.body["data"]["result"]
        assert (answer.body["data"]["resultType"], [float(v) for _, v in series["values"]]) == (
            "matrix",
            [36, 48, 60, 72],
        )
        assert [at for at, _ in series["values"]] == [pytest.approx(now - 30 + n * 10) for n in range(4)]
        scalar = await ask(it, query="1.5 > bool 1")
        assert (scalar.body["data"]["resultType"], scalar.body["data"]["result"][1]) == ("scalar", "1")


async def test_series_labels_and_names_are_listed_and_a_form_is_as_good_as_a_query(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        name = await counted(it)
        found = await ask(it, "series", **{"match[]": f'{XX}{{envoy_response_code_class="5"}}'})
        assert found.body["data"] == [
            {
                "__name__": XX,
                "containerapp": "web",
                "envoy_cluster_name": name,
                "envoy_response_code_class": "5",
            }
        ]
        assert "envoy_cluster_name" in (await ask(it, "labels")).body["data"]
        names = (await ask(it, "label/__name__/values")).body["data"]
        assert names == ["containerapp_replicas", "containerapp_restarts_total", "envoy_cluster_upstream_rq", XX]
        headers = {"Authorization": it.bearer(PROMETHEUS)}
        form = {"query": "containerapp_replicas"}
        async with it.cloud.http.post(f"{it.prometheus}/api/v1/query", data=form, headers=headers) as answer:
            assert (await answer.json())["data"]["result"][0]["metric"]["revision"] == name


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"query": "up{"}, 'invalid parameter "query": parse error:'),
        ({"query": ""}, 'invalid parameter "query": expected one'),
        ({"query": '{a="b"}'}, "query must be scoped to a metric"),
        ({"query": "topk(3, up)"}, "found the aggregation topk"),
        ({"query": "irate(up[1m])"}, "found the function irate"),
        ({"query": "up and up"}, "found the operator and"),
        ({"query": "up * on (a) group_left up"}, "found group_left and group_right"),
        ({"query": "rate(up[5m:1m])"}, "found SubqueryExpr"),
        ({"query": "up @ 100"}, "found the modifier @"),
        ({"query": '"text"'}, "found StringLiteral"),
        ({"query": "1 > 2"}, "comparisons between scalars must use BOOL modifier"),
        ({"query": "up", "time": "noon"}, 'invalid parameter "time"'),
    ],
)
async def test_a_query_that_cannot_be_answered_says_why(tmp_path: Path, asked: dict[str, str], said: str) -> None:
    async with monitor(tmp_path) as it:
        answer = await ask(it, **asked)
        assert (answer.status, answer.body["status"], answer.body["errorType"]) == (400, "error", "bad_data")
        assert said in answer.body["error"]


@pytest.mark.parametrize(
    ("path", "asked", "said"),
    [
        ("query_range", {"start": "0", "end": "9999999", "step": "1h"}, "32 days"),
        ("query_range", {"start": "0", "end": "11001", "step": "1"}, "11,000 points"),
        ("query_range", {"start": "5", "end": "1", "step": "1"}, "end timestamp must not be before start time"),
        ("query_range", {"start": "1", "end": "5", "step": "0"}, "zero or negative"),
        ("query_range", {"start": "1", "end": "5", "step": "often"}, 'invalid parameter "step"'),
        ("series", {}, "no match[] parameter provided"),
        ("series", {"match[]": 'up{a=~"b"}'}, "regular expression"),
    ],
)
async def test_limits_of_azure_are_limits_here(tmp_path: Path, path: str, asked: dict[str, str], said: str) -> None:
    async with monitor(tmp_path) as it:
        answer = await ask(it, path, query="up", **asked)
        assert answer.status == 400
        assert said in answer.body["error"]


async def test_only_a_token_for_prometheus_is_answered_and_other_paths_are_none(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        assert (await ask(it, audience=LOGS, query="up")).body["error"]["code"] == "InvalidAuthenticationTokenAudience"
        assert (await ask(it, audience="", query="up")).status == 401
        assert (await ask(it, "label/containerapp/values")).status == 404


RISING: list[tuple[float, float]] = [(float(at), float(at)) for at in range(0, 61, 10)]


@pytest.mark.parametrize(
    ("samples", "start", "end", "grown"),
    [
        (RISING, 0, 60, 60),
        (RISING[:1], 0, 60, None),
        ([(10.0, 5.0), (20.0, 15.0)], 8, 22, pytest.approx(10 * (10 + 2 + 2) / 10)),  # to both edges
        ([(10.0, 5.0), (20.0, 15.0)], 0, 50, pytest.approx(10 * (10 + 5 + 5) / 10)),  # half a step into the unknown
        ([(10.0, 1.0), (20.0, 11.0)], 0, 20, pytest.approx(10 * (10 + 1) / 10)),  # never below zero
        ([(0.0, 5.0), (10.0, 2.0), (20.0, 4.0)], 0, 20, pytest.approx(4)),  # begun anew in between
    ],
)
def test_an_increase_is_stretched_to_the_edges_as_prometheus_does(
    samples: list[tuple[float, float]], start: float, end: float, grown: Any
) -> None:
    assert calc.increased(samples, start, end) == grown


@pytest.mark.parametrize(
    ("share", "buckets", "value"),
    [
        (0.5, {1: 0, 2: 10, math.inf: 10}, 1.5),
        (0.9, {1: 5, math.inf: 10}, 1),
        (0.25, {1: 10, 2: 10, math.inf: 10}, 0.25),
        (0.5, {2: 5, 1: 5, math.inf: 10}, 1),
        (-1, {1: 1, math.inf: 1}, -math.inf),
        (2, {1: 1, math.inf: 1}, math.inf),
        (0.5, {-1: 10, 1: 10, math.inf: 10}, -1),
    ],
)
def test_a_quantile_is_interpolated_within_its_bucket(share: float, buckets: dict[float, float], value: float) -> None:
    assert calc.quantile(share, buckets) == value


@pytest.mark.parametrize("buckets", [{}, {1: 5}, {1: 5, 2: 6}, {1: 0, math.inf: 0}])
def test_a_histogram_that_tells_nothing_has_no_quantile(buckets: dict[float, float]) -> None:
    assert math.isnan(calc.quantile(0.5, buckets))
