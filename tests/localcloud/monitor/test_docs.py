"""What docs/localcloud-monitor.md says of KQL and PromQL is so, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localcloud.monitor.prometheus_store import labels
from tests.localcloud.monitor.monitors import monitor
from tests.localcloud.monitor.test_prometheus import ask

PAGE = (Path(__file__).parents[3] / "docs" / "localcloud-monitor.md").read_text(encoding="utf-8")
_CELLS = re.compile(r"(?<!\\)\|")


def rows(section: str, heading: str) -> list[list[str]]:
    """Cells of the table that begins with this heading, in this section, without their code marks."""
    part = PAGE.partition(f"# {section}\n")[2].partition(f"| {heading} |")[2]
    lines = part.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("\\|", "|").strip("`") for cell in _CELLS.split(line)[1:-1]] for line in lines]


@pytest.mark.parametrize("example", [row[1] for row in rows("KQL", "Taken")])
async def test_kql_that_is_taken_is_answered(tmp_path: Path, example: str) -> None:
    async with monitor(tmp_path) as it:
        answer = await it.query(example)
        assert answer.status == 200, answer.body


@pytest.mark.parametrize(("example", "named"), [(row[1], row[2]) for row in rows("KQL", "Refused")])
async def test_kql_that_is_refused_is_named(tmp_path: Path, example: str, named: str) -> None:
    async with monitor(tmp_path) as it:
        answer = await it.query(example)
        assert (answer.status, answer.body["error"]["innererror"]["code"]) == (400, "NotSupportedByLocalCloud")
        assert named in answer.body["error"]["innererror"]["message"]


@pytest.mark.parametrize("example", [row[1] for row in rows("PromQL", "Taken")])
async def test_promql_that_is_taken_is_answered(tmp_path: Path, example: str) -> None:
    async with monitor(tmp_path) as it:
        answer = await ask(it, query=example)
        assert answer.status == 200, answer.body


@pytest.mark.parametrize(("example", "named"), [(row[1], row[2]) for row in rows("PromQL", "Refused")])
async def test_promql_that_is_refused_is_named(tmp_path: Path, example: str, named: str) -> None:
    async with monitor(tmp_path) as it:
        it.monitor.prometheus_store.series[labels("containerapp_replicas")].add(it.cloud.clock.now().timestamp(), 1)
        answer = await ask(it, query=example)
        assert answer.status == 400
        assert f"found {named}" in answer.body["error"]


def test_the_page_has_its_tables() -> None:
    found = [len(rows(section, heading)) for section in ("KQL", "PromQL") for heading in ("Taken", "Refused")]
    assert min(found) > 5


async def test_every_metric_of_the_page_is_scraped(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        name = await it.cloud.create()
        it.cloud.plane.totals = {name: {"200": 1}}
        row = {"AppRoleName": "", "AppRoleInstance": "", "ResultCode": "", "ItemCount": 1, "DurationMs": 1}
        it.monitor.take([{**row, "TimeGenerated": it.cloud.clock.now()}])
        await it.monitor.prometheus_store.scrape()
        told = {word for cells in rows("PromQL", "Metric") for word in re.findall(r"[a-z_]{4,}", cells[0])}
        scraped = {value for key in it.monitor.prometheus_store.series for label, value in key if label == "__name__"}
        assert {name for name in told if not name.startswith("_")} <= scraped
        assert len(scraped) == 7
