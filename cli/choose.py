"""`weighbridge choose`: which of the tags on standard input a Tags cell would take.

A line holds a tag, and perhaps, with tabs between, its push time (RFC 3339) and its digest; blank lines are nothing,
and `-` is a time or digest that is not known. What is no tag is named and left out, for no row could take it. A time
or digest that cannot be read ends it all: the line could be the newest, and an older tag must not be printed instead.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from policies.cells import normalise
from policies.choose import choose, running
from policies.errors import CellError, printable, quoted
from policies.evidence import read_time
from policies.tag_cell import read_tags
from policies.tags import TAG, Pushed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from policies.choose import Choice

HELP = "say which of the tags on standard input a Tags rule takes"
CHOSEN, NONE, WRONG = 0, 1, 2
# The grammar of the OCI image specification, whatever the algorithm.
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+", re.ASCII)
_MOST_SHOWN = 20  # lines of one sort on standard error; a registry may hold a hundred thousand tags


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("--tags", required=True, metavar="RULE", help='a Tags cell, as in "semver: >=1.4 <2"')
    parser.add_argument(
        "--current",
        metavar="TAG[@DIGEST]",
        help="what runs now: nothing is chosen that is not an upgrade of it, nor if it is the best already",
    )
    parser.epilog = (
        "A line on standard input is a tag, and perhaps its push time and its digest, with tabs between. "
        "Exits 0 with the chosen tag on standard output; 1 with the reason on standard error when there is none; "
        "2 when the rule or a line cannot be read."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 with the chosen tag, 1 without one, 2 for a bad rule or list."""
    try:
        rule = read_tags(normalise(args.tags))
    except CellError as error:
        _complain([str(problem) for problem in error.problems])
        return WRONG
    tag, _, digest = (args.current or "").partition("@")
    if args.current is not None and (TAG.fullmatch(tag) is None or (digest and _DIGEST.fullmatch(digest) is None)):
        _complain(
            [f"--current: expected a tag as in 1.4.2, or one with its digest behind @, found {quoted(args.current)}"]
        )
        return WRONG
    images, left_out, wrong = _read(sys.stdin.buffer.read().decode("utf-8-sig", "replace"))
    _complain(left_out)
    if wrong:
        _complain(wrong)
        return WRONG
    choice = choose(rule, images, running(rule, images, tag, digest) if tag else None)
    if choice.guessed:
        _complain(["no push time is known, so names were compared"])
    if choice.chosen is None:
        _complain([choice.because])
        _explain(choice)
        return NONE
    print(choice.chosen.tag)
    return CHOSEN


def _read(text: str) -> tuple[list[Pushed], list[str], list[str]]:
    """The images listed; which lines hold no tag; which lines cannot be read."""
    images: list[Pushed] = []
    left_out: list[str] = []
    wrong: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        tag, *columns = (column.strip() for column in line.split("\t"))
        if not tag and not any(columns):
            continue
        if TAG.fullmatch(tag) is None:
            left_out.append(f"line {number}: not a tag, left out: {quoted(tag)}")
            continue
        try:
            images.append(_image(tag, columns))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    return images, left_out, wrong


def _image(tag: str, columns: Sequence[str]) -> Pushed:
    """The image; raises ValueError for a column that is neither its push time nor its digest."""
    pushed_at, digest = None, ""
    for column in columns:
        time = read_time(column)
        if column in ("", "-"):
            continue
        if time is not None and pushed_at is None:
            pushed_at = time
        elif _DIGEST.fullmatch(column) and not digest:
            digest = column
        else:
            expected = "a push time as in 2026-11-24T09:04:11Z, then a digest as in sha256:9b1e…"
            raise ValueError(f"expected {expected}, found {quoted(column)}")
    return Pushed(tag=tag, digest=digest, pushed_at=pushed_at)


def _explain(choice: Choice) -> None:
    _complain([f"  {printable(one.image.tag)}: {one.because}" for one in choice.refused])


def _complain(lines: Sequence[str]) -> None:
    for line in lines[:_MOST_SHOWN]:
        print(line, file=sys.stderr)
    if len(lines) > _MOST_SHOWN:
        print(f"  … and {len(lines) - _MOST_SHOWN} more", file=sys.stderr)
