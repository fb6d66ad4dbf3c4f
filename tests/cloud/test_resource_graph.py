"""Defender's rows, from a server that answers in the shape Azure Resource Graph documents (REST API 2022-10-01)."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from cloud.arm import Arm
from cloud.resource_graph import ResourceGraph
from delivery.errors import Refused, Retry
from delivery.settings import MDVM_KEY, Defender, SettingsError, read
from policies.scans.adapt import adapt
from tests.cloud.loopback import CUT, TOKEN, Answer, FakeCredential, Loopback, loopback, settings
from tests.policies.scans.reports import DEFENDER_ROW, DIGEST, REGISTRY, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/providers/Microsoft.ResourceGraph/resources"
OTHER_KEY = "11111111-2222-3333-4444-555555555555"
ON = Defender(keys=(MDVM_KEY,))


MORE: Any = {"$skipToken": "more"}


def page(*rows: object, total: int | None = None, **more: Any) -> Answer:
    count = len(rows)
    body = {"totalRecords": count if total is None else total, "count": count, "data": list(rows), "facets": []}
    return Answer(200, {**body, "resultTruncated": "false", **more})


@asynccontextmanager
async def azure(*answers: Answer, defender: Defender = ON) -> AsyncIterator[tuple[Loopback, ResourceGraph]]:
    async with loopback() as server:
        server.on("POST", PATH, *answers)
        arm = Arm(settings(arm=server.url), FakeCredential)
        try:
            yield server, ResourceGraph(arm, defender)
        finally:
            await arm.close()


async def test_the_rows_of_a_digest_are_one_question_to_the_arm_host() -> None:
    async with azure(page(DEFENDER_ROW)) as (server, graph):
        assert await graph.sub_assessments(REGISTRY, DIGEST) == [DEFENDER_ROW]

    [asked] = server.asked
    assert asked.target == f"{PATH}?api-version=2022-10-01"
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.json["options"] == {"resultFormat": "objectArray", "$top": 1000}
    query = str(asked.json["query"])
    assert f'in ("{MDVM_KEY}")' in query
    assert f'contains "{DIGEST}"' in query
    assert re.search(r"[{}]", query) is None


async def test_what_is_answered_is_what_the_adapter_reads() -> None:
    async with azure(page(DEFENDER_ROW)) as (_, graph):
        rows = await graph.sub_assessments(REGISTRY, DIGEST)
    data = adapt(rows, registry=REGISTRY, repository=REPOSITORY, digest=DIGEST)
    assert data["scanner"] == {"name": "defender", "adapter": "defender-arg/1"}


async def test_assessments_and_the_query_are_the_settings_to_choose() -> None:
    own = Defender(keys=(MDVM_KEY, OTHER_KEY), query="mine {keys} and {digest} and {digest}")
    async with azure(page(), defender=own) as (server, graph):
        assert await graph.sub_assessments(REGISTRY, DIGEST) == []

    assert server.asked[0].json["query"] == f'mine "{MDVM_KEY}", "{OTHER_KEY}" and {DIGEST} and {DIGEST}'


async def test_every_page_is_asked_for() -> None:
    first = page({"id": 1}, {"id": 2}, total=3, resultTruncated="true", **MORE)
    async with azure(first, page({"id": 3}, total=3)) as (server, graph):
        assert await graph.sub_assessments(REGISTRY, DIGEST) == [{"id": 1}, {"id": 2}, {"id": 3}]

    assert [a.json["options"] for a in server.asked] == [
        {"resultFormat": "objectArray", "$top": 1000},
        {"resultFormat": "objectArray", "$top": 1000, "$skipToken": "more"},
    ]


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (page({"id": 1}, total=2), Retry, "expected 2 rows, found 1"),
        (page({"id": 1}, resultTruncated="true"), Retry, "expected 1 rows, found 1"),
        (page({"id": 1}, **MORE), Retry, "expected at most 20000 rows, found more"),
        (Answer(200, {"data": {"columns": [], "rows": []}}), Retry, "expected a list of rows, found another shape"),
        (Answer(200, {"data": [1]}), Retry, "expected a list of rows, found another shape"),
        (Answer(200, {}), Retry, "expected a list of rows, found another shape"),
        (Answer(200, [1]), Retry, "expected a readable answer, found 200 with another body"),
        (Answer(200, b"<html>"), Retry, "expected a readable answer, found 200 with another body"),
        (Answer(429, {"error": {"code": "RateLimiting"}}), Retry, "expected success, found 429 RateLimiting"),
        (Answer(503), Retry, "expected success, found 503"),
        (Answer(403, {"error": {"code": "AuthorizationFailed"}}), Refused, "found 403 AuthorizationFailed"),
        (Answer(400, {"error": {"code": "BadRequest", "message": "hunter2"}}), Refused, "found 400 BadRequest"),
        (CUT, Retry, "expected an answer, found a broken connection"),
    ],
)
async def test_some_rows_or_no_answer_are_never_taken_for_all_rows(answer: Answer, error: type, text: str) -> None:
    async with azure(answer) as (_, graph):
        with pytest.raises(error) as raised:
            await graph.sub_assessments(REGISTRY, DIGEST)

    assert str(raised.value).startswith(f"Azure Resource Graph: {REGISTRY}: {DIGEST[:19]}: ")
    assert text in str(raised.value)
    assert "hunter2" not in str(raised.value)


# ---- its settings

SMALLEST = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "WEIGHBRIDGE_SUBSCRIPTION": "00000000-0000-0000-0000-000000000001",
}


@pytest.mark.parametrize(
    ("environ", "defender"),
    [
        ({}, None),
        ({"DEFENDER": "off"}, None),
        ({"DEFENDER": ""}, None),
        ({"DEFENDER": "On"}, Defender(keys=(MDVM_KEY,))),
        (
            {"DEFENDER": "on", "DEFENDER_KEYS": f"{MDVM_KEY.upper()}, {OTHER_KEY}"},
            Defender(keys=(MDVM_KEY, OTHER_KEY)),
        ),
        (
            {"DEFENDER": "on", "DEFENDER_QUERY": " q {digest} "},
            Defender(keys=(MDVM_KEY,), query="q {digest}"),
        ),
    ],
)
def test_it_is_off_unless_switched_on(environ: dict[str, str], defender: Defender | None) -> None:
    named: Any = {f"WEIGHBRIDGE_{name}": text for name, text in environ.items()}
    assert read({**SMALLEST, **named}).defender == defender


def test_every_wrong_setting_is_named_also_while_it_is_off() -> None:
    wrong = {"DEFENDER": "yes", "DEFENDER_KEYS": '") | take 1', "DEFENDER_QUERY": "securityresources"}
    with pytest.raises(SettingsError) as raised:
        read({**SMALLEST, **{f"WEIGHBRIDGE_{name}": text for name, text in wrong.items()}})
    said = str(raised.value).split("\n")
    assert said[0] == "WEIGHBRIDGE_DEFENDER: expected on or off, found 'yes'"
    assert said[1].startswith("WEIGHBRIDGE_DEFENDER_KEYS: expected assessment keys with a comma between, as in c0b7")
    assert said[-1].startswith("WEIGHBRIDGE_DEFENDER_QUERY: expected a query with {digest} in it, found 'security")
