"""`weighbridge choose`: which of the tags on standard input a Tags cell would take."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from policies.errors import CellError
from policies.tag_cell import read_tags

if TYPE_CHECKING:
    import argparse

HELP = "say which of the tags on standard input a Tags rule takes"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("--tags", required=True, metavar="RULE", help='a Tags cell, as in "semver: >=1.4 <2"')


def run(args: argparse.Namespace) -> int:
    """Exit 0 with the chosen tag, 1 without one, 2 for a bad rule."""
    try:
        read_tags(args.tags)
    except CellError as error:
        print(error, file=sys.stderr)
        return 2
    return 1
