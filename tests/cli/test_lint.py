"""`weighbridge lint`: files as people and tools write them in, every problem of every row out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import Answer, feed, run

WEB = "contoso.azurecr.io|shop|web"
GOOD = {"PartitionKey": WEB, "RowKey": "production", "App": "rg-shop/ca-web"}
FINE = f"{WEB}/production: ok: takes 40 m\n1 row: all fine\n"
STEPS = "5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m"
SAMPLES = sorted((Path(__file__).parents[2] / "policies" / "samples").glob("*.yaml"))


@pytest.fixture
def lint(tmp_path, capsys):
    def check(content: str | bytes, name: str = "rows.json", *more: str) -> Answer:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        answer = run(capsys, "lint", path, *more)
        return Answer(code=answer.code, out=answer.out, err=answer.err.replace(f"{tmp_path}/", ""))

    return check


# What `az storage entity query -o json` prints (azure-cli, command_modules/storage/_transformers.py: `items`, and the
# keys that its table leaves out) for a table of this row.
AZ = {"items": [{**GOOD, "Timestamp": "2026-11-24T09:00:00+00:00", "etag": "W/\"datetime'2026'\""}], "nextMarker": {}}
ODATA = {
    "odata.metadata": "https://x.table.core.windows.net/$metadata#policies",
    "value": [{**GOOD, "odata.etag": 'W/"1"', "Timestamp@odata.type": "Edm.DateTime", "Timestamp": "2026-11-24"}],
}
WRAPPED = [{**GOOD, "App": {"value": "rg-shop/ca-web", "type": "Edm.String"}, "etag": "x"}]
# The header of Azure Storage Explorer's export; each column is followed by its type.
CSV = (
    "PartitionKey,RowKey,Timestamp,App,App@type,Tags,Tags@type\r\n"
    f"{WEB},production,2026-11-24T09:00:00Z,rg-shop/ca-web,Edm.String,,\r\n"
)
YAML = f"# a comment\n- PartitionKey: {WEB}\n  RowKey: production\n  App: rg-shop/ca-web\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.json", json.dumps([GOOD])),
        ("rows.json", json.dumps(GOOD)),
        ("rows.json", json.dumps({"rows": [GOOD]})),
        ("rows.json", json.dumps(AZ)),
        ("rows.json", json.dumps(ODATA)),
        ("rows.json", json.dumps(WRAPPED)),
        ("rows.csv", CSV),
        ("rows.csv", b"\xef\xbb\xbf" + CSV.encode()),
        ("rows.csv", CSV + ",,,,,,\r\n\r\n"),
        ("rows.yaml", YAML),
        ("rows.yml", YAML),
        ("export", json.dumps([GOOD], indent=1)),
        ("export", CSV),
        ("export", YAML),
        ("powershell.json", json.dumps(AZ).encode("utf-16")),
    ],
)
def test_every_form_of_a_good_row_is_read(lint, name, content) -> None:
    assert lint(content, name) == Answer(code=0, out=FINE, err="")


def test_standard_input_is_a_file_too(capsys, monkeypatch) -> None:
    feed(monkeypatch, json.dumps(AZ).encode())
    assert run(capsys, "lint", "-") == Answer(code=0, out=FINE, err="")


def test_several_files_are_one_table(tmp_path, capsys) -> None:
    defaults = "- {PartitionKey: contoso.azurecr.io|*, RowKey: defaults, Steps: quick}\n"
    (tmp_path / "defaults.yaml").write_text(defaults, encoding="utf-8")
    (tmp_path / "web.json").write_text(json.dumps([GOOD]), encoding="utf-8")
    answer = run(capsys, "lint", tmp_path / "web.json", tmp_path / "defaults.yaml")
    assert answer.out.splitlines() == [
        f"{WEB}/production: ok: takes 15 m",
        "contoso.azurecr.io|*/defaults: ok: shared by the registry's other rows",
        "2 rows: all fine",
    ]


def test_every_problem_of_every_row_is_said_and_good_rows_too(lint) -> None:
    broken = {**GOOD, "RowKey": "dev", "Stepz": "quick", "Steps": "5,25,50", "MinAge": 30, "Mode": "none"}
    answer = lint(json.dumps([broken, GOOD]))
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.splitlines() == [
        f'{WEB}/dev: Stepz: expected a column of the reference, found "Stepz"; did you mean "Steps"?',
        f'{WEB}/dev: MinAge: expected text as in "24h", found the number 30; did you mean "30m"?',
        f'{WEB}/dev: Steps: expected "N% for D", found "5,25,50"; did you mean "{STEPS}"?',
        f'{WEB}/dev: Mode: expected "on" or "observe" or "off", found "none"; did you mean "on"?',
        f"{WEB}/production: ok: takes 40 m",
        "2 rows: 1 broken: nothing ships from those",
    ]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"MinAge": {"edm_type": "Edm.Int64", "value": "30"}}, "found the number 30"),
        ({"MinAge": "30", "MinAge@odata.type": "Edm.Int64"}, "found the number 30"),
        ({"Mode": "x", "Mode@odata.type": "Edm.Boolean"}, 'found "x"'),
    ],
)
def test_a_number_in_any_wrapping_is_a_number(lint, cells, problem) -> None:
    answer = lint(json.dumps([{**GOOD, **cells}]))
    assert answer.code == 1
    assert problem in answer.out


def test_a_typed_cell_of_csv_is_what_its_type_says(lint) -> None:
    answer = lint(f"PartitionKey,RowKey,App,MinAge,MinAge@type\n{WEB},production,rg/app-a,30,Edm.Int32\n", "rows.csv")
    assert "MinAge: expected text as in" in answer.out


def test_a_slash_in_a_key_is_read_as_a_bar_and_said(lint) -> None:
    answer = lint(json.dumps([{**GOOD, "PartitionKey": "contoso.azurecr.io/shop/web"}]))
    note = f"note: {WEB}/production: its PartitionKey is written with / here; a table takes |\n"
    assert answer == Answer(code=0, out=FINE, err=note)


def test_rows_of_the_same_keys_are_both_wrong(lint) -> None:
    answer = lint(json.dumps([GOOD, GOOD]))
    assert answer.code == 1
    assert answer.out.count("RowKey: expected one row of these keys, found more in these files") == 2


def test_what_no_row_has_by_itself_is_said(lint) -> None:
    answer = lint(json.dumps([{**GOOD, "After": "stagging"}, {**GOOD, "RowKey": "staging", "App": "rg-stg/ca-web"}]))
    assert 'After: expected policies of shop/web: staging, found "stagging"; did you mean "staging"?' in answer.out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.json", '[{"a": 1,}]', "rows.json: line 1, column 10: expected JSON: "),
        ("rows.json", "[" * 100_000, "rows.json: expected JSON of rows, found one that is nested too deeply"),
        (
            "rows.json",
            "[1, 2]",
            "rows.json: entity 1: expected columns with their cells, found int\nrows.json: entity 2",
        ),
        ("rows.json", '[{"RowKey": "a"}]', 'rows.json: entity 1: expected a PartitionKey, found "RowKey"'),
        ("rows.json", "[{}]", "rows.json: entity 1: expected a PartitionKey, found no columns"),
        ("rows.json", '[{"App": "a", "App": "b"}]', 'expected every column once in a row, found "App" twice'),
        ("rows.json", "7", "rows.json: expected a list of rows, found int"),
        ("rows.json", f"[{'9' * 5000}]", "rows.json: Exceeds the limit"),
        ("rows.csv", 'PartitionKey,RowKey\n"a', "rows.csv: line 2: expected CSV: unexpected end of data"),
        ("rows.csv", "PartitionKey,RowKey\na,b,c\n", "rows.csv: line 2: expected 2 cells, as the header has, found 3"),
        ("rows.csv", "RowKey,RowKey\na,b\n", 'rows.csv: expected every column once in a row, found "RowKey" twice'),
        ("rows.csv", "App,Tags\na,b\n", 'rows.csv: line 2: expected a PartitionKey, found "App, Tags"'),
        ("rows.yaml", "- a: [1", "rows.yaml: line 2, column 1: expected YAML: did not find expected"),
        ("rows.yaml", "- Tags: semver: >=1", "rows.yaml: line 1, column 15: expected YAML: mapping values are not"),
        ("rows.yaml", "- App: a\n  App: b\n", 'rows.yaml: expected every column once in a row, found "App" twice'),
        ("rows.yaml", "[" * 100_000, "rows.yaml: line 1, column 1001: expected YAML: exceeded maximum nesting depth"),
        ("rows.yaml", "just a text", "rows.yaml: expected a list of rows, found str"),
    ],
)
def test_a_file_that_holds_no_rows_says_where_and_what(lint, name, content, said) -> None:
    answer = lint(content, name)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert len(answer.err) < 600


def test_parts_that_yaml_repeats_and_repeats_make_no_text(lint) -> None:
    """Forty lines, and a text of 2^40 letters if the last were asked what type it is."""
    doubled = "".join(f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    wrapped = "  App: {value: rg-shop/ca-web, edm_type: *a39}\n  Note: x\n  Note@type: *a39\n"
    answer = lint(
        f"x:\n  a0: &a0 [a]\n{doubled}items:\n- PartitionKey: {WEB}\n  RowKey: production\n{wrapped}", "r.yaml"
    )
    assert answer == Answer(code=0, out=FINE, err="")


def test_a_file_that_is_not_there_is_named(capsys) -> None:
    answer = run(capsys, "lint", "no-such-file.json")
    assert answer.code == 2
    assert answer.err == "no-such-file.json: expected a file of rows, found none (No such file or directory)\n"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00\x01\x02", b"", b"\xef\xbb\xbf", b"- \xff\xff: 1"])
def test_bytes_that_are_no_text_are_no_crash(lint, content) -> None:
    assert lint(content, "export").code in (0, 2)


def test_programs_read_the_same_as_json(lint) -> None:
    answer = lint(json.dumps([GOOD, {**GOOD, "RowKey": "b", "Tags": ">=1.4"}]), "rows.json", "--json")
    found: list[dict[str, Any]] = json.loads(answer.out)
    assert (answer.code, found[0]["status"], found[0]["problems"]) == (1, "ok: takes 40 m", [])
    assert found[1]["key"] == f"{WEB}/b"
    (problem,) = found[1]["problems"]
    assert (problem["column"], problem["found"], problem["hint"]) == ("Tags", '">=1.4"', "semver: >=1.4")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_can_be_read(capsys, path) -> None:
    assert run(capsys, "lint", path).code in (0, 1)
