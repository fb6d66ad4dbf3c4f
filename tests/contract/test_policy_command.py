"""`weighbridge policy` against real Table Storage code: what is written, what is not, and who wins a race."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, TableServiceClient, UpdateMode

from cli import policy_table
from tests.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.data.tables import TableClient

NUMBERS = itertools.count()
WEB = "contoso.azurecr.io|shop|web"
ROWS = f"""\
- PartitionKey: {WEB}
  RowKey: production
  App: rg-shop/ca-web
  Tags: 'semver: >=1.4 <2'
  Mode: 'on'

- PartitionKey: contoso.azurecr.io|*
  RowKey: defaults
  Notify: none
"""


@pytest.fixture
def table(azurite, monkeypatch) -> Iterator[TableClient]:
    """A table of the test's own, which is not there yet."""
    name = f"policies{next(NUMBERS)}"
    monkeypatch.setattr(policy_table, "POLICIES", name)
    monkeypatch.setenv("AzureWebJobsStorage", azurite.connection_string)
    monkeypatch.delenv("WEIGHBRIDGE_TABLES", raising=False)
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        yield service.get_table_client(name)


@pytest.fixture
def file(tmp_path) -> Callable[[str], str]:
    def write(text: str) -> str:
        (tmp_path / "rows.yaml").write_text(text)
        return str(tmp_path / "rows.yaml")

    return write


def row(table: TableClient, key: str = "production", partition: str = WEB) -> dict[str, Any]:
    found = dict(table.get_entity(partition, key))
    return {name: value for name, value in found.items() if name not in ("PartitionKey", "RowKey")}


def test_rows_are_applied_once_and_exported_as_they_were(table, file, capsys):
    answer = run(capsys, "policy", "apply", file(ROWS), "--yes")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[-2:] == ["2 new, 0 changed, 0 deleted, 0 as they are", "2 of 2 written"]
    assert row(table) == {"App": "rg-shop/ca-web", "Tags": "semver: >=1.4 <2", "Mode": "on"}

    before = table.get_entity(WEB, "production").metadata["etag"]
    again = run(capsys, "policy", "apply", file(ROWS), "--yes")
    assert (again.code, again.out) == (0, "0 new, 0 changed, 0 deleted, 2 as they are\n")
    assert table.get_entity(WEB, "production").metadata["etag"] == before
    exported = run(capsys, "policy", "export", "contoso.azurecr.io").out
    assert run(capsys, "policy", "apply", file(exported), "--yes").out.startswith("0 new, 0 changed")
    assert exported.split("\n\n")[1] == ROWS.split("\n\n", maxsplit=1)[0] + "\n"
    assert run(capsys, "policy", "export", "fabrikam.azurecr.io").out == ""


def test_a_table_that_is_not_there_is_empty_and_only_a_write_makes_it(table, file, capsys):
    assert run(capsys, "policy", "export").out == ""
    answer = run(capsys, "policy", "get", "contoso.azurecr.io/shop/web/production")
    assert (answer.code, answer.err) == (1, "contoso.azurecr.io/shop/web/production: there is no such row\n")
    dry = run(capsys, "policy", "apply", file(ROWS), "--dry-run", "--yes")
    assert (dry.code, dry.out.splitlines()[-1]) == (1, "nothing was written")
    assert "\n+ contoso" in "\n" + run(capsys, "policy", "apply", file(ROWS)).out
    with pytest.raises(ResourceNotFoundError):
        list(table.list_entities())


@pytest.mark.usefixtures("table")
def test_a_bad_row_keeps_all_of_them_out(file, capsys):
    bad = ROWS.replace("Notify: none", "Window: Mon-Fri 9-17")
    answer = run(capsys, "policy", "apply", file(bad), "--yes")
    assert (answer.code, answer.out) == (1, "")
    assert "contoso.azurecr.io|*/defaults: Window (defaults row): expected hours as in " in answer.err
    assert answer.err.endswith("nothing was written\n")


