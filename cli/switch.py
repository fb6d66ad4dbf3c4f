"""`weighbridge switch stop|go`: the one switch that stops everything new, in every app."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cli.service import KEY, NotAnswered, Service, url_argument

if TYPE_CHECKING:
    import argparse

HELP = "stop everything new in every app, or let it go on; rolling back goes on all the time"
DONE, NOT_ANSWERED = 0, 2
_SAID = {
    "stop": "stopped: nothing is created and nothing rises in any app until `weighbridge switch go`",
    "go": "going on: waiting images start, and canaries rise again",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("way", choices=sorted(_SAID))
    parser.add_argument("--comment", default="", help="why: every app that waits for it says so")
    url_argument(parser)
    parser.epilog = (
        f"The environment variable {KEY} holds a function key. Nothing is asked back: an incident does not wait. "
        "Exits 0 when it is done, 2 when there is no answer."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 done, 2 without an answer."""
    try:
        body = json.dumps({"comment": args.comment})
        Service.of(args.url, os.environ).give(f"switch/{args.way}", body, allowed=(200,))
    except NotAnswered as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED
    print(_SAID[args.way])
    return DONE
