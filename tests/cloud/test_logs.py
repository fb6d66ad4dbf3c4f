"""Numbers against a server that answers in the shape of the Log Analytics query API.

The shape: https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format (tables of columns and rows, a
PartialError beside them in a 200), and the models of azure-monitor-query 2.0.0.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cloud.logs import Logs, durations
from delivery.errors import Refused, Retry
from delivery.ports import MetricRow
from rollouts.checks import Reading
from tests.cloud.loopback import CUT, SILENT, TOKEN, Answer, FakeCredential, Loopback, loopback, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APP = "/subscriptions/s/resourcegroups/g/providers/microsoft.app/containerapps/ca-web"
CANARY = "ca-web--wb1-abcdef"
SINCE = datetime(2026, 6, 28, 23, 22, 30, tzinfo=UTC)
UNTIL = datetime(2026, 6, 28, 23, 26, 10, 500_000, tzinfo=UTC)
GUID = "01234567-89ab-cdef-0123-456789abcdef"
COMPONENT = f"/subscriptions/{GUID}/resourceGroups/rg/providers/microsoft.insights/components/ai-shop"
PAYMENTS = MetricRow(
    name="failed-payments",
    kind="loganalytics",
    place=GUID,
    query="let f = () { 1 }; Pay_CL | where Revision == '{revision}' and App == '{app}' | summarize value = count()",
)
INSIGHTS = MetricRow(name="appinsights", kind="appinsights", place=COMPONENT)


def table(*rows: list[object], columns: tuple[str, ...] = ("value", "samples"), **more: object) -> dict[str, object]:
    named = [{"name": name, "type": "real"} for name in columns]
    return {"tables": [{"name": "PrimaryResult", "columns": named, "rows": list(rows)}], **more}


@asynccontextmanager
async def azure(*answers: Answer) -> AsyncIterator[tuple[Loopback, Logs, FakeCredential]]:
    async with loopback() as server:
        server.on("POST", "/query", *answers)
        credential = FakeCredential()
        known = settings(logs=server.url, logs_audience="https://logs.test/.default")
        logs = Logs(known, lambda: credential)
        try:
            yield server, logs, credential
        finally:
            await logs.close()


async def ask(logs: Logs, metric: MetricRow = PAYMENTS, percentile: int | None = None) -> Reading:
    return await logs.ask(metric, APP, CANARY, percentile, SINCE, UNTIL)


async def answered(body: object) -> Reading:
    async with azure(Answer(200, body)) as (_, logs, _):
        return await ask(logs)


async def test_a_number_is_one_post_of_the_rows_query_with_its_names_filled_in_and_the_time_beside_it() -> None:
    async with azure(Answer(200, table([12.5, 900]))) as (server, logs, credential):
        found = await ask(logs)

    assert found == Reading(value=12.5, samples=900)
    assert [asked.path for asked in server.asked] == [f"/v1/workspaces/{GUID}/query"]
    assert server.asked[0].json == {
        "query": f"let f = () {{ 1 }}; Pay_CL | where Revision == '{CANARY}' and App == 'ca-web' "
        "| summarize value = count()",
        "timespan": "2026-06-28T23:22:30.000000Z/2026-06-28T23:26:10.500000Z",
    }
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert server.asked[0].headers["Prefer"] == "wait=30"
    assert credential.scopes == [("https://logs.test/.default",)]


async def test_durations_are_asked_of_a_component_in_its_own_scope_and_of_a_workspace_by_its_own_names() -> None:
    async with azure(Answer(200, table([212.3, 8120]))) as (server, logs, _):
        assert await ask(logs, INSIGHTS, 95) == Reading(value=212.3, samples=8120)
        await ask(logs, MetricRow(name="w", kind="loganalytics", place=GUID), 50)

    assert server.asked[0].path == f"/v1{COMPONENT}/query"
    assert [asked.json["query"] for asked in server.asked] == [
        (
            "requests | where cloud_RoleInstance matches regex @'^ca-web--wb1-abcdef(-[0-9a-z]+-[0-9a-z]+)?$' or "
            "application_Version == 'ca-web--wb1-abcdef' | summarize value = percentilew(duration, itemCount, 95), "
            "samples = sum(itemCount)"
        ),
        (
            "AppRequests | where AppRoleInstance matches regex @'^ca-web--wb1-abcdef(-[0-9a-z]+-[0-9a-z]+)?$' or "
            "AppVersion == 'ca-web--wb1-abcdef' | summarize value = percentilew(DurationMs, ItemCount, 50), "
            "samples = sum(ItemCount)"
        ),
    ]


@pytest.mark.parametrize(
    ("instance", "ours"),
    [
        ("ca-web--v1-7fdbf895c6-rh65t", True),  # the form of a replica's name: Get-AzContainerAppRevisionReplica
        ("ca-web--v1", True),
        ("ca-web--v1-2-7fdbf895c6-rh65t", False),
        ("ca-web--v12-7fdbf895c6-rh65t", False),
        ("my-ca-web--v1-7fdbf895c6-rh65t", False),
        ("ca-web--v1-7fdbf895c6", False),
    ],
)
def test_a_replica_belongs_to_its_own_revision_and_to_no_other_whose_name_begins_like_it(
    instance: str,
    ours: bool,  # noqa: FBT001 - a case
) -> None:
    pattern = re.search(r"@'(.*)' or", durations("appinsights", "ca-web--v1", 95))
    assert pattern
    assert bool(re.fullmatch(pattern[1], instance)) is ours


@pytest.mark.parametrize(
    ("body", "reading"),
    [
        (table([0, 0]), Reading(value=0.0, samples=0)),
        (table([-3.5, 7]), Reading(value=-3.5, samples=7)),
        (table(["12.50", "7"]), Reading(value=12.5, samples=7)),  # a KQL decimal is written as text
        (table([None, 0]), Reading(value=None, samples=0)),
        (table(["NaN", 0]), Reading(value=None, samples=0)),
        (table(["Infinity", None]), Reading()),
        (table([10**400, 1]), Reading(value=None, samples=1)),
        (table(), Reading()),
        (table([5], columns=("Value",)), Reading(value=5.0)),
        (table([1, 5, "x"], columns=("samples", "value", "more")), Reading(value=5.0, samples=1)),
    ],
)
async def test_an_answer_is_a_number_how_many_it_rests_on_or_neither(body: object, reading: Reading) -> None:
    assert await answered(body) == reading


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (table([1], columns=("count_",)), Refused, "query: expected a column value, found none among 1"),
        (table([1, 2], [3, 4]), Refused, "query: expected one row, found 2"),
        (table(["hunter2", 1]), Refused, "query: value: expected a number, found another value"),
        (table([True, 1]), Refused, "query: value: expected a number, found another value"),
        (table([1, {}]), Refused, "query: samples: expected a number, found another value"),
        (table([1]), Refused, "query: expected one row, found 1"),
        (
            table([1, 2], error={"code": "PartialError", "message": "hunter2"}),
            Retry,
            "expected the whole answer, found a part of it (PartialError)",
        ),
        ({"tables": []}, Retry, "expected a table, found another answer"),
        ({"tables": [{"columns": 1, "rows": []}]}, Retry, "expected a table, found another answer"),
        ({}, Retry, "expected a table, found another answer"),
        ([], Retry, "expected a readable answer, found 200 with another body"),
        (b"<html>", Retry, "expected a readable answer, found 200 with another body"),
        (b" " * 300_000, Refused, "127.0.0.1: expected at most 262144 bytes, found more"),
    ],
)
async def test_an_answer_that_is_no_number_is_said_without_its_body(
    body: object, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        await answered(body)
    assert str(caught.value).removeprefix("logs: failed-payments: ") == said


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (403, Refused), (404, Refused), (429, Retry), (504, Retry)]
)
async def test_a_refusal_is_told_by_its_code_alone(status: int, kind: type[Exception]) -> None:
    """The shape of a 400: the code outside says BadArgumentError, what Kusto says is further in."""
    body = {"error": {"code": "BadArgumentError", "message": "hunter2", "innererror": {"message": "Pay_CL"}}}
    async with azure(Answer(status, body)) as (server, logs, _):
        with pytest.raises(kind, match=rf"^logs: failed-payments: expected success, found {status} BadArgumentError$"):
            await ask(logs)
    assert len(server.asked) == 1


async def test_a_redirect_is_not_followed_so_the_token_goes_nowhere_else() -> None:
    async with azure(Answer(307, None, {"Location": "https://elsewhere.test/query"})) as (server, logs, _):
        with pytest.raises(Refused, match="found 307"):
            await ask(logs)
    assert len(server.asked) == 1


async def test_silence_and_a_broken_connection_are_no_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.logs._WITHIN", 0.2)
    for answer in (SILENT, CUT):
        async with azure(answer) as (_, logs, _):
            with pytest.raises(Retry, match="logs: failed-payments: expected an answer"):
                await ask(logs)


async def test_without_a_token_nothing_is_asked() -> None:
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - as the product imports it

    async with azure(Answer(200, table([1, 1]))) as (server, _, _):
        failing = FakeCredential(ClientAuthenticationError("hunter2"))
        logs = Logs(settings(logs=server.url), lambda: failing)
        with pytest.raises(Retry, match="expected a token, found ClientAuthenticationError"):
            await ask(logs)
        await logs.close()
    assert server.asked == []


@pytest.mark.parametrize("revision", ["x' or 1 == 1 //", "", "a b", "ca-web--v1'", "Ünicode", "-", "x\n"])
async def test_what_is_no_name_of_a_revision_never_reaches_a_query(revision: str) -> None:
    async with azure(Answer(200, table([1, 1]))) as (server, logs, _):
        with pytest.raises(Refused, match="expected the name of an app and of a revision, found another text"):
            await logs.ask(PAYMENTS, APP, revision, None, SINCE, UNTIL)
    assert server.asked == []


async def test_many_are_asked_at_once() -> None:
    async with azure(Answer(200, table([1, 1]))) as (server, logs, _):
        await asyncio.gather(*(ask(logs) for _ in range(10)))
    assert len(server.asked) == 10