def test_cells_are_set_cleared_and_kept_and_status_is_the_services(table, file, capsys):
    run(capsys, "policy", "apply", file(ROWS), "--yes")
    entity = {"PartitionKey": WEB, "RowKey": "production", "Status": "ok: takes 40 m"}
    table.update_entity(entity, mode=UpdateMode.MERGE)
    answer = run(capsys, "policy", "set", f"{WEB}/production", "steps=quick", "Tags=", "Note=7", "--yes")
    assert answer.code == 0
    assert row(table) == {
        "App": "rg-shop/ca-web",
        "Steps": "quick",
        "Mode": "on",
        "Note": "7",
        "Status": "ok: takes 40 m",
    }
    got = run(capsys, "policy", "get", "contoso.azurecr.io/shop/web/production").out
    assert got.endswith("  Note: '7'\n# Status: ok: takes 40 m\n")
    answer = run(capsys, "policy", "set", f"{WEB}/canary", "App=rg-shop/ca-canary", "--yes")
    assert (answer.code, row(table, "canary")) == (0, {"App": "rg-shop/ca-canary"})


def test_a_row_edited_since_it_was_read_is_left_alone_and_told(table, file, capsys, monkeypatch):
    run(capsys, "policy", "apply", file(ROWS), "--yes")

    def meanwhile() -> bool:
        entity = {"PartitionKey": WEB, "RowKey": "production", "Steps": "careful"}
        table.update_entity(entity, mode=UpdateMode.MERGE)
        return True

    monkeypatch.setattr("cli.policy.agreed", meanwhile)
    both = ROWS.replace("Mode: 'on'", "Steps: quick").replace("Notify: none", "Notify: platform")
    answer = run(capsys, "policy", "apply", file(both))
    assert (answer.code, answer.out.splitlines()[-1]) == (1, "1 of 2 written")
    assert answer.err.endswith(f"{WEB}/production: it was edited meanwhile; look at it and apply again\n")
    assert row(table)["Steps"] == "careful"
    assert row(table, "defaults", "contoso.azurecr.io|*") == {"Notify": "platform"}


def test_a_status_written_meanwhile_is_no_edit_and_is_kept(table, file, capsys, monkeypatch):
    run(capsys, "policy", "apply", file(ROWS), "--yes")

    def meanwhile() -> bool:
        entity = {"PartitionKey": WEB, "RowKey": "production", "Status": "waiting: 1.4.3"}
        table.update_entity(entity, mode=UpdateMode.MERGE)
        return True

    monkeypatch.setattr("cli.policy.agreed", meanwhile)
    answer = run(capsys, "policy", "set", f"{WEB}/production", "Steps=quick")
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "1 of 1 written")
    assert (row(table)["Steps"], row(table)["Status"]) == ("quick", "waiting: 1.4.3")


def test_a_row_that_came_or_went_meanwhile(table, file, capsys, monkeypatch):
    name = file(ROWS)

    def comes() -> bool:
        table.create_table()
        table.create_entity({"PartitionKey": WEB, "RowKey": "production", "App": "rg-shop/ca-other"})
        return True

    monkeypatch.setattr("cli.policy.agreed", comes)
    answer = run(capsys, "policy", "apply", name)
    assert (answer.code, "there is such a row already; edit that one; look at it" in answer.err) == (1, True)
    assert row(table) == {"App": "rg-shop/ca-other"}

    def goes() -> bool:
        table.delete_entity(WEB, "production")
        return True

    monkeypatch.setattr("cli.policy.agreed", goes)
    other = f"- PartitionKey: {WEB}\n  RowKey: staging\n  App: rg-shop/ca-stg\n"
    answer = run(capsys, "policy", "apply", file(other), "--prune")
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "3 of 3 written")


