"""The queries of infra/queries ask for what the code emits, and the alerts for what the queries answer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from delivery import names, telemetry
from scripts.check_infra.bicep import read
from scripts.check_infra.values import Fields, Items, Plain
from tests.source import ROOT, modules, text

QUERIES = sorted((ROOT / "infra" / "queries").glob("*.kql"))
ALERTS = ROOT / "infra" / "modules" / "alerts.bicep"
# Columns of Application Insights' own tables: learn.microsoft.com/azure/azure-monitor/reference/tables (apptraces,
# apprequests, appexceptions, appmetrics, under the names they have where the component itself is asked).
COLUMNS = {
    "traces": {"timestamp", "message"},
    "requests": {"timestamp", "name", "success"},
    "exceptions": {"timestamp", "operation_Name", "problemId", "outerMessage"},
    "customMetrics": {"timestamp", "name", "valueMax", "valueSum", "valueCount", "customDimensions"},
}
KQL = {
    *(
        "where",
        "in",
        "and",
        "or",
        "has",
        "contains",
        "startswith",
        "summarize",
        "project",
        "extend",
        "order",
        "by",
        "asc",
        "desc",
    ),
    *("union", "true", "false", "count", "dcount", "bin", "ago", "sum", "max", "any", "case", "tostring"),
}


def query(path: Path) -> str:
    """Without its comments."""
    return "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("//"))


def texts(path: Path) -> list[str]:
    return re.findall(r'"([^"]*)"', query(path))


@pytest.fixture(scope="module")
def functions() -> set[str]:
    found = (path.read_text(encoding="utf-8") for path in (ROOT / "handlers").glob("*.py"))
    return {name for source in found for name in re.findall(r'function_name\("(\w+)"\)', source)}


@pytest.fixture(scope="module")
def logged() -> list[str]:
    """Every text that is logged, as one whose `%s` could be anything."""
    found = (path.read_text(encoding="utf-8") for path in modules())
    return [said for source in found for said in re.findall(r'log\.\w+\(\s*"([^"]+)"', source)]


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_every_query_says_what_it_tells_and_reads_columns_that_there_are(path):
    assert path.read_text(encoding="utf-8").startswith("// ")
    bare = re.sub(r'"[^"]*"', "", query(path))
    tables = [table for table in COLUMNS if re.search(rf"\b{table}\b", bare)]
    assert tables
    made = set(re.findall(r"\b(\w+) = ", bare)) | {"timestamp"}
    words = set(re.findall(r"\b[a-zA-Z_]\w*", re.sub(r"\b\d+[dhm]\b", "", bare)))
    known = KQL | made | set(COLUMNS) | {column for table in tables for column in COLUMNS[table]}
    assert words <= known, words - known


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_functions_are_asked_for_by_names_that_they_have(path, functions):
    if "requests" not in query(path):
        return
    for asked in re.findall(r"name in \(([^)]*)\)", query(path)):
        assert set(re.findall(r'"(\w+)"', asked)) <= functions


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_numbers_and_their_attributes_are_those_that_are_recorded(path):
    if "customMetrics" not in query(path):
        return
    [number] = re.findall(r'name == "([^"]+)"', query(path))
    assert number in telemetry.INSTRUMENTS
    recorded = "\n".join(text(f"delivery/{name}.py") for name in ("telemetry", "outbox"))
    for attribute in re.findall(r'customDimensions\["(\w+)"\]', query(path)):
        assert re.search(rf'"{attribute}":|\b{attribute}=', recorded)


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_what_is_looked_for_in_the_log_is_logged(path, logged):
    filled = [said.replace("%s", "…").replace("%d", "…") for said in logged]
    filled += [said.replace("…", source, 1) for said in filled for source in SOURCES if said.startswith("…")]
    for start in re.findall(r'message startswith "([^"]+)"', query(path)):
        assert any(said.startswith(start) for said in filled), start
    for part in set(re.findall(r'message (?:has|contains) "([^"]+)"', query(path))) - {"ca-web"}:
        assert any(part in said for said in filled), part


# What `hearing.hear` is told that it hears by, from where it is called.
SOURCES = [
    found.replace("{names.EVENTS}", names.EVENTS)
    for name in ("events", "acr_webhook")
    for found in re.findall(r'hearing\.hear(?:_event)?\(\w+(?:\(\))?, f?"([^"]+)"', text(f"handlers/{name}.py"))
]


def test_each_alert_measures_a_column_that_its_query_answers_as_one_row():
    rules = read(ALERTS, "alerts").variables["rules"]
    assert isinstance(rules, Items)
    sources = re.findall(r"loadTextContent\('../queries/(\w+)\.kql'\)", ALERTS.read_text(encoding="utf-8"))
    assert len(sources) == len(rules.items)
    for source, rule in zip(sources, rules.items, strict=True):
        assert isinstance(rule, Fields)
        said = {key: one.literal for key, one in rule.fields.items() if isinstance(one, Plain)}
        last = query(ROOT / "infra" / "queries" / f"{source}.kql").strip().splitlines()[-1]
        assert last.startswith(f"| summarize {said['column']} = ")
        assert " by " not in last  # without groups there is always a row, so that none can be seen too
        assert said["name"] == source


def test_the_workbook_has_every_query_once():
    loaded = re.findall(r"loadTextContent\('../queries/([\w-]+\.kql)'\)", text("infra/modules/workbook.bicep"))
    assert sorted(loaded) == [path.name for path in QUERIES]


def test_the_page_for_on_call_names_every_query_and_no_other():
    named = re.findall(r"\(\.\./infra/queries/([\w-]+\.kql)\)", text("docs/operating.md"))
    assert sorted(named) == [path.name for path in QUERIES]


def test_requests_which_alerts_lean_on_are_never_sampled():
    assert re.search(r'"excludedTypes": "[^"]*\bRequest\b', text("host.json"))
