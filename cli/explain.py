"""`weighbridge explain`: why an image would ship or not, by every row about it, going by files alone."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.events_file import read_events
from cli.rows_file import note_slashes, read_rows
from cli.text_file import FileError
from policies import explain as core
from policies.errors import quoted
from policies.evidence import DIGEST, read_time
from policies.heard import Heard
from policies.history import moment_of
from policies.keys import DEFAULTS
from policies.lint import check
from policies.offline import known
from policies.pushes import PushEvidence
from policies.render import moment
from policies.tags import TAG, Pushed
from rollouts.model import Image

if TYPE_CHECKING:
    from policies.explain import Explained
    from policies.history import Entry
    from policies.lint import Linted

HELP = "say why an image would ship or not by rows in files, as a tree of every gate"
SHIPS, NONE, WRONG = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--rows", action="append", required=True, metavar="ROWS", help="policy rows: JSON, CSV or YAML; may be repeated"
    )
    parser.add_argument(
        "--event",
        required=True,
        metavar="EVENT",
        help="the push: an event of Event Grid or a webhook's body; - is stdin",
    )
    parser.add_argument(
        "--evidence",
        action="append",
        default=[],
        metavar="FILE",
        help="scans, other pushes and ends of rollouts: JSON, an array or one a line; may be repeated",
    )
    parser.add_argument("--running", type=_running, metavar="TAG[@DIGEST]", help="what the app runs now")
    parser.add_argument(
        "--at", type=_time, metavar="TIME", help="as in 2026-11-24T09:00:00Z; now, when it is not given"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.epilog = (
        "Exits 0 when the image ships by some row at that time, 1 when it ships by none (rows that only observe ship "
        "nothing), 2 when a file cannot be read."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when some row ships the image, 1 when none does, 2 for a file that cannot be read."""
    at = args.at or datetime.now(UTC)
    try:
        written = [row for name in args.rows for row in read_rows(name)]
        push = _push(args.event)
        read = [read_events(name) for name in args.evidence]
    except FileError as error:
        print(error, file=sys.stderr)
        return WRONG
    for note in (*note_slashes(written), *(note for _, notes in read for note in notes)):
        print(note, file=sys.stderr)
    entries = sorted((entry for found, _ in read for entry in found), key=moment_of)
    known_then = [entry for entry in entries if moment_of(entry) <= at]
    if late := len(entries) - len(known_then):
        print(f"note: evidence of after {moment(at)} is left out: {late} of {len(entries)}", file=sys.stderr)
    answers = explained(check(written, whole=True), push, known_then, args.running, at)
    image = _image(push)
    print(_as_json(image, at, answers) if args.json else _as_text(image, at, answers))
    return SHIPS if core.ships(answers) else NONE


def explained(
    rows: tuple[Linted, ...], push: PushEvidence, evidence: list[Entry], running: Pushed | None, at: datetime
) -> list[Explained]:
    """What each row about the image says of it."""
    heard = Heard()
    for entry in sorted([push, *evidence], key=moment_of):
        heard.hear(entry)
    image = _image(push)
    good = [row.policy for row in rows if row.policy]
    answers: list[Explained] = []
    for row in rows:
        if row.error and row.row.key != DEFAULTS and core.is_about(row.key, image, _pattern(row)):
            answers.append(core.broken(row.error))
        if row.policy and row.policy.covers(image.registry, image.repository):
            offline = known(row.policy, image, good, heard, push.pushed_at, running)
            answers.append(core.explain(row.policy, image, offline.facts, at, offline.not_asked))
    return answers


def _pattern(row: Linted) -> str:
    cells = (value for name, value in row.row.columns.items() if name.strip().lower() == "repository")
    return next((cell for cell in cells if isinstance(cell, str) and cell.strip()), "*")


def _push(name: str) -> PushEvidence:
    entries, notes = read_events(name)
    if len(entries) != 1 or not isinstance(entries[0], PushEvidence):
        found = f"{len(entries)} events" if len(entries) != 1 else "another event"
        said = notes[0].removeprefix("note: ") if notes and not entries else f"{name}: expected one push, found {found}"
        raise FileError(said)
    return entries[0]


def _image(push: PushEvidence) -> Image:
    return Image(registry=push.registry, repository=push.repository, tag=push.tag, digest=push.digest)


def _as_text(image: Image, at: datetime, answers: list[Explained]) -> str:
    head = f"{core.named(image)} at {moment(at)}"
    if not answers:
        return f"{head}\n\nno row is about {image.registry}/{image.repository}"
    taken = sorted(set().union(*(answer.not_asked for answer in answers)))
    foot = f"\n\nNot asked offline, and taken to be open: {', '.join(taken)}." if taken else ""
    return f"{head}\n\n{core.as_text(answers, paint=sys.stdout.isatty())}{foot}"


def _as_json(image: Image, at: datetime, answers: list[Explained]) -> str:
    found = {
        "image": {"registry": image.registry, "repository": image.repository, "tag": image.tag, "digest": image.digest},
        "at": at.isoformat(),
        "ships": core.ships(answers),
        "rows": [core.as_fields(answer) for answer in answers],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _time(text: str) -> datetime:
    at = read_time(text)
    if at is None:
        raise argparse.ArgumentTypeError(f"expected a time as in 2026-11-24T09:00:00Z, found {quoted(text)}")
    return at


def _running(text: str) -> Pushed:
    tag, _, digest = text.partition("@")
    if TAG.fullmatch(tag) is None or (digest and DIGEST.fullmatch(digest) is None):
        expected = "a tag as in 1.4.2, or one with its digest behind @"
        raise argparse.ArgumentTypeError(f"expected {expected}, found {quoted(text)}")
    return Pushed(tag=tag, digest=digest)
