"""`weighbridge policy get|set|apply|export`: rows as code, held to the same lint as everywhere."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.agreed import agreed
from cli.policy_plan import as_text, faults, plan, repeated
from cli.policy_text import STATUS, as_yaml, cells, differ, named
from cli.rows_file import note_slashes, read_rows
from cli.text_file import FileError
from policies.entities import Entity
from policies.errors import printable, quoted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from cli.policy_plan import Change
    from cli.policy_table import PolicyTable, Stored

HELP = "read and write policy rows: rows as code, with the same lint"
DONE, NOT_DONE, WRONG = 0, 1, 2
_TRIES = 3
_KEYS = "contoso.azurecr.io/shop/web/production"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    get = verbs.add_parser("get", help="print one row as YAML")
    put = verbs.add_parser("set", help="set cells of one row, which may be new")
    apply = verbs.add_parser("apply", help="make the table hold the rows of files; only what differs is written")
    export = verbs.add_parser("export", help="print the table's rows as YAML, as apply reads them")
    for one in (get, put):
        one.add_argument("keys", metavar="PARTITION/KEY", help=f"as in {_KEYS}")
    put.add_argument("cells", metavar="Column=Value", nargs="+", help="nothing behind = clears the cell")
    apply.add_argument("rows", metavar="FILE", nargs="+", help="JSON, CSV or YAML; - is standard input")
    apply.add_argument("--prune", action="store_true", help="delete rows of the files' registries that they lack")
    export.add_argument("registry", metavar="REGISTRY", nargs="*", help="only rows of these, as contoso.azurecr.io")
    for one in (put, apply):
        one.add_argument("--dry-run", action="store_true", help="only show what would change")
        one.add_argument("--yes", action="store_true", help="do not ask")
        one.add_argument("--print-az", action="store_true", help="print az commands instead of writing")
    for one in (get, put, apply, export):
        one.add_argument(
            "--account-url", default="", help="https://ACCOUNT.table.core.windows.net; or WEIGHBRIDGE_TABLES"
        )
        one.epilog = (
            "Asked as the person who is signed in (az login), who needs Storage Table Data Contributor, or Reader to "
            "get and export. Exits 0 when it is done and nothing is left to change, 1 when a row is wrong, was edited "
            "meanwhile, is not there or would change, 2 when a file or the table cannot be read."
        )


def run(args: argparse.Namespace) -> int:
    """Exit 0 done, 1 not, 2 for what cannot be read."""
    from cli.policy_table import TableError, opened  # noqa: PLC0415 - the SDK is loaded for this command alone

    try:
        wanted = [row for name in args.rows for row in read_rows(name)] if args.verb == "apply" else []
        keys = _keys(args.keys) if args.verb in ("get", "set") else ("", "")
        edit = _edit(args.cells) if args.verb == "set" else {}
        with opened(args.account_url) as table:
            match args.verb:
                case "get":
                    return _get(table.get(*keys), args.keys)
                case "export":
                    return _export(table.all(), args.registry)
                case "set":
                    there = table.all()
                    return _change(args, table, there, [_edited(there, keys, edit)])
                case _:
                    return _change(args, table, table.all(), wanted)
    except (FileError, TableError) as error:
        print(error, file=sys.stderr)
        return WRONG


def _get(row: Stored | None, name: str) -> int:
    if row is None:
        print(f"{name}: there is no such row", file=sys.stderr)
        return NOT_DONE
    print(as_yaml([(row.partition, row.key, cells(row.columns))]), end="")
    if row.columns.get(STATUS):
        print(f"# {STATUS}: {printable(str(row.columns[STATUS]))}")
    return DONE


def _export(rows: Sequence[Stored], registries: Sequence[str]) -> int:
    wanted = [row for row in rows if not registries or row.partition.partition("|")[0] in registries]
    ordered = sorted(wanted, key=lambda row: (row.partition, row.key))
    print(as_yaml((row.partition, row.key, cells(row.columns)) for row in ordered), end="")
    return DONE


def _change(args: argparse.Namespace, table: PolicyTable, there: Sequence[Stored], wanted: Sequence[Entity]) -> int:
    """Lint, show, ask, write."""
    for note in note_slashes(wanted):
        print(note, file=sys.stderr)
    changes = plan(there, wanted, prune=getattr(args, "prune", False))
    wrong = [*repeated(wanted), *faults(there, wanted, changes)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        print("nothing was written", file=sys.stderr)
        return NOT_DONE
    if args.print_az:
        print("\n".join(map(_as_az, changes)))
        return DONE
    print(as_text(changes, len(wanted)))
    if not changes:
        return DONE
    if args.dry_run or not (args.yes or agreed()):
        print("nothing was written")
        return NOT_DONE
    refused = [why for change in changes if (why := _write(table, change))]
    for why in refused:
        print(why, file=sys.stderr)
    print(f"{len(changes) - len(refused)} of {len(changes)} written")
    return NOT_DONE if refused else DONE


def _write(table: PolicyTable, change: Change) -> str:
    """Write one row if it still is as it was read; answers why not. Only the service's Status may have moved on."""
    from cli.policy_table import Edited  # noqa: PLC0415 - as in `run`

    for _ in range(_TRIES):
        before = change.before
        try:
            if before is None:
                table.insert(change.partition, change.key, change.wanted or {})
            elif change.wanted is None:
                table.delete(before)
            else:
                table.replace(before, change.columns)
        except Edited as error:
            now = table.get(change.partition, change.key)
            if _is_so(now, change):
                return ""  # somebody wrote the same, or our own answer was lost
            if before is None or now is None or _own(now) != _own(before):
                return f"{error}; look at it and apply again"
            change = replace(change, before=now)
        else:
            return ""
    return f"{change.name}: it kept changing; apply again"


def _is_so(now: Stored | None, change: Change) -> bool:
    if now is None or change.wanted is None:
        return now is None and change.wanted is None
    return not differ(now.columns, change.wanted)


def _own(row: Stored) -> dict[str, object]:
    return {name: value for name, value in row.columns.items() if named(name) != STATUS}


def _as_az(change: Change) -> str:
    from cli import policy_table  # noqa: PLC0415 - as in `run`

    if change.before is None:
        return policy_table.as_az(change.partition, change.key, change.wanted or {})
    if change.wanted is None:
        return policy_table.delete_as_az(change.before)
    return policy_table.replace_as_az(change.before, change.columns)


def _edited(there: Sequence[Stored], keys: tuple[str, str], edit: dict[str, str]) -> Entity:
    """The row with its cells set; a cell that is cleared is gone."""
    row = next((one for one in there if (one.partition, one.key) == keys), None)
    columns = {**(cells(row.columns) if row else {}), **edit}
    return Entity(partition=keys[0], key=keys[1], columns={name: text for name, text in columns.items() if text})


def _keys(text: str) -> tuple[str, str]:
    """The keys of a row a person named; a repository may be written with `/`, which no key can hold."""
    partition, slash, key = text.rpartition("/")
    if not slash or not partition or not key:
        raise FileError(f"expected PARTITION/KEY as in {_KEYS}, found {quoted(text)}")
    return partition.replace("/", "|"), key


def _edit(pairs: Sequence[str]) -> dict[str, str]:
    edit: dict[str, str] = {}
    for pair in pairs:
        column, equals, value = pair.partition("=")
        if not equals or not column.strip() or named(column.strip()) == STATUS:
            raise FileError(f"expected Column=Value of a column that you write, found {quoted(pair)}")
        edit[named(column.strip())] = value
    return edit
