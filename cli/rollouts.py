"""`weighbridge rollouts GROUP/APP [N]`: what was and is rolled out to an app, or one rollout with its audit."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cli.rollout_text import line
from cli.service import KEY, NotAnswered, Service, answering, named, url_argument
from policies.errors import printable
from policies.render import finding_of, tree

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from cli.service import Json

HELP = "list the rollouts of an app, newest first, or one of them with every because"
TOLD, NOT_ANSWERED = 0, 2
SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("app", metavar="GROUP/APP", help="resource group and container app, or its resource id")
    parser.add_argument("n", metavar="N", nargs="?", type=int, help="one rollout, with its audit")
    url_argument(parser)
    parser.add_argument("--all", action="store_true", help=f"more than the {SHOWN} newest")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.epilog = f"The environment variable {KEY} holds a function key. Exits 0, or 2 when there is no answer."


def run(args: argparse.Namespace) -> int:
    """Exit 0 with the answer, 2 without one."""
    try:
        service, route = Service.of(args.url, os.environ), f"rollouts/{named(args.app)}"
        found: object
        if args.n is None:
            rollouts = found = service.listed(route)
            with answering(route):
                text = _list(rollouts if args.all else rollouts[:SHOWN], len(rollouts))
        else:
            one = found = service.ask(f"{route}/{args.n}", {})
            with answering(route):
                text = "\n".join(_whole(one))
    except NotAnswered as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED
    print(json.dumps(found, indent=2, ensure_ascii=False) if args.json else text)
    return TOLD


def _list(shown: list[Json], there: int) -> str:
    left = there - len(shown)
    more = [f"      … and {left} older; --all lists them"] if left else []
    return "\n".join([*map(line, shown), *more]) or "no image was ever offered to this app"


def _whole(rollout: Json) -> list[str]:
    gates = tree(finding_of(rollout["finding"]), paint=sys.stdout.isatty()) if rollout["finding"] else []
    return [line(rollout), printable(f"      by {rollout['policy']}"), *gates, *_events(rollout)]


def _events(rollout: Json) -> Iterator[str]:
    """What was done and said; most ticks only look."""
    for event in rollout["audit"]:
        said = ", ".join(str(one["said"]) for one in event["said"])
        if event["because"] or said:
            yield printable(f"  {str(event['at'])[:19]}  {event['because']}{f'  [{said}]' if said else ''}")
