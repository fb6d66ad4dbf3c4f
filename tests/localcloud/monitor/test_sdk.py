"""Azure's own clients of Azure Monitor, over https with this cloud's authority, notice nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.monitor.aio import MonitorManagementClient
from azure.monitor.query import LogsBatchQuery, LogsQueryStatus
from azure.monitor.query.aio import LogsQueryClient
from azure.monitor.querymetrics import MetricAggregationType
from azure.monitor.querymetrics.aio import MetricsClient

from tests.localcloud.arm.cloud import APP, SUBSCRIPTION
from tests.localcloud.monitor.monitors import LOGS, Credential, Served, https

if TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)
SPLIT = "revisionName eq '*' and statusCodeCategory eq '*'"


def requests(it: Served, count: int) -> None:
    row = {"TimeGenerated": it.cloud.clock.now() - timedelta(seconds=1), "DurationMs": 12.5, "ItemCount": 1}
    it.monitor.workspace.add("AppRequests", [row] * count)


def logs(it: Served, ca: str) -> LogsQueryClient:
    return LogsQueryClient(Credential(), endpoint=f"{it.logs}/v1", audience=LOGS, connection_verify=ca, retry_total=0)


async def counted(it: Served) -> str:
    """An app whose revision has answered 90 requests well and 10 badly; the revision's name."""
    name = await it.cloud.create()
    it.cloud.plane.totals = {name: {"200": 90, "503": 10}}
    await it.cloud.arm.sampler.sample()
    return name


async def test_the_client_of_log_analytics_reads_tables_times_and_refusals(tmp_path: Path) -> None:
    async with https(tmp_path) as (it, ca), logs(it, ca) as client:
        requests(it, 3)
        kql = "AppRequests | summarize value = count(), newest = max(TimeGenerated)"
        found = await client.query_workspace(it.monitor.workspace_id, kql, timespan=HOUR)
        assert found.status == LogsQueryStatus.SUCCESS
        [row] = found.tables[0].rows
        assert (row["value"], row["newest"].tzinfo is not None) == (3, True)
        of_component = await client.query_resource(it.monitor.component, "requests | count", timespan=None)
        assert of_component.tables[0].rows[0][0] == 3  # type: ignore[union-attr] # same
        with pytest.raises(HttpResponseError) as refused:
            await client.query_workspace(it.monitor.workspace_id, "Nope | count", timespan=None)
        assert (refused.value.status_code, refused.value.reason) == (400, "Bad Request")
        assert "Failed to resolve table or column expression named 'Nope'" in str(refused.value)


async def test_the_client_of_log_analytics_sends_many_queries_in_one(tmp_path: Path) -> None:
    async with https(tmp_path) as (it, ca), logs(it, ca) as client:
        requests(it, 2)
        asked = ["AppRequests | count", "Nope | count"]
        found = await client.query_batch(
            [LogsBatchQuery(workspace_id=it.monitor.workspace_id, query=kql, timespan=HOUR) for kql in asked]
        )
        assert [one.status for one in found] == [LogsQueryStatus.SUCCESS, LogsQueryStatus.FAILURE]
        assert found[0].tables[0].rows[0][0] == 2  # type: ignore[union-attr] # same


async def test_the_client_of_the_batch_api_reads_series_of_several_apps(tmp_path: Path) -> None:
    async with https(tmp_path) as (it, ca):
        name = await counted(it)
        other = f"{APP}-two"
        await it.cloud.create(app=other)
        async with MetricsClient(it.metrics, Credential(), connection_verify=ca, retry_total=0) as client:
            first, second = await client.query_resources(
                resource_ids=[APP, other],
                metric_namespace="Microsoft.App/containerapps",
                metric_names=["Requests"],
                timespan=HOUR,
                granularity=timedelta(minutes=5),
                aggregations=[MetricAggregationType.TOTAL, MetricAggregationType.COUNT],
                filter=SPLIT,
                max_results=100,
            )
            assert totals(first) == {(name, "2xx"): 90, (name, "5xx"): 10}
            assert (totals(second), first.granularity) == ({}, timedelta(minutes=5))
            with pytest.raises(HttpResponseError) as refused:
                await client.query_resources(
                    resource_ids=[APP],
                    metric_namespace="Microsoft.App/containerapps",
                    metric_names=["Requests"],
                    filter="replicaName eq '*'",
                )
            assert (refused.value.status_code, refused.value.error.code) == (400, "BadRequest")  # type: ignore[union-attr]


def totals(result: Any) -> dict[tuple[str, ...], float]:
    return {
        tuple(series.metadata_values[name] for name in ("revisionname", "statuscodecategory")): sum(
            point.total or 0 for point in series.data
        )
        for series in result.metrics[0].timeseries
    }


async def test_the_management_client_reads_values_and_definitions(tmp_path: Path) -> None:
    async with https(tmp_path) as (it, ca):
        await counted(it)
        client = MonitorManagementClient(
            Credential(),
            SUBSCRIPTION,
            base_url=it.arm,
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=ca,
            retry_total=0,
        )
        async with client:
            found = await client.metrics.list(
                APP, metricnames="Requests,Replicas", aggregation="Total,Maximum", interval="PT1M", filter=None
            )
            assert [(m.name.value, m.unit, m.error_code) for m in found.value] == [
                ("Requests", "Count", "Success"),
                ("Replicas", "Count", "Success"),
            ]
            assert sum(point.total or 0 for point in found.value[0].timeseries[0].data or []) == 100
            split = await client.metrics.list(APP, metricnames="Requests", filter=SPLIT, top=1, orderby="total desc")
            labels = split.value[0].timeseries[0].metadatavalues or []
            assert [label.value for label in labels][1] == "2xx"
            definitions = [one async for one in client.metric_definitions.list(APP)]
            assert "Requests" in {one.name.value for one in definitions if one.name}
            with pytest.raises(HttpResponseError, match="does not support requested dimension combination"):
                await client.metrics.list(APP, metricnames="Requests", filter="replicaName eq '*'")
