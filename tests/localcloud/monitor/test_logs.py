"""The query API of Log Analytics: whom it answers, in which shape, over which rows, and how it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localcloud import identity
from tests.localcloud.monitor.monitors import LOGS, METRICS, Served, monitor

if TYPE_CHECKING:
    from pathlib import Path

COUNT = "AppRequests | summarize value = count()"


def requests(it: Served, *milliseconds: float, **more: Any) -> None:
    now = it.cloud.clock.now()
    row = {"TimeGenerated": now, "AppRoleInstance": "web--v1-7fdbf895c6-rh65t", "ItemCount": 1, "Success": True, **more}
    it.monitor.workspace.add("AppRequests", [{**row, "DurationMs": value} for value in milliseconds])


async def test_an_answer_is_a_table_of_typed_columns_and_rows(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        requests(it, 10, 20.5)
        answer = await it.query(
            "AppRequests | summarize value = max(DurationMs), samples = sum(ItemCount), n = count()"
        )

        assert answer.body == {
            "tables": [
                {
                    "name": "PrimaryResult",
                    "columns": [
                        {"name": "value", "type": "real"},
                        {"name": "samples", "type": "long"},
                        {"name": "n", "type": "long"},
                    ],
                    "rows": [[20.5, 2, 2]],
                }
            ]
        }


async def test_the_time_span_of_the_request_limits_the_rows(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        began = it.cloud.clock.now()
        requests(it, 1)
        it.cloud.clock.advance(timedelta(minutes=10))
        requests(it, 2, 3)
        now = it.cloud.clock.now()

        assert await it.rows(COUNT) == [[3]]
        assert await it.rows(COUNT, "PT5M") == [[2]]
        assert await it.rows(COUNT, f"{began.isoformat()}/{(now - timedelta(minutes=5)).isoformat()}") == [[1]]
        assert await it.rows("AppRequests | where TimeGenerated > ago(5m) | count") == [[2]]


async def test_a_row_is_seen_only_after_its_delay(tmp_path: Path) -> None:
    async with monitor(tmp_path, delay=120) as it:
        requests(it, 1)
        it.cloud.clock.advance(timedelta(seconds=119))
        assert await it.rows(COUNT) == [[0]]
        it.cloud.clock.advance(timedelta(seconds=2))
        assert await it.rows(COUNT) == [[1]]


async def test_a_percentile_counts_a_sampled_request_as_often_as_it_stands_for(tmp_path: Path) -> None:
    query = "AppRequests | summarize value = percentilew(DurationMs, ItemCount, 50), samples = sum(ItemCount)"
    async with monitor(tmp_path) as it:
        requests(it, 10, 20, 30)
        assert await it.rows(query) == [[20, 3]]
        requests(it, 100, ItemCount=10)
        assert await it.rows(query) == [[100, 13]]
        assert await it.rows(query.replace("AppRequests", "AppRequests | where DurationMs < 0")) == [[None, 0]]


async def test_the_component_knows_requests_by_their_older_names_and_the_workspace_by_its_own(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        requests(it, 7, ResultCode="500", Success=False)
        older = "requests | project duration, resultCode, success, cloud_RoleInstance"
        assert await it.rows(older, component=True) == [[7, "500", "False", "web--v1-7fdbf895c6-rh65t"]]
        assert (await it.query(older)).status == 400
        assert (await it.query("AppRequests | count", component=True)).status == 400


async def test_what_json_cannot_say_is_a_text(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        asked = (
            "print a = 1.0 / 0, b = 0.0 / 0, c = 1h + 2s, d = datetime(2026-01-02T03:04:05Z), e = toint('x'), f = 'ü'"
        )
        assert await it.rows(asked) == [["Infinity", "NaN", "01:00:02", "2026-01-02T03:04:05.000000Z", None, "ü"]]


@pytest.mark.parametrize(
    ("kql", "kind", "said"),
    [
        ("AppRequests | | take 1", "SyntaxError", "Query could not be parsed at '|' on line [1,"),
        ("Nope_CL | take 1", "SemanticError", "'take' operator: Failed to resolve table or column expression named"),
        (
            "AppRequests | where Nope == 1",
            "SemanticError",
            "'where' operator: Failed to resolve scalar expression named",
        ),
        ("apprequests | take 1", "SemanticError", "Failed to resolve scalar expression named 'apprequests'"),
        (
            "AppRequests | where durationms > 1",
            "SemanticError",
            "Failed to resolve scalar expression named 'durationms'",
        ),
        ("AppRequests | summarize value = sum(Name)", "SemanticError", "sum(VARCHAR)"),
        (".drop table AppRequests", "NotSupportedByLocalCloud", ".drop table AppRequests"),
    ],
)
async def test_a_query_that_cannot_be_answered_is_a_bad_argument_that_says_why(
    tmp_path: Path, kql: str, kind: str, said: str
) -> None:
    async with monitor(tmp_path) as it:
        answer = await it.query(kql)

        assert (answer.status, answer.body["error"]["code"]) == (400, "BadArgumentError")
        inner = answer.body["error"]["innererror"]
        assert inner["code"] == kind
        assert said in inner.get("innererror", inner)["message"]


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("", 401, "AuthenticationFailed"),
        ("Bearer nonsense", 403, "InvalidAuthenticationToken"),
        (f"Basic {identity.token(LOGS)}", 403, "InvalidAuthenticationToken"),
        (f"Bearer {identity.token(METRICS)}", 403, "InvalidAuthenticationTokenAudience"),
        (f"Bearer {identity.token(LOGS + '/')}", 200, None),
    ],
)
async def test_only_a_token_for_this_service_is_answered(
    tmp_path: Path, authorization: str, status: int, code: str | None
) -> None:
    async with monitor(tmp_path) as it:
        url = f"{it.logs}/v1/workspaces/{it.monitor.workspace_id}/query"
        headers = {"Authorization": authorization} if authorization else {}
        answer = await it.ask("POST", url, {"query": COUNT}, headers=headers)

        assert (answer.status, answer.body.get("error", {}).get("code")) == (status, code)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/workspaces/other/query", {"query": COUNT}, 404, "PathNotFoundError"),
        ("/v1/subscriptions/s/resourceGroups/g/providers/x/y/z/query", {"query": COUNT}, 404, "PathNotFoundError"),
        ("/v2/nothing", {}, 404, "PathNotFoundError"),
        ("/v1/workspaces/{id}/query", {}, 400, "BadArgumentError"),
        ("/v1/workspaces/{id}/query", [], 400, "BadArgumentError"),
        ("/v1/workspaces/{id}/query", {"query": COUNT, "timespan": "soon"}, 400, "BadArgumentError"),
        ("/v1/workspaces/{id}/query", {"query": COUNT, "workspaces": ["b"]}, 400, "BadArgumentError"),
    ],
)
async def test_a_request_that_is_none_is_refused(
    tmp_path: Path, path: str, body: object, status: int, code: str
) -> None:
    async with monitor(tmp_path) as it:
        url = f"{it.logs}{path.replace('{id}', it.monitor.workspace_id)}"
        answer = await it.ask("POST", url, body, audience=LOGS)

        assert (answer.status, answer.body["error"]["code"]) == (status, code)


async def test_what_is_older_than_six_hours_is_forgotten(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        requests(it, 1)
        assert await it.rows(COUNT) == [[1]]
        it.cloud.clock.advance(timedelta(hours=7))
        assert await it.rows(COUNT) == [[0]]
