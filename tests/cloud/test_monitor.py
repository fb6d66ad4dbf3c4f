"""Request counts against a server that answers in the shape Azure Monitor was recorded to answer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cloud.arm import Arm
from cloud.monitor import Monitor
from delivery.errors import Refused, Retry
from rollouts.checks import Counts
from tests.cloud.loopback import TOKEN, Answer, FakeCredential, Loopback, loopback, recorded_file, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/containerApps/web"
SINCE = datetime(2026, 6, 28, 23, 22, 30, tzinfo=UTC)
UNTIL = datetime(2026, 6, 28, 23, 26, 10, tzinfo=UTC)
METRICS = "/providers/Microsoft.Insights/metrics"


def split(*revisions: str) -> dict[str, Any]:
    """The recorded answer, whose series are split by kind of status, repeated for each revision."""
    body: Any = deepcopy(recorded_file("requests.json")["body"])
    metric = body["value"][0]
    metric["timeseries"] = [
        {
            **series,
            "metadatavalues": [*series["metadatavalues"], {"name": {"value": "revisionname"}, "value": revision}],
        }
        for revision in revisions
        for series in metric["timeseries"]
    ]
    found: dict[str, Any] = body
    return found


@asynccontextmanager
async def azure(*answers: Answer) -> AsyncIterator[tuple[Loopback, Monitor]]:
    async with loopback() as server:
        server.on("GET", METRICS, *answers)
        arm = Arm(settings(arm=server.url), FakeCredential)
        try:
            yield server, Monitor(arm)
        finally:
            await arm.close()


async def test_totals_are_one_get_split_by_revision_and_status() -> None:
    async with azure(Answer(200, split("web--one", "web--two"))) as (server, monitor):
        await monitor.totals(APP, "web--two", "web--one", SINCE, UNTIL)

    assert [a.path for a in server.asked] == [APP + METRICS]
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert parse_qs(urlsplit(server.asked[0].target).query) == {
        "api-version": ["2018-01-01"],
        "metricnames": ["Requests"],
        "aggregation": ["Total"],
        "interval": ["PT1M"],
        "timespan": ["2026-06-28T23:22:00Z/2026-06-28T23:27:00Z"],
        "top": ["1000"],
        "$filter": ["revisionName eq '*' and statusCodeCategory eq '*'"],
    }


async def test_requests_are_of_every_kind_and_errors_are_5xx() -> None:
    """Minutes 23:22 to 23:26 of the recording: 2xx 33035, 4xx 595, 5xx 1943."""
    async with azure(Answer(200, split("web--one", "WEB--TWO"))) as (_, monitor):
        found = await monitor.totals(APP, "Web--Two", "Web--One", SINCE, UNTIL)

    assert (found.at, found.since) == (UNTIL, SINCE)
    assert found.canary == found.stable == Counts(requests=33035 + 595 + 1943, errors=1943)


async def test_a_revision_nobody_asked_has_no_requests() -> None:
    async with azure(Answer(200, split("web--one"))) as (_, monitor):
        found = await monitor.totals(APP, "web--two", "", SINCE, UNTIL)

    assert found.canary == found.stable == Counts()


@pytest.mark.parametrize(
    ("until", "last"),
    [
        (SINCE.replace(minute=26, second=0), "23:26:00"),
        (SINCE.replace(minute=26, second=0, microsecond=1), "23:27:00"),
        (SINCE.replace(minute=59, second=59), "00:00:00"),
    ],
)
async def test_the_minutes_asked_for_cover_the_time_asked_for(until: datetime, last: str) -> None:
    async with azure(Answer(200, split("web--one"))) as (server, monitor):
        await monitor.totals(APP, "web--two", "web--one", SINCE, until)

    assert parse_qs(urlsplit(server.asked[0].target).query)["timespan"][0].endswith(f"T{last}Z")


@pytest.mark.parametrize("until", [SINCE, SINCE - timedelta(seconds=1)])
async def test_no_time_has_no_requests_and_costs_no_call(until: datetime) -> None:
    async with azure(Answer(500)) as (server, monitor):
        found = await monitor.totals(APP, "web--two", "web--one", SINCE, until)

    assert (found.canary, server.asked) == (Counts(), [])


async def test_minutes_without_a_number_count_as_none() -> None:
    body = split("web--one")
    for series in body["value"][0]["timeseries"]:
        series["data"] = [{"timeStamp": "2026-06-28T23:22:00Z"}, {"timeStamp": "2026-06-28T23:23:00Z", "total": None}]
    async with azure(Answer(200, body)) as (_, monitor):
        assert (await monitor.totals(APP, "web--two", "web--one", SINCE, UNTIL)).stable == Counts()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": []},
        {"value": [{"errorCode": "InternalServerError", "timeseries": []}]},
        {"value": [{"timeseries": [{"metadatavalues": [{"name": None}]}]}]},
        b"<html>",
    ],
)
async def test_an_answer_that_tells_nothing_is_not_no_requests(body: object) -> None:
    async with azure(Answer(200, body)) as (_, monitor):
        with pytest.raises(Retry):
            await monitor.totals(APP, "web--two", "web--one", SINCE, UNTIL)


@pytest.mark.parametrize(("status", "kind"), [(429, Retry), (503, Retry), (403, Refused), (400, Refused)])
async def test_a_refusal_is_told_without_its_body(status: int, kind: type[Exception]) -> None:
    answer = Answer(status, {"code": "BadRequest", "message": "Metric filter 'hunter2' is wrong"})
    async with azure(answer) as (server, monitor):
        with pytest.raises(kind, match=rf"^Azure Monitor: web: Requests: expected success, found {status} BadRequest$"):
            await monitor.totals(APP, "web--two", "web--one", SINCE, UNTIL)

    assert len(server.asked) == 1


async def test_many_apps_are_asked_at_once() -> None:
    async with azure(Answer(200, split("web--one"))) as (server, monitor):
        await asyncio.gather(*(monitor.totals(APP, "web--two", "web--one", SINCE, UNTIL) for _ in range(20)))

    assert len(server.asked) == 20