def test_prune_takes_away_what_the_files_lack_of_their_registries_alone(table, file, capsys):
    elsewhere = "\n- PartitionKey: fabrikam.azurecr.io|x\n  RowKey: a\n  App: rg-shop/ca-x\n"
    run(capsys, "policy", "apply", file(ROWS + elsewhere), "--yes")
    less = ROWS.split("\n\n", maxsplit=1)[0]
    assert run(capsys, "policy", "apply", file(less), "--yes").out.startswith("0 new, 0 changed, 0 deleted, 1 as")
    answer = run(capsys, "policy", "apply", file(less), "--prune", "--yes")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "- contoso.azurecr.io|*/defaults")
    left = [(one["PartitionKey"], one["RowKey"]) for one in table.list_entities()]
    assert left == [(WEB, "production"), ("fabrikam.azurecr.io|x", "a")]


def test_a_number_that_a_tool_wrote_is_told_and_mended(table, file, capsys):
    run(capsys, "policy", "apply", file(ROWS), "--yes")
    table.update_entity(
        {"PartitionKey": WEB, "RowKey": "production", "Note": EntityProperty(2**40, EdmType.INT64)},
        mode=UpdateMode.MERGE,
    )
    table.update_entity({"PartitionKey": WEB, "RowKey": "production", "Container": 5}, mode=UpdateMode.MERGE)
    answer = run(capsys, "policy", "set", f"{WEB}/production", "Steps=quick", "--yes")
    assert answer.code == 0
    assert (row(table)["Note"], row(table)["Container"]) == (str(2**40), "5")


@pytest.mark.usefixtures("table")
def test_az_commands_are_printed_in_place_of_writing(file, capsys):
    answer = run(capsys, "policy", "apply", file(ROWS), "--print-az")
    assert (answer.code, len(answer.out.splitlines())) == (0, 2)
    assert f"'PartitionKey={WEB}' 'RowKey=production' 'App=rg-shop/ca-web' 'Tags=semver: >=1.4 <2'" in answer.out
    assert run(capsys, "policy", "export").out == ""


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get", "production"], "expected PARTITION/KEY as in contoso.azurecr.io/shop/web/production, found "),
        (["set", f"{WEB}/production", "Steps"], 'expected Column=Value of a column that you write, found "Steps"'),
        (
            ["set", f"{WEB}/production", "status=ok"],
            'expected Column=Value of a column that you write, found "status=ok"',
        ),
        (["apply", "nowhere.yaml"], "nowhere.yaml: expected a file of rows, found none"),
    ],
)
def test_what_is_asked_wrongly_is_said(capsys, arguments, said):
    answer = run(capsys, "policy", *arguments)
    assert (answer.code, answer.err[: len(said)]) == (2, said)


def test_without_a_table_to_ask_it_says_where_one_is_named(monkeypatch, capsys):
    for name in ("AzureWebJobsStorage", "WEIGHBRIDGE_TABLES"):
        monkeypatch.delenv(name, raising=False)
    answer = run(capsys, "policy", "export")
    assert (answer.code, answer.err) == (2, f"{policy_table.EXPECTED}\n")
    for elsewhere in ("https://contoso.table.core.windows.net.evil.test", "http://contoso.table.core.windows.net", "x"):
        answer = run(capsys, "policy", "export", "--account-url", elsewhere)
        assert answer.code == 2
        assert answer.err.endswith(", found another; a sign-in is shown to no other host\n")
    monkeypatch.setenv("AzureWebJobsStorage", "nonsense")
    answer = run(capsys, "policy", "export")
    assert (answer.code, answer.err) == (2, "AzureWebJobsStorage: expected an account's tables, found another\n")


def test_a_key_that_is_not_the_accounts_is_said_without_it(azurite, monkeypatch, capsys):
    wrong = azurite.connection_string.replace("AccountKey=", "AccountKey=AAAA")
    monkeypatch.setenv("AzureWebJobsStorage", wrong)
    answer = run(capsys, "policy", "export")
    assert answer.code == 2
    assert answer.err.startswith("table policies: read: ")
    assert "AccountKey" not in answer.err
