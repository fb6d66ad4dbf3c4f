"""`weighbridge replay FILE…`: events that Event Grid gave up, out of its dead-letter container, told once more.

A dead letter is the event as it was sent, with five fields more, whose names CloudEvents has in lower case
(learn.microsoft.com/azure/event-grid/manage-event-delivery, "Dead-letter schema"). They go to the installation's own
API and not to the endpoint of its triggers, which takes a system key; from there they take the same way.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cli.service import KEY, MOST_BYTES, NotAnswered, Service, answering, url_argument
from cli.text_file import FileError, read_text
from policies.errors import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

HELP = "tell the installation of events out of Event Grid's dead-letter container once more"
TOLD, NOT_ALL, WRONG = 0, 1, 2
ADDED = frozenset(
    {"deadletterreason", "deliveryattempts", "lastdeliveryoutcome", "publishtime", "lastdeliveryattempttime"}
)
_NOBODY = (0, 401, 403, 404)  # no answer, none for this key, no such route: the next event would fare the same
_MOST_FILE = 8 * MOST_BYTES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="dead-lettered blobs; - is standard input")
    url_argument(parser)
    parser.epilog = (
        f"The environment variable {KEY} holds a function key. An event told twice counts once. Exits 0 when every "
        "event was taken or is none of our business, 1 when one was parked or not taken, 2 when a file cannot be "
        "read or there is no answer."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when all were taken, 1 when one was not, 2 for a file that cannot be read or no answer at all."""
    try:
        service = Service.of(args.url, os.environ)
        letters = [(where, letter) for name in args.files for where, letter in read_letters(name)]
    except (FileError, NotAnswered) as error:
        print(error, file=sys.stderr)
        return WRONG
    taken = True
    for where, letter in letters:
        try:
            became, because = _tell(service, letter)
        except NotAnswered as error:
            if not error.again and error.status not in _NOBODY:
                print(f"{where}: {_name(letter)}: {error}", file=sys.stderr)
                taken = False
                continue
            print(f"{where}: {error}; replay the file again: what was taken counts once", file=sys.stderr)
            return WRONG
        print(f"{where}: {_name(letter)}: {became}{f', {because}' if because else ''}")
        taken = taken and became != "parked"
    return TOLD if taken else NOT_ALL


def read_letters(name: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Each event of a blob with where it stands, as it was first sent; raises `FileError`."""
    try:
        found = json.loads(read_text(name, _MOST_FILE, "events"))
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name}: expected JSON of events, found something else ({type(error).__name__})") from error
    for place, letter in enumerate(found if isinstance(found, list) else [found], start=1):
        where = f"{name}: event {place}" if isinstance(found, list) else name
        if not isinstance(letter, dict):
            raise FileError(f"{where}: expected an event, found {type(letter).__name__}")
        yield where, {key: value for key, value in letter.items() if key.lower() not in ADDED}


def _tell(service: Service, letter: Mapping[str, object]) -> tuple[str, str]:
    found = service.give("replay", json.dumps(letter, ensure_ascii=False), allowed=(200,)).body
    with answering("replay"):
        match found:
            case {"became": "accepted", "apps": int(apps)}:
                return "accepted", f"{apps} app{'' if apps == 1 else 's'} woken"
            case {"became": str(became), "because": str(because)}:
                return printable(became), printable(because.replace("\n", "; "))
            case _:
                raise ValueError("no answer to a replay")


def _name(letter: Mapping[str, object]) -> str:
    """What it is about, as far as it says."""
    kind = letter.get("type") if "specversion" in letter else letter.get("eventType")
    return printable(f"{str(kind or 'no type')[:80]} {str(letter.get('subject') or '')[:160]}".strip())
