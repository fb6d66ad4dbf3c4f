"""`weighbridge simulate`: what rows in files would have done to a recorded history, and what an edit would change."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from cli.events_file import read_events
from cli.rows_file import note_slashes, read_rows
from cli.text_file import FileError
from policies.compare import compare
from policies.lint import check
from policies.simulate import simulate
from policies.simulated_text import by_row, change_fields, changes, happening_fields

if TYPE_CHECKING:
    import argparse

    from policies.compare import Change
    from policies.happenings import Simulated
    from policies.lint import Linted
    from policies.model import Policy

HELP = "say what rows in files would have done to a recorded history, and what an edit of them would change"
SAME, DIFFERS, UNREADABLE = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--rows", action="append", required=True, metavar="ROWS", help="policy rows: JSON, CSV or YAML; may be repeated"
    )
    parser.add_argument(
        "--history",
        action="append",
        required=True,
        metavar="FILE",
        help="recorded pushes, scans and ends of rollouts, as docs/simulate.md has them; may be repeated",
    )
    parser.add_argument(
        "--against", action="append", metavar="ROWS", help="the rows as edited: print only what that changes"
    )
    parser.add_argument("--json", action="store_true", help="print what happens as JSON")
    parser.epilog = (
        "Exits 0, or with --against 0 when every image fares the same and 1 when one does not; 2 when a file cannot "
        "be read."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0; with --against 1 when an image fares otherwise; 2 for a file that cannot be read."""
    try:
        before = _rows(args.rows)
        after = _rows(args.against) if args.against else None
        read = [read_events(name) for name in args.history]
    except FileError as error:
        print(error, file=sys.stderr)
        return UNREADABLE
    history = [entry for entries, _ in read for entry in entries]
    for note in (note for _, notes in read for note in notes):
        print(note, file=sys.stderr)
    was = simulate(_good(before), history)
    if after is None:
        print(_one_as_json(before, was) if args.json else _one_as_text(before, was))
        return SAME
    now = simulate(_good(after), history)
    found = compare(was, now)
    print(_both_as_json(found, (*was.notes, *now.notes)) if args.json else changes(found))
    if not args.json:
        _say_aside([*before, *after], was.notes + now.notes)
    return DIFFERS if found else SAME


def _rows(names: list[str]) -> tuple[Linted, ...]:
    written = [row for name in names for row in read_rows(name)]
    for note in note_slashes(written):
        print(note, file=sys.stderr)
    return check(written, whole=True)


def _good(rows: tuple[Linted, ...]) -> list[Policy]:
    return [row.policy for row in rows if row.policy]


def _broken(rows: list[Linted] | tuple[Linted, ...]) -> list[str]:
    return [f"{row.key}: {problem}" for row in rows if row.error for problem in row.error.problems]


def _one_as_text(rows: tuple[Linted, ...], simulated: Simulated) -> str:
    _say_aside(rows, simulated.notes)
    return by_row(simulated, [row.key for row in _good(rows)]) or "no row ships anything"


def _say_aside(rows: list[Linted] | tuple[Linted, ...], notes: tuple[str, ...]) -> None:
    broken = [f"{line}; nothing ships from this row" for line in _broken(rows)]
    for line in dict.fromkeys([*broken, *(f"note: {note}" for note in notes)]):
        print(line, file=sys.stderr)


def _one_as_json(rows: tuple[Linted, ...], simulated: Simulated) -> str:
    found = {
        "happenings": [happening_fields(one) for one in simulated.happenings],
        "broken": _broken(rows),
        "notes": list(simulated.notes),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _both_as_json(found: tuple[Change, ...], notes: tuple[str, ...]) -> str:
    told = {"changes": [change_fields(change) for change in found], "notes": list(dict.fromkeys(notes))}
    return json.dumps(told, indent=2, ensure_ascii=False)
