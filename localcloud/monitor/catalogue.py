"""The platform metrics of a container app: names, units, dimensions and aggregations as Azure Monitor lists them.

Sources: learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-app-containerapps-metrics (names,
units, aggregations) and the texts in which the service refused a dimension (`docs/localcloud-monitor.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "Microsoft.App/containerapps"
GRAINS = {
    "PT1M": "00:01:00",
    "PT5M": "00:05:00",
    "PT15M": "00:15:00",
    "PT30M": "00:30:00",
    "PT1H": "01:00:00",
    "PT6H": "06:00:00",
    "PT12H": "12:00:00",
    "P1D": "1.00:00:00",
}
"""ISO 8601 -> the spelling of the service's own messages."""

_REVISION = ("revisionName",)
_POD = ("revisionName", "podName")
_ALL = ("Average", "Total", "Maximum", "Minimum")
_EDGES = ("Average", "Maximum", "Minimum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """measured: this machine counts it; any other is known, and asking for its numbers is refused.

    split: the dimensions by which it is counted here. usual: the aggregation when none is asked for.
    """

    name: str
    title: str
    tells: str
    unit: str = "Count"
    dimensions: tuple[str, ...] = _REVISION
    aggregations: tuple[str, ...] = _ALL
    usual: str = "Average"
    measured: bool = False
    split: tuple[str, ...] = ()


_KNOWN = (
    Metric(
        name="Requests",
        title="Requests",
        tells="Requests processed",
        dimensions=("revisionName", "podName", "statusCodeCategory", "statusCode"),
        usual="Total",
        measured=True,
        split=("revisionName", "statusCodeCategory", "statusCode"),
    ),
    Metric(
        name="ResponseTime",
        title="Average Response Time (Preview)",
        tells="Average Response Time per Status Code",
        unit="MilliSeconds",
        dimensions=("statusCodeCategory", "statusCode"),
        aggregations=_EDGES,
    ),
    Metric(
        name="Replicas",
        title="Replica Count",
        tells="Number of replicas count of container app",
        usual="Maximum",
        measured=True,
        split=_REVISION,
    ),
    Metric(
        name="RestartCount",
        title="Replica Restart Count",
        tells="Restart count of container app replicas",
        dimensions=_POD,
        usual="Maximum",
        measured=True,
        split=_REVISION,
    ),
    Metric(
        name="UsageNanoCores",
        title="CPU Usage",
        tells="CPU consumed by the container app, in nano cores. 1,000,000,000 nano cores = 1 core",
        unit="NanoCores",
        dimensions=_POD,
    ),
    Metric(
        name="WorkingSetBytes",
        title="Memory Working Set Bytes",
        tells="Container App working set memory used in bytes.",
        unit="Bytes",
        dimensions=_POD,
    ),
    Metric(name="RxBytes", title="Network In Bytes", tells="Network received bytes", unit="Bytes", dimensions=_POD),
    Metric(name="TxBytes", title="Network Out Bytes", tells="Network transmitted bytes", unit="Bytes", dimensions=_POD),
    Metric(
        name="CpuPercentage",
        title="CPU Usage Percentage (Preview)",
        tells="Percentage of CPU limit used in percentage points",
        unit="Percent",
        dimensions=("podName",),
    ),
    Metric(
        name="MemoryPercentage",
        title="Memory Percentage (Preview)",
        tells="Percentage of memory limit used in percentage points",
        unit="Percent",
        dimensions=("podName",),
    ),
    Metric(
        name="CoresQuotaUsed",
        title="Reserved Cores",
        tells="Number of reserved cores for container app revisions",
        aggregations=("Maximum", "Minimum"),
    ),
    Metric(
        name="TotalCoresQuotaUsed",
        title="Total Reserved Cores",
        tells="Number of total reserved cores for the container app",
        dimensions=(),
        aggregations=_EDGES,
    ),
)
METRICS = {metric.name.lower(): metric for metric in _KNOWN}
