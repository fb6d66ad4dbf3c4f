"""Azure Monitor's request counts, over the ARM path of the app."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from cloud.arm import READ_WITHIN
from cloud.http import asking, of_answer, parsed
from delivery.errors import Retry
from rollouts.checks import Counts
from rollouts.model import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cloud.arm import Arm

_VERSION = "2018-01-01"
_MINUTE = timedelta(minutes=1)
_SERIES = "1000"  # the default is 10 series, fewer than three revisions with four kinds of status have


class Monitor:
    """`delivery.ports.Metrics`: the platform metric `Requests`, split by revision and kind of status.

    The metric has one bucket a minute, and they arrive minutes late: what has settled is the caller's to say.
    """

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def totals(self, app: str, canary: str, stable: str, since: datetime, until: datetime) -> Totals:
        """1 GET over the whole minutes that cover [since, until), none when that is empty."""
        if until <= since:
            return Totals(at=until, since=since, canary=Counts(), stable=Counts())
        counts = _counts(await self._requests(app, since, until))
        return Totals(
            at=until,
            since=since,
            canary=counts.get(canary.lower(), Counts()),
            stable=counts.get(stable.lower(), Counts()),
        )

    async def _requests(self, app: str, since: datetime, until: datetime) -> Mapping[str, object]:
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - not on the way of a cold start

        where = f"Azure Monitor: {app.rpartition('/')[2]}: Requests"
        query = urlencode(
            {
                "api-version": _VERSION,
                "metricnames": "Requests",
                "aggregation": "Total",
                "interval": "PT1M",
                "timespan": _minutes(since, until),
                "top": _SERIES,
                "$filter": "revisionName eq '*' and statusCodeCategory eq '*'",
            },
            quote_via=quote,
        )
        request = HttpRequest("GET", f"{app}/providers/Microsoft.Insights/metrics?{query}")
        with asking(where):
            async with asyncio.timeout(READ_WITHIN):
                answer = await self._arm.send(request)
        body = parsed(answer.content)
        if answer.status_code != 200 or not isinstance(body, Mapping):  # noqa: PLR2004 - HTTP's own number
            raise of_answer(where, answer.status_code, answer.headers, body, wrote=False)
        return _metric(where, body)


def _minutes(since: datetime, until: datetime) -> str:
    first = since.replace(second=0, microsecond=0)
    last = until.replace(second=0, microsecond=0)
    last += _MINUTE if last < until else timedelta()
    return f"{first:%Y-%m-%dT%H:%M:%SZ}/{last:%Y-%m-%dT%H:%M:%SZ}"


def _metric(where: str, body: Mapping[str, object]) -> Mapping[str, object]:
    """The one metric of the answer. It can carry an error of its own inside a 200: that is not "no requests"."""
    values = body.get("value")
    metric = values[0] if isinstance(values, list) and len(values) == 1 else None
    if not isinstance(metric, Mapping):
        raise Retry(f"{where}: expected one metric, found another answer")
    if metric.get("errorCode", "Success") != "Success":
        raise Retry(f"{where}: expected Success, found an error inside the answer")
    return metric


def _counts(metric: Mapping[str, object]) -> dict[str, Counts]:
    """Requests and 5xx per lower-cased revision name."""
    counts: dict[str, Counts] = {}
    try:
        for revision, category, total in _series(metric):
            had = counts.get(revision, Counts())
            failed = total if category == "5xx" else 0
            counts[revision] = Counts(requests=had.requests + total, errors=had.errors + failed)
    except (TypeError, KeyError, AttributeError, ValueError):
        raise Retry("Azure Monitor: Requests: expected counts per revision, found another shape") from None
    return counts


def _series(metric: Mapping[str, object]) -> Iterator[tuple[str, str, int]]:
    """Yield (revision, kind of status, sum of the minutes); the names of both dimensions come in lower case."""
    series = metric.get("timeseries")
    for one in series if isinstance(series, list) else ():
        split = {str(d["name"]["value"]).lower(): str(d["value"]).lower() for d in one.get("metadatavalues") or ()}
        total = sum(point.get("total") or 0 for point in one.get("data") or ())
        yield split.get("revisionname", ""), split.get("statuscodecategory", ""), round(total)
