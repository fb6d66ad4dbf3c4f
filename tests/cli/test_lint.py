"""`weighbridge lint` reads what tools export, names every problem, and says by its exit code whether all is fine."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from cli.__main__ import main

ROOT = Path(__file__).parents[2]
GOOD = {"PartitionKey": "contoso.azurecr.io|shop|web", "RowKey": "production", "App": "rg-shop/ca-web"}
BAD = {**GOOD, "RowKey": "staging", "Steps": "5,25,50", "Stepz": "x"}
STAGING = "contoso.azurecr.io|shop|web/staging"
MEANT = "5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m"
SAID = [
    f'{STAGING}: Stepz: expected a column of the reference, found "Stepz"; did you mean "Steps"?',
    f'{STAGING}: Steps: expected "N% for D", found "5,25,50"; did you mean "{MEANT}"?',
]


def lint(tmp_path: Path, name: str, text: str, capsys, *more: str) -> tuple[int, list[str], str]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    code = main(["lint", str(file), *more])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err.replace(str(file), name)


FORMS = {
    "rows.json": json.dumps([GOOD, BAD]),
    "az.json": json.dumps(
        {"items": [GOOD, {**BAD, "Timestamp": "2026-11-24T09:00:00Z", "etag": 'W/"1"'}], "nextMarker": {}}
    ),
    "odata.json": json.dumps({"odata.metadata": "x", "value": [GOOD, {**BAD, "odata.etag": "W/1"}]}),
    "explorer.csv": (
        "\ufeffPartitionKey,RowKey,Timestamp,App,App@type,Steps,Steps@type,Stepz\r\n"
        "contoso.azurecr.io|shop|web,production,2026-11-24T09:00:00Z,rg-shop/ca-web,Edm.String,,,\r\n"
        'contoso.azurecr.io|shop|web,staging,2026-11-24T09:00:00Z,rg-shop/ca-web,Edm.String,"5,25,50",Edm.String,x\r\n'
    ),
    "rows.yaml": (
        "- {PartitionKey: contoso.azurecr.io|shop|web, RowKey: production, App: rg-shop/ca-web}\n"
        "- PartitionKey: contoso.azurecr.io|shop|web   # a note\n"
        "  RowKey: staging\n  App: rg-shop/ca-web\n  Steps: 5,25,50\n  Stepz: x\n"
    ),
}


@pytest.mark.parametrize(("name", "text"), FORMS.items(), ids=FORMS)
def test_every_form_of_a_table_is_read_alike(tmp_path, capsys, name, text):
    code, lines, _ = lint(tmp_path, name, text, capsys)
    assert code == 1
    assert "contoso.azurecr.io|shop|web/production: ok: takes 40 m" in lines
    assert sorted(line for line in lines if "staging" in line) == sorted(SAID)
    assert lines[-1] == "2 rows: 1 broken: nothing ships from those"


def test_the_samples_are_fine(capsys):
    code = main(["lint", *map(str, sorted((ROOT / "policies" / "samples").glob("*.yaml")))])
    out = capsys.readouterr().out
    assert code == 0, out
    assert out.splitlines()[-1] == "11 rows: all fine"


def test_a_cell_that_a_tool_made_a_number_is_seen(tmp_path, capsys):
    typed = {**GOOD, "Keep@odata.type": "Edm.Int64", "Keep": "30"}
    _, lines, _ = lint(tmp_path, "typed.json", json.dumps([typed]), capsys)
    assert lines[0].endswith(': Keep: expected text as in "1h", found the number 30; did you mean "30m"?')


def test_problems_between_rows_are_found(tmp_path, capsys):
    rows = [{**GOOD, "After": "stagin"}, {**GOOD, "RowKey": "staging", "App": "rg-shop/ca-stg"}]
    code, lines, _ = lint(tmp_path, "rows.json", json.dumps(rows), capsys)
    assert code == 1
    assert 'After: expected policies of shop/web: staging, found "stagin"; did you mean "staging"?' in lines[0]


def test_two_rows_of_one_key_are_both_broken(tmp_path, capsys):
    code, lines, _ = lint(tmp_path, "rows.json", json.dumps([GOOD, GOOD]), capsys)
    assert code == 1
    assert [line for line in lines if "RowKey: expected one row of these keys" in line] == lines[:2]


def test_a_slash_in_a_key_is_read_as_a_bar_and_noted(tmp_path, capsys):
    slashed = {**GOOD, "PartitionKey": "contoso.azurecr.io/shop/web"}
    code, lines, err = lint(tmp_path, "rows.json", json.dumps([slashed]), capsys)
    assert (code, lines[0]) == (0, "contoso.azurecr.io|shop|web/production: ok: takes 40 m")
    assert "a table takes |" in err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rows.json", "[{]", "rows.json: line 1, column 3: expected JSON"),
        ("rows.json", '["x"]', "rows.json: entity 1: expected columns with their cells, found str"),
        ("rows.json", '[{"RowKey": "x"}]', "rows.json: entity 1: expected a PartitionKey, found"),
        ("rows.yaml", "- a: [", "rows.yaml: line 2, column 1: expected YAML: "),
        ("rows.yaml", "text", "rows.yaml: expected a list of rows, found str"),
        ("rows.csv", 'PartitionKey,RowKey\n"a', "rows.csv: line 2: expected CSV"),
        ("rows.csv", "PartitionKey,RowKey\na,b,c\n", "rows.csv: line 2: expected 2 cells, as the header has, found 3"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_exits_2(tmp_path, capsys, name, text, said):
    code, lines, err = lint(tmp_path, name, text, capsys)
    assert (code, lines) == (2, [])
    assert err.startswith(said)


def test_a_file_that_is_not_there_exits_2(tmp_path, capsys):
    assert main(["lint", str(tmp_path / "none.json")]) == 2
    assert "expected a file of rows, found none (No such file or directory)" in capsys.readouterr().err


def test_standard_input_is_read_by_how_it_begins(monkeypatch, capsys):
    for text in FORMS.values():
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert main(["lint", "-"]) == 1
        assert "2 rows: 1 broken" in capsys.readouterr().out


def test_json_holds_every_part_of_every_problem(tmp_path, capsys):
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([GOOD, BAD]))
    assert main(["lint", "--json", str(file)]) == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert (good["status"], good["problems"]) == ("ok: takes 40 m", [])
    assert bad["problems"][0]["hint"] == "Steps"
    assert bad["problems"][0]["text"] in SAID[0]
