"""What Defender for Containers found, out of Azure Resource Graph, over the same way to ARM as everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cloud.arm import READ_WITHIN
from cloud.http import asking, of_answer, parsed
from delivery.errors import Retry

if TYPE_CHECKING:
    from cloud.arm import Arm
    from delivery.settings import Defender

_PATH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
_PAGE = 1000  # the most rows that one answer holds
_MOST_PAGES = 20
# Of an assessment's rows those that name the digest. The documentation and its sample spell the fields of
# `artifactDetails` differently, so they are not named here; the adapter looks again at what a row is about.
QUERY = """securityresources
| where type =~ "microsoft.security/assessments/subassessments"
| where tolower(extract(@"(?i)/providers/Microsoft.Security/assessments/([^/]+)", 1, id)) in ({keys})
| where tostring(properties.additionalData.artifactDetails) contains "{digest}"
| project id, properties
| order by id asc"""


class ResourceGraph:
    """`delivery.ports.Assessments`. The identity needs to read the registry's subscription as Security Reader does."""

    def __init__(self, arm: Arm, defender: Defender | None) -> None:
        self._arm = arm
        self._query = defender.query if defender and defender.query else QUERY
        self._keys = ", ".join(f'"{key}"' for key in (defender.keys if defender else ()))

    async def sub_assessments(self, registry: str, digest: str) -> list[Mapping[str, object]]:
        """Every row of one image: 1 POST a page of 1000 rows. Answers only some of the rows by no means."""
        where = f"Azure Resource Graph: {registry}: {digest[:19]}"
        query = self._query.replace("{keys}", self._keys).replace("{digest}", digest)
        rows: list[Mapping[str, object]] = []
        token: object = None
        for _ in range(_MOST_PAGES):
            body = await self._page(where, query, token)
            rows += _rows(where, body)
            token = body.get("$skipToken")
            if not token:
                return _whole(where, body, rows)
        raise Retry(f"{where}: expected at most {_MOST_PAGES * _PAGE} rows, found more")

    async def _page(self, where: str, query: str, token: object) -> Mapping[str, object]:
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - not on the way of a cold start

        options = {"resultFormat": "objectArray", "$top": _PAGE} | ({"$skipToken": token} if token else {})
        request = HttpRequest("POST", _PATH, json={"query": query, "options": options})
        with asking(where):
            async with asyncio.timeout(READ_WITHIN):
                answer = await self._arm.send(request)
        body = parsed(answer.content)
        if answer.status_code != 200 or not isinstance(body, Mapping):  # noqa: PLR2004 - HTTP's own number
            raise of_answer(where, answer.status_code, answer.headers, body, wrote=False)
        return body


def _rows(where: str, body: Mapping[str, object]) -> list[Mapping[str, object]]:
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise Retry(f"{where}: expected a list of rows, found another shape")
    return rows


def _whole(where: str, body: Mapping[str, object], rows: list[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The rows, if they are as many as the answer counts: some of an image's findings are not its findings."""
    total = body.get("totalRecords")
    if str(body.get("resultTruncated")).lower() == "true" or (isinstance(total, int) and total > len(rows)):
        raise Retry(f"{where}: expected {total} rows, found {len(rows)}")
    return rows
