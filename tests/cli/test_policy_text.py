"""Rows as text: what is exported is read back as it was, and what a plan changes is shown, cell by cell."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import policy_table
from cli.policy_plan import as_text, faults, plan, repeated
from cli.policy_table import Stored
from cli.policy_text import as_yaml, cells, differ
from cli.rows_file import read_rows
from policies.cells import EXAMPLES
from policies.entities import Entity

WEB = "contoso.azurecr.io|shop|web"
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(str.strip)
COLUMNS = st.dictionaries(st.sampled_from(sorted(set(EXAMPLES) - {"Status"})) | st.just("_why"), TEXT, max_size=6)


@given(st.lists(COLUMNS, max_size=3))
def test_what_is_exported_is_read_back_to_the_letter(tmp_path_factory, rows):
    file = tmp_path_factory.mktemp("rows") / "rows.yaml"
    written = [(WEB, f"row-{place}", cells(columns)) for place, columns in enumerate(rows)]
    file.write_text(as_yaml(written), encoding="utf-8")
    assert [(row.partition, row.key, dict(row.columns)) for row in read_rows(str(file))] == written


def test_columns_stand_in_the_order_of_the_reference_and_status_is_left_out():
    found = cells({"_why": "x", "Zz": "1", "note": "n", "Status": "ok", "tags": "semver", "App": "a/b", "Keep": " "})
    assert list(found.items()) == [("App", "a/b"), ("Tags", "semver"), ("Note", "n"), ("Zz", "1"), ("_why", "x")]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"Mode": True}, {"Mode": "on"}),
        ({"Mode": False}, {"Mode": "off"}),
        ({"Note": 7}, {"Note": "7"}),
        ({"App": None}, {}),
    ],
)
def test_every_cell_becomes_text(columns, text):
    assert cells(columns) == text
    assert differ(columns, text) == bool(text)  # what was no text is written as one


def stored(key: str, partition: str = WEB, **columns: object) -> Stored:
    return Stored(partition=partition, key=key, columns=columns, etag=f"W/\"datetime'{key}'\"")


def wanted(key: str, partition: str = WEB, **columns: object) -> Entity:
    return Entity(partition=partition, key=key, columns=columns)


def test_only_what_differs_changes_and_what_a_registry_shares_goes_first():
    table = [
        stored("same", App="rg/ca-b", Status="ok"),
        stored("edited", App="rg/ca-b", Steps="quick", Note=5, Status="ok: takes 40 m"),
        stored("old", App="rg/ca-c"),
        stored("elsewhere", "fabrikam.azurecr.io|x", App="rg/ca-d"),
    ]
    rows = [
        wanted("edited", App="rg/ca-b", Tags="semver", Note="5"),
        wanted("same", app="rg/ca-b"),
        wanted("defaults", "contoso.azurecr.io|*", Notify="none"),
    ]
    changes = plan(table, rows, prune=True)
    assert as_text(changes, len(rows)).splitlines() == [
        "+ contoso.azurecr.io|*/defaults",
        "    + Notify: none",
        f"~ {WEB}/edited",
        "    + Tags: semver",
        "    - Note: 5 (int, not text)",
        "    + Note: 5",
        "    - Steps: quick",
        f"- {WEB}/old",
        "1 new, 1 changed, 1 deleted, 1 as they are",
    ]
    assert changes[1].columns == {"App": "rg/ca-b", "Tags": "semver", "Note": "5", "Status": "ok: takes 40 m"}
    assert [change.key for change in plan(table, rows, prune=False)] == ["defaults", "edited"]


def test_a_row_is_held_against_the_table_and_no_other_row_may_suffer():
    staging = stored("staging", App="rg/ca-b")
    table = [staging, stored("production", App="rg/ca-c", After="staging"), stored("broken", App="rg/ca-d", Steps="5")]
    good = [wanted("canary", App="rg/ca-e", After="staging")]
    assert faults(table, good, plan(table, good, prune=False)) == []
    bad = [wanted("canary", App="rg/ca-e", Tags="semver: >>1", After="nobody")]
    said = faults(table, bad, plan(table, bad, prune=False))
    assert [one.split(": ")[:2] for one in said] == [[f"{WEB}/canary", "Tags"]]
    only = [wanted("production", App="rg/ca-c", After="staging")]
    said = faults(table, only, plan(table, only, prune=True))
    assert [one.split(": ")[:2] for one in said] == [[f"{WEB}/production", "After"]]
    alone = [wanted("canary", App="rg/ca-e")]
    gone = [change for change in plan(table, alone, prune=True) if change.key == "staging"]
    assert [one.split(": ")[:2] for one in faults(table, alone, gone)] == [[f"{WEB}/production", "After"]]


def test_rows_that_stand_there_twice_are_named():
    rows = [wanted("a", App="rg/ca-b"), wanted("a", App="rg/ca-c"), wanted("b", App="rg/ca-c")]
    assert repeated(rows) == [f"{WEB}/a: RowKey: expected one row of these keys, found more in these files"]


def test_az_commands_are_quoted_conditional_and_write_text():
    row = stored("production", App="rg/ca-b")
    columns = {"App": "a/b", "Tags": "semver: >=1.4 <2", "Note": "it's 5", "Container": "5"}
    insert = shlex.split(policy_table.as_az(WEB, "production", columns))
    assert insert[:4] + insert[4:6] == ["az", "storage", "entity", "insert", "--if-exists", "fail"]
    pairs = insert[insert.index("--entity") + 1 :]
    assert dict(pair.split("=", 1) for pair in pairs) == {
        "PartitionKey": WEB,
        "RowKey": "production",
        **columns,
        "Container@odata.type": "Edm.String",
    }
    replace = shlex.split(policy_table.replace_as_az(row, columns))
    assert replace[3:6] == ["replace", "--if-match", row.etag]
    delete = shlex.split(policy_table.delete_as_az(row))
    assert delete[3:6] == ["delete", "--if-match", row.etag]
    assert delete[-4:] == ["--partition-key", WEB, "--row-key", "production"]


def test_a_sample_is_what_its_export_is(tmp_path):
    for sample in sorted(Path("policies/samples").glob("*.yaml")):
        rows = read_rows(str(sample))
        file = tmp_path / "again.yaml"
        file.write_text(as_yaml((row.partition, row.key, cells(row.columns)) for row in rows), encoding="utf-8")
        assert [(row.partition, row.key, row.columns) for row in read_rows(str(file))] == [
            (row.partition, row.key, row.columns) for row in rows
        ]


def test_a_cell_of_blanks_is_no_cell_and_no_change():
    stored = {"App": "a/b", "Note": "  ", "Tags": "", "Status": "ok"}
    assert not differ(stored, cells(stored))
