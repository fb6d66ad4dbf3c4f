"""`weighbridge lint`: every problem of every row of a file, before any of it is in a table."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

from cli.rows_file import note_slashes, read_rows
from cli.text_file import FileError
from policies.errors import Problem
from policies.keys import DEFAULTS
from policies.lint import Linted, lint
from policies.status import status_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from policies.entities import Entity

HELP = "check policy rows in files: JSON, CSV or YAML, as exported by Storage Explorer and az too"
FINE, BROKEN, UNREADABLE = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "rows", nargs="+", metavar="ROWS", help="files of rows, all read as one table; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.epilog = "Exits 0 when every row is fine, 1 when one is not, 2 when a file cannot be read."


def run(args: argparse.Namespace) -> int:
    """Exit 0 when every row is fine, 1 when one is not, 2 for a file that cannot be read."""
    try:
        rows = [row for name in args.rows for row in read_rows(name)]
    except FileError as error:
        print(error, file=sys.stderr)
        return UNREADABLE
    linted = checked(rows)
    print(_as_json(linted) if args.json else _as_text(linted))
    for note in note_slashes(rows):
        print(note, file=sys.stderr)
    return BROKEN if any(one.error for one in linted) else FINE


def checked(rows: list[Entity]) -> tuple[Linted, ...]:
    """Every row with all its problems, also that its keys are another row's too."""
    times = Counter((row.partition, row.key) for row in rows)
    twice = Problem(column="RowKey", expected="one row of these keys", found="more in these files")
    return tuple(one.wrong([twice] if times[one.row.partition, one.row.key] > 1 else []) for one in lint(rows))


def _as_text(linted: Iterable[Linted]) -> str:
    lines: list[str] = []
    good = broken = 0
    for one in linted:
        good, broken = (good, broken + 1) if one.error else (good + 1, broken)
        lines += (
            [f"{one.key}: {problem}" for problem in one.error.problems] if one.error else [f"{one.key}: {_fine(one)}"]
        )
    rows = f"{good + broken} row{'s' if good + broken != 1 else ''}"
    return "\n".join([*lines, f"{rows}: {'all fine' if not broken else f'{broken} broken: nothing ships from those'}"])


def _fine(one: Linted) -> str:
    if one.policy is None:
        return "ok: shared by the registry's other rows" if one.row.key == DEFAULTS else "ok"
    return status_line(one.policy)


def _as_json(linted: Iterable[Linted]) -> str:
    found = [
        {
            "key": one.key,
            "status": "broken" if one.error else _fine(one),
            "problems": [
                {"column": p.column, "expected": p.expected, "found": p.found, "hint": p.hint or None, "text": str(p)}
                for p in (one.error.problems if one.error else ())
            ],
        }
        for one in linted
    ]
    return json.dumps(found, indent=2, ensure_ascii=False)
