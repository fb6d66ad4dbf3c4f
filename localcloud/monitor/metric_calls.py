"""Azure Monitor's metrics of an app over Azure Resource Manager: values, definitions and namespaces."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localcloud.arm.calls import Reply
from localcloud.monitor.catalogue import GRAINS, METRICS, NAMESPACE
from localcloud.monitor.metric_answer import answer, choose
from localcloud.monitor.metric_query import read

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.calls import Call
    from localcloud.arm.metrics import Sampler
    from localcloud.arm.models import App, Json
    from localcloud.monitor.metric_query import MetricQuery

_MINUTE = timedelta(minutes=1)
_RETENTION = "P93D"  # of platform metrics


async def metrics(call: Call, app: App, sampler: Sampler, now: datetime) -> Reply:
    """GET …/providers/Microsoft.Insights/metrics.

    Raises:
        ArmError: 400 for what Azure refuses; 501 for what only this machine lacks.
    """
    # The Azure CLI encodes it twice.
    query = read(call.query, now, unquote(call.query.get("timespan", "")))
    span = f"{query.since:%Y-%m-%dT%H:%M:%SZ}/{query.until:%Y-%m-%dT%H:%M:%SZ}"
    return Reply(body={**await result(query, app, sampler), "timespan": span})


async def result(query: MetricQuery, app: App, sampler: Sampler) -> Json:
    """One app's part of an answer, all but its time span."""
    ours = {revision.name.lower() for revision in app.revisions}
    choices = [(metric, choose(query, metric)) for metric in query.metrics]
    values = []
    for metric, choice in choices:
        if metric.name == "Requests":
            samples = await sampler.requests(ours, query.since, query.until)
        else:
            samples = await sampler.gauges(metric.name, ours, query.since, query.until)
        values.append(answer(query, metric, choice, samples, app))
    return {
        "cost": max(0, int((query.until - query.since) / _MINUTE) - 1) * len(query.metrics),
        "interval": query.interval,
        "value": values,
        "namespace": NAMESPACE,
        "resourceregion": app.resource["location"].lower().replace(" ", ""),
    }


async def definitions(app: App) -> Reply:
    """GET …/metricDefinitions: every metric Azure has for an app, those that this machine does not measure too."""
    home = f"{app.home}/containerapps/{app.name}"
    found = [
        {
            "id": f"{home}/providers/microsoft.insights/metricdefinitions/{metric.name}",
            "resourceId": home,
            "namespace": NAMESPACE,
            "name": {"value": metric.name, "localizedValue": metric.title},
            "displayDescription": metric.tells,
            "isDimensionRequired": False,
            "unit": metric.unit,
            "primaryAggregationType": metric.usual,
            "supportedAggregationTypes": list(metric.aggregations),
            "metricAvailabilities": [{"timeGrain": grain, "retention": _RETENTION} for grain in GRAINS],
            "dimensions": [{"value": name, "localizedValue": name} for name in metric.dimensions],
        }
        for metric in METRICS.values()
    ]
    return Reply(body={"value": found})


async def namespaces(app: App) -> Reply:
    """GET …/metricNamespaces: the platform's own."""
    home = f"{app.home}/containerapps/{app.name}"
    one = {
        "id": f"{home}/providers/microsoft.insights/metricNamespaces/{NAMESPACE}",
        "type": "Microsoft.Insights/metricNamespaces",
        "name": NAMESPACE,
        "classification": "Platform",
        "properties": {"metricNamespaceName": NAMESPACE},
    }
    return Reply(body={"value": [one]})
